import io

from container_magics.engines.events import Message, Vertex, VertexLog, VertexStatus, VertexWarning
from container_magics.engines.results import BuildResult
from container_magics.errors import StepFailedError
from container_magics.views.progress.terminal import TerminalProgress
from tests.views.values import done, image, running, summary


def test_a_build_is_written_as_buildkit_writes_it(clock):
    stream = io.StringIO()
    view = TerminalProgress(stream, clock=clock)
    view.update(Vertex("a", "[1/3] FROM alpine:3.18.0"))
    view.update(Vertex("b", "[2/3] RUN make"))
    view.update(done("a", "[1/3] FROM alpine:3.18.0", cached=True))
    view.update(running("b", "[2/3] RUN make", started=1000.0))
    clock.now = 1000.412
    view.update(VertexLog("b", 1, b"first\nsec"))
    view.update(None)
    view.update(VertexLog("b", 1, b"ond\n\x1b[1mend"))
    view.update(done("b", "[2/3] RUN make", 1000.0, 1001.2))
    assert stream.getvalue() == (
        "#1 [1/3] FROM alpine:3.18.0\n"
        "#1 CACHED\n"
        "\n"
        "#2 [2/3] RUN make\n"
        "#2 0.412 first\n"
        "#2 0.412 second\n"
        "#2 1.200 end\n"
        "#2 DONE 1.2s\n"
        "\n"
    )


def test_downloads_are_said_when_they_begin_and_end(clock):
    stream = io.StringIO()
    view = TerminalProgress(stream, clock=clock)
    view.update(running("a", "FROM x"))
    for current in range(0, 30_000_001, 10_000_000):
        view.update(VertexStatus("a", "sha256:abc", current, 30_000_000))
    view.update(VertexStatus("a", "sha256:abc", 30_000_000, 30_000_000, completed=1.0))
    assert stream.getvalue().splitlines()[1:] == [
        "#1 sha256:abc 0B / 30MB",
        "#1 sha256:abc 30MB done",
    ]


def test_a_failure_repeats_the_last_lines(clock):
    stream = io.StringIO()
    view = TerminalProgress(stream, clock=clock)
    view.update(running("a", "RUN false"))
    view.update(running("b", "RUN true"))
    view.update(VertexLog("a", 2, b"oh no\n"))
    view.update(done("a", "RUN false", error="exit code: 1", line=2))
    view.fail(StepFailedError("RUN false", returncode=1, step="RUN false"))
    text = stream.getvalue()
    assert "#1 ERROR: exit code: 1\n" in text
    assert "#2 CANCELED\n" in text
    assert "------\n > RUN false:\noh no\n------\n" in text
    assert text.endswith("✗ Build failed: after 0.0s, at RUN false (line 2)\n")


def test_a_result_advice_and_messages_are_written(clock):
    stream = io.StringIO()
    view = TerminalProgress(stream, clock=clock)
    view.update(Message("stand-in used"))
    view.update(VertexWarning("", "of the build", "a hint"))
    view.update(running("a", "COPY . ."))
    view.update(VertexWarning("a", "of the step", line=3))
    view.finish(BuildResult(image(), 3, 1, 2.0), summary("b", size=1_000_000))
    assert stream.getvalue().splitlines()[:4] == [
        "stand-in used",
        "WARN: of the build - a hint",
        "#1 COPY . .",
        "#1 WARN: of the step (line 3)",
    ]
    assert "✓ Built app:latest" in stream.getvalue()
    assert "8.17MB larger" in stream.getvalue()


def test_nothing_from_outside_steers_the_terminal(clock):
    hostile = "\x1b]0;title\x07\x9b31m\u202e"
    stream = io.StringIO()
    view = TerminalProgress(stream, clock=clock)
    view.update(Message(hostile))
    view.update(running("a", f"RUN {hostile}"))
    view.update(VertexStatus("a", hostile, 1, 2))
    view.update(VertexLog("a", 1, hostile.encode() + b"\n"))
    view.update(VertexWarning("a", hostile, hostile))
    view.update(done("a", f"RUN {hostile}", error=hostile))
    view.fail(StepFailedError(hostile, returncode=1))
    assert not set(stream.getvalue()) & set("\x1b\x07\x9b\u202e")


def test_a_build_that_was_only_written_out():
    stream = io.StringIO()
    TerminalProgress(stream).finish(BuildResult(None, 3, 1, 2.0), summary("b", size=1_000_000))
    assert stream.getvalue().splitlines()[-3:] == [
        "✓ Built and written out",
        "  Steps    3, 1 from cache",
        "  Time     2.0s",
    ]
