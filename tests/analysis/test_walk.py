"""A Dockerfile is walked: states are those of a build cut short, and are never asked for twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from container_magics.analysis.layer_index import ChangeKind
from container_magics.analysis.walk import Walk
from container_magics.analysis.walk_steps import step_at_line, walk_steps
from container_magics.engines.base import Engine
from container_magics.engines.build_request import BuildRequest
from container_magics.engines.events import Cancellation
from container_magics.errors import BuildError, DockerfileError, UsageError
from tests.fixtures.embedding import embedded

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
RUN echo one > one
ENV KIND=first \\
    OTHER=x
# a remark
RUN echo two > two && rm one
USER me
ENV KIND=second
CMD ["cat", "two"]
"""


@pytest.fixture(scope="module")
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if getattr(request, "param", "") == "docker":
        yield request.getfixturevalue("docker_engine")
        return
    with embedded(tmp_path_factory.mktemp("walk")) as engine:
        yield engine


@pytest.fixture
def walks(engine: Engine) -> Iterator[Any]:
    """Open walks; they are closed at the end."""
    opened = []

    def walk(text: str, number: int | None = None, **more: Any) -> Walk:
        found = Walk(engine, BuildRequest(text, **more))
        opened.append(found)
        come_to(found, len(found.steps) if number is None else number)
        return found

    yield walk
    for each in opened:
        each.close()


def come_to(walk: Walk, number: int) -> None:
    with walk.failing():
        for _ in walk.building(number):
            continue
    walk.remember(number)


def paths(walk: Walk, number: int) -> set[str]:
    """The files that are there at a step."""
    state = walk.state(number)
    return {path for path, _ in state.index.trees[state.layers].walk()}


# --- the plan ---


def test_the_steps_are_the_instructions_of_the_stages_that_the_target_needs():
    text = (
        "ARG BASE=one\nFROM $BASE AS a\nRUN x\nFROM two AS unused\nRUN y\n"
        "FROM a\nCOPY --from=a /x /y\nRUN <<END\nz\nEND\n# end\n"
    )
    steps = walk_steps(BuildRequest(text))
    assert [(step.number, step.line, step.stage, step.base) for step in steps] == [
        (1, 2, "a", "one"),
        (2, 3, "a", ""),
        (3, 6, "2", "a"),
        (4, 7, "2", ""),
        (5, 8, "2", ""),
    ]
    assert steps[1].prefix == "ARG BASE=one\nFROM $BASE AS a\nRUN x\n"
    assert steps[4].prefix == text.removesuffix("# end\n")
    assert [s.text for s in walk_steps(BuildRequest(text, target="unused"))] == [
        "FROM two AS unused",
        "RUN y",
    ]
    assert walk_steps(BuildRequest(text, build_args={"BASE": "other"}))[0].base == "other"
    with pytest.raises(DockerfileError, match="line 1"):
        walk_steps(BuildRequest("NONSENSE\n"))


def test_a_breakpoint_means_the_instruction_on_its_line_or_the_next_below():
    request = BuildRequest("ARG A=1\n\nFROM x AS a\nRUN one \\\n  two\nFROM y AS b\n# c\nRUN z\n")
    whole = BuildRequest(request.dockerfile + "COPY --from=a /q /q\n")
    steps = walk_steps(whole)
    found = {line: step_at_line(whole, steps, line).text for line in (1, 3, 4, 5, 7, 8)}
    assert found == {
        1: "FROM x AS a",
        3: "FROM x AS a",
        4: "RUN one two",
        5: "RUN one two",
        7: "RUN z",
        8: "RUN z",
    }
    with pytest.raises(UsageError, match=r"line 99.*no instruction"):
        step_at_line(whole, steps, 99)
    with pytest.raises(UsageError, match=r"line 4.*does not need"):
        step_at_line(request, walk_steps(request), 4)


# --- states ---


@on_both_engines
def test_a_state_is_what_the_instructions_up_to_it_made(walks: Any):
    walk = walks(DOCKERFILE)
    assert walk.reached == 8
    assert walk.failure is None
    assert "work/one" not in paths(walk, 2)
    assert {"work/one"} <= paths(walk, 3) == paths(walk, 4)
    assert "work/two" in paths(walk, 5)
    assert "work/one" not in paths(walk, 5)
    first, last = walk.states[0], walk.states[-1]
    assert [state.workdir for state in walk.states] == ["/", *["/work"] * 7]
    assert [state.user for state in walk.states] == [*["root"] * 5, *["me"] * 3]
    assert [dict(state.environment).get("KIND") for state in walk.states] == [
        *[None] * 3,
        *["first"] * 3,
        *["second"] * 2,
    ]
    assert [state.layer_size is None for state in walk.states] == [
        *(False, False, False, True),
        *(False, True, True, True),
    ]
    assert walk.states[2].layer_size == 4
    assert last.size == first.size + 4 + 4
    assert last.settings == (("Cmd", '["cat", "two"]'),)
    assert first.layer_size == first.size
    assert first.files > 100
    assert not first.changes
    changes = {(change.kind, change.path) for change in walk.states[4].changes}
    assert changes == {(ChangeKind.ADDED, "work/two"), (ChangeKind.REMOVED, "work/one")}
    assert all(state.shell for state in walk.states)
    assert walk.result is not None
    assert walk.result.id == last.image


@on_both_engines
def test_stages_are_walked_one_after_the_other(walks: Any):
    walk = walks(
        "FROM busybox:test AS make\nRUN echo made > /made\n"
        "FROM scratch\nENV A=b\nCOPY --from=make /made /kept\nLABEL a=b\n"
    )
    assert walk.failure is None
    assert [state.layers for state in walk.states] == [1, 2, 0, 0, 1, 1]
    assert paths(walk, 4) == set()
    assert paths(walk, 5) == {"kept"}
    assert [state.shell for state in walk.states] == [True, True, False, False, False, False]
    assert walk.before(3) is None
    assert walk.before(4) is walk.states[2]
    assert walk.states[5].settings == (("Labels", '{"a": "b"}'),)


def test_times_are_those_of_the_run_and_not_of_the_cache_behind_it(walks: Any):
    text = f"FROM busybox:test\nRUN sleep 0.3; echo {os.urandom(4).hex()}\nENV A=b\n"
    ran, again = walks(text), walks(text)
    assert ran.states[1].seconds >= 0.25
    assert ran.states[1].cached is False
    assert again.states[1].cached is True
    assert again.states[1].seconds is None


def test_no_cache_runs_every_instruction_once(walks: Any):
    walk = walks("FROM busybox:test\nRUN head -c 9 /dev/urandom > /r\nENV A=b\n", no_cache=True)
    layers = [layer.diff_id for layer in walk.result.layers]
    second = walk.states[1]
    assert second.index.contents.image.layers[1].diff_id == layers[1]
    assert walk.states[2].image == walk.result.id


# --- failures ---


@on_both_engines
def test_a_failing_build_leaves_the_state_before_it_open(walks: Any):
    walk = walks("FROM busybox:test\nRUN echo x > /x\nRUN echo said; exit 3\nRUN echo y > /y\n")
    assert walk.reached == 2
    assert walk.ended
    assert walk.failure.number == 3
    assert "exit code" in str(walk.failure.error)
    assert walk.failure.tail == ("said",)
    assert walk.state(3) is walk.states[1]
    assert "x" in paths(walk, 3)
    with pytest.raises(UsageError, match="no state at step 4"):
        walk.state(4)


def test_a_missing_source_is_a_failure_at_its_instruction(walks: Any, tmp_path: Path):
    walk = walks("FROM busybox:test\nWORKDIR /w\nCOPY absent .\nRUN true\n", context=tmp_path)
    assert walk.failure.number == 3
    assert "absent" in str(walk.failure.error)
    assert walk.state(3).workdir == "/w"


def test_a_failure_that_names_no_line_is_found(engine: Engine):
    class Silent:
        """An engine whose errors say no more than that something failed."""

        def __getattr__(self, name: str) -> Any:
            return getattr(engine, name)

        def build(self, *words: Any) -> Any:
            try:
                return engine.build(*words)
            except BuildError as error:
                raise BuildError(error.message) from None

    walk = Walk(Silent(), BuildRequest("FROM busybox:test\nENV A=b\nRUN false\nENV C=d\n"))
    come_to(walk, 4)
    assert walk.failure.number == 3
    walk.close()


# --- going on, and the end ---


def test_a_walk_goes_on_from_where_it_stopped(walks: Any, engine: Engine):
    walk = walks(DOCKERFILE, 4, tags=("walked:test",))
    assert walk.reached == 4
    assert not walk.ended
    assert walk.result is None
    assert not any("walked:test" in image.names for image in engine.images())
    come_to(walk, 5)
    assert "work/two" in paths(walk, 5)
    come_to(walk, 8)
    assert walk.ended
    assert engine.image("walked:test").id == walk.result.id
    walk.close()
    assert engine.image("walked:test").id == walk.result.id
    engine.remove_image("walked:test")


@on_both_engines
def test_closing_removes_what_has_no_name_and_was_not_there(engine: Engine):
    marked = f"{DOCKERFILE}LABEL mark={os.urandom(4).hex()}\n"
    kept = engine.build(
        BuildRequest("FROM busybox:test\nWORKDIR /work\n"), lambda _: None, Cancellation()
    ).image
    before = {image.id for image in engine.images()}
    walk = Walk(engine, BuildRequest(marked))
    come_to(walk, len(walk.steps))
    ids = {state.image for state in walk.states}
    assert kept.id in ids
    assert {image.id for image in engine.images()} - before
    walk.close()
    walk.close()
    assert {image.id for image in engine.images()} == before
    with pytest.raises(UsageError, match="closed"):
        walk.image(2)
    again = engine.build(BuildRequest(marked), lambda _: None, Cancellation())
    # The configuration's instructions are no steps with a cache on every engine.
    assert again.cached_steps >= 3
    engine.remove_image(again.image.id)


def test_an_image_that_somebody_removed_is_made_again(walks: Any, engine: Engine):
    walk = walks(DOCKERFILE)
    gone = walk.states[2].image
    engine.remove_image(gone, force=True, prune=False)
    assert engine.image(walk.image(3)).config["WorkingDir"] == "/work"
