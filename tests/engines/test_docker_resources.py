"""Files, images, volumes, networks and the use of resources of containers, on a real dockerd."""

from __future__ import annotations

import io
import stat
import tarfile
import time
from collections.abc import Iterator

import pytest

from container_magics.engines.containers import Change, CommitRequest, Container, ExecRequest
from container_magics.engines.docker import DockerEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import Volume
from container_magics.errors import (
    ConflictError,
    ContainerMagicsError,
    InvalidReferenceError,
    NotFoundError,
    UsageError,
)
from tests.fixtures.living import Seen, alone, created, ended, started, written
from tests.fixtures.processes import wait_until

pytestmark = pytest.mark.docker

MISSING = "No such container: nosuch"


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    with alone(docker_engine) as found:
        yield found


@pytest.fixture(scope="module")
def tree(docker_engine: DockerEngine) -> Iterator[Container]:
    """A container with files of several kinds in /d."""
    script = (
        "mkdir -p /d/sub && cd /d && echo text > file && chmod 4750 file && ln -s sub link "
        "&& ln -s /nosuch broken && mkfifo pipe && mknod null c 1 3 && chmod 1777 sub"
    )
    with alone(docker_engine) as engine:
        yield ended(engine, "sh", "-c", script)


def tar(*members: tarfile.TarInfo, content: bytes = b"") -> io.BytesIO:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    output.seek(0)
    return output


def copied(engine: DockerEngine, name: str, path: str) -> dict[str, tarfile.TarInfo]:
    output = io.BytesIO()
    engine.copy_from(name, path, output)
    output.seek(0)
    with tarfile.open(fileobj=output) as archive:
        return {member.name: member for member in archive}


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "mode"),
        [
            ("/d/file", stat.S_IFREG | 0o4750),
            ("/d/sub", stat.S_IFDIR | 0o1777),
            ("/d/pipe", stat.S_IFIFO | 0o644),
            ("/d/null", stat.S_IFCHR | 0o644),
        ],
    )
    def test_kinds_and_modes(self, docker_engine, tree, path, mode):
        found = docker_engine.path_status(tree.id, path)
        assert (found.name, oct(found.mode), found.link) == (path.rpartition("/")[2], oct(mode), "")

    def test_symlinks(self, docker_engine, tree):
        found = docker_engine.path_status(tree.id, "/d/link")
        assert (stat.S_ISLNK(found.mode), found.link) == (True, "/d/sub")
        assert docker_engine.path_status(tree.id, "/d/broken").link == "/nosuch"

    def test_size(self, docker_engine, tree):
        assert docker_engine.path_status(tree.id, "/d/file").size == 5

    def test_copies_a_tree(self, docker_engine, tree):
        found = copied(docker_engine, tree.id, "/d")
        assert set(found) >= {"d", "d/file", "d/sub", "d/link", "d/broken", "d/null"}
        assert set(copied(docker_engine, tree.id, "/d/file")) == {"file"}

    @pytest.mark.parametrize(
        "verb",
        [
            lambda engine, name: engine.path_status(name, "/d/nosuch"),
            lambda engine, name: engine.copy_from(name, "/d/nosuch", io.BytesIO()),
            lambda engine, name: engine.copy_to(name, "/d/nosuch", tar()),
        ],
    )
    def test_what_is_not_there(self, docker_engine, tree, verb):
        with pytest.raises(NotFoundError, match="Could not find the file /d/nosuch in container"):
            verb(docker_engine, tree.id)
        with pytest.raises(NotFoundError, match=MISSING):
            verb(docker_engine, "nosuch")


class TestCopyTo:
    def test_unpacks(self, engine):
        container = started(engine)
        folder = tarfile.TarInfo("new")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        data = bytes(range(256)) * 10_000
        engine.copy_to(container.id, "/tmp", tar(folder, tarfile.TarInfo("new/f"), content=data))
        seen = Seen()
        request = ExecRequest(("cat", "/tmp/new/f"))
        engine.exec(container.id, request, seen.emit, Cancellation())
        assert seen.stream(1) == data

    def test_into_what_is_no_directory(self, engine):
        with pytest.raises(ContainerMagicsError, match="is not a directory"):
            engine.copy_to(created(engine).id, "/etc/passwd", tar(tarfile.TarInfo("f")))

    def test_a_directory_is_not_replaced_by_a_file(self, engine):
        with pytest.raises(ContainerMagicsError, match="cannot overwrite directory"):
            engine.copy_to(created(engine).id, "/", tar(tarfile.TarInfo("etc")))

    def test_owners(self, engine):
        container = created(engine, user="me")
        member = tarfile.TarInfo("f")
        member.uid, member.gid = 1234, 5678
        engine.copy_to(container.id, "/tmp", tar(member), owners=True)
        found = copied(engine, container.id, "/tmp/f")["f"]
        assert (found.uid, found.gid) == (1234, 5678)


class TestCommit:
    def test_changes(self, engine):
        container = ended(engine, "sh", "-c", "echo x > /new; rm /etc/group; chmod 600 /etc/passwd")
        found = engine.changes(container.id)
        assert {
            Change("A", "/new"),
            Change("D", "/etc/group"),
            Change("C", "/etc/passwd"),
            Change("C", "/etc"),
        } <= set(found)
        assert found == sorted(found, key=lambda change: change.path)
        assert engine.changes(created(engine).id) == []
        with pytest.raises(NotFoundError, match=MISSING):
            engine.changes("nosuch")

    def test_makes_an_image(self, engine):
        container = ended(engine, "sh", "-c", "echo kept > /new")
        request = CommitRequest(
            "saved:1", changes=('CMD ["cat", "/new"]', "ENV A=b"), message="why", author="me"
        )
        identifier = engine.commit(container.id, request)
        try:
            image = engine.image("saved:1")
            assert image.id == identifier
            assert image.config["Cmd"] == ["cat", "/new"]
            assert "A=b" in image.config["Env"]
            assert image.history[-1].comment == "why"
            assert engine.inspect("saved:1")["Author"] == "me"
            made = created(engine, image="saved:1")
            engine.start(made.id)
            assert engine.wait(made.id, Cancellation()) == 0
            assert written(engine, made.id) == b"kept\n"
        finally:
            for made in engine.containers(every=True):
                engine.remove_container(made.id)
            engine.remove_image(identifier)

    def test_without_a_name(self, engine):
        identifier = engine.commit(started(engine).id, CommitRequest(pause=False))
        assert engine.image(identifier).names == ()
        engine.remove_image(identifier)

    def test_errors(self, engine):
        container = created(engine)
        with pytest.raises(InvalidReferenceError):
            engine.commit(container.id, CommitRequest("NOT:A:NAME"))
        with pytest.raises(UsageError, match=r"(?i)run is not a valid change command"):
            engine.commit(container.id, CommitRequest(changes=("RUN true",)))
        with pytest.raises(NotFoundError, match=MISSING):
            engine.commit("nosuch", CommitRequest())


class TestWatching:
    def test_top(self, engine):
        container = started(engine, "sleep", "1002")
        table = engine.top(container.id)
        assert (table.titles[0], table.titles[-1]) == ("UID", "CMD")
        assert [row[-1] for row in table.rows] == ["sleep 1002"]
        table = engine.top(container.id, ("-o", "pid,comm"))
        assert table.titles == ("PID", "COMMAND")
        assert table.rows[0][1] == "sleep"

    def test_top_of_what_does_not_run(self, engine):
        with pytest.raises(ConflictError, match="is not running"):
            engine.top(created(engine).id)
        with pytest.raises(NotFoundError, match=MISSING):
            engine.top("nosuch")

    def test_usage(self, engine):
        container = started(engine, "sh", "-c", "while :; do :; done", memory=64 << 20, cpus=0.5)
        before = engine.usage(container.id)
        wait_until(lambda: engine.usage(container.id).cpu > before.cpu + 0.05, "it works")
        after = engine.usage(container.id)
        assert 0 < after.cpu - before.cpu <= after.time - before.time
        assert abs(after.time - time.time()) < 10
        assert 0 < after.memory < after.memory_limit == 64 << 20
        assert (after.pids, after.cpus) == (1, 0.5)
        assert after.received is not None
        assert after.sent is not None

    def test_usage_without_limits_and_network(self, engine):
        found = engine.usage(started(engine, network="none").id)
        assert (found.received, found.sent) == (None, None)
        assert found.memory_limit > 64 << 20
        assert found.cpus >= 1

    def test_usage_of_what_does_not_run(self, engine):
        container = created(engine)
        with pytest.raises(ConflictError, match=f"{container.id} is not running"):
            engine.usage(container.id)
        with pytest.raises(NotFoundError, match=MISSING):
            engine.usage("nosuch")


class TestVolumes:
    def test_create_and_look(self, engine):
        made = engine.create_volume("data", {"a": "b"})
        assert (made.name, made.driver, made.scope) == ("data", "local", "local")
        assert made.mountpoint.endswith("/data/_data")
        assert (made.created is not None, dict(made.labels)) == (True, {"a": "b"})
        assert engine.create_volume("data", {}) == made == engine.volume("data")
        nameless = engine.create_volume("", {})
        assert len(nameless.name) == 64
        assert {volume.name for volume in engine.volumes()} == {"data", nameless.name}

    def test_no_such_volume(self, engine):
        for verb in (engine.volume, engine.remove_volume):
            with pytest.raises(NotFoundError, match=r"(?i)no such volume"):
                verb("nosuch")
        engine.remove_volume("nosuch", force=True)

    def test_in_use(self, engine):
        container = created(engine, volumes=(Volume("data", "/data"),))
        with pytest.raises(ConflictError, match=f"volume is in use - .{container.id}"):
            engine.remove_volume("data")
        engine.remove_container(container.id, volumes=True)
        engine.remove_volume("data")
        assert engine.volumes() == []

    def test_prune(self, engine):
        script = ("sh", "-c", "head -c 9000 /dev/zero > /data/f")
        container = ended(engine, *script, volumes=(Volume("", "/data"),))
        kept = created(engine, volumes=(Volume("used", "/a"), Volume("", "/b")))
        engine.create_volume("named", {})
        engine.remove_container(container.id)
        (name,), freed = engine.prune_volumes()
        assert (len(name), freed >= 9000) == (64, True)
        assert {"used", "named"} < {volume.name for volume in engine.volumes()}
        assert engine.prune_volumes(every=True) == (("named",), 0)
        assert set(engine.container(kept.id).mounts) == {v.name for v in engine.volumes()}


class TestNetworks:
    @pytest.fixture
    def network(self, engine) -> Iterator[str]:
        engine.create_network("own", "bridge", {"a": "b"})
        yield "own"
        if any(network.name == "own" for network in engine.networks()):
            for container in engine.containers(every=True):
                engine.remove_container(container.id, force=True)
            engine.remove_network("own")

    def test_look(self, engine, network):
        found = {network.name: network for network in engine.networks()}
        assert list(found) == ["bridge", "host", "none", "own"]
        own = found["own"]
        assert (own.driver, own.scope, dict(own.labels)) == ("bridge", "local", {"a": "b"})
        assert own.created is not None

    def test_name_in_use(self, engine, network):
        with pytest.raises(ConflictError, match="network with name own already exists"):
            engine.create_network(network, "", {})

    def test_containers_find_each_other(self, engine, network):
        started(engine, name="server", network=network)
        container = ended(engine, "sh", "-c", "nslookup server || ping -c1 server", network=network)
        assert container.networks == ("own",)
        assert container.exit_code == 0

    def test_connect_and_disconnect(self, engine, network):
        container = started(engine)
        engine.connect(network, container.id)
        assert engine.container(container.id).networks == ("bridge", "own")
        assert engine.containers()[0].networks == ("bridge", "own")
        with pytest.raises(ContainerMagicsError, match="already exists in network own"):
            engine.connect(network, container.id)
        with pytest.raises(ConflictError, match="has active endpoints"):
            engine.remove_network(network)
        engine.disconnect(network, container.id)
        assert engine.container(container.id).networks == ("bridge",)
        engine.remove_network(network)

    def test_not_there(self, engine, network):
        with pytest.raises(NotFoundError, match="network nosuch not found"):
            engine.connect("nosuch", started(engine).id)
        with pytest.raises(NotFoundError, match=MISSING):
            engine.connect(network, "nosuch")
        with pytest.raises(NotFoundError, match="network nosuch not found"):
            engine.remove_network("nosuch")
