"""BuildKit's two kinds of progress, and what the Dockerfile's text adds to them."""

from __future__ import annotations

import base64
import json

import pytest

from container_magics.engines.build_request import BuildRequest
from container_magics.engines.docker.building.announcement import Announcement
from container_magics.engines.docker.building.build import _Recorder
from container_magics.engines.docker.building.progress import (
    PlainProgress,
    Progress,
    RawJsonProgress,
)
from container_magics.engines.docker.building.steps import Place, Steps, layer_sizes
from container_magics.engines.events import (
    BuildEvent,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from container_magics.engines.images import HistoryEntry, Image, ImageSummary


def feed(progress: Progress, text: str) -> list[BuildEvent]:
    return [event for line in text.split("\n") for event in progress.feed(line)]


def last(events: list[BuildEvent], digest: str) -> Vertex:
    return [e for e in events if isinstance(e, Vertex) and e.digest == digest][-1]


PARALLEL = """\
#1 [internal] load build definition from Dockerfile
#1 sha256:d103be6bdf617a72d8fafc42e9cb3a66fd586668171d175c8b9c466e11b6f056
#1 transferring dockerfile: 1.05kB 0.1s done
#1 DONE 0.1s

#5 [a 2/3] RUN make
#5 sha256:fc683d8c47e27cbc1e3eaeb9017770c1a96799373e2c5105ca45e42fda98e654
#5 0.500 compiling
#5 ...

#4 [b 1/2] FROM docker.io/library/golang:1
#4 sha256:0cd1c3a0e46ef1a7a1d2c4d5a3a4ac1fbb1c2e4f4b9ff42ce0c5bd9c7d0a6b2f 12.58MB / 50.33MB 1.2s
#4 extracting sha256:0cd1c3a0e46ef1a7a1d2c4d5a3a4ac1fbb1c2e4f4b9ff42ce0c5bd9c7d0a6b2f 0.3s done
#4 CACHED

#5 [a 2/3] RUN make
#5 3.250 #4 DONE 0.0s
#5 3.300\x20
#5 DONE 3.4s
"""


class TestPlain:
    def test_steps_that_alternate(self):
        progress = PlainProgress()
        events = feed(progress, PARALLEL)
        make = last(events, "#5")
        assert make.name == "[a 2/3] RUN make"
        assert make.completed - make.started == pytest.approx(3.4)
        assert not make.cached
        assert last(events, "#4").cached
        assert [e.data for e in events if isinstance(e, VertexLog)] == [
            b"compiling\n",
            b"#4 DONE 0.0s\n",
            b"\n",
        ]
        assert progress.rest == []

    def test_downloads_in_bytes(self):
        statuses = [e for e in feed(PlainProgress(), PARALLEL) if isinstance(e, VertexStatus)]
        shown = [(s.vertex, s.id[:20], s.current, s.total, s.completed is None) for s in statuses]
        assert shown == [
            ("#1", "transferring dockerf", 1050, 0, False),
            ("#4", "sha256:0cd1c3a0e46ef", 12_580_000, 50_330_000, True),
            ("#4", "extracting sha256:0c", 0, 0, False),
        ]

    def test_events_come_with_their_line(self):
        progress = PlainProgress()
        assert len(feed(progress, "#7 [2/2] RUN x")) == 1
        assert isinstance(feed(progress, "#7 0.1 out")[0], VertexLog)

    def test_failure_and_its_summary(self):
        progress = PlainProgress()
        text = (
            "#5 [2/2] RUN x\n#5 0.1 out\n#5 ERROR: executor failed running [x]: exit code: 3\n"
            "------\n > [2/2] RUN x:\n#5 0.1 out\n------\n"
            "executor failed running [x]: exit code: 3"
        )
        events = feed(progress, text)
        assert last(events, "#5").error == "executor failed running [x]: exit code: 3"
        assert sum(isinstance(e, VertexLog) for e in events) == 1
        assert progress.rest[-1] == "executor failed running [x]: exit code: 3"

    def test_canceled_step(self):
        events = feed(PlainProgress(), "#5 [2/2] RUN x\n#5 CANCELED")
        assert last(events, "#5").error == "canceled"
        assert last(events, "#5").completed is not None


class TestRawJson:
    def test_objects(self):
        status = {
            "vertexes": [
                {
                    "digest": "sha256:b",
                    "inputs": ["sha256:a"],
                    "name": "[2/2] RUN x",
                    "started": "2026-03-20T22:53:16.448246532+01:00",
                    "completed": "2026-03-20T21:53:18.5Z",
                    "error": "exit code: 1",
                },
                {"digest": "sha256:c", "name": "[1/2] FROM x", "cached": True},
            ],
            "statuses": [
                {
                    "id": "sha256:layer",
                    "vertex": "sha256:b",
                    "total": 806,
                    "current": 400,
                    "timestamp": "0001-01-01T00:00:00Z",
                    "started": "2026-03-20T21:53:16Z",
                }
            ],
            "logs": [
                {"vertex": "sha256:b", "stream": 2, "data": base64.b64encode(b"a\xff").decode()}
            ],
            "warnings": [
                {
                    "vertex": "sha256:b",
                    "short": base64.b64encode(b"Casing").decode(),
                    "detail": [base64.b64encode(b"write AS").decode()],
                    "range": [{"start": {"line": 4}, "end": {"line": 4}}],
                }
            ],
        }
        progress = RawJsonProgress()
        events = feed(progress, json.dumps(status) + "\nERROR: failed to build: no\n")
        vertex = last(events, "sha256:b")
        assert vertex.inputs == ("sha256:a",)
        assert vertex.completed - vertex.started == pytest.approx(2.051754, abs=1e-5)
        assert vertex.error == "exit code: 1"
        assert last(events, "sha256:c").cached
        assert last(events, "sha256:c").started is None
        assert VertexLog("sha256:b", 2, b"a\xff") in events
        assert VertexWarning("sha256:b", "Casing", "write AS", 4) in events
        (piece,) = [e for e in events if isinstance(e, VertexStatus)]
        assert (piece.current, piece.total, piece.completed) == (400, 806, None)
        assert progress.rest == ["ERROR: failed to build: no"]

    @pytest.mark.parametrize(
        "line",
        ["{", "[1]", '{"vertexes": [1, null]}', '{"logs": [{"vertex": "a", "data": "!"}]}', "{}"],
    )
    def test_nonsense_does_not_break_it(self, line):
        for event in feed(RawJsonProgress(), line):
            assert event == VertexLog("a", 1, b"")


TEXT = """\
ARG V=1
FROM golang:$V AS Build
WORKDIR /src
ENV A=b
COPY . .
RUN go build \\
  -o app

FROM build AS test
RUN ./app

FROM scratch
COPY --from=build /src/app /
CMD ["/app"]
"""


class TestSteps:
    @pytest.mark.parametrize(
        ("name", "place"),
        [
            ("[build 1/4] FROM docker.io/library/golang:1", Place("build", 2)),
            ("[build 2/4] WORKDIR /src", Place("build", 3)),
            ("[build 4/4] RUN go build   -o app", Place("build", 6)),
            ("[linux/arm64 build 3/4] COPY . .", Place("build", 5)),
            ("[test 1/1] RUN ./app", Place("test", 10)),
            ("[stage-2 1/1] COPY --from=build /src/app /", Place("2", 13)),
            ("[elsewhere 1/1] RUN x", Place("elsewhere", 0)),
            ("[internal] load build context", None),
            ("exporting to image", None),
        ],
    )
    def test_buildkit(self, name, place):
        assert Steps(TEXT).buildkit(name) == place

    def test_triggers_belong_to_the_from(self):
        steps = Steps("FROM onbuild\nRUN a\n")
        assert steps.buildkit("[1/3] FROM onbuild") == Place("0", 1)
        assert steps.buildkit("[2/3] COPY . .") == Place("0", 1)
        assert steps.buildkit("[3/3] RUN a") == Place("0", 2)

    def test_classic_counts_instructions(self):
        steps = Steps(TEXT)
        assert steps.classic(1) == Place("", 1)
        assert steps.classic(6) == Place("build", 6)
        assert steps.classic(10) == Place("2", 13)
        assert steps.classic(99) == Place()

    def test_text_that_is_not_understood(self):
        steps = Steps("FROM a\nNEW thing\n")
        assert steps.buildkit("[2/2] RUN x") == Place("0")
        assert steps.classic(1) == Place()
        error = steps.error("unknown instruction: NEW", 2)
        assert (error.line, error.text) == (2, "NEW thing")


PARALLEL_TEXT = """\
FROM busybox AS server
ENV WHAT=compiling
RUN echo $WHAT

FROM busybox AS unused
RUN false

FROM busybox
RUN rm /x
COPY --from=server /a /
"""


class TestAnnouncement:
    def test_the_steps_that_the_target_needs_are_expected_in_order(self):
        steps = Steps(PARALLEL_TEXT)
        expected = [step.vertex for step in steps.expected(BuildRequest(""))]
        assert [(v.name, v.stage, v.line, v.started) for v in expected] == [
            ("[server 1/2] FROM busybox", "server", 1, None),
            ("[server 2/2] RUN echo $WHAT", "server", 3, None),
            ("[stage-2 1/3] FROM busybox", "2", 8, None),
            ("[stage-2 2/3] RUN rm /x", "2", 9, None),
            ("[stage-2 3/3] COPY --from=server /a /", "2", 10, None),
        ]
        assert len({v.digest for v in expected}) == 5
        assert [step.vertex.name for step in steps.expected(BuildRequest("", target="Unused"))] == [
            "[unused 1/2] FROM busybox",
            "[unused 2/2] RUN false",
        ]

    def test_names_are_those_that_the_vertices_are_placed_by(self):
        steps = Steps(TEXT)
        for step in steps.expected(BuildRequest("")):
            place = steps.buildkit(step.vertex.name)
            assert place == Place(step.vertex.stage, step.vertex.line)

    def test_one_stage_without_a_name(self):
        (step,) = Steps("FROM busybox\n").expected(BuildRequest(""))
        assert step.vertex.name == "[1/1] FROM busybox"

    @pytest.mark.parametrize(
        "text",
        ["FROM a\nNEW thing\n", "", "FROM $UNSET\n", "FROM a AS x\nCOPY --from=9 a b\n"],
    )
    def test_nothing_is_expected_of_text_that_is_not_understood(self, text):
        assert Steps(text).expected(BuildRequest("")) == []

    def test_build_arguments_and_the_platform_are_known_to_from(self):
        text = "ARG BASE\nFROM --platform=$BUILDPLATFORM ${BASE} AS x\nRUN a\n"
        assert Steps(text).expected(BuildRequest("", build_args={"BASE": None})) == []
        assert len(Steps(text).expected(BuildRequest("", build_args={"BASE": "busybox"}))) == 2

    def test_events_are_those_of_the_announced_steps(self):
        steps = Steps(PARALLEL_TEXT)
        emitted: list = []
        recorder = _Recorder(steps, emitted.append)
        recorder.announce(Announcement(steps.expected(BuildRequest(""))))
        announced = {v.name: v.digest for v in emitted}
        assert recorder.numbered() == []
        emitted.clear()
        for event in feed(PlainProgress(), "#7 [server 2/2] RUN echo compiling\n#7 0.1 out\n"):
            recorder(event)
        vertex, log = emitted
        assert vertex.digest == log.vertex == announced["[server 2/2] RUN echo $WHAT"]
        assert (vertex.name, vertex.line) == ("[server 2/2] RUN echo compiling", 3)
        assert [v.name for v in recorder.numbered()] == ["[server 2/2] RUN echo compiling"]

    def test_a_step_that_stages_share_is_shown_in_each(self):
        steps = Steps(PARALLEL_TEXT)
        emitted: list = []
        recorder = _Recorder(steps, emitted.append)
        recorder.announce(Announcement(steps.expected(BuildRequest(""))))
        emitted.clear()
        text = "#5 [stage-2 1/3] FROM docker.io/library/busybox\n#5 CACHED\n"
        for event in feed(PlainProgress(), text):
            recorder(event)
        assert [(v.name, v.stage, v.line, v.cached) for v in emitted] == [
            ("[stage-2 1/3] FROM docker.io/library/busybox", "2", 8, False),
            ("[server 1/2] FROM busybox", "server", 1, False),
            ("[stage-2 1/3] FROM docker.io/library/busybox", "2", 8, True),
            ("[server 1/2] FROM busybox", "server", 1, True),
        ]
        assert len(recorder.numbered()) == 1

    def test_triggers_are_steps_of_their_own(self):
        steps = Steps("FROM onbuild AS a\nRUN x\n")
        announcement = Announcement(steps.expected(BuildRequest("")))
        for digest, name, line in (
            ("#1", "[a 2/3] COPY . .", 1),
            ("#2", "[a 1/3] FROM onbuild", 1),
            ("#3", "[a 3/3] RUN x", 2),
            ("#4", "[linux/arm64 a 3/3] RUN x", 2),
        ):
            announcement.recognise(Vertex(digest, name, stage="a", line=line))
        found = [announcement.digest(f"#{number}") for number in range(1, 5)]
        assert found == ["#1", "expected 0:1", "expected 0:2", "#4"]


def test_sizes_belong_to_steps_in_whatever_order_these_were_told():
    made = {"COPY base": 10, "COPY . .": 20, "RUN x": 30, "WORKDIR /y": 40, "CMD z": 0}
    rows = [HistoryEntry(None, by, "", not size, size) for by, size in made.items()]
    summary = ImageSummary("sha256:0", (), (), None, 100, {})
    image = Image(summary, "amd64", "linux", {}, (), tuple(rows))
    steps = [
        Vertex("run", "[own 3/4] RUN x", stage="own", line=5),
        Vertex("workdir", "[own 4/4] WORKDIR /y", stage="own", line=6),
        Vertex("other", "[other 2/2] RUN other", stage="other", line=2),
        Vertex("trigger", "[own 2/4] COPY . .", stage="own", line=4),
        Vertex("from", "[own 1/4] FROM onbuild", stage="own", line=4),
    ]
    sizes = {vertex.digest: vertex.layer_size for vertex in layer_sizes(steps, image)}
    assert sizes == {"trigger": 20, "run": 30, "workdir": 40}
