"""The walk as a view: going asks the engine nothing, a run leaves nothing, all forms show it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from container_magics.analysis.walk import Walk
from container_magics.engines.base import Engine
from container_magics.engines.build_request import BuildRequest
from container_magics.errors import RunError, UsageError
from container_magics.views.step.view import StepView
from container_magics.views.widget import key_of
from tests.fixtures.embedding import embedded
from tests.views.values import HOSTILE

pytestmark = pytest.mark.root

on_both_engines = pytest.mark.parametrize(
    "engine",
    ["embedded", pytest.param("docker", marks=pytest.mark.docker)],
    indirect=True,
    scope="module",
)

DOCKERFILE = """\
FROM busybox:test
WORKDIR /work
RUN echo one > one; echo kept > kept
RUN echo two > two; mkdir -p deep/er; echo x > deep/er/x; rm one; echo changed > kept
ENV COLOUR=blue
USER me
CMD ["cat", "two"]
"""


class Spy:
    """An engine that notes which of its verbs are used."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self._engine, name)


@pytest.fixture(scope="module")
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Spy]:
    if getattr(request, "param", "") == "docker":
        yield Spy(request.getfixturevalue("docker_engine"))
        return
    with embedded(tmp_path_factory.mktemp("walk")) as engine:
        yield Spy(engine)


@pytest.fixture
def views(engine: Engine) -> Iterator[Any]:
    """Open views of walks, which have come to a step or to the end."""
    opened: list[StepView] = []

    def view(
        text: str = DOCKERFILE, number: int | None = None, stops: tuple[int, ...] = ()
    ) -> StepView:
        walk = Walk(engine, BuildRequest(text))
        end = len(walk.steps) if number is None else number
        with walk.failing():
            for _ in walk.building(end):
                continue
        walk.remember(end)
        opened.append(StepView(walk, stops))
        return opened[-1]

    yield view
    for each in opened:
        each.close()


def ask(view: StepView, question: str, **fields: Any) -> tuple[list[Any], Any]:
    """What the front end gets: parts, and the answer; all of it must be JSON."""
    answer = view.questions()[question](**fields)
    parts = []
    if hasattr(answer, "send"):
        while True:
            try:
                parts.append(next(answer))
            except StopIteration as end:
                answer = end.value
                break
    json.dumps([parts, answer])
    return parts, answer


# --- going ---


@on_both_engines
def test_back_and_forth_among_what_was_reached_asks_the_engine_nothing(views: Any, engine: Spy):
    view = views()
    assert view.position == 7
    engine.calls.clear()
    assert [view.back() for _ in range(8)] == [6, 5, 4, 3, 2, 1, 1, 1]
    assert view.forward() == 2
    assert view.go(6) == 6
    assert view.proceed() == 7
    assert view.forward() == 7
    for number in range(1, 8):
        ask(view, "go", number=number)
    assert view.position == 7
    ask(view, "level", number=4, key="work")
    ask(view, "state")
    ask(view, "advance", position=2, far=True)
    str(view), view.static_html(), view.frame(), view.figure()
    assert engine.calls == []


@on_both_engines
def test_a_file_of_a_later_step_is_absent_and_a_runs_own_changes_are_gone(views: Any):
    view = views()
    assert view.run("ls", 2).stdout == ""
    assert view.run("cat kept", 3).stdout == "kept"
    view.go(3)
    assert view.run("echo mine > own; rm one; ls; echo more > kept").stdout.split() == [
        "kept",
        "own",
    ]
    assert view.run("ls; cat kept").stdout.split() == ["kept", "one", "kept"]
    assert view.run("ls -d two", 4).returncode == 0
    assert view.run("ls -d two", 3).returncode == 1


def test_a_run_has_the_environment_the_user_and_the_directory_of_its_step(views: Any):
    view = views()
    command = "echo $COLOUR,$(id -un),$(pwd)"
    assert view.run(command, 2).stdout == ",root,/work"
    assert view.run(command, 7).stdout == "blue,me,/work"
    ended = view.run("echo out; echo err >&2; exit 7", 7)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("out", "err", 7)
    assert str(ended).endswith("exit status 7")


def test_entrypoint_and_cmd_do_not_come_between(views: Any):
    view = views('FROM busybox:test\nENTRYPOINT ["/bin/false"]\nCMD ["x"]\n')
    assert view.run("echo $0 here").stdout == "/bin/sh here"


def test_a_long_output_is_streamed_and_cut_in_its_middle(views: Any):
    view = views()
    parts, answer = ask(view, "run", number=2, text="seq 1 100000; echo done")
    lines = [line for part in parts for line in part]
    assert lines[:2] == ["1", "2"]
    assert lines[-1] == "done"
    assert any("lines are left out" in line for line in lines)
    assert sum(map(len, lines)) < 70_000
    assert answer["returncode"] == 0
    assert len(view.run("seq 1 100000").stdout) < 80_000


@on_both_engines
def test_without_a_shell_the_words_themselves_are_run(views: Any):
    view = views(
        "FROM busybox:test AS tools\nFROM scratch\n"
        "COPY --from=tools /bin/busybox /busybox\nCOPY --from=tools /etc/passwd /etc/passwd\n"
    )
    assert view.run("/busybox cat '/etc/passwd'", 4).stdout.startswith("root:")
    with pytest.raises(UsageError, match="no files at step 2"):
        view.run("/busybox ls", 2)
    with pytest.raises(RunError, match="sh") as caught:
        view.run("sh -c ls", 4)
    assert "no /bin/sh here" in caught.value.hint
    with pytest.raises(UsageError, match="quot"):
        view.run("/busybox 'cat", 4)


def test_no_container_is_left(views: Any, engine: Spy):
    view = views()
    before = engine.info()["Containers"]
    view.run("true")
    view.run("false")
    assert engine.info()["Containers"] == before


def test_after_closing_a_run_says_so(views: Any):
    view = views()
    view.close()
    view.go(3)
    with pytest.raises(UsageError, match="closed"):
        view.run("ls")


def test_a_forgotten_view_removes_its_images(engine: Spy):
    before = {image.id for image in engine.images()}
    walk = Walk(engine, BuildRequest(f"FROM busybox:test\nENV MARK={os.urandom(4).hex()}\n"))
    walk.remember(2)
    view = StepView(walk)
    assert {image.id for image in engine.images()} != before
    del view
    assert {image.id for image in engine.images()} == before


# --- breakpoints and failures ---


def test_a_walk_stops_before_a_breakpoint_and_goes_on(views: Any, engine: Spy):
    view = views(number=3, stops=(4, 6))
    assert view.position == 3
    assert "stopped before step 4 of 7" in view.static_html()
    with pytest.raises(UsageError):
        view.go(4)
    parts, answer = ask(view, "advance", position=3, far=True)
    assert parts
    assert (answer["position"], answer["reached"]) == (5, 5)
    assert view.position == 5
    assert view.forward() == 6
    assert view.walk.reached == 6
    assert view.toggle(3) is True
    assert sorted(view.breakpoints) == [3, 4, 6]
    assert ask(view, "toggle", number=4)[1] == {"breakpoints": [3, 6]}
    view.go(1)
    assert view.proceed() == 2
    assert view.proceed() == 5
    assert view.proceed() == 7
    assert view.walk.result is not None


def test_a_walk_may_stop_before_its_first_step(engine: Spy):
    unbuilt = StepView(Walk(engine, BuildRequest(DOCKERFILE)), (1,))
    assert unbuilt.position == 0
    assert unbuilt.back() == 0
    assert "stopped before step 1" in unbuilt.static_html()
    assert ask(unbuilt, "state")[1]["reached"] == 0
    with pytest.raises(UsageError):
        unbuilt.run("ls")
    assert unbuilt.forward() == 1
    unbuilt.close()


def test_a_failure_is_shown_in_its_place_and_the_state_before_it_is_open(views: Any):
    view = views("FROM busybox:test\nWORKDIR /w\nRUN echo '<b>last</b>'; exit 3\nRUN true\n")
    assert view.position == 3
    html = view.static_html()
    assert "fails at step 3 of 4" in html
    assert "&lt;b&gt;last&lt;/b&gt;" in html
    assert "<b>last" not in html
    assert "not reached" in html
    assert view.run("pwd").stdout == "/w"
    assert view.forward() == 3
    assert view.proceed() == 3
    assert view.back() == 2
    state = view.start()
    assert state["failure"]["number"] == 3
    assert state["failure"]["tail"] == ["<b>last</b>"]
    assert ask(view, "go", number=3)[1]["rows"] == []
    assert "failed:" in str(view)


# --- forms ---


def test_the_frame_has_a_row_for_each_step(views: Any):
    frame = views().frame()
    assert list(frame.index) == [1, 2, 3, 4, 5, 6, 7]
    assert list(frame.columns) == [
        *("line", "stage", "instruction", "layer_size", "size"),
        *("added", "changed", "removed", "env", "workdir", "user"),
    ]
    row = frame.loc[4]
    assert (row["line"], row["stage"], row["workdir"], row["user"]) == (4, "0", "/work", "root")
    assert (row["added"], row["changed"], row["removed"]) == (4, 1, 1)
    assert row["layer_size"] == len("two\nx\nchanged\n")
    assert frame["layer_size"].isna().tolist() == [False] * 4 + [True] * 3
    assert frame.loc[5, "env"]["COLOUR"] == "blue"
    assert frame["size"].is_monotonic_increasing


def test_the_static_form_says_what_each_step_did(views: Any):
    html = views().static_html()
    for text in (
        "files: 4 added, 1 changed, 1 removed",
        "working directory /work",
        "COLOUR=blue",
        "user me",
        "sets Cmd",
        "/work/deep/er/x",
    ):
        assert text in html, text
    assert "<style" not in html
    assert "class=" not in html


def test_untrusted_text_stays_text(views: Any):
    view = views(f"FROM busybox:test\nENV X='{HOSTILE}'\nWORKDIR '/<i>w</i>'\n".replace("$", ""))
    assert "<i>w" not in view.static_html()
    assert "<script" not in view.static_html()
    assert "\x1b" not in json.dumps(view.start(), ensure_ascii=False)
    assert "\x1b" not in str(view)


def test_the_figure_has_a_stair_for_each_step(views: Any):
    axes = views().figure().axes[0]
    assert len(axes.get_yticklabels()) == 7
    assert any("(+" in text.get_text() for text in axes.texts)


def test_files_are_given_level_by_level(views: Any):
    view = views(DOCKERFILE + "USER root\nRUN mkdir /many; cd /many; touch $(seq 1 2000)\n")
    rows = ask(view, "go", number=4)[1]["rows"]
    assert [row["name"] for row in rows] == ["work"]
    names = {(row["name"], row["change"]) for row in rows[0]["rows"]}
    assert names == {("two", "added"), ("kept", "changed"), ("one", "removed"), ("deep", "added")}
    rows = ask(view, "go", number=9)[1]["rows"]
    assert [(row["name"], row["rows"], row["files"]) for row in rows] == [("many", [], 2001)]
    level = ask(view, "level", number=9, key=key_of("many"))[1]
    assert level["total"] == 2000
    assert len(level["rows"]) == 1000
    assert ask(view, "go", number=1)[1] == {"rows": [], "total": 0}
