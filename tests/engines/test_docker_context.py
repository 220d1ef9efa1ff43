"""Of a build context, a builder is sent what the Dockerfile names, and no more."""

from __future__ import annotations

import os
import socket
import stat
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from container_magics.engines.build_request import BuildRequest
from container_magics.engines.docker import DockerEngine
from container_magics.engines.docker.building.context_archive import context_archive
from container_magics.engines.docker.building.named_paths import named_paths
from container_magics.errors import BuildError
from tests.engines.test_docker_build import Builder, builder
from tests.fixtures.relay import Relay, running_relay

__all__ = ["builder"]

FILES = ("a.py", "b.py", "c.txt", "src/x/1", "src/y/2", "src/z", "data/big", ".hidden")
BASES: dict[str, dict[str, Any]] = {
    "base": {"Env": ["WHERE=src", "EMPTY="]},
    "triggering": {"OnBuild": ["COPY . /"]},
}
DOCKERFILE = ".dockerfile.test"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def sent(context: Path, text: str, **options) -> set[str]:
    """The files that would be sent."""
    request = BuildRequest(text, context, **options)
    named = named_paths(request, BASES.get)
    with (
        context_archive(request, named, DOCKERFILE) as file,
        tarfile.open(fileobj=file) as archive,
    ):
        names = {member.name for member in archive if not member.isdir()}
    assert {DOCKERFILE, ".dockerignore"} <= names
    return names - {DOCKERFILE, ".dockerignore"}


EVERYTHING = set(FILES)
NAMED = {
    "COPY c.txt /": {"c.txt"},
    "COPY a.py b.py /d/": {"a.py", "b.py"},
    "COPY *.py /d/": {"a.py", "b.py"},
    "COPY ./src/../c.txt /": {"c.txt"},
    "COPY /src/x /": {"src/x/1"},
    "COPY src /": {"src/x/1", "src/y/2", "src/z"},
    "COPY s*/?/* /d/": {"src/x/1", "src/y/2"},
    'COPY ["a.py", "/"]': {"a.py"},
    "ADD https://example.org/c.txt /": set(),
    "ADD src/z /": {"src/z"},
    "COPY missing /": set(),
    "COPY <<EOF /f\ntext\nEOF": set(),
    "RUN true": set(),
    "COPY $WHERE/z /": {"src/z"},
    "ARG WHICH=c\nCOPY ${WHICH}.txt /": {"c.txt"},
    "ARG GIVEN=c\nCOPY ${GIVEN}.py /": {"b.py"},
    "ARG GIVEN\nENV GIVEN=a\nCOPY $GIVEN.py /": {"a.py"},
    "ENV A=sr B=c\nENV A=${A}c\nCOPY $A/z /": {"src/z"},
    "ARG GLOBAL\nCOPY $GLOBAL /": {"data/big"},
    "COPY src/${EMPTY}z /": {"src/z"},
    # What cannot be told.
    "COPY . /": EVERYTHING,
    "COPY * /": EVERYTHING,
    "COPY $UNKNOWN/c.txt /": EVERYTHING,
    "RUN --mount=target=/c true": EVERYTHING,
    "RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t true": set(),
    "RUN --mount=source=src/x,target=/c true": {"src/x/1"},
    "RUN --mount=from=other,source=/,target=/c true": set(),
    "RNU true": EVERYTHING,
    "COPY --from=other x /\nCOPY c.txt /": {"c.txt"},
    "FROM unknown\nCOPY c.txt /": EVERYTHING,
    "FROM triggering\nCOPY c.txt /": EVERYTHING,
    "FROM base AS mine\nONBUILD COPY c.txt /\nFROM mine\nCOPY a.py /": {"c.txt", "a.py"},
    "ENV N=a\nFROM base\nCOPY $N.py /": EVERYTHING,
}


@pytest.mark.parametrize("text", NAMED)
def test_what_is_sent(context, text):
    whole = f"ARG GLOBAL=data\nFROM base AS first\n{text}\n"
    assert sent(context, whole, build_args={"GIVEN": "b"}) == NAMED[text]


def test_stages_after_the_target_are_not_built(context):
    text = "FROM base AS one\nCOPY a.py /\nFROM base AS two\nCOPY b.py /\nFROM two\nCOPY c.txt /\n"
    assert sent(context, text, target="two") == {"a.py", "b.py"}


def test_rules_count_too(context):
    (context / ".dockerignore").write_text("src\n!src/y\n*.py\n")
    assert sent(context, "FROM base\nCOPY src a.py c.txt /d/\n") == {"src/y/2", "c.txt"}
    assert sent(context, "FROM base\nCOPY src/y /\n") == {"src/y/2"}
    rules = context / "rules"
    rules.write_text("c.txt\n")
    assert sent(context, "FROM base\nCOPY a.py c.txt /d/\n", ignore_file=rules) == {"a.py"}


def test_links_may_lead_anywhere_in_the_context(context):
    (context / "link").symlink_to("src/x")
    assert sent(context, "FROM base\nCOPY link/1 /\n") == EVERYTHING | {"link"}
    assert sent(context, "FROM base\nCOPY li* /\n") == EVERYTHING | {"link"}
    (context / "src/inside").symlink_to("../data")
    assert sent(context, "FROM base\nCOPY src /\n") == {
        "src/x/1",
        "src/y/2",
        "src/z",
        "src/inside",
    }


def test_members_are_as_docker_sends_them(context):
    name = os.fsdecode(b"odd-\xff")
    odd = context / "odd"
    odd.mkdir(mode=0o750)
    (odd / name).write_text("x")
    (odd / name).chmod(0o751)
    os.link(odd / name, odd / "second")
    os.mkfifo(odd / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(odd / "socket"))
    os.chown(odd / name, 1234, 5678)
    os.utime(odd / name, (1, 1.5))
    request = BuildRequest("FROM base\nCOPY odd /\n", context)
    with (
        context_archive(request, named_paths(request, BASES.get), DOCKERFILE) as file,
        tarfile.open(fileobj=file) as archive,
    ):
        members: Mapping[str, tarfile.TarInfo] = {m.name: m for m in archive}
        first = members[f"odd/{name}"]
        assert (first.uid, first.gid, first.uname, first.mtime) == (0, 0, "", 1)
        assert stat.S_IMODE(first.mode) == 0o751
        assert members["odd/second"].linkname == f"odd/{name}"
        assert members["odd/pipe"].isfifo()
        assert "odd/socket" not in members
        assert members["odd"].mode == 0o750


def test_what_cannot_be_read_is_named(context):
    """Root reads everything: a context that is no more stands in for what cannot be read."""
    request = BuildRequest("FROM base\nCOPY . /\n", context / "gone")
    with pytest.raises(BuildError, match="gone"):
        context_archive(request, None, DOCKERFILE)


@pytest.fixture
def relay(docker_socket: Path) -> Iterator[Relay]:
    with running_relay(docker_socket) as running:
        yield running


@pytest.mark.docker
def test_a_large_context_is_sent_only_as_far_as_it_is_named(builder, relay, tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(4 << 30)
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "named").write_bytes(os.urandom(300_000))
    through = Builder(DockerEngine("relay", f"unix://{relay.path}"), builder.kind)
    text = "FROM busybox:test\nCOPY dir*/named /\nRUN ls /named\n"
    through.build(text, tmp_path)
    assert through.log("ls /named") == b"/named\n"
    assert 300_000 < relay.sent < 600_000
    through.engine.close()
