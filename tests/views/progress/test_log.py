from container_magics.engines.events import Vertex, VertexLog, VertexStatus, VertexWarning
from container_magics.views.progress.log import BuildLog, StepState
from tests.views.values import done, running


def test_steps_keep_the_order_in_which_they_became_known():
    log = BuildLog()
    for digest in "cab":
        log.update(Vertex(digest, digest))
    log.update(running("b"))
    log.update(done("a"))
    assert [step.digest for step in log.steps] == ["c", "a", "b"]
    assert [step.number for step in log.steps] == [1, 2, 3]


def test_a_step_goes_through_its_states():
    log = BuildLog()
    states = [
        (Vertex("a", "RUN x"), StepState.WAITING),
        (running("a"), StepState.RUNNING),
        (done("a"), StepState.DONE),
        (running("a", started=200.0), StepState.RUNNING),
        (done("a", error="exit code: 1"), StepState.ERROR),
        (done("a", error="context canceled"), StepState.CANCELLED),
        (done("a", error="canceled"), StepState.CANCELLED),
        (done("a", error="the build was cancelled"), StepState.CANCELLED),
        (done("a", error="nothing was canceled"), StepState.ERROR),
        (done("a", cached=True), StepState.CACHED),
        (Vertex("a", "RUN x", cached=True), StepState.CACHED),
    ]
    for vertex, state in states:
        step = log.update(vertex)
        assert step is not None
        assert step.state is state
    assert len(log.steps) == 1


def test_a_clock_runs_until_the_step_is_over():
    log = BuildLog()
    step = log.update(Vertex("a", "x"))
    assert step.seconds(now=500) == 0
    log.update(running("a", started=100.0))
    assert step.seconds(now=103.5) == 3.5
    assert step.seconds(now=50) == 0  # the clock was set back
    log.update(done("a", started=100.0, completed=104.0))
    assert step.seconds(now=500) == 4.0


def test_a_layer_size_that_is_known_stays_known():
    log = BuildLog()
    log.update(done("a", layer_size=1234))
    assert log.update(done("a")).layer_size == 1234


def test_downloads_and_output_belong_to_their_step():
    log = BuildLog()
    log.update(running("a"))
    log.update(VertexStatus("a", "layer1", 10, 100))
    step = log.update(VertexStatus("a", "layer1", 100, 100, completed=5.0))
    log.update(VertexStatus("a", "layer2", 1, 0))
    log.update(VertexLog("a", 1, b"hel"))
    log.update(VertexLog("a", 1, b"lo\n"))
    assert [(d.id, d.current, d.total, d.done) for d in step.downloads.values()] == [
        ("layer1", 100, 100, True),
        ("layer2", 1, 0, False),
    ]
    assert step.log.head == ["hello"]


def test_output_before_its_vertex_is_not_lost():
    log = BuildLog()
    log.update(VertexLog("a", 1, b"early\n"))
    step = log.update(running("a", name="RUN x"))
    assert (step.name, step.log.head) == ("RUN x", ["early"])


def test_advice_belongs_to_its_step_or_to_the_build():
    log = BuildLog()
    log.update(running("a"))
    of_step, of_build = VertexWarning("a", "slow", "do this", 3), VertexWarning("", "hm")
    for _ in range(2):
        log.update(of_step)
        log.update(of_build)
    assert log.steps[0].warnings == [of_step]
    assert log.warnings == [of_build]


def test_endless_advice_and_downloads_are_bounded():
    log = BuildLog()
    step = log.update(running("a"))
    for number in range(10_000):
        log.update(VertexWarning("a", str(number)))
        log.update(VertexStatus("a", str(number), 1, 2))
    assert len(step.warnings) <= 100
    assert len(step.downloads) <= 1000


def test_a_failure_ends_what_runs():
    log = BuildLog()
    for digest, name in (("a", "RUN a"), ("b", "RUN b")):
        log.update(running(digest, name))
    log.update(done("c"))
    log.update(Vertex("d", "later"))
    ended = log.fail("RUN b", now=110.0)
    assert [step.digest for step in ended] == ["a", "b"]
    assert [step.state for step in log.steps] == [
        StepState.CANCELLED,
        StepState.ERROR,
        StepState.DONE,
        StepState.NOT_RUN,
    ]
    assert log.steps[0].seconds(now=500) == 10.0
    assert log.count(StepState.NOT_RUN, StepState.DONE) == 2
