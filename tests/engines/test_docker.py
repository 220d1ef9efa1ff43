"""The Docker engine's verbs on a real dockerd; its builds are in `test_docker_build`."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from container_magics.engines.build_request import BuildRequest
from container_magics.engines.docker import DockerEngine
from container_magics.engines.events import Cancellation, EngineEvent, Message, Output
from container_magics.engines.results import RunResult
from container_magics.engines.run_request import Mount, RunRequest
from container_magics.errors import (
    ConflictError,
    CorruptArchiveError,
    EngineUnavailableError,
    NotFoundError,
    PullError,
    RunError,
)
from tests.fixtures.busybox import busybox_tar

pytestmark = pytest.mark.docker

BASE = "busybox:test"


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    """The tests' engine, that before and afterwards has the base image alone and no container."""
    clean(docker_engine)
    yield docker_engine
    clean(docker_engine)


def clean(engine: DockerEngine) -> None:
    with engine.calling() as api:
        for container in api.containers(all=True):
            api.remove_container(container["Id"], force=True, v=True)
    for image in engine.images():
        if BASE not in image.names:
            engine.remove_image(image.id, force=True)


def run(
    engine: DockerEngine, *command: str, **options: object
) -> tuple[RunResult, bytes, bytes, list[EngineEvent]]:
    events: list[EngineEvent] = []
    request = RunRequest(**{"image": BASE, "command": command, "remove": True, **options})
    result = engine.run(request, events.append, Cancellation())
    streams = [
        b"".join(e.data for e in events if isinstance(e, Output) and e.stream == number)
        for number in (1, 2)
    ]
    return result, *streams, events


def containers(engine: DockerEngine) -> list[str]:
    with engine.calling() as api:
        return [row["Id"] for row in api.containers(all=True)]


def tree(size: int = 3, **files: bytes) -> io.BytesIO:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for name, content in (files or {"a": b"x" * size}).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    output.seek(0)
    return output


class TestRun:
    def test_streams_apart_and_exit_status(self, engine):
        result, out, err, _ = run(engine, "sh", "-c", "echo out; echo err >&2; exit 7")
        assert (result.returncode, out, err) == (7, b"out\n", b"err\n")
        assert containers(engine) == []

    def test_keeps_the_container_unless_told(self, engine):
        result, *_ = run(engine, "true", remove=False)
        assert containers(engine) == [result.container]

    def test_signal(self, engine):
        result, *_ = run(engine, "sh", "-c", "sh -c 'kill -9 $$'; exit $?")
        assert result.returncode == 137

    def test_standard_input_ends(self, engine):
        data = bytes(range(256)) * 4000
        result, out, _, _ = run(engine, "cat", stdin=io.BytesIO(data))
        assert result.returncode == 0
        assert out == data

    def test_standard_input_nobody_reads(self, engine):
        result, *_ = run(engine, "true", stdin=io.BytesIO(b"x" * 10_000_000))
        assert result.returncode == 0

    def test_no_standard_input(self, engine):
        assert run(engine, "cat")[1] == b""

    def test_settings_reach_the_container(self, engine):
        script = "pwd; id -u; hostname; echo $A; echo $B"
        _, out, _, _ = run(
            engine,
            "sh",
            "-c",
            script,
            workdir="/tmp",
            user="me",
            hostname="box",
            environment={"A": "a b", "B": ""},
        )
        assert out.decode().split("\n") == ["/tmp", "1000", "box", "a b", "", ""]

    def test_entrypoint_replaces_and_drops_cmd(self, engine):
        assert run(engine, entrypoint="id")[1].startswith(b"uid=0")
        assert run(engine, "x", entrypoint="echo")[1] == b"x\n"

    def test_network(self, engine):
        _, none, _, _ = run(engine, "ls", "/sys/class/net", network="none")
        assert none == b"lo\n"
        _, host, _, _ = run(engine, "ls", "/proc/sys/net/ipv4/conf", network="host")
        assert set(host.decode().split()) >= {p.name for p in Path("/sys/class/net").iterdir()}

    def test_mounts_and_makes_a_missing_folder(self, engine, tmp_path):
        source = tmp_path / "new" / "folder"
        run(engine, "sh", "-c", "echo hi > /m/f", mounts=(Mount(source, "/m"),))
        assert (source / "f").read_text() == "hi\n"
        result, *_ = run(engine, "touch", "/m/g", mounts=(Mount(source, "/m", read_only=True),))
        assert result.returncode != 0
        assert not (source / "g").exists()

    @pytest.mark.parametrize(
        ("command", "returncode"), [("nope", 127), ("/nope", 127), ("/etc/passwd", 126)]
    )
    def test_cannot_start(self, engine, command, returncode):
        with pytest.raises(RunError) as error:
            run(engine, command)
        assert error.value.returncode == returncode
        assert command in error.value.message
        assert containers(engine) == []

    def test_refused_settings_are_125(self, engine):
        with pytest.raises(RunError) as error:
            run(engine, "true", workdir="not/absolute")
        assert error.value.returncode == 125

    def test_name_in_use(self, engine):
        run(engine, "true", name="taken", remove=False)
        with pytest.raises(ConflictError, match='"/taken" is already in use'):
            run(engine, "true", name="taken")

    def test_missing_image_is_pulled_in_dockers_words(self, engine):
        events: list[EngineEvent] = []
        with pytest.raises(PullError) as error:
            engine.run(RunRequest("localhost:1/nosuch"), events.append, Cancellation())
        assert events[0] == Message("Unable to find image 'localhost:1/nosuch:latest' locally")
        assert error.value.answers[0][0] == "localhost:1"
        assert "connection refused" in error.value.answers[0][1]

    def test_cancel_kills_and_removes(self, engine):
        cancel = Cancellation()

        def emit(event: EngineEvent) -> None:
            if isinstance(event, Output):
                threading.Thread(target=cancel.cancel).start()

        request = RunRequest(BASE, ("sh", "-c", "echo up; sleep 98701"), remove=True)
        assert engine.run(request, emit, cancel).returncode == 137
        assert containers(engine) == []
        assert subprocess.run(["pgrep", "-f", "sleep 98701"], check=False).returncode == 1

    def test_cancelled_before_the_start(self, engine):
        cancel = Cancellation()
        cancel.cancel()
        with pytest.raises(RunError):
            engine.run(RunRequest(BASE, ("sleep", "98702"), remove=True), print, cancel)
        assert containers(engine) == []


class TestImages:
    def test_image_as_imported(self, engine):
        identifier = engine.import_image(
            tree(size=1000), "one:1", changes=["ENV A=b", "LABEL l=v"], message="from a test"
        )
        image = engine.image("one:1")
        assert image.id == identifier
        assert image.names == ("one:1",)
        assert image.size == 1000
        assert [layer.size for layer in image.layers] == [1000]
        assert image.layers[0].diff_id.startswith("sha256:")
        assert image.config["Env"] == ["A=b"]
        assert image.summary.labels == {"l": "v"}
        assert [(h.comment, h.empty_layer, h.size) for h in image.history] == [
            ("from a test", False, 1000)
        ]
        assert image.summary.created is not None

    def test_import_compressed_without_a_name(self, engine):
        import gzip

        identifier = engine.import_image(io.BytesIO(gzip.compress(tree().getvalue())), "")
        assert engine.image(identifier).names == ()

    def test_import_of_no_tar(self, engine):
        before = engine.images()
        with pytest.raises(CorruptArchiveError):
            engine.import_image(io.BytesIO(b"no tar " * 1000), "bad:1")
        assert engine.images() == before

    def test_stand_in(self, engine):
        label = 'LABEL io.container-magics.stand-in-for="docker.io/library/alpine:3.18.0"'
        engine.import_image(tree(), "alpine:3.18.0", changes=[label])
        engine.import_image(tree(b=b"2"), "made-on-it:1", changes=[label])
        assert engine.image("alpine:3.18.0").summary.stand_in_for == "alpine:3.18.0"
        listed = {name: i.stand_in_for for i in engine.images() for name in i.names}
        assert listed["alpine:3.18.0"] == "alpine:3.18.0"
        assert listed["made-on-it:1"] == ""

    def test_newest_first(self, engine):
        engine.import_image(tree(a=b"1"), "new:1")
        assert "new:1" in engine.images()[0].names

    def test_tag_and_untag(self, engine):
        identifier = engine.import_image(tree(), "one")
        engine.tag("one:latest", "localhost:5000/me/two:x")
        assert set(engine.image(identifier).names) == {"one:latest", "localhost:5000/me/two:x"}
        with pytest.raises(ConflictError, match="must be forced"):
            engine.remove_image(identifier)
        assert engine.remove_image("one").untagged == ("one:latest",)
        removal = engine.remove_image(identifier[7:19])
        assert removal.untagged == ("localhost:5000/me/two:x",)
        assert identifier in removal.deleted

    def test_image_in_use(self, engine):
        engine.import_image(io.BytesIO(busybox_tar()), "used:1", changes=["ENV A=1"])
        run(engine, "true", image="used:1", remove=False)
        with pytest.raises(ConflictError, match="is using its referenced image"):
            engine.remove_image("used:1")
        assert engine.remove_image("used:1", force=True).untagged == ("used:1",)

    def test_prune(self, engine):
        dangling = engine.import_image(tree(a=b"1" * 5000), "")
        named = engine.import_image(tree(b=b"2"), "named:1")
        report = engine.prune_images()
        assert report.removal.deleted[0] == dangling
        assert report.reclaimed == 5000
        run(engine, "true", remove=False)
        assert named in engine.prune_images(every=True).removal.deleted
        assert BASE in [name for image in engine.images() for name in image.names]

    def test_prune_of_the_build_cache(self, engine):
        request = BuildRequest(f"FROM {BASE}\nRUN head -c 5000 /dev/zero > /pruned\n")
        built = engine.build(request, lambda event: None, Cancellation())
        engine.remove_image(built.made.id)
        report = engine.prune_build_cache(every=True)
        assert report.removal.deleted
        assert report.reclaimed >= 5000
        assert engine.prune_build_cache().removal.deleted == ()

    @pytest.mark.parametrize("verb", ["image", "remove_image"])
    def test_no_such_image(self, engine, verb):
        with pytest.raises(NotFoundError, match="No such image: nosuch:latest"):
            getattr(engine, verb)("nosuch")

    def test_inspect_image_or_container(self, engine):
        assert engine.inspect(BASE)["Id"] == engine.image(BASE).id
        result, *_ = run(engine, "true", name="box", remove=False)
        assert engine.inspect("box")["Id"] == result.container
        with pytest.raises(NotFoundError, match="No such object: nosuch"):
            engine.inspect("nosuch")


class TestArchives:
    def test_save_and_load(self, engine):
        first = engine.import_image(tree(a=b"1"), "first:1")
        second = engine.import_image(tree(b=b"2"), "second:1")
        archive = io.BytesIO()
        engine.save(["first:1", "second:1"], archive)
        engine.remove_image("first:1")
        engine.remove_image("second:1")
        archive.seek(0)
        assert sorted(engine.load(archive)) == ["first:1", "second:1"]
        assert [engine.image(name).id for name in ("first:1", "second:1")] == [first, second]

    def test_load_of_an_image_without_a_name(self, engine):
        identifier = engine.import_image(tree(), "")
        archive = io.BytesIO()
        engine.save([identifier], archive)
        engine.remove_image(identifier)
        archive.seek(0)
        assert engine.load(archive) == [identifier]

    def test_save_of_what_is_not_there(self, engine):
        output = io.BytesIO()
        with pytest.raises(NotFoundError, match="nosuch"):
            engine.save([BASE, "nosuch"], output)
        assert output.getvalue() == b""

    @pytest.mark.parametrize("content", [b"no tar " * 1000, tree(a=b"1").getvalue()])
    def test_load_of_no_archive(self, engine, content):
        with pytest.raises(CorruptArchiveError):
            engine.load(io.BytesIO(content))

    def test_export_and_import_flatten(self, engine):
        result, *_ = run(engine, "sh", "-c", "echo new > /new", remove=False)
        archive = io.BytesIO()
        engine.export(result.container, archive)
        archive.seek(0)
        engine.import_image(archive, "flat:1", changes=['CMD ["cat", "/new"]'])
        assert len(engine.image("flat:1").layers) == 1
        assert run(engine, image="flat:1")[1] == b"new\n"

    def test_export_of_no_container(self, engine):
        with pytest.raises(NotFoundError, match="No such container: nosuch"):
            engine.export("nosuch", io.BytesIO())


class TestPull:
    def test_default_tag_is_said(self, engine):
        events: list[EngineEvent] = []
        with pytest.raises(PullError):
            engine.pull("localhost:1/nosuch", events.append, Cancellation())
        assert events == [Message("Using default tag: latest")]

    def test_cancelled(self, engine):
        cancel = Cancellation()
        cancel.cancel()
        with pytest.raises(PullError):
            engine.pull("localhost:1/nosuch:1", print, cancel)


class TestEngine:
    def test_version_and_info(self, engine):
        version = engine.version()
        assert version["Client"]["Context"] == engine.name == "tests"
        assert version["Server"]["Version"]
        assert engine.info()["Images"] >= 1

    def test_no_engine_there(self, tmp_path):
        engine = DockerEngine("gone", f"unix://{tmp_path}/none.sock")
        verbs: list[Callable[[], object]] = [engine.images, engine.version]
        for verb in verbs:
            with pytest.raises(EngineUnavailableError, match=r"none\.sock"):
                verb()

    def test_importing_it_is_cheap(self):
        code = (
            "import sys, container_magics.engines.discovery\n"
            "from container_magics.engines.docker import DockerEngine\n"
            "DockerEngine('x', 'unix:///x')\n"
            "print([m for m in ('docker', 'requests', 'pandas') if m in sys.modules])"
        )
        out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        assert out.stdout == b"[]\n"
