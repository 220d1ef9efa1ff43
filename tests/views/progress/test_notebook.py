import re
import threading
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from container_magics.engines.events import Message, Vertex, VertexLog, VertexStatus, VertexWarning
from container_magics.engines.follow import follow
from container_magics.engines.results import BuildResult
from container_magics.errors import BuildError, StepFailedError
from container_magics.views.progress.notebook import NotebookProgress
from tests.views.values import HOSTILE, done, image, running, summary


class Reader(HTMLParser):
    """The text of some HTML, its tags and attributes, and whether they are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def result(**more) -> BuildResult:
    return BuildResult(image(**more), 9, 4, 12.34)


def test_every_step_has_a_display_with_its_final_state(cell, clock):
    view = NotebookProgress("Building app", clock=clock)
    view.update(Vertex("a", "[1/3] FROM x"))
    view.update(done("a", "[1/3] FROM x", cached=True))
    view.update(running("b", "[2/3] RUN make", started=1000.0))
    clock.now += 1
    view.update(VertexLog("b", 1, b"working\n"))
    clock.now += 1
    view.update(done("b", "[2/3] RUN make", 1000.0, 1001.5, layer_size=1_230_000))
    view.finish(result())
    texts = [output["text/plain"] for output in cell.outputs]
    assert texts[0] == "Building app"
    assert texts[1] == "✓  [1/3] FROM x  CACHED"
    assert texts[2] == "✓  [2/3] RUN make  1.5s  1.23MB"
    assert texts[3].startswith("✓ Built app:latest")
    assert len(texts) == 4
    assert "CACHED" in cell.outputs[1]["text/html"]
    assert "working" in cell.outputs[2]["text/html"]


def test_a_running_step_shows_its_clock_its_last_lines_and_its_downloads(cell, clock):
    view = NotebookProgress(clock=clock)
    view.update(running("a", started=998.0))
    clock.now += 0.5
    view.update(VertexStatus("a", "sha256:abc", 5_000_000, 20_000_000))
    assert "running 2.5s" in cell.html
    assert "5MB / 20MB" in cell.html
    assert "width:25%" in cell.html
    clock.now += 0.5
    view.update(VertexLog("a", 2, b"first\nsecond\nthird\nfourth\n"))
    shown = Reader(cell.html).text
    assert "second\nthird\nfourth" in shown
    assert "first" not in shown
    clock.now += 0.5
    view.update(None)
    assert "running 3.5s" in cell.html


def test_a_finished_log_is_folded_and_a_failed_one_is_open(cell, clock):
    view = NotebookProgress(clock=clock)
    for digest in "ab":
        view.update(running(digest, f"RUN {digest}"))
        view.update(VertexLog(digest, 1, b"some output\n"))
    view.update(done("a", "RUN a"))
    view.update(done("b", "RUN b", error="exit code: 2", line=7))
    view.update(Vertex("c", "RUN c"))
    clock.now += 3
    view.fail(StepFailedError("RUN b failed", returncode=2, step="RUN b"))
    good, bad, end = cell.outputs
    details = [attrs for tag, attrs in Reader(good["text/html"]).tags if tag == "details"]
    assert details == [{}]
    details = [attrs for tag, attrs in Reader(bad["text/html"]).tags if tag == "details"]
    assert details == [{"open": None}]
    assert "FAILED" in bad["text/html"]
    assert "exit code: 2" in bad["text/html"]
    assert "some output" in bad["text/plain"]
    assert end["text/plain"] == "✗ Build failed: after 3.0s, at RUN b (line 7), 1 step not run"


def test_a_failure_without_a_failed_step_marks_what_ran(cell, clock):
    view = NotebookProgress(clock=clock)
    view.update(running("a", "COPY x ."))
    view.update(running("b", "RUN sleep"))
    view.fail(BuildError("COPY x: not in the context\nmore", step="COPY x ."))
    assert [o["text/plain"].split("  ")[2].split()[0] for o in cell.outputs[:2]] == [
        "FAILED",
        "CANCELLED",
    ]


def test_an_interrupt_cancels_what_ran(cell, clock):
    view = NotebookProgress(clock=clock)
    view.update(running("a", "RUN sleep"))
    view.fail(KeyboardInterrupt())
    assert "CANCELLED" in cell.outputs[0]["text/html"]
    assert cell.outputs[1]["text/plain"].startswith("✗ Build interrupted: after")


def test_a_long_command_can_be_read_in_whole(cell, clock):
    command = "RUN " + " && ".join(f"step{number}" for number in range(40))
    view = NotebookProgress(clock=clock)
    view.update(done("a", command))
    reader = Reader(cell.html)
    folded = reader.text.rpartition("1.5s")[2]
    assert command in folded
    assert ("details", {}) in reader.tags


def test_the_last_lines_of_a_long_failed_log_are_in_view_and_the_rest_is_counted(cell, clock):
    view = NotebookProgress(clock=clock)
    view.update(running("a"))
    for number in range(2000):
        view.update(VertexLog("a", 1, f"line {number}\n".encode()))
    view.update(done("a", error="exit code: 1"))
    view.fail(BuildError("failed"))
    shown = Reader(cell.outputs[0]["text/html"]).text
    assert "1,980 earlier lines" in shown
    assert "1,500 lines left out" in shown
    assert "line 0\n" in shown
    assert shown.index("line 1979") < shown.index("line 1980") < shown.index("line 1999")


def test_updates_stay_within_four_and_100_kb_a_second(cell, clock):
    view = NotebookProgress(clock=clock)
    for digest in "abcd":
        view.update(running(digest, f"RUN {digest}", started=1000.0))
    for tick in range(2000):
        clock.now += 0.005
        for digest in "abcd":
            view.update(VertexLog(digest, 1, b"\x00" * 300 + b"<" * 300 + b"%d\n" % tick))
    for digest in "abcd":
        clock.now += 0.05
        view.update(done(digest, f"RUN {digest}", 1000.0, clock.now))
    for _ in range(40):
        clock.now += 0.1
        view.update(None)
    for start in cell.updates:
        assert sum(start <= when < start + 1 for when in cell.updates) <= 4
        volume = sum(
            len(message["data"]["text/html"])
            for when, message in cell.messages
            if start <= when < start + 1
        )
        assert volume <= 100_000
    assert len(cell.updates) > 30
    assert "running" not in Reader(cell.html).text


def test_running_steps_share_the_updates(cell, clock):
    view = NotebookProgress(clock=clock)
    for digest in "abc":
        view.update(running(digest, f"RUN {digest}", started=1000.0))
    for _ in range(100):
        clock.now += 0.1
        view.update(None)
    ids = [message["transient"]["display_id"] for _, message in cell.messages if message["update"]]
    counts = [ids.count(identity) for identity in set(ids)]
    assert len(counts) == 3
    assert max(counts) - min(counts) <= 2


def test_what_is_over_is_not_written_again(cell, clock):
    view = NotebookProgress(clock=clock)
    view.update(done("a", "RUN a"))
    clock.now += 1
    view.update(running("b", "RUN b", started=1000.0))
    for _ in range(50):
        clock.now += 0.3
        view.update(None)
    first = cell.messages[0][1]["transient"]["display_id"]
    assert [m["update"] for _, m in cell.messages if m["transient"]["display_id"] == first] == [
        False
    ]


def test_a_build_of_quick_steps_writes_each_step_once(cell, clock):
    view = NotebookProgress(clock=clock)
    view.update(Vertex("-", "[internal] start"))
    for number in range(20):
        view.update(Vertex(str(number), f"RUN {number}"))
    for number in range(20):
        clock.now += 0.001
        view.update(running(str(number), f"RUN {number}", clock.now))
        view.update(done(str(number), f"RUN {number}", clock.now, clock.now))
    view.finish(result())
    assert len(cell.updates) <= 1
    names = [output["text/plain"].split("  ")[1] for output in cell.outputs[:-1]]
    assert names == [f"RUN {number}" for number in range(20)]


def test_a_clock_set_back_does_not_stop_the_updates(cell, clock):
    view = NotebookProgress(clock=clock)
    view.update(running("a", started=1000.0))
    clock.now = 10.0
    view.update(VertexLog("a", 1, b"still here\n"))
    assert "still here" in cell.html


def test_texts_from_outside_are_text(cell, clock):
    view = NotebookProgress(HOSTILE, clock=clock)
    hostile = f"{HOSTILE}\u202e\x1b[31m\x07</pre></details>"
    view.update(Message(hostile))
    view.update(running("a", f"[{hostile}] RUN {hostile}" + "n" * 10_000))
    view.update(VertexStatus("a", hostile, 1, 2))
    view.update(VertexLog("a", 1, f"{hostile}\n".encode()))
    view.update(VertexWarning("a", hostile, hostile, 3))
    view.update(VertexWarning("", hostile, hostile))
    clock.now += 1
    view.update(None)
    view.update(running("b", HOSTILE))
    view.update(VertexLog("b", 1, f"{hostile}\n".encode()))
    view.update(done("b", HOSTILE))
    view.update(done("a", HOSTILE, error=hostile))
    running_html = cell.html
    names = (f"{HOSTILE}:{HOSTILE}",)
    view.finish(result(names=names), summary("b", names))
    view.fail(BuildError(hostile))
    for _, message in cell.messages:
        reader = Reader(message["data"]["text/html"])
        assert {tag for tag, _ in reader.tags} <= {
            *("div", "span", "details", "summary", "pre", "i", "br"),
            *("table", "thead", "tbody", "tr", "th", "td"),
        }
        assert not any(name.startswith("on") for _, attrs in reader.tags for name in attrs)
        assert not re.search("[\u202e\x07\x1b]", "".join(message["data"].values()))
    assert "&lt;img src=x" in running_html
    assert len(running_html) < 10_000


def test_html_keeps_to_what_an_untrusted_notebook_keeps(cell, clock):
    view = NotebookProgress("Building", clock=clock)
    view.update(running("a"))
    view.update(VertexLog("a", 1, b"x\n"))
    view.update(done("a", layer_size=1))
    view.finish(result(), summary("b"))
    kept = {"class", "style", "title", "open", "scope", "role", "aria-label"}
    reader = Reader(cell.html)
    assert {name for _, attrs in reader.tags for name in attrs} <= kept
    assert "✓" in reader.text


def test_dollar_signs_are_not_typeset_as_mathematics(cell, clock):
    view = NotebookProgress("Building $x$", clock=clock)
    view.update(Message("$y$"))
    view.update(done("a", "RUN echo $A $B"))
    view.finish(result())
    for output in cell.outputs:
        outermost = Reader(output["text/html"]).tags[0][1]
        assert outermost["class"].split() == ["mathjax_ignore", "tex2jax_ignore"]


@pytest.mark.parametrize(
    ("previous", "change"),
    [
        (None, None),
        (summary("b", size=1_000_000), "8.17MB larger than bbbbbbbbbbbb (1MB, 5 days ago)"),
        (summary("b", size=803_000_000), "794MB smaller than bbbbbbbbbbbb (803MB, 5 days ago)"),
        (summary("b"), "the same size as bbbbbbbbbbbb (9.17MB, 5 days ago)"),
        (summary("a"), "none: the same image as before"),
    ],
)
def test_the_result_gives_its_facts_and_what_changed(cell, clock, previous, change):
    view = NotebookProgress(clock=clock)
    view.finish(result(), previous)
    facts = ["Image ID aaaaaaaaaaaa", "Size 9.17MB", "Layers 2", "Steps 9, 4 from cache"]
    facts.append("Time 12.3s")
    facts += [f"Change {change}"] if change else []
    text = cell.outputs[0]["text/plain"]
    assert [" ".join(line.split()) for line in text.splitlines()[1:]] == facts
    for fact in facts:
        assert fact.split(" ", 2 if fact.startswith("Image") else 1)[-1] in cell.html


def test_advice_is_below_its_step(cell, clock):
    view = NotebookProgress(clock=clock)
    view.update(running("a", "COPY . ."))
    view.update(VertexWarning("a", "x.ipynb changed", "add *.ipynb to .dockerignore", 4))
    view.update(done("a", "COPY . ."))
    view.finish(result())
    assert "x.ipynb changed (line 4)" in cell.outputs[0]["text/html"]
    assert "add *.ipynb to .dockerignore" in cell.outputs[0]["text/html"]
    assert "warning: x.ipynb changed (line 4)" in cell.outputs[0]["text/plain"]


def test_following_displays_in_this_thread_and_gives_the_result(cell):
    threads = set()
    built = result()

    def build(emit, cancel):
        threads.add(threading.current_thread())
        emit(running("a"))
        emit(done("a"))
        return built

    view = NotebookProgress()
    assert view.follow(follow(build)) is built
    assert threads != {threading.current_thread()}
    assert "Built" in cell.html


def test_following_shows_the_failure_and_raises_it(cell):
    def build(emit, cancel):
        emit(running("a", "RUN false"))
        raise BuildError("no", step="RUN false")

    with pytest.raises(BuildError):
        NotebookProgress().follow(follow(build))
    assert "Build failed" in cell.html
    assert "FAILED" in cell.outputs[0]["text/html"]


@pytest.mark.parametrize("steps", [24, 25, 100, 400])
def test_the_result_of_a_long_build_is_among_the_outputs_that_jupyterlab_shows(cell, clock, steps):
    view = NotebookProgress(clock=clock)
    for number in range(steps):
        digest, name, began = f"step {number}", f"RUN echo {number}", clock.now
        view.update(running(digest, name, began))
        view.update(VertexLog(digest, 1, b"says %d\n" % number))
        clock.now += 0.3
        view.update(done(digest, name, began, clock.now))
    view.finish(result())
    assert len(cell.outputs) <= min(steps + 1, 46)
    assert cell.outputs[-1]["text/plain"].startswith("✓ Built")
    lines = [line for each in cell.outputs[:-1] for line in each["text/plain"].splitlines()]
    assert [line.split("  ")[:2] for line in lines] == [
        ["✓", f"RUN echo {n}"] for n in range(steps)
    ]
    assert re.findall(r"says (\d+)\n?</pre>", cell.html) == [str(n) for n in range(steps)]


def two_stages(view, *, server="server", pages="pages") -> None:
    """Announce what an engine knows beforehand."""
    for digest, name, stage in (
        ("s1", f"[{server} 1/2] FROM golang:1", server),
        ("s2", f"[{server} 2/2] RUN make", server),
        ("p1", f"[{pages} 1/2] FROM node:1", pages),
        ("p2", f"[{pages} 2/2] RUN npm build", pages),
    ):
        view.update(Vertex(digest, name, stage=stage))


def named(output: dict) -> str:
    """The mark and name in the first line of an output's text."""
    return " ".join(output["text/plain"].split("\n")[0].split("  ")[:2])


def test_steps_stand_below_the_heading_of_their_stage(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view)
    view.update(Vertex("x", "[internal] not begun"))
    assert cell.outputs == []
    view.update(running("p1", "[pages 1/2] FROM node:1", 1000.0, stage="pages"))
    clock.now += 0.3
    view.update(None)
    assert [named(output) for output in cell.outputs] == [
        "○ stage server",
        "○ [server 1/2] FROM golang:1",
        "○ [server 2/2] RUN make",
        "● stage pages",
        "● [pages 1/2] FROM node:1",
        "○ [pages 2/2] RUN npm build",
    ]
    view.update(done("p1", "[pages 1/2] FROM node:1", 1000.0, 1000.2, stage="pages"))
    for digest, name, stage in (
        ("s1", "[server 1/2] FROM golang:1", "server"),
        ("s2", "[server 2/2] RUN make", "server"),
        ("p2", "[pages 2/2] RUN npm build", "pages"),
    ):
        view.update(done(digest, name, 1001.0, 1003.0, stage=stage))
    clock.now = 1004.0
    view.finish(result())
    texts = [output["text/plain"] for output in cell.outputs]
    assert texts[0] == ("✓  stage server  FROM golang:1  2/2 steps  2.0s  (1.0s to 3.0s of 3.0s)")
    assert texts[3] == (
        "✓  stage pages  FROM node:1  2/2 steps  2.2s  (0.0s to 3.0s of 3.0s, with pauses)"
    )
    assert [named(output) for output in cell.outputs] == [
        "✓ stage server",
        "✓ [server 1/2] FROM golang:1",
        "✓ [server 2/2] RUN make",
        "✓ stage pages",
        "✓ [pages 1/2] FROM node:1",
        "✓ [pages 2/2] RUN npm build",
        "✓ Built app:latest",
    ]


def pieces(html: str) -> list[tuple[float, float]]:
    """Where the pieces of a heading's bar begin and end, in percent."""
    found, at = [], 0.0
    for left, width in re.findall(r"margin-left:([\d.]+)%;width:([\d.]+)%", html):
        begin = at + float(left)
        at = begin + float(width)
        found.append((begin, at))
    return found


def test_bars_show_when_stages_ran_within_the_build(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view)
    view.update(running("s2", "RUN make", 1000.0, stage="server"))
    clock.now = 1004.0
    view.update(running("p2", "RUN npm build", 1002.0, stage="pages"))
    server, pages = (o for o in cell.outputs if "stage" in named(o))
    ((begin, end),) = pieces(server["text/html"])
    assert begin == 0
    assert 85 <= end <= 100
    ((begin, end),) = pieces(pages["text/html"])
    assert 42 <= begin <= 50
    assert 85 <= end <= 100
    assert 'title="since 2.0s"' in pages["text/html"]
    view.update(done("s2", "RUN make", 1000.0, 1006.0, stage="server"))
    view.update(done("p2", "RUN npm build", 1002.0, 1008.0, stage="pages"))
    clock.now = 1100.0
    view.finish(result())
    server, pages = (o["text/html"] for o in cell.outputs if "stage" in named(o))
    assert pieces(server) == [(0, 75)]
    assert pieces(pages) == [(25, 100)]
    assert 'title="0.0s to 6.0s of 8.0s"' in server
    assert 'title="2.0s to 8.0s of 8.0s"' in pages


def test_bars_of_any_times_stay_within_their_frame(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view)
    for number in range(60):
        begun = 1000.0 + 10 * number
        view.update(done(f"{number}", f"RUN {number}", begun, begun + 1, stage="server"))
    view.update(done("p1", "FROM node:1", 1591.0, 1591.0, stage="pages"))
    view.update(done("p2", "RUN npm build", 1591.0, 900.0, stage="pages"))
    clock.now = 1600.0
    view.finish(result())
    server, pages = (o["text/html"] for o in cell.outputs if "stage" in named(o))
    assert len(pieces(server)) <= 20
    for begin, end in (*pieces(server), *pieces(pages)):
        assert 0 <= begin <= end <= 100.5


def test_the_bars_of_over_stages_are_rarely_written_again(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view)
    view.update(done("s1", "FROM golang:1", 1000.0, 1000.2, stage="server"))
    view.update(done("s2", "RUN make", 1000.2, 1000.9, stage="server"))
    view.update(running("p2", "RUN npm build", 1000.0, stage="pages"))
    for _ in range(400):
        clock.now += 0.25
        view.update(None)
    texts = [message["data"]["text/plain"] for _, message in cell.messages]
    assert sum("stage server" in text for text in texts) <= 40
    assert sum("npm build" in text for text in texts) >= 150


def test_a_step_that_is_known_late_comes_where_it_ran(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view)
    view.update(done("s1", "[server 1/2] FROM golang:1", 1000.0, 1000.1, stage="server"))
    clock.now += 1
    view.update(None)
    clock.now += 1
    view.update(running("t", "[server onbuild 1/1] RUN trigger", 1001.0, stage="server"))
    view.update(Vertex("s3", "[server 3/3] COPY later", stage="server"))
    view.finish(result())
    lines = [line for o in cell.outputs[:-1] for line in o["text/plain"].splitlines()]
    assert [line.split("  ")[1] for line in lines] == [
        "stage server",
        "[server 1/2] FROM golang:1",
        "[server onbuild 1/1] RUN trigger",
        "[server 2/2] RUN make",
        "[server 3/3] COPY later",
        "stage pages",
        "[pages 1/2] FROM node:1",
        "[pages 2/2] RUN npm build",
    ]


def test_too_many_late_steps_continue_their_stage_at_the_end(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view)
    view.update(done("s1", "[server 1/2] FROM golang:1", 1000.0, 1000.1, stage="server"))
    view.update(done("s2", "[server 2/2] RUN make", 1000.0, 1000.1, stage="server"))
    clock.now += 1
    view.update(None)
    for number in range(20):
        began = 1001.0 + number
        view.update(done(str(number), f"RUN {number}", began, began + 1, stage="server"))
        clock.now += 1
        view.update(None)
    view.finish(result())
    names = [named(o).partition(" ")[2] for o in cell.outputs]
    continued = names.index("stage server (continued)")
    assert continued > names.index("stage pages")
    assert names[continued + 1 : -1] == [f"RUN {number}" for number in range(9, 20)]


def test_a_second_stage_that_comes_unannounced_gives_the_first_its_heading(cell, clock):
    view = NotebookProgress(clock=clock)
    view.update(done("1", "[1/3] FROM x", 1000.0, 1000.5, stage="0"))
    clock.now += 1
    view.update(None)
    assert named(cell.outputs[0]) == "✓ [1/3] FROM x"
    view.update(done("2", "[2/3] FROM y", 1001.0, 1001.5, stage="1"))
    view.update(done("3", "[3/3] COPY z", 1001.5, 1002.0, stage="1"))
    clock.now += 1
    view.update(None)
    view.finish(result())
    assert cell.outputs[0]["text/plain"].splitlines() == [
        "✓  stage 0  FROM x  1/1 step  0.5s  (0.0s to 0.5s of 2.0s)",
        "✓  [1/3] FROM x  0.5s",
    ]
    assert [named(o) for o in cell.outputs[1:-1]] == [
        "✓ stage 1",
        "✓ [2/3] FROM y",
        "✓ [3/3] COPY z",
    ]


def test_steps_of_no_stage_share_a_line(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view)
    view.update(running("i1", "[internal] load build definition", 1000.0))
    clock.now += 0.3
    view.update(VertexStatus("i1", "transferring dockerfile:", 1050))
    assert named(cell.outputs[0]) == "● [internal] load build definition"
    view.update(done("i1", "[internal] load build definition", 1000.0, 1000.3))
    view.update(done("s1", "[server 1/2] FROM golang:1", 1000.3, 1000.4, stage="server"))
    view.update(done("i2", "exporting to image", 1001.0, 1002.0))
    clock.now += 2
    view.finish(result())
    assert cell.outputs[0]["text/plain"] == (
        "✓  2 internal steps: load build definition, exporting to image  1.0s"
    )
    assert sum("exporting" in o["text/plain"] for o in cell.outputs) == 1
    folded = Reader(cell.outputs[0]["text/html"])
    assert ("details", {}) in folded.tags
    assert "transferring dockerfile:" in folded.text


def test_an_internal_step_that_fails_is_in_full_view(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view)
    view.update(done("i1", "[internal] load metadata for x", error="no such image"))
    view.fail(BuildError("no such image"))
    assert "no such image" in cell.outputs[0]["text/html"].rpartition("</details>")[2]
    assert "no such image" in cell.outputs[0]["text/plain"]
    assert [named(o) for o in cell.outputs[1:4]] == [
        "- stage server",
        "- [server 1/2] FROM golang:1",
        "- [server 2/2] RUN make",
    ]
    assert "4 steps not run" in cell.outputs[-1]["text/plain"]


def test_what_never_came_does_not_wait_in_a_finished_build(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view)
    view.update(done("s1", "[server 1/2] FROM golang:1", 1000.0, 1000.1, stage="server"))
    clock.now += 1
    view.update(None)
    assert "waiting" in cell.html
    view.finish(result())
    assert "waiting" not in cell.html
    assert "-  [pages 2/2] RUN npm build  not run" in [o["text/plain"] for o in cell.outputs]


def test_a_quick_build_of_several_stages_writes_each_display_once(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view)
    for digest in ("s1", "s2", "p1", "p2"):
        clock.now += 0.01
        stage = "server" if digest[0] == "s" else "pages"
        view.update(done(digest, f"RUN {digest}", 1000.0, 1000.0, cached=True, stage=stage))
    view.finish(result())
    assert cell.updates == []
    assert len(cell.outputs) == 7


def test_downloads_show_bytes_share_and_rate(cell, clock):
    view = NotebookProgress(clock=clock)
    view.update(running("a", "FROM x", started=1000.0))
    for tick in range(9):
        view.update(VertexStatus("a", "layer Downloading", tick * 3_000_000, 48_000_000))
        clock.now += 0.25
    view.update(None)
    shown = Reader(cell.html).text
    assert re.search(r"50%\s+24MB / 48MB\s+10\.7MB/s", shown)
    view.update(VertexStatus("a", "layer Downloading", 48_000_000, 48_000_000))
    view.update(done("a", "FROM x", 1000.0, 1004.0))
    view.finish(result())
    assert "layer  48MB  21.3MB/s" in Reader(cell.html).text


@pytest.mark.parametrize("stages", [2, 15, 60])
def test_the_result_of_many_stages_is_among_the_outputs_that_jupyterlab_shows(cell, clock, stages):
    view = NotebookProgress(clock=clock)
    names = [f"s{stage}" for stage in range(stages)]
    for name in names:
        for number in range(4):
            view.update(Vertex(f"{name}/{number}", f"RUN {name}/{number}", stage=name))
    for name in names:
        for number in range(4):
            began = clock.now
            clock.now += 0.3
            view.update(done(f"{name}/{number}", f"RUN {name}/{number}", began, stage=name))
    view.finish(result())
    assert len(cell.outputs) <= 46
    lines = [line for each in cell.outputs[:-1] for line in each["text/plain"].splitlines()]
    assert [line.split("  ")[1] for line in lines] == [
        title
        for name in names
        for title in (f"stage {name}", *(f"RUN {name}/{number}" for number in range(4)))
    ]


def test_stage_names_and_bases_from_outside_are_text(cell, clock):
    view = NotebookProgress(clock=clock)
    two_stages(view, server=HOSTILE, pages=f"{HOSTILE}\u202e")
    view.update(done("s1", f"[x 1/2] FROM {HOSTILE}", 1000.0, 1000.1, stage=HOSTILE))
    view.update(done("i", f"[internal] {HOSTILE}", 1000.0, 1000.1))
    clock.now += 1
    view.update(None)
    view.finish(result())
    for _, message in cell.messages:
        reader = Reader(message["data"]["text/html"])
        kept = {"class", "style", "title", "open", "scope", "role", "aria-label"}
        assert {name for _, attrs in reader.tags for name in attrs} <= kept
        assert "img" not in {tag for tag, _ in reader.tags}
        assert "\u202e" not in "".join(message["data"].values())
    assert f"stage {HOSTILE}" in Reader(cell.html).text


def test_many_lines_are_fast_and_leave_the_output_small(cell):
    view = NotebookProgress()
    view.update(running("a", "RUN seq 200000"))
    data = b"".join(b"%d of the lines <of> a step\n" % number for number in range(200_000))
    begun = time.process_time()
    for start in range(0, len(data), 32_768):
        view.update(VertexLog("a", 1, data[start : start + 32_768]))
    view.update(done("a", "RUN seq 200000"))
    view.finish(result())
    assert time.process_time() - begun < 1.5
    assert sum(len(text) for o in cell.outputs for text in o.values()) < 100_000
    (path,) = re.findall(
        r"199,500 lines left out; all of it: (\S+/step-1(?:-\d+)?\.log) …", cell.html
    )
    assert Path(path).read_bytes() == data
