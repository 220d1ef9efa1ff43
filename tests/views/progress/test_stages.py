from container_magics.engines.events import Vertex
from container_magics.views.progress.log import BuildLog
from container_magics.views.progress.stages import Span
from container_magics.views.progress.states import StepState
from tests.views.values import done, running


def test_steps_belong_to_stages_in_the_order_of_their_becoming_known():
    log = BuildLog()
    for digest, stage in (("i", ""), ("a1", "a"), ("b1", "b"), ("a2", "a")):
        log.update(Vertex(digest, digest, stage=stage))
    assert [(stage.name, [step.digest for step in stage.steps]) for stage in log.stages] == [
        ("a", ["a1", "a2"]),
        ("b", ["b1"]),
    ]


def test_a_step_that_was_not_announced_comes_behind_those_that_have_begun():
    log = BuildLog()
    for digest in ("from", "run", "copy"):
        log.update(Vertex(digest, digest, stage="a"))
    log.update(done("from", "FROM x", stage="a"))
    log.update(running("trigger", "RUN y", stage="a"))
    assert [step.digest for step in log.stages[0].steps] == ["from", "trigger", "run", "copy"]


def test_the_state_of_a_stage():
    log = BuildLog()
    states = []
    for event in (
        Vertex("a", "FROM x", stage="s"),
        Vertex("b", "RUN x", stage="s"),
        done("a", "FROM x", cached=True, stage="s"),
        running("b", "RUN x", stage="s"),
        done("b", "RUN x", stage="s"),
        done("b", "RUN x", stage="s", cached=True),
        done("b", "RUN x", stage="s", error="canceled"),
        running("a", "FROM x", stage="s"),
        done("a", "FROM x", stage="s", error="no"),
    ):
        log.update(event)
        states.append(log.stages[0].state.name)
    assert states == [
        *("WAITING", "WAITING", "WAITING", "RUNNING", "DONE", "CACHED", "CANCELLED", "CANCELLED"),
        "ERROR",
    ]


def test_what_did_not_begin_by_the_end_is_not_run():
    log = BuildLog()
    log.update(Vertex("a", "FROM x", stage="s"))
    log.update(Vertex("b", "FROM x", stage="t"))
    log.update(Vertex("c", "RUN y", stage="t"))
    log.update(done("c", "RUN y", stage="t"))
    log.finish()
    assert [stage.state for stage in log.stages] == [StepState.NOT_RUN, StepState.DONE]
    assert [stage.done for stage in log.stages] == [0, 1]
    assert log.over


def test_the_base_is_what_the_from_step_names():
    log = BuildLog()
    log.update(Vertex("a", "[a 1/2] FROM docker.io/library/golang:1@sha256:abc", stage="a"))
    log.update(Vertex("b", "[b 1/1] COPY x /FROM", stage="b"))
    assert [stage.base for stage in log.stages] == ["golang:1", ""]


def test_spans_and_the_pauses_between_them():
    log = BuildLog()
    log.update(done("a", started=100.0, completed=101.0, stage="s"))
    log.update(done("b", started=101.1, completed=102.0, stage="s"))
    log.update(running("c", started=105.0, stage="s"))
    log.update(Vertex("d", "x", stage="t"))
    stage, other = log.stages
    assert stage.span(107.0) == Span(100.0, 107.0)
    assert stage.busy(107.0, gap=0.5) == [Span(100.0, 102.0), Span(105.0, 107.0)]
    assert other.span(107.0) is None
    assert log.span(110.0) == Span(100.0, 110.0)
    log.update(done("c", started=105.0, completed=108.0, stage="s"))
    assert log.span(110.0) == Span(100.0, 110.0)
    log.finish()
    assert log.span(110.0) == Span(100.0, 108.0)
