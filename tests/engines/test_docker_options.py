"""The options of `docker build` on a real dockerd: honoured by a builder, or refused by name."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from container_magics.engines.build_request import (
    BuildOutput,
    BuildSecret,
    CacheExchange,
    SshAgent,
    Ulimit,
)
from container_magics.errors import (
    DockerfileError,
    PullError,
    SourceNotFoundError,
    UnsupportedError,
    UsageError,
)
from tests.engines.test_docker_build import builder

__all__ = ["builder"]

pytestmark = pytest.mark.docker

only_buildkit = pytest.mark.parametrize("builder", ["buildkit"], indirect=True)
only_classic = pytest.mark.parametrize("builder", ["classic"], indirect=True)


def test_added_hosts(builder):
    hosts = {"one.test": "10.1.2.3", "two.test": "fe80::1"}
    builder.build("FROM busybox:test\nRUN grep test /etc/hosts\n", add_hosts=hosts, no_cache=True)
    lines = builder.log("/etc/hosts").decode().splitlines()
    assert [line.split() for line in lines] == [[ip, name] for name, ip in hosts.items()]


def test_limits(builder):
    options = {"shm_size": 32 << 20, "ulimits": (Ulimit("nofile", 77, 88),), "no_cache": True}
    text = "FROM busybox:test\nRUN ulimit -n; ulimit -Hn; df -k /dev/shm | tail -n 1\n"
    if builder.kind == "classic":
        builder.build(text, **options)
        soft, hard, shm = builder.log("-n 1").decode().splitlines()
        assert (soft, hard, shm.split()[1]) == ("77", "88", "32768")
        return
    for name, value in list(options.items())[:2]:
        with pytest.raises(UnsupportedError) as error:
            builder.build(text, **{name: value})
        assert f"--{name.rstrip('s').replace('_', '-')}: " in error.value.message
        assert "ignores it" in error.value.message
        assert "DOCKER_BUILDKIT=0" in error.value.hint


@only_buildkit
def test_secrets_leave_nothing_in_the_image(builder, tmp_path, monkeypatch):
    file = tmp_path / "a,b"
    file.write_text("from a file")
    monkeypatch.setenv("SECRET_OF_TEST", "from the environment")
    result = builder.build(
        "FROM busybox:test\n"
        "RUN --mount=type=secret,id=one --mount=type=secret,id=two"
        " cat /run/secrets/one /run/secrets/two | tr a-z A-Z; touch /ran\n",
        secrets=(BuildSecret("one", file), BuildSecret("two", variable="SECRET_OF_TEST")),
        no_cache=True,
    )
    assert b"FROM A FILEFROM THE ENVIRONMENT" in builder.log("touch /ran")
    assert "SECRET" not in str(result.image.history)


@only_buildkit
def test_keys_for_ssh(builder, tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    builder.build(
        'FROM busybox:test\nRUN --mount=type=ssh,id=k test -S "$SSH_AUTH_SOCK" && echo there\n',
        ssh=(SshAgent("k", (key,)),),
        no_cache=True,
    )
    assert builder.log("echo there") == b"there\n"


@only_buildkit
def test_a_secret_that_is_not_there(builder):
    with pytest.raises(UsageError, match="/nonesuch"):
        builder.build("FROM busybox:test\nRUN x\n", secrets=(BuildSecret("s", Path("/nonesuch")),))


@only_buildkit
@pytest.mark.parametrize("kind", ["local", "tar", "stdout"])
def test_outputs_that_are_no_image(builder, tmp_path, kind):
    text = (
        "FROM busybox:test AS made\nRUN echo made > /made\nFROM scratch\nCOPY --from=made /made /\n"
    )
    stream = io.BytesIO()
    output = {
        "local": BuildOutput("local", tmp_path / "out"),
        "tar": BuildOutput("tar", tmp_path / "out.tar"),
        "stdout": BuildOutput("tar", Path("-"), stream=stream),
    }[kind]
    result = builder.build(text, outputs=(output,), tags=("written:1",))
    assert result.image is None
    assert result.steps == 3
    if kind == "local":
        assert (tmp_path / "out" / "made").read_text() == "made\n"
        return
    data = (tmp_path / "out.tar").read_bytes() if kind == "tar" else stream.getvalue()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.extractfile("made").read() == b"made\n"


def test_images_saved_into_archives(builder, tmp_path):
    stream = io.BytesIO()
    result = builder.build(
        "FROM busybox:test\nRUN true\n",
        tags=("saved:1",),
        outputs=(
            BuildOutput("docker", tmp_path / "image.tar", {"name": "saved:2"}),
            BuildOutput("docker", Path("-"), stream=stream),
        ),
    )
    assert set(result.image.names) == {"saved:1", "saved:2"}
    builder.engine.remove_image("saved:1")
    builder.engine.remove_image("saved:2")
    with (tmp_path / "image.tar").open("rb") as archive:
        assert set(builder.engine.load(archive)) == {"saved:1", "saved:2"}
    stream.seek(0)
    assert set(builder.engine.load(stream)) == {"saved:1", "saved:2"}
    assert builder.engine.image("saved:2").id == result.image.id


@only_buildkit
def test_inline_cache(builder):
    result = builder.build(
        "FROM busybox:test\nRUN echo cached\n",
        cache_to=(CacheExchange("inline"),),
        cache_from=(CacheExchange("registry", {"ref": "busybox:test"}),),
        no_cache=True,
    )
    data = builder.engine.inspect(result.image.id)
    assert data["Id"] == result.image.id
    archive = io.BytesIO()
    builder.engine.save([result.image.id], archive)
    assert b"moby.buildkit.cache.v0" in archive.getvalue()


NOWHERE = {
    "build-context": {"contexts": {"data": "/tmp"}},
    "no-cache-filter": {"no_cache_filter": ("a",)},
    "cache-to": {"cache_to": (CacheExchange("local", {"dest": "/x"}),)},
    "cache-from": {"cache_from": (CacheExchange("local", {"src": "/x"}),)},
    "output": {"outputs": (BuildOutput("oci", Path("/x")),)},
}


@pytest.mark.parametrize("flag", NOWHERE)
def test_flags_that_neither_builder_has(builder, flag):
    with pytest.raises(UnsupportedError) as error:
        builder.build("FROM busybox:test\nRUN true\n", **NOWHERE[flag])
    assert f"docker build --{flag}" in error.value.message
    wanted = {"buildkit": "plugin", "classic": "BuildKit"}[builder.kind]
    assert wanted in str(error.value)
    assert "embedded" in error.value.hint


@only_classic
def test_flags_of_buildkit_alone(builder, tmp_path):
    for flag, options in {
        "secret": {"secrets": (BuildSecret("s", variable="S"),)},
        "ssh": {"ssh": (SshAgent(),)},
        "output": {"outputs": (BuildOutput("local", tmp_path / "x"),)},
    }.items():
        with pytest.raises(UnsupportedError, match=f"docker build --{flag}"):
            builder.build("FROM busybox:test\n", **options)


@only_buildkit
def test_several_outputs(builder, tmp_path):
    outputs = (BuildOutput("image"), BuildOutput("local", tmp_path / "x"))
    with pytest.raises(UnsupportedError, match="more than one"):
        builder.build("FROM busybox:test\n", outputs=outputs)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM busybox:test\nRUN <<EOF\ntrue\nEOF\n", 3),
        ("FROM busybox:test\nCOPY --link file /\n", 2),
        ("FROM busybox:test\nRUN --network=none true\n", 2),
    ],
)
def test_syntax_that_is_newer_than_the_builder(builder, tmp_path, text, line):
    (tmp_path / "file").touch()
    with pytest.raises(DockerfileError) as error:
        builder.build(text, tmp_path)
    assert error.value.line in (0, line)
    assert "20.10" in error.value.hint
    assert "embedded" in error.value.hint


@only_classic
def test_mounts_need_buildkit(builder):
    with pytest.raises(DockerfileError) as error:
        builder.build("FROM busybox:test\nRUN --mount=type=cache,target=/c true\n")
    assert "BuildKit" in error.value.message
    assert "embedded" in error.value.hint


@only_buildkit
def test_a_frontend_that_cannot_be_had(builder):
    with pytest.raises(PullError, match="# syntax="):
        builder.build("# syntax=localhost:1/frontend:1\nFROM busybox:test\n")


def test_rules_of_the_dockerfile_alone(builder, tmp_path):
    context = tmp_path / "context"
    context.mkdir()
    for name in ("one", "two"):
        (context / name).touch()
    (context / ".dockerignore").write_text("one\n")
    rules = tmp_path / "rules"
    rules.write_text("two\n")
    text = "FROM busybox:test\nCOPY . /c/\nRUN ls /c\n"
    for file, names in ((None, b"two\n"), (rules, b"one\n"), (Path("/dev/null"), b"one\ntwo\n")):
        builder.build(text, context, ignore_file=file, no_cache=True)
        assert builder.log("ls /c") == names
    (context / ".dockerignore").unlink()
    builder.build(text, context, ignore_file=rules, no_cache=True)
    assert builder.log("ls /c") == b"one\n"
    with pytest.raises(SourceNotFoundError):
        builder.build("FROM busybox:test\nCOPY two /\n", context, ignore_file=rules)


@pytest.mark.parametrize("flag", NOWHERE)
def test_nothing_is_shown_of_a_build_that_is_refused(builder, flag):
    with pytest.raises(UnsupportedError):
        builder.build("FROM busybox:test\nRUN true\n", **NOWHERE[flag])
    assert builder.events == []


def test_attributes_that_images_of_the_engine_cannot_have(builder):
    outputs = (BuildOutput("image", attributes={"compression": "zstd"}),)
    with pytest.raises(UnsupportedError, match="compression"):
        builder.build("FROM busybox:test\n", outputs=outputs)
