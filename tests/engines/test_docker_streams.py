"""What containers write and are fed, on a real dockerd: logs, attach, exec, terminals."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from container_magics.engines.containers import Container, ExecRequest, LogRequest, Terminal
from container_magics.engines.docker import DockerEngine
from container_magics.engines.events import Cancellation
from container_magics.errors import ConflictError, NotFoundError, RunError
from tests.fixtures.living import Seen, alone, background, created, ended, started, written
from tests.fixtures.processes import wait_until

pytestmark = pytest.mark.docker

MISSING = "No such container: nosuch"


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    with alone(docker_engine) as found:
        yield found


def executed(
    engine: DockerEngine, container: Container, *command: str, **options: object
) -> tuple[int, bytes, bytes]:
    seen = Seen()
    status = engine.exec(container.id, ExecRequest(command, **options), seen.emit, Cancellation())
    return status, seen.stream(1), seen.stream(2)


class TestLogs:
    def test_streams_apart(self, engine):
        container = ended(engine, "sh", "-c", "echo out; echo err >&2")
        seen = Seen()
        engine.logs(container.id, LogRequest(), seen.emit, Cancellation())
        assert (seen.stream(1), seen.stream(2)) == (b"out\n", b"err\n")

    def test_of_a_terminal(self, engine):
        container = ended(engine, "sh", "-c", "echo out; echo err >&2", tty=True)
        assert written(engine, container.id) == b"out\r\nerr\r\n"

    def test_much_is_whole(self, engine):
        container = ended(engine, "seq", "20000")
        assert written(engine, container.id).split() == [b"%d" % n for n in range(1, 20001)]

    @pytest.mark.parametrize(("tail", "lines"), [(2, b"4\n5\n"), (0, b""), (9, b"1\n2\n3\n4\n5\n")])
    def test_tail(self, engine, tail, lines):
        assert written(engine, ended(engine, "seq", "5").id, tail=tail) == lines

    def test_timestamps(self, engine):
        text = written(engine, ended(engine, "echo", "hi").id, timestamps=True)
        assert re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z hi\n", text)

    def test_since_and_until(self, engine):
        container = started(engine, "sh", "-c", "echo old; read x; echo new", open_stdin=True)
        wait_until(lambda: written(engine, container.id) == b"old\n", "the first line")
        between = time.time()
        feeding = background(
            lambda cancel: engine.attach(container.id, io.BytesIO(b"\n"), print, cancel)
        )
        assert feeding.result() == 0
        assert written(engine, container.id, since=between) == b"new\n"
        assert written(engine, container.id, until=between) == b"old\n"
        assert written(engine, container.id, since=0, until=time.time()) == b"old\nnew\n"

    def test_follow_ends_with_the_container(self, engine):
        container = started(engine, "sh", "-c", "echo one; sleep 0.2; echo two")
        assert written(engine, container.id, follow=True) == b"one\ntwo\n"

    @pytest.mark.parametrize("tty", [False, True])
    def test_follow_is_cancelled(self, engine, tty):
        container = started(engine, "sh", "-c", "echo one; sleep 1000", tty=tty)
        seen = Seen()
        following = background(
            lambda cancel: engine.logs(container.id, LogRequest(follow=True), seen.emit, cancel)
        )
        seen.until(b"one")
        following.cancel.cancel()
        assert following.result() is None
        assert engine.container(container.id).running

    def test_one_that_is_not_there(self, engine):
        with pytest.raises(NotFoundError, match=MISSING):
            written(engine, "nosuch")


class TestAttach:
    def test_feeds_and_gives_what_comes(self, engine):
        container = started(
            engine, "sh", "-c", "read a; echo $a; echo err >&2; exit 5", open_stdin=True
        )
        seen = Seen()
        status = engine.attach(container.id, io.BytesIO(b"hi\n"), seen.emit, Cancellation())
        assert (status, seen.stream(1), seen.stream(2)) == (5, b"hi\n", b"err\n")

    def test_starts_and_misses_nothing(self, engine):
        container = created(engine, "sh", "-c", "echo out; exit 3")
        for _ in range(2):
            seen = Seen()
            status = engine.attach(container.id, None, seen.emit, Cancellation(), start=True)
            assert (status, seen.stream(1)) == (3, b"out\n")

    def test_input_that_ends(self, engine):
        data = bytes(range(256)) * 1000
        container = created(engine, "cat", open_stdin=True, stdin_once=True)
        seen = Seen()
        stdin = io.BytesIO(data)
        assert engine.attach(container.id, stdin, seen.emit, Cancellation(), start=True) == 0
        assert seen.stream(1) == data

    def test_input_that_others_feed_as_well(self, engine):
        container = started(engine, "cat", open_stdin=True)
        for text in (b"first\n", b"second\n"):
            seen = Seen()
            attached = background(
                lambda cancel, text=text, seen=seen: engine.attach(
                    container.id, io.BytesIO(text), seen.emit, cancel
                )
            )
            seen.until(text)
            attached.cancel.cancel()
            assert attached.result() == 0
            assert engine.container(container.id).running

    def test_cancelled_where_the_output_has_ended(self, engine):
        container = created(engine, "sh", "-c", "echo hi; exec >&- 2>&-; sleep 1000")
        seen = Seen()
        attached = background(
            lambda cancel: engine.attach(container.id, None, seen.emit, cancel, start=True)
        )
        seen.until(b"hi")
        attached.cancel.cancel()
        assert attached.result() == 0
        assert engine.container(container.id).running

    def test_input_that_is_closed(self, engine):
        container = started(engine, "sh", "-c", "sleep 0.2; cat; echo end")
        seen = Seen()
        stdin = io.BytesIO(b"unread")
        assert engine.attach(container.id, stdin, seen.emit, Cancellation()) == 0
        assert seen.stream(1) == b"end\n"

    def test_one_that_removes_itself(self, engine):
        container = created(engine, "sh", "-c", "echo hi; exit 6", remove=True)
        seen = Seen()
        assert engine.attach(container.id, None, seen.emit, Cancellation(), start=True) == 6
        assert seen.stream(1) == b"hi\n"
        assert engine.containers(every=True) == []

    def test_what_cannot_start(self, engine):
        container = created(engine, "nosuch")
        with pytest.raises(RunError, match="nosuch") as caught:
            engine.attach(container.id, None, print, Cancellation(), start=True)
        assert caught.value.returncode == 127

    def test_states(self, engine):
        container = started(engine)
        engine.pause(container.id)
        with pytest.raises(ConflictError, match="cannot attach to a paused container"):
            engine.attach(container.id, None, print, Cancellation())
        engine.unpause(container.id)
        engine.kill(container.id)
        engine.wait(container.id, Cancellation())
        with pytest.raises(ConflictError, match="cannot attach to a stopped container"):
            engine.attach(container.id, None, print, Cancellation())
        with pytest.raises(NotFoundError, match=MISSING):
            engine.attach("nosuch", None, print, Cancellation())


class TestExec:
    def test_streams_and_exit_status(self, engine):
        container = started(engine)
        found = executed(engine, container, "sh", "-c", "echo out; echo err >&2; exit 7")
        assert found == (7, b"out\n", b"err\n")

    def test_settings(self, engine):
        container = started(engine, environment={"A": "1"}, workdir="/tmp")
        script = "pwd; id -u; echo $A$B"
        assert executed(engine, container, "sh", "-c", script)[1] == b"/tmp\n0\n1\n"
        _, out, _ = executed(
            engine,
            container,
            "sh",
            "-c",
            script,
            user="me",
            workdir="/etc",
            environment={"B": "2"},
        )
        assert out == b"/etc\n1000\n12\n"

    def test_standard_input_ends(self, engine):
        data = bytes(range(256)) * 4000
        assert executed(engine, started(engine), "cat", stdin=io.BytesIO(data))[1] == data

    def test_standard_input_nobody_reads(self, engine):
        stdin = io.BytesIO(b"x" * 10_000_000)
        assert executed(engine, started(engine), "true", stdin=stdin)[0] == 0

    def test_no_standard_input(self, engine):
        assert executed(engine, started(engine), "cat") == (0, b"", b"")

    def test_output_that_is_closed_early(self, engine):
        script = "echo hi; exec >&- 2>&-; sleep 0.3; exit 8"
        assert executed(engine, started(engine), "sh", "-c", script) == (8, b"hi\n", b"")

    def test_terminal_without_input(self, engine):
        status, out, _ = executed(
            engine, started(engine), "sh", "-c", "test -t 1; echo $?", tty=True
        )
        assert (status, out) == (0, b"0\r\n")

    def test_detached(self, engine):
        container = started(engine)
        found = executed(engine, container, "sh", "-c", "echo x > /done", detach=True)
        assert found == (0, b"", b"")
        wait_until(lambda: executed(engine, container, "test", "-s", "/done")[0] == 0, "it has run")

    @pytest.mark.parametrize("detach", [False, True])
    @pytest.mark.parametrize(
        ("command", "status", "words"),
        [
            (
                "nosuch",
                127,
                "OCI runtime exec failed: exec failed: unable to start container process: exec: "
                '"nosuch": executable file not found in $PATH',
            ),
            ("/etc/passwd", 126, "permission denied"),
        ],
    )
    def test_what_cannot_run(self, engine, command, status, words, detach):
        with pytest.raises(RunError, match=re.escape(words)) as caught:
            executed(engine, started(engine), command, detach=detach)
        assert caught.value.returncode == status

    def test_no_such_user(self, engine):
        with pytest.raises(RunError, match="unable to find user nosuch") as caught:
            executed(engine, started(engine), "true", user="nosuch")
        assert caught.value.returncode == 126

    def test_output_that_looks_like_a_refusal(self, engine):
        found = executed(engine, started(engine), "sh", "-c", r"printf 'a\r\n'; exit 127")
        assert found == (127, b"a\r\n", b"")

    def test_cancelled(self, engine):
        container = started(engine)
        seen = Seen()
        request = ExecRequest(("sh", "-c", "echo hi; exec sleep 1001"))
        running = background(lambda cancel: engine.exec(container.id, request, seen.emit, cancel))
        seen.until(b"hi")
        running.cancel.cancel()
        assert running.result() == 130

    def test_states(self, engine):
        container = started(engine)
        engine.pause(container.id)
        with pytest.raises(ConflictError, match="is paused"):
            executed(engine, container, "true")
        engine.unpause(container.id)
        engine.kill(container.id)
        engine.wait(container.id, Cancellation())
        with pytest.raises(ConflictError, match="is not running"):
            executed(engine, container, "true")
        with pytest.raises(NotFoundError, match=MISSING):
            engine.exec("nosuch", ExecRequest(("true",)), print, Cancellation())


class Screen:
    """What a terminal shows, read in a thread of its own."""

    def __init__(self, terminal: Terminal) -> None:
        self.text = b""
        self._terminal = terminal
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while data := self._terminal.read():
            self.text += data

    def until(self, text: bytes) -> None:
        wait_until(lambda: text in self.text, f"{text!r} on the screen")

    def end(self) -> bytes:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.text


class TestTerminal:
    @pytest.fixture(params=["container", "command"])
    def opened(self, request, engine) -> Callable[..., Terminal]:
        def open_terminal(*command: str) -> Terminal:
            if request.param == "container":
                container = created(engine, *command, tty=True, open_stdin=True)
                return engine.open_terminal(container.id)
            return engine.open_terminal(started(engine).id, ExecRequest(command, tty=True))

        return open_terminal

    def test_types_and_reads(self, opened):
        terminal = opened("sh")
        screen = Screen(terminal)
        terminal.write(b"echo $((6 * 7))\n")
        screen.until(b"42")
        terminal.write(b"exit 3\n")
        assert terminal.wait() == 3
        screen.end()
        terminal.close()

    def test_size(self, opened):
        terminal = opened("sh", "-c", "read x; stty size")
        screen = Screen(terminal)
        terminal.resize(41, 123)
        terminal.write(b"\n")
        assert terminal.wait() == 0
        assert b"41 123" in screen.end()
        terminal.resize(10, 10)
        terminal.close()

    def test_interrupt_is_a_signal(self, opened):
        terminal = opened("sh", "-c", "trap 'echo caught; exit 4' INT; echo ready; sleep 1000")
        screen = Screen(terminal)
        screen.until(b"ready")
        terminal.write(b"\x03")
        assert terminal.wait() == 4
        assert b"caught" in screen.end()
        terminal.close()

    def test_closing_ends_the_reading(self, opened):
        terminal = opened("sh", "-c", "echo ready; sleep 1000")
        screen = Screen(terminal)
        screen.until(b"ready")
        terminal.close()
        screen.end()
        terminal.write(b"unheard\n")
        assert terminal.read() == b""
        terminal.close()

    def test_container_that_runs_already(self, engine):
        container = started(engine, "sh", tty=True, open_stdin=True)
        terminal = engine.open_terminal(container.id)
        screen = Screen(terminal)
        terminal.write(b"echo $((6 * 7)); exit 5\n")
        assert terminal.wait() == 5
        assert b"42" in screen.end()
        terminal.close()

    def test_container_that_removes_itself(self, engine):
        container = created(engine, "sh", "-c", "exit 6", tty=True, open_stdin=True, remove=True)
        terminal = engine.open_terminal(container.id)
        assert terminal.wait() == 6
        assert engine.containers(every=True) == []
        terminal.close()

    def test_what_cannot_start(self, engine):
        container = created(engine, "nosuch", tty=True, open_stdin=True)
        with pytest.raises(RunError, match="nosuch") as caught:
            engine.open_terminal(container.id)
        assert caught.value.returncode == 127
        terminal = engine.open_terminal(started(engine).id, ExecRequest(("nosuch",)))
        assert b"executable file not found" in Screen(terminal).end()
        # Docker 20.10 has the first for any command.
        assert terminal.wait() in (126, 127)
        terminal.close()

    def test_states(self, engine):
        with pytest.raises(ConflictError, match="is not running"):
            engine.open_terminal(created(engine).id, ExecRequest(("sh",)))
        with pytest.raises(NotFoundError, match=MISSING):
            engine.open_terminal("nosuch")


def test_connections_end_with_the_verbs(engine):
    """No descriptor is left of what was streamed."""
    container = started(engine)
    executed(engine, container, "echo", "hi")

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    for _ in range(5):
        executed(engine, container, "echo", "hi")
        engine.open_terminal(container.id, ExecRequest(("sh",))).close()
        written(engine, container.id)
    assert descriptors() <= before + 1
