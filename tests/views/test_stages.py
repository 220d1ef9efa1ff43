"""The stages view without a browser: places, words, tables, picture."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from container_magics.analysis.stage_report import StagesReport, VertexRecord, stage_report
from container_magics.dockerfile import parse, stage_graph
from container_magics.engines.events import Vertex
from container_magics.views.stages.layout import LABEL_SIZE, Layout, Point, lay_out
from container_magics.views.stages.view import StagesView
from container_magics.views.widget import front_end
from tests.views.values import HOSTILE

COURSE = """\
FROM golang:1.20.5 AS build
RUN go build
FROM build AS test
RUN ./app
FROM alpine:3.18.0
COPY --from=build /tmp/app .
COPY --from=build /tmp/LICENCE .
"""
FAN = (
    "".join(f"FROM base:{n % 3} AS s{n}\nRUN make {n}\n" for n in range(29))
    + "FROM scratch\n"
    + "".join(f"COPY --from=s{n} /out/{n} /srv/{n}\n" for n in range(29))
)
CHAIN = "FROM base AS s0\nRUN make\n" + "".join(
    f"FROM base AS s{n}\nCOPY --from=s{n - 1} /a /b\n" for n in range(1, 30)
)
SKIPPING = "FROM base AS s0\n" + "".join(
    f"FROM scratch AS s{n}\nCOPY --from=s0 /first /\nCOPY --from=s{n - 1} /a /b\n"
    for n in range(1, 8)
)
SINGLE = "FROM scratch\nCOPY x /\n"


def report(text: str) -> StagesReport:
    """The stages of a build in which every instruction took a second, and 1,000 bytes a line."""
    graph = stage_graph(parse(text), build_args={}, platform_args={})
    record = VertexRecord()
    for number, each in enumerate(parse(text).instructions):
        makes = each.keyword in ("RUN", "COPY")
        record(
            Vertex(
                str(number),
                each.text,
                line=each.line,
                started=float(number + 1),
                completed=float(number + 2),
                layer_size=1000 * each.line if makes else None,
            )
        )
    sizes = {index: 1_000_000 * (index + 1) for index in graph.needed}
    return stage_report(text, graph, record, sizes, VertexRecord())


def course() -> StagesView:
    return StagesView(unbuilt(report(COURSE)), "app:1")


def unbuilt(found: StagesReport) -> StagesReport:
    """As of a builder that leaves out what is not needed."""
    return replace(
        found,
        stages=tuple(
            stage if stage.needed else replace(stage, built=False, seconds=None, cached=None)
            for stage in found.stages
        ),
    )


# --- places ---


def rectangles(layout: Layout) -> list[tuple[str, float, float, float, float]]:
    """Left, top, right and bottom of all boxes and words."""
    found = [(b.key, b.x, b.y, b.x + b.width, b.y + b.height) for b in layout.boxes]
    for line in layout.lines:
        if line.label:
            (x, y), (width, height) = line.label, LABEL_SIZE
            name = f"{line.source} to {line.target}"
            found.append((name, x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    return found


@pytest.mark.parametrize("text", [COURSE, FAN, CHAIN, SKIPPING, SINGLE])
def test_nothing_overlaps_or_leaves_the_picture(text: str):
    layout = lay_out(report(text))
    found = rectangles(layout)
    for one, two in itertools.combinations(found, 2):
        apart = one[3] <= two[1] or two[3] <= one[1] or one[4] <= two[2] or two[4] <= one[2]
        assert apart, (one, two)
    for _, left, top, right, bottom in found:
        assert left >= 0
        assert top >= 0
        assert right <= layout.width
        assert bottom <= layout.height


@pytest.mark.parametrize("text", [COURSE, FAN, CHAIN, SKIPPING])
def test_arrows_join_their_boxes_from_left_to_right_and_run_under_none(text: str):
    layout = lay_out(report(text))
    boxes = {box.key: box for box in layout.boxes}
    for line in layout.lines:
        source, target = boxes[line.source], boxes[line.target]
        (x, y), (end, height) = line.points[0], line.points[-1]
        assert x == source.x + source.width
        assert source.y < y < source.y + source.height
        assert end == target.x
        assert target.y < height < target.y + target.height
        assert list(line.points) == sorted(line.points, key=lambda point: point[0])
        assert len(line.points) % 2 == 0
        for x, y in way(line.points):
            for box in layout.boxes:
                inside = box.x < x < box.x + box.width and box.y < y < box.y + box.height
                assert not inside, (line.source, line.target, box.key)


def way(points: Sequence[Point]) -> Iterator[Point]:
    """Places along an arrow, as it is drawn."""
    for number, ((x, y), (end, level)) in enumerate(itertools.pairwise(points)):
        middle = (x + end) / 2
        for part in range(1, 40):
            t = part / 40
            if number % 2:
                yield x + t * (end - x), y + t * (level - y)
            else:
                ends, inner = (1 - t) ** 3, 3 * t * (1 - t) ** 2
                across = ends * x + (inner + 3 * t * t * (1 - t)) * middle + t**3 * end
                yield across, (ends + inner) * y + (1 - ends - inner) * level


def test_what_one_stage_copies_from_another_is_one_arrow():
    layout = lay_out(report(COURSE))
    (copies,) = [line for line in layout.lines if line.kind == "COPY"]
    assert [edge.what for edge in copies.edges] == ["/tmp/app", "/tmp/LICENCE"]


def test_a_base_stands_near_each_of_its_users():
    boxes = lay_out(report(CHAIN)).boxes
    ranks = {box.key: box.rank for box in boxes}
    bases = [box for box in boxes if box.stage is None]
    assert {box.name for box in bases} == {"base"}
    assert len(bases) > 5
    for line in lay_out(report(CHAIN)).lines:
        assert ranks[line.target] - ranks[line.source] <= 2


# --- words ---


def test_the_text_has_sizes_times_and_what_is_not_needed():
    text = str(course())
    assert text.splitlines()[0] == (
        "Stages of app:1. Image: 3MB, Stages: 3, 1 of them not needed, Left behind: 987kB"
    )
    assert re.search(r"^build +golang:1.20.5 +yes +1MB +2.0s +13kB +987kB$", text, re.MULTILINE)
    assert re.search(r"^test +build +no +not built *$", text, re.MULTILINE)
    assert re.search(r"^build +2 +COPY --from +/tmp/app to . +6kB$", text, re.MULTILINE)


def test_the_frames_have_bytes_and_seconds_and_nothing_where_nothing_was_built():
    frame = course().frame()
    assert list(frame.columns) == [
        "stage", "base", "needed", "size", "seconds", "cached", "copied_out", "left_behind",
    ]  # fmt: skip
    build, test, last = frame.to_dict("records")
    assert (build["size"], build["copied_out"], build["left_behind"]) == (10**6, 13_000, 987_000)
    assert (build["seconds"], build["cached"]) == (2.0, False)
    assert frame["size"].isna().tolist() == [False, True, False]
    assert frame["size"].sum() == 4_000_000
    assert (test["needed"], last["left_behind"]) == (False, 0)
    edges = course().edges_frame()
    assert list(edges.columns) == ["source", "target", "kind", "what", "bytes"]
    assert edges["kind"].tolist() == ["FROM", "FROM", "FROM", "COPY", "COPY"]
    assert edges["bytes"].sum() == 13_000


def test_what_the_front_end_gets_is_small_and_whole():
    start = json.loads(json.dumps(course().start()))
    boxes = {box["name"]: box for box in start["boxes"]}
    assert set(boxes) == {"golang:1.20.5", "alpine:3.18.0", "build", "test", "stage 2"}
    assert boxes["build"]["words"] == ["1MB · 2.0s", "leaves 987kB behind"]
    assert boxes["test"]["words"] == ["not built", "nothing the target needs"]
    assert boxes["stage 2"]["target"] is True
    assert boxes["build"]["steps"][1] == {
        "line": 2, "text": "RUN go build", "time": "1.0s", "size": "2kB",
    }  # fmt: skip
    (copies,) = [line for line in start["lines"] if line["kind"] == "COPY"]
    assert (copies["what"], copies["detail"]) == ("/tmp/app +1 more", "13kB")
    assert [each["what"] for each in copies["takes"]] == ["/tmp/app to .", "/tmp/LICENCE to ."]
    assert len(json.dumps(StagesView(report(FAN), "x").start())) < 60_000


def test_the_front_end_is_one_small_module():
    text = front_end("stages")
    assert "import" not in re.sub(r"//.*|/\*.*?\*/", "", text, flags=re.DOTALL).split("\n")[0]
    assert "export default widget(" in text


def test_notes_are_told_in_every_form():
    found = replace(report(COURSE), notes=("The size of stage build is not known: gone",))
    view = StagesView(found, "x")
    for form in (str(view), view.static_html(), json.dumps(view.start())):
        assert "The size of stage build is not known: gone" in form


# --- the static form and the picture ---


def picture(html: str) -> bytes:
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return base64.b64decode(data)


def test_the_static_form_has_a_picture_and_all_of_it_as_text():
    from PIL import Image

    html = course().static_html()
    with Image.open(io.BytesIO(picture(html))) as image:
        assert image.width > 1000
    assert len(picture(html)) < 60_000
    alternative = re.search(r'alt="([^"]+)"', html)[1]
    for words in (
        "build, from golang:1.20.5: 1MB · 2.0s, leaves 987kB behind",
        "test, from build: not built, nothing the target needs",
    ):
        assert words in alternative
    assert html.count("<table") == 3
    assert html.count("<details open>") == 2
    assert "/tmp/LICENCE to ." in html
    for lost in ("<style", "<svg", "<script", "data-"):
        assert lost not in html


def test_thirty_stages_can_be_drawn():
    from PIL import Image

    for text in (FAN, CHAIN):
        html = StagesView(report(text), "x").static_html()
        with Image.open(io.BytesIO(picture(html))) as image:
            assert max(image.size) > 3000
        assert len(picture(html)) < 250_000
    assert "max-width:none" in html
    assert html.count("<details>") == 2


def test_hostile_paths_and_names_are_text_everywhere():
    path = re.sub(r"\s", "", HOSTILE)
    text = f'FROM a AS x\nFROM scratch\nCOPY --from=x ["{path} $x^2$ \u202e日本", "/"]\n'
    view = StagesView(report(text), HOSTILE)
    html = view.static_html()
    assert "<img src=x" not in html
    assert html.count("<img ") == 1
    assert "\u202e" not in html
    assert "\u202e" not in str(view)
    assert "\u202e" not in json.dumps(view.start(), ensure_ascii=False)


def test_the_figure_needs_no_pyplot_and_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = course().figure()
        figure.savefig(io.BytesIO())
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert {"build", "leaves 987kB behind", "/tmp/app +1 more", "13kB"} <= texts
    assert {"target", "stage 2", "not built", "nothing the target needs"} <= texts


def test_a_long_name_is_cut_to_its_box():
    name = "a" * 200
    figure = StagesView(report(f"FROM registry.example/{name}\nRUN x\n"), "x").figure()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert any(text.startswith("registry.ex") and text.endswith("…") for text in texts)
    assert not any(name in text for text in texts)
