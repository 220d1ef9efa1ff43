"""Times, sizes and copies of stages, from a Dockerfile and what a build says of its steps."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from container_magics.analysis.stage_report import StagesReport, VertexRecord, stage_report
from container_magics.dockerfile import parse, stage_graph
from container_magics.engines.events import Vertex

COURSE = """\
# syntax=docker/dockerfile:1
ARG GO=golang:1.20.5
FROM ${GO} AS build
COPY app.go .
RUN go build -o app .

FROM build AS test
RUN ./app

FROM alpine:3.18.0
COPY --from=build /tmp/app .
CMD ["./app"]
"""


def step(line: int, stage: str, start: float, end: float, **more: object) -> Vertex:
    return Vertex(f"{stage}:{line}", f"step {line}", (), stage, line, start, end, **more)


def report(
    text: str,
    *steps: Vertex,
    sizes: Mapping[int, int] | None = None,
    target: str = "",
    later: tuple[Vertex, ...] = (),
) -> StagesReport:
    graph = stage_graph(parse(text), build_args={}, platform_args={}, target=target)
    record, layers = VertexRecord(), VertexRecord()
    for each in steps:
        record(each)
    for each in later:
        layers(each)
    return stage_report(text, graph, record, sizes or {}, layers)


def course() -> StagesReport:
    return report(
        COURSE,
        step(3, "build", 10.0, 11.0),
        step(4, "build", 11.0, 11.5, layer_size=70),
        step(5, "build", 12.0, 20.0, layer_size=9_930),
        step(10, "2", 20.0, 20.5),
        step(11, "2", 20.5, 21.0, layer_size=2_000, cached=True),
        sizes={0: 900_000, 2: 7_000},
    )


def test_a_stage_leaves_behind_what_nobody_copied_out_of_it():
    build, test, last = course().stages
    assert (build.size, build.copied_out, build.left_behind) == (900_000, 2_000, 898_000)
    assert (last.name, last.target, last.size, last.left_behind) == ("2", True, 7_000, 0)
    assert (test.needed, test.built, test.size, test.left_behind) == (False, False, None, None)
    assert course().target is not None
    assert course().target.name == "2"


def test_the_time_of_a_stage_is_that_of_its_steps_without_the_pauses():
    build, test, last = course().stages
    assert build.seconds == pytest.approx(9.5)
    assert build.cached is False
    assert test.seconds is None
    assert (last.seconds, last.cached) == (pytest.approx(1.0), True)


def test_steps_at_the_same_time_count_once():
    text = "FROM a AS x\nRUN one\nRUN two\n"
    (stage,) = report(text, step(2, "x", 1.0, 5.0), step(3, "x", 2.0, 4.0)).stages
    assert stage.seconds == pytest.approx(4.0)


def test_edges_say_what_is_taken_and_how_many_bytes_that_is():
    found = [
        (edge.source, edge.target, edge.kind, edge.what, edge.destination, edge.bytes, edge.needed)
        for edge in course().edges
    ]
    assert found == [
        ("golang:1.20.5", "build", "FROM", "", "", None, True),
        ("build", "test", "FROM", "", "", None, False),
        ("alpine:3.18.0", "2", "FROM", "", "", None, True),
        ("build", "2", "COPY", "/tmp/app", ".", 2_000, True),
    ]


def test_bases_are_as_large_as_their_stages_without_their_own_layers():
    assert course().images == {"golang:1.20.5": 890_000, "alpine:3.18.0": 5_000}


def test_a_path_that_two_stages_copy_counts_once():
    text = (
        "FROM a AS x\nFROM b AS y\nCOPY --from=x /one /1\nCOPY --from=x /two /2\n"
        "FROM scratch\nCOPY --from=x /one /1\nCOPY --from=y /1 /1\n"
    )
    steps = [
        step(3, "y", 1, 2, layer_size=100),
        step(4, "y", 1, 2, layer_size=30),
        step(6, "2", 1, 2, layer_size=100),
        step(7, "2", 1, 2, layer_size=100),
    ]
    x, y, _ = report(text, *steps, sizes={0: 1000, 1: 1130, 2: 200}).stages
    assert (x.copied_out, x.left_behind) == (130, 870)
    assert (y.copied_out, y.left_behind) == (100, 1030)


def test_what_only_stages_that_are_not_needed_copy_does_not_count():
    text = (
        "FROM a AS x\nFROM a AS y\nCOPY --from=x /y /\nFROM a AS last\nCOPY --from=x /z /\n"
        "FROM a AS later\nCOPY --from=x /later /\n"
    )
    steps = [step(5, "last", 1, 2, layer_size=7)]
    found = report(text, *steps, sizes={0: 100, 2: 107}, target="last")
    assert [stage.needed for stage in found.stages] == [True, False, True, False]
    assert found.stages[0].left_behind == 93
    assert [(e.what, e.needed) for e in found.edges if e.kind == "COPY"] == [
        ("/y", False),
        ("/z", True),
        ("/later", False),
    ]


def test_a_stage_that_another_starts_from_goes_on_whole():
    text = "FROM a AS base\nRUN one\nFROM base\nRUN two\n"
    base, last = report(text, step(2, "base", 1, 2), sizes={0: 50, 1: 60}).stages
    assert (base.base_of, base.left_behind) == (("1",), 0)
    assert last.base == "base"


def test_a_copy_of_unknown_size_makes_the_rest_unknown_until_a_later_build_knows():
    text = "FROM a AS x\nFROM scratch\nCOPY --from=x /f /\n"
    sizes = {0: 100, 1: 40}
    (x, _) = report(text, step(3, "1", 1, 2), sizes=sizes).stages
    assert (x.copied_out, x.left_behind) == (None, None)
    later = (step(3, "1", 3, 4, layer_size=40, cached=True),)
    (x, last) = report(text, step(3, "1", 1, 2), sizes=sizes, later=later).stages
    assert (x.copied_out, x.left_behind) == (40, 60)
    assert last.cached is False


def test_mounts_and_images_are_sources_too():
    text = (
        "FROM a AS x\nFROM b\n"
        "RUN --mount=from=x,source=/src,target=/mnt --mount=type=cache,target=/c make\n"
        "COPY --from=busybox:1 /bin/sh /bin/\n"
    )
    found = report(text, step(4, "1", 1, 2, layer_size=5), sizes={0: 100, 1: 200})
    mount, copy = found.edges[2:]
    assert (mount.source, mount.source_stage, mount.kind) == ("x", 0, "mount")
    assert (mount.what, mount.destination, mount.bytes) == ("/src", "/mnt", None)
    assert (copy.source, copy.source_stage, copy.bytes) == ("busybox:1", None, 5)
    assert found.stages[0].left_behind == 100
    assert found.images["busybox:1"] is None


def test_triggers_of_the_base_stage_copy_too():
    text = "FROM a AS x\nFROM b AS parent\nONBUILD COPY --from=x /f /\nFROM parent\n"
    found = report(text, sizes={0: 10, 1: 20, 2: 25})
    assert [(e.source, e.target, e.kind) for e in found.edges] == [
        ("a", "x", "FROM"),
        ("b", "parent", "FROM"),
        ("parent", "2", "FROM"),
        ("x", "2", "COPY"),
    ]
    assert found.stages[0].left_behind is None


def test_stages_of_one_name_are_told_apart_by_their_lines():
    text = "FROM a AS x\nRUN one\nFROM x AS x\nRUN two\n"
    steps = [step(2, "x", 1, 2), step(4, "x", 2, 7)]
    one, two = report(text, *steps, sizes={0: 1, 1: 2}).stages
    assert (one.seconds, two.seconds) == (1, 5)


def test_a_stage_that_is_not_needed_but_was_built_says_so():
    text = "FROM a AS x\nRUN one\nFROM b\nRUN two\n"
    found = report(text, step(2, "x", 1, 2), step(4, "1", 2, 3), sizes={1: 9})
    assert [(stage.needed, stage.built) for stage in found.stages] == [(False, True), (True, True)]


def test_steps_of_the_builder_itself_belong_to_no_stage():
    internal = Vertex("i", "[internal] load build definition", started=1.0, completed=99.0)
    (stage,) = report("FROM scratch\nCOPY x /\n", internal, step(2, "0", 2, 3)).stages
    assert stage.seconds == pytest.approx(1.0)
    assert [(each.line, each.text) for each in stage.steps] == [
        (1, "FROM scratch"),
        (2, "COPY x /"),
    ]


def test_a_single_stage_from_scratch_has_no_edges():
    found = report('FROM scratch\nCMD ["x"]\n', sizes={0: 0})
    assert found.edges == ()
    (stage,) = found.stages
    assert (stage.size, stage.left_behind, stage.seconds, stage.cached) == (0, 0, None, None)
