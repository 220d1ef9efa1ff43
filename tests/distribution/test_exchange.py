"""An image between each of our engines and each of the programs that others use, both ways."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from container_magics.engines.base import Engine
from container_magics.engines.docker import DockerEngine
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RunRequest
from container_magics.errors import NotFoundError
from tests.conftest import missing
from tests.engines.embedded.material import digest, docker_archive, encoded, image_config
from tests.fixtures.registries import Registry, at_home, registries
from tests.fixtures.skopeo import skopeo

__all__ = ["at_home", "registries"]

pytestmark = [pytest.mark.registry, pytest.mark.docker, pytest.mark.root]

CAPABILITY = b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
"""`cap_net_bind_service=ep`, as the kernel keeps it."""


def member(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, **fields: object):
    """A member of a layer, with the fields of its header."""
    found = tarfile.TarInfo(name)
    found.type, found.mode, found.mtime = kind, mode, 1_600_000_000
    for field, value in fields.items():
        setattr(found, field, value)
    return found


def layer(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for header, content in members:
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


class Sample:
    """An image that no other test has, of two layers with what a layer can hold."""

    def __init__(self) -> None:
        self.name = f"exchange/{uuid.uuid4().hex}:v1"
        capability = {"SCHILY.xattr.security.capability": CAPABILITY.decode()}
        owner = {"uid": 1000, "gid": 1001}
        self.layers = [
            layer(
                (member("etc", tarfile.DIRTYPE, 0o755), b""),
                (member("etc/gone"), b"gone"),
                (member("bin", tarfile.DIRTYPE, 0o755), b""),
                (member("bin/tool", mode=0o4755, **owner), self.name.encode()),
                (member("bin/alias", tarfile.LNKTYPE, 0o4755, linkname="bin/tool", **owner), b""),
                (member("bin/server", mode=0o755, pax_headers=capability), b"server"),
            ),
            layer(
                (member("etc/.wh.gone"), b""),
                (member("etc/new", tarfile.SYMTYPE, 0o777, linkname="../bin/tool"), b""),
            ),
        ]
        self.config = image_config(*self.layers, Cmd=["/bin/tool"], Labels={"name": self.name})
        self.id = digest(encoded(self.config))

    def archive(self, name: str) -> bytes:
        """The image, with a name, as `docker load` takes it."""
        return docker_archive(self.config, self.layers, [name])

    def check(self, archive: bytes) -> None:
        """See that an archive of `docker save` has the image, byte for byte."""
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:

            def read(path: str) -> bytes:
                return files.extractfile(path).read()

            [row] = json.loads(read("manifest.json"))
            assert digest(read(row["Config"])) == self.id
            assert [read(path) for path in row["Layers"]] == self.layers

    def check_tree(self, exported: bytes) -> None:
        """See that a container's file system, as exported, is what the layers say."""
        with tarfile.open(fileobj=io.BytesIO(exported)) as files:
            found = {each.name.removeprefix("./"): each for each in files}
            tool, server, link = (found[path] for path in ("bin/tool", "bin/server", "etc/new"))
            alias = found["bin/alias"]
            assert "etc/gone" not in found
            assert not [path for path in found if ".wh." in path]
            assert {tool.type, alias.type} == {tarfile.REGTYPE, tarfile.LNKTYPE}
            for each in (tool, alias):
                assert (each.mode & 0o7777, each.uid, each.gid) == (0o4755, 1000, 1001)
                assert files.extractfile(each).read() == self.name.encode()
            assert (link.type, link.linkname) == (tarfile.SYMTYPE, "../bin/tool")
            assert files.extractfile(server).read() == b"server"
            kept = server.pax_headers["SCHILY.xattr.security.capability"]
            assert kept.encode("utf-8", "surrogateescape") == CAPABILITY


class Ours:
    """One of our engines; `forget` makes it have the image no more."""

    def __init__(self, engine: Engine, host: str) -> None:
        self.engine = engine
        self.host = host

    def push(self, sample: Sample) -> None:
        name = f"{self.host}/{sample.name}"
        assert self.engine.load(io.BytesIO(sample.archive(name))) == [name]
        self.engine.push(name, lambda _: None, Cancellation())

    def pull(self, sample: Sample) -> None:
        name = f"{self.host}/{sample.name}"
        assert self.engine.pull(name, lambda _: None, Cancellation()).id == sample.id
        archive, exported = io.BytesIO(), io.BytesIO()
        self.engine.save([name], archive)
        sample.check(archive.getvalue())
        container = self.engine.create(RunRequest(name), lambda _: None, Cancellation())
        try:
            self.engine.export(container, exported)
        finally:
            self.engine.remove_container(container)
        sample.check_tree(exported.getvalue())

    def forget(self, sample: Sample) -> None:
        with suppress(NotFoundError):
            self.engine.remove_image(f"{self.host}/{sample.name}", force=True)


class DockerProgram:
    """The docker command line, on the tests' dockerd."""

    def __init__(self, socket: Path, host: str) -> None:
        self.host = host
        self._socket = socket

    def _docker(self, *words: str, stdin: bytes = b"") -> bytes:
        command = ["docker", "--host", f"unix://{self._socket}", *words]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def push(self, sample: Sample) -> None:
        name = f"{self.host}/{sample.name}"
        self._docker("load", "--quiet", stdin=sample.archive(name))
        self._docker("push", "--quiet", name)

    def pull(self, sample: Sample) -> None:
        name = f"{self.host}/{sample.name}"
        self._docker("pull", "--quiet", name)
        listed = self._docker("image", "inspect", "--format", "{{.Id}}", name)
        assert listed.decode().strip() == sample.id
        sample.check(self._docker("save", name))

    def forget(self, sample: Sample) -> None:
        name = f"{self.host}/{sample.name}"
        if self._docker("image", "ls", "--quiet", name):
            self._docker("image", "rm", "--force", name)


class Skopeo:
    """`skopeo copy`, from and to an archive."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.host = registry.host
        self._registry = registry
        self._archive = folder / "skopeo.tar"

    def push(self, sample: Sample) -> None:
        self._archive.write_bytes(sample.archive("sample:1"))
        verify = f"--dest-tls-verify={json.dumps(self._registry.authority is not None)}"
        there = f"docker://{self.host}/{sample.name}"
        skopeo("copy", "--quiet", verify, f"docker-archive:{self._archive}", there)

    def pull(self, sample: Sample) -> None:
        verify = f"--src-tls-verify={json.dumps(self._registry.authority is not None)}"
        there = f"docker://{self.host}/{sample.name}"
        skopeo("copy", "--quiet", verify, there, f"docker-archive:{self._archive}")
        sample.check(self._archive.read_bytes())

    def forget(self, sample: Sample) -> None:
        self._archive.unlink(missing_ok=True)


Program = Ours | DockerProgram | Skopeo
OURS, ALL = ("embedded", "docker engine"), ("embedded", "docker engine", "docker", "skopeo")
PAIRS = [(one, other) for one in ALL for other in ALL if one in OURS or other in OURS]


@pytest.fixture
def programs(
    at_home: Registry, docker_socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Program]]:
    """All of them, as one user has them who knows the registry.

    The docker daemon looks for authorities in /etc alone, so it is told 127.0.0.1.
    """
    if not shutil.which("docker"):
        missing("no docker here: apt-get install docker.io")
    docker, embedded = DockerEngine("tests", f"unix://{docker_socket}"), EmbeddedEngine(tmp_path)
    yield {
        "embedded": Ours(embedded, at_home.host),
        "docker engine": Ours(docker, at_home.local),
        "docker": DockerProgram(docker_socket, at_home.local),
        "skopeo": Skopeo(at_home, tmp_path),
    }
    embedded.close()
    docker.close()


@pytest.mark.parametrize(("pushes", "pulls"), PAIRS, ids=lambda name: name.replace(" ", "-"))
def test_what_one_pushes_the_other_pulls(programs, pushes, pulls):
    sample = Sample()
    try:
        programs[pushes].push(sample)
        programs[pushes].forget(sample)
        programs[pulls].pull(sample)
    finally:
        for program in programs.values():
            program.forget(sample)
