"""What goes wrong: the error is clear, nothing is lost, nothing is left, the next build works."""

from __future__ import annotations

import io
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from container_magics.engines.build_request import BuildRequest
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation, VertexLog
from container_magics.engines.follow import follow
from container_magics.engines.run_request import RunRequest
from container_magics.errors import (
    BuildError,
    ConflictError,
    CorruptArchiveError,
    ExhaustedError,
    NotFoundError,
    PullError,
    RunError,
    StepFailedError,
    StoreError,
    UnreachableError,
)
from tests.engines.embedded.material import docker_archive, image_config, layer_tar
from tests.fixtures.embedding import Heard, build, embedded, output_of, run
from tests.fixtures.processes import processes_with, wait_until
from tests.fixtures.registry import REGISTRY_BINARY, push_image, running_registry

BASE = "FROM busybox:test\n"
BIG = 24 << 20
TIGHT = 16 << 20


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """An engine for tests that leave it as they found it."""
    with embedded(tmp_path_factory.mktemp("faults")) as engine:
        yield engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    with embedded(tmp_path / "store") as engine:
        yield engine


@pytest.fixture
def marker() -> str:
    """A number of seconds to sleep that no other process has."""
    return f"7{uuid.uuid4().int % 10**8}"


def root_of(engine: EmbeddedEngine) -> Path:
    return Path(engine.info()["DockerRootDir"])


def mounts_of(place: Path) -> list[str]:
    """Lines of any process' mountinfo about a place."""
    found = []
    for path in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            found += [line for line in path.read_text().splitlines() if str(place) in line]
        except OSError:
            continue
    return found


def unfinished(engine: EmbeddedEngine) -> list[str]:
    """Work in progress in a store: what running engines and killed ones have left."""
    session = root_of(engine) / "session"
    return sorted(str(path.relative_to(session)) for path in session.glob("*/*"))


def orphans(engine: EmbeddedEngine) -> set[str]:
    """Layer directories that the database does not know, and the other way round."""
    root = root_of(engine)
    with closing(sqlite3.connect(root / "store.db")) as db:
        known = {str(number) for (number,) in db.execute("SELECT number FROM layers")}
    return known ^ {path.name for path in (root / "layers").iterdir()}


def assert_sound(engine: EmbeddedEngine) -> None:
    """Nothing half-written, and a build works."""
    assert unfinished(engine) == []
    assert orphans(engine) == set()
    word = uuid.uuid4().hex
    made = build(engine, f"{BASE}RUN echo {word} > /word\nWORKDIR /made\n", tag="sound:test")
    assert output_of(engine, "sound:test", "cat", "/word") == f"{word}\n"
    engine.remove_image(made.image.id, force=True)


class Trigger(Heard):
    """Does something once when a build's output holds a word."""

    def __init__(self, word: str, action: Callable[[], None]) -> None:
        super().__init__()
        self._word, self._action, self._done = word, action, False

    def __call__(self, event: object) -> None:
        super().__call__(event)  # type: ignore[arg-type]
        if isinstance(event, VertexLog) and self._word in self.log and not self._done:
            self._done = True
            self._action()


# --- bases --------------------------------------------------------------------------------------


def test_a_base_that_the_registry_lacks_names_who_was_asked(shared, serve, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    server = serve(lambda exchange: exchange.answer(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}'))
    heard = Heard()
    with pytest.raises(PullError) as caught:
        build(shared, f"FROM {server.host}/nothing:here\nRUN true\n", heard, tag="never:made")
    assert not isinstance(caught.value, UnreachableError)
    assert [host for host, _ in caught.value.answers] == [server.host]
    assert f"{server.host}/nothing" in str(caught.value)
    assert "NAME_UNKNOWN" in str(caught.value) or "404" in str(caught.value)
    failed = heard.last[f"FROM {server.host}/nothing:here"]
    assert failed.error and failed.completed is not None
    assert heard.last["RUN true"].started is None
    with pytest.raises(NotFoundError):
        shared.image("never:made")
    assert_sound(shared)


def test_a_base_that_nobody_can_give_offers_the_stand_in(shared, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with pytest.raises(UnreachableError) as caught:
        build(shared, "FROM alpine:3.18.0\n")
    assert "registry-1.docker.io" in str(caught.value)
    assert "container-magics lab prepare alpine:3.18.0" in caught.value.hint
    with pytest.raises(UnreachableError) as caught:
        build(shared, "FROM debian:nothing-stands-in-for-it\n")
    assert "lab prepare" not in str(caught.value)
    with pytest.raises(UnreachableError, match=r"registry-1\.docker\.io"):
        run(shared, "alpine:3.18.0")


def test_a_registry_that_gives_no_more_today_offers_the_stand_in(serve, monkeypatch, tmp_path):
    answer = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit"}]}'
    server = serve(lambda exchange: exchange.answer(429, answer, Retry_After=3600))
    configured = tmp_path / "registries.conf"
    configured.write_text(f'[[registry]]\nprefix = "docker.io"\nlocation = "{server.host}"\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(configured))
    monkeypatch.setenv("NO_PROXY", "*")
    with embedded(tmp_path / "store") as engine:
        with pytest.raises(ExhaustedError, match="pull rate limit") as caught:
            build(engine, "FROM alpine:3.18.0\n")
        assert "container-magics lab prepare alpine:3.18.0" in caught.value.hint
        engine.tag("busybox:test", "stand-in.invalid/alpine:3.18.0")
        heard = Heard()
        build(engine, "FROM alpine:3.18.0\nRUN true\n", heard)
        assert "using a stand-in, not the image itself" in heard.warnings[0].message
        assert run(engine, "alpine:3.18.0", "true")[0] == 0
    assert len(server.paths("/manifests/")) == 1  # It is not asked again and again.


# --- a failing RUN ------------------------------------------------------------------------------


def test_a_failing_run_tells_its_exit_code_and_last_lines(shared):
    build(shared, f"{BASE}LABEL which=before\n", tag="kept:test")
    before = shared.image("kept:test").id
    heard = Heard()
    script = "for i in $(seq 1 40); do echo line $i; done; echo wrong >&2; exit 42"
    with pytest.raises(StepFailedError) as caught:
        build(shared, f"{BASE}RUN true\nRUN {script}\nRUN echo later\n", heard, tag="kept:test")
    error = caught.value
    assert error.returncode == 42
    assert "exit code: 42" in error.message
    assert error.tail[-2:] == ("line 40", "wrong")
    assert len(error.tail) <= 12
    assert error.line == 3
    assert error.step == f"[3/4] RUN {script}"
    failed = heard.last[f"RUN {script}"]
    assert "exit code: 42" in failed.error
    assert failed.completed is not None
    assert heard.last["RUN echo later"].started is None
    assert shared.image("kept:test").id == before
    assert_sound(shared)


def test_a_step_that_cannot_start_is_told_as_such(shared):
    with pytest.raises(StepFailedError, match="executable file not found") as caught:
        build(shared, f'{BASE}RUN ["nowhere"]\n')
    assert caught.value.returncode == 127
    with pytest.raises(BuildError, match="unable to find user nobody-here"):
        build(shared, f"{BASE}USER nobody-here\nRUN true\n")
    assert_sound(shared)


def test_output_that_is_no_text_does_not_hurt(shared):
    with pytest.raises(StepFailedError) as caught:
        build(shared, f"{BASE}RUN head -c 300000 /dev/urandom; printf '\\033[2J\\377'; exit 1\n")
    assert all(isinstance(line, str) for line in caught.value.tail)
    rendered = "".join(caught.value._render_traceback_())
    assert "\x1b" not in rendered


# --- a full disk --------------------------------------------------------------------------------


@contextmanager
def small_disk(path: Path, size: int = TIGHT) -> Iterator[Path]:
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tight", path], check=True)
    try:
        yield path
    finally:
        # Something of a test's engine may be about to end.
        wait_until(
            lambda: not subprocess.run(["umount", path], check=False).returncode, "unmounted"
        )


def fill(path: Path) -> Path:
    """Fill a file system to its last byte."""
    ballast = path / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


@pytest.mark.root
def test_a_container_that_fills_its_disk_is_stopped_and_removed(tmp_path: Path):
    with small_disk(tmp_path / "disk") as disk, embedded(disk / "store") as engine:
        script = "cat /dev/zero > /big; echo $?; while :; do sleep 0.1; done"
        container = engine.create(
            RunRequest("busybox:test", ("sh", "-c", script)), Heard(), Cancellation()
        )
        engine.start(container)
        wait_until(lambda: not shutil.disk_usage(disk).free, "the disk is full")
        assert engine.container(container).running
        engine.stop(container, 0)
        state = engine.inspect(container)["State"]
        assert (state["Status"], state["ExitCode"], state["Error"]) == ("exited", 137, "")
        engine.remove_container(container)
        assert shutil.disk_usage(disk).free > TIGHT // 2
        assert output_of(engine, "busybox:test", "echo", "well") == "well\n"


def plain_tar(size: int) -> bytes:
    return layer_tar({"big": os.urandom(size)})


@pytest.mark.root
@pytest.mark.parametrize("what", ["run", "copy", "add", "import", "load", "pull"])
def test_a_full_disk_is_named_and_nothing_is_lost(
    tmp_path: Path, what: str, request: pytest.FixtureRequest
):
    tar = plain_tar(BIG)
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "big").write_bytes(os.urandom(BIG))
    (tmp_path / "context" / "big.tar").write_bytes(tar)

    def attempt(engine: EmbeddedEngine) -> None:
        if what == "run":
            build(engine, f"{BASE}RUN head -c {BIG} /dev/urandom > /big\n", tag="kept:test")
        elif what in ("copy", "add"):
            line = "COPY big /" if what == "copy" else "ADD big.tar /"
            build(engine, BASE + line, context=tmp_path / "context", tag="kept:test")
        elif what == "import":
            engine.import_image(io.BytesIO(tar), "kept:test")
        elif what == "load":
            archive = docker_archive(image_config(tar), [tar], tags=("kept:test",))
            engine.load(io.BytesIO(archive))
        else:
            if not REGISTRY_BINARY:
                pytest.skip("no docker-registry here: apt-get install docker-registry")
            with running_registry(tmp_path / "registry") as host:
                kind = "application/vnd.oci.image.layer.v1.tar"
                push_image(host, "kept", "test", [(kind, tar)], image_config(tar))
                engine.pull(f"{host}/kept:test", Heard(), Cancellation())

    with small_disk(tmp_path / "disk") as disk, embedded(disk / "store") as engine:
        engine.tag("busybox:test", "kept:test")
        before = engine.image("kept:test")
        with pytest.raises((StoreError, StepFailedError)) as caught:
            attempt(engine)
        if what == "run":
            assert "disk is full" in caught.value.hint
        else:
            assert isinstance(caught.value, StoreError)
            assert "No space left on device" in str(caught.value)
        assert str(disk / "store") in str(caught.value)
        assert [image.id for image in engine.images()] == [before.id]
        assert engine.image("kept:test") == before
        assert_sound(engine)


@pytest.mark.root
def test_a_disk_so_full_that_nothing_can_be_noted(tmp_path: Path):
    with small_disk(tmp_path / "disk") as disk:
        with embedded(disk / "store") as engine:
            build(engine, f"{BASE}RUN echo 1 > /one\n", tag="kept:test")
            before = engine.images()
            ballast = fill(disk)
            for attempt in (
                lambda: build(engine, f"{BASE}RUN true\n", tag="kept:test"),
                lambda: build(engine, f"{BASE}LABEL a={'b' * 9000}\n", tag="kept:test"),
                lambda: build(engine, f"{BASE}COPY <<E /e\n{'x' * 9000}\nE\n", tag="kept:test"),
                lambda: engine.import_image(io.BytesIO(plain_tar(9000)), "kept:test"),
                lambda: run(engine, "busybox:test", "true", remove=False, name="noted"),
            ):
                with pytest.raises((StoreError, RunError)) as caught:
                    attempt()
                assert str(disk / "store") in str(caught.value)
                assert engine.images() == before
            ballast.unlink()
            assert_sound(engine)
        ballast = fill(disk)
        with pytest.raises(StoreError, match=r"No space left|full") as caught:
            EmbeddedEngine(disk / "store")
        assert str(disk / "store") in str(caught.value)
        ballast.unlink()
        with embedded(disk / "store") as engine:
            assert engine.images() == before
            assert_sound(engine)


# --- interrupted builds -------------------------------------------------------------------------


def test_cancelling_a_run_ends_its_processes(shared, marker):
    build(shared, f"{BASE}LABEL which=before\n", tag="kept:test")
    before = shared.image("kept:test").id
    cancel = Cancellation()
    heard = Trigger("ready", cancel.cancel)
    script = f"(setsid sleep {marker} &); sleep {marker} & echo ready; sleep {marker}"
    with pytest.raises(BuildError, match="cancelled"):
        build(shared, f"{BASE}RUN {script}\nRUN true\n", heard, cancel, tag="kept:test")
    assert processes_with(marker) == []
    assert heard.last[f"RUN {script}"].error
    assert heard.last["RUN true"].started is None
    assert shared.image("kept:test").id == before
    assert_sound(shared)


def test_cancelling_a_copy_ends_it(shared, tmp_path: Path):
    size = 2 << 30
    with (tmp_path / "big").open("wb") as file:
        file.truncate(size)
    cancel = Cancellation()
    place = root_of(shared)

    def cancel_when_writing() -> None:
        def written() -> bool:
            return any(
                path.stat().st_size > 0
                for path in place.glob("session/*/*/fs/big")
                if path.exists()
            )

        wait_until(written, "COPY writes its layer", 60)
        seen.append(next(p.stat().st_size for p in place.glob("session/*/*/fs/big")))
        cancel.cancel()

    seen: list[int] = []
    thread = threading.Thread(target=cancel_when_writing)
    thread.start()
    # The digest of a file that was written just now is not remembered: its content is read twice.
    with pytest.raises(BuildError, match="cancelled"):
        build(shared, f"{BASE}COPY big /big\n", None, cancel, context=tmp_path, tag="big:test")
    thread.join()
    assert seen and seen[0] < size
    assert_sound(shared)


def test_cancelling_while_a_copy_is_looked_at_ends_it(shared, tmp_path: Path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    cancel = Cancellation()
    heard = Heard()
    threading.Timer(0.3, cancel.cancel).start()
    with pytest.raises(BuildError, match="cancelled"):
        build(shared, f"{BASE}COPY huge /huge\n", heard, cancel, context=tmp_path)
    assert_sound(shared)


def test_cancelling_ends_stages_that_run_at_the_same_time(shared, marker):
    cancel = Cancellation()
    stage = "RUN echo ready {0}; sleep " + marker
    text = (
        f"FROM busybox:test AS one\n{stage.format(1)}\nFROM busybox:test AS two\n"
        f"{stage.format(2)}\n{BASE}COPY --from=one /a /a\nCOPY --from=two /a /b\n"
    )
    both = threading.Barrier(2, timeout=30)

    def heard(event: object) -> None:
        if isinstance(event, VertexLog) and event.data.startswith(b"ready"):
            both.wait()
            cancel.cancel()

    with pytest.raises(BuildError, match="cancelled"):
        shared.build(BuildRequest(text), heard, cancel)
    assert processes_with(marker) == []
    assert_sound(shared)


def test_a_failing_stage_ends_the_other(shared, marker):
    text = (
        f"FROM busybox:test AS slow\nRUN sleep {marker}\nFROM busybox:test AS bad\nRUN exit 9\n"
        f"{BASE}COPY --from=slow /a /a\nCOPY --from=bad /a /b\n"
    )
    with pytest.raises(StepFailedError) as caught:
        build(shared, text)
    assert caught.value.returncode == 9
    assert processes_with(marker) == []
    assert_sound(shared)


def test_a_build_cancelled_before_it_begins_moves_no_tag(shared):
    cancel = Cancellation()
    cancel.cancel()
    with pytest.raises(BuildError, match="cancelled"):
        build(shared, f"{BASE}LABEL a=b\n", None, cancel, tag="early:test")
    with pytest.raises(NotFoundError):
        shared.image("early:test")


@pytest.mark.parametrize("verb", ["build", "run"])
def test_an_interrupt_inside_follow_ends_the_work(shared, marker, verb):
    script = f"echo ready; sleep {marker}"

    def work(emit, cancel):
        if verb == "build":
            return shared.build(BuildRequest(f"{BASE}RUN {script}\n"), emit, cancel)
        return shared.run(
            RunRequest("busybox:test", ("sh", "-c", script), remove=True), emit, cancel
        )

    following = follow(work, tick=10)
    main = threading.main_thread().ident
    with pytest.raises(KeyboardInterrupt):
        for event in following:
            if b"ready" in getattr(event, "data", b""):
                # The signal comes while the main thread waits for the next event.
                threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT)).start()
    assert processes_with(marker) == []
    assert_sound(shared)


def test_an_interrupt_of_a_kept_container_is_remembered(shared, marker):
    cancel = Cancellation()

    def heard(event):
        cancel.cancel()

    request = RunRequest("busybox:test", ("sh", "-c", f"echo a; sleep {marker}"), name="cut-short")
    assert shared.run(request, heard, cancel).returncode == 137
    assert shared.inspect("cut-short")["State"]["Status"] == "exited"
    assert shared.inspect("cut-short")["State"]["ExitCode"] == 137
    shared.remove_image("busybox:test", force=True)
    with embedded_base(shared):
        assert_sound(shared)


@contextmanager
def embedded_base(engine: EmbeddedEngine) -> Iterator[None]:
    from tests.fixtures.embedding import import_busybox

    import_busybox(engine)
    yield


# --- killed -------------------------------------------------------------------------------------

_BUILDS = """
import sys
from pathlib import Path
from container_magics.engines.build_request import BuildRequest
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
root, dockerfile, tag, context = sys.argv[1:]
engine = EmbeddedEngine(Path(root))
print("open", flush=True)
sys.stdin.readline()
request = BuildRequest(dockerfile, Path(context), tags=(tag,))
result = engine.build(request, lambda event: None, Cancellation())
print(result.image.id, flush=True)
sys.stdin.readline()
engine.close()
"""


def builder(root: Path, dockerfile: str, tag: str, context: Path) -> subprocess.Popen[str]:
    """A process that opens a store, then builds when it gets a line, and ends with the next."""
    return subprocess.Popen(
        [sys.executable, "-c", _BUILDS, root, dockerfile, tag, context],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def go_on(process: subprocess.Popen[str]) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def test_after_kill_9_nothing_is_left_and_the_next_build_works(tmp_path: Path, marker: str):
    root = tmp_path / "store"
    (tmp_path / "context").mkdir()
    with embedded(root) as engine:
        build(engine, f"{BASE}RUN echo first > /it\n", tag="kept:test")
        before = engine.images()
    text = f"{BASE}RUN echo new > /new\nRUN (setsid sleep {marker} &); sleep {marker}\n"
    process = builder(root, text, "kept:test", tmp_path / "context")
    go_on(process)
    wait_until(lambda: len(processes_with(f"sleep\0{marker}")) >= 2, "the RUN runs")
    process.kill()
    process.wait()
    wait_until(lambda: not processes_with(marker), "no process is left")
    wait_until(lambda: not mounts_of(root), "no mount is left")
    dead = list((root / "session").glob("*.lock"))
    assert dead
    with embedded(root) as engine:
        assert not [path for path in dead if path.exists()]
        assert engine.images() == before
        assert output_of(engine, "kept:test", "cat", "/it") == "first\n"
        heard = Heard()
        build(engine, f"{BASE}RUN echo new > /new\n", heard)
        assert "RUN echo new > /new" in heard.cached
        assert_sound(engine)


def test_what_a_killed_process_left_among_the_layers_is_swept(tmp_path: Path):
    root = tmp_path / "store"
    with embedded(root) as engine:
        before = engine.images()
    # Renamed into place, but killed before the row was committed.
    (root / "layers" / "99" / "fs" / "deep").mkdir(parents=True)
    with embedded(root) as engine:
        assert engine.images() == before
        assert_sound(engine)


# --- several processes --------------------------------------------------------------------------


def test_two_processes_build_the_same_in_one_store(tmp_path: Path):
    root = tmp_path / "store"
    context = tmp_path / "context"
    context.mkdir()
    for number in range(20):
        (context / f"file-{number}").write_text(f"{number}\n")
    with embedded(root) as engine:
        text = (
            "FROM busybox:test AS one\nWORKDIR /w\nCOPY . .\nRUN cat file-* > all\n"
            f"{BASE}COPY --from=one /w/all /all\nRUN echo more >> /all\n"
        )
        processes = [builder(root, text, f"both:{n}", context) for n in range(3)]
        for process in processes:
            assert process.stdout.readline() == "open\n"
        for process in processes:
            go_on(process)
        ids = [process.stdout.readline().strip() for process in processes]
        for process in processes:
            process.communicate("\n", timeout=60)
            assert process.returncode == 0
        assert [engine.image(f"both:{n}").id for n in range(3)] == ids
        for number in range(3):
            output = output_of(engine, f"both:{number}", "tail", "-n", "1", "/all")
            assert output == "more\n"
        assert_sound(engine)


def test_many_processes_open_a_new_store_at_once(tmp_path: Path):
    root = tmp_path / "store"
    processes = [builder(root, "FROM scratch\nLABEL a=b\n", "made:test", tmp_path) for _ in "1234"]
    for process in processes:
        output, _ = process.communicate("\n\n", timeout=60)
        assert output.startswith("open\nsha256:")
        assert process.returncode == 0


def test_another_process_removes_what_a_build_uses(engine, tmp_path: Path):
    root = root_of(engine)
    build(engine, f"{BASE}RUN echo old > /old\n", tag="base:test")
    fifo = tmp_path / "fifo"
    with embedded(root) as other:

        def remove() -> None:
            other.remove_image("base:test")
            other.prune_images(every=True)
            other.prune_build_cache()

        heard = Trigger("ready", remove)
        text = (
            "FROM base:test AS one\nRUN echo mid > /mid\n"
            "RUN echo ready; read x < /etc/passwd; cat /old /mid > /both\n"
            "RUN cat /both\nFROM base:test\nCOPY --from=one /both /both\n"
        )
        made = build(engine, text, heard, tag="result:test")
        assert not fifo.exists()
        with pytest.raises(NotFoundError):
            engine.image("base:test")
        assert other.image("result:test").id == made.image.id
        assert output_of(other, "result:test", "cat", "/both", "/old") == "old\nmid\nold\n"
        other.prune_build_cache()
        assert output_of(engine, "result:test", "cat", "/both", "/old") == "old\nmid\nold\n"
        engine.remove_image("result:test")
        other.prune_build_cache()
        assert orphans(engine) == set()


def test_another_process_cannot_remove_the_image_of_a_running_container(engine, marker):
    with embedded(root_of(engine)) as other:
        cancel = Cancellation()
        refused: list[ConflictError] = []

        def heard(event):
            for force in (False, True):
                with pytest.raises(ConflictError) as caught:
                    other.remove_image(image, force=force)
                refused.append(caught.value)
            cancel.cancel()

        image = engine.image("busybox:test").id
        request = RunRequest(image, ("sh", "-c", f"echo a; sleep {marker}"), remove=True)
        engine.run(request, heard, cancel)
        assert len(refused) == 2
        other.remove_image(image)
        assert engine.images() == []


# --- a damaged store ----------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["garbage", "cut", "pages", "other version"])
def test_a_damaged_database_is_told_and_not_written_over(tmp_path: Path, damage: str):
    root = tmp_path / "store"
    with embedded(root) as engine:
        build(engine, f"{BASE}RUN true\n", tag="kept:test")
    path = root / "store.db"
    data = path.read_bytes()
    if damage == "garbage":
        bad = os.urandom(len(data))
    elif damage == "cut":
        bad = data[: len(data) // 3]
    elif damage == "pages":
        bad = data[:4096] + b"\xff" * (len(data) - 4096)
    else:
        bad = data[:60] + (77).to_bytes(4, "big") + data[64:]
    path.write_bytes(bad)
    with pytest.raises(StoreError) as caught, embedded(root) as engine:
        build(engine, f"{BASE}RUN true\n")
    assert str(root) in str(caught.value)
    if damage != "pages":
        assert path.read_bytes() == bad
    path.write_bytes(data)
    with embedded(root) as engine:
        assert engine.image("kept:test").names == ("kept:test",)
        assert_sound(engine)


@pytest.mark.root
def test_a_store_that_cannot_be_written_to_says_so(tmp_path: Path):
    with small_disk(tmp_path / "disk") as disk:
        with embedded(disk):
            pass
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for root in (disk, disk / "new"):
            with pytest.raises(StoreError) as caught:
                EmbeddedEngine(root)
            assert str(root) in str(caught.value)
            assert "CONTAINER_MAGICS_ROOT" in caught.value.hint
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"):
        EmbeddedEngine(tmp_path / "file")
    assert processes_with(str(tmp_path / "file")) == []


def test_a_layer_deleted_behind_our_back(engine, tmp_path: Path):
    text = f"{BASE}RUN echo it > /it\nRUN echo more > /more\n"
    build(engine, text, tag="broken:test")
    layer = engine.image("broken:test").layers[1].diff_id
    engine.close()
    root = tmp_path / "store"
    with closing(sqlite3.connect(root / "store.db")) as db:
        ((number,),) = db.execute("SELECT number FROM layers WHERE diff_id=?", (layer,))
    shutil.rmtree(root / "layers" / str(number))
    with embedded(root) as engine:
        for attempt in (
            lambda: run(engine, "broken:test", "cat", "/it"),
            lambda: build(engine, "FROM broken:test\nRUN cat /it\n"),
            lambda: build(engine, "FROM broken:test\nCOPY <<E /e\nE\n"),
            lambda: engine.save(["broken:test"], io.BytesIO()),
        ):
            with pytest.raises(StoreError) as caught:
                attempt()
            assert layer in str(caught.value)
            assert "rmi -f" in caught.value.hint
        assert unfinished(engine) == []
        heard = Heard()
        build(engine, text, heard, tag="mended:test")
        assert "RUN echo it > /it" not in heard.cached
        assert output_of(engine, "mended:test", "cat", "/it", "/more") == "it\nmore\n"
        engine.remove_image("broken:test", force=True)
        assert_sound(engine)


def test_an_image_whose_layer_is_gone_can_be_removed(engine, tmp_path: Path):
    build(engine, f"{BASE}RUN echo it > /it\n", tag="broken:test")
    layers = tmp_path / "store" / "layers"
    newest = max(layers.iterdir(), key=lambda path: int(path.name))
    shutil.rmtree(newest)
    removed = engine.remove_image("broken:test", force=True)
    assert removed.untagged == ("broken:test",)
    build(engine, f"{BASE}RUN echo it > /it\n", tag="broken:test")
    assert output_of(engine, "broken:test", "cat", "/it") == "it\n"
    assert_sound(engine)


def test_a_configuration_deleted_behind_our_back(engine, tmp_path: Path):
    made = build(engine, f"{BASE}LABEL a=b\n", tag="broken:test").image
    (tmp_path / "store" / "blobs" / "sha256" / made.id.removeprefix("sha256:")).unlink()
    with pytest.raises(StoreError, match=made.id) as caught:
        run(engine, "broken:test", "true")
    assert "rmi -f" in caught.value.hint
    engine.remove_image("broken:test", force=True)
    assert [image.names for image in engine.images()] == [("busybox:test",)]
    assert_sound(engine)


def test_unreadable_archives_leave_nothing(shared):
    before = shared.images()
    good = docker_archive(image_config(layer_tar({"a": b"1"})), [layer_tar({"a": b"1"})])
    for data in (b"", b"no tar", good[: len(good) // 2], layer_tar({"../out": b"x"})):
        with pytest.raises(CorruptArchiveError):
            shared.load(io.BytesIO(data))
    with pytest.raises(CorruptArchiveError):
        shared.import_image(io.BytesIO(b"no tar"), "bad:test")
    assert shared.images() == before
    assert_sound(shared)
