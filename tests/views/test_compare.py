"""The compare view: its values, its forms, its answers to the front end."""

from __future__ import annotations

import io
import json
import os
import re
from importlib import resources

import pytest

from container_magics.analysis.comparison import compare_contents
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.errors import UsageError
from container_magics.views.compare.values import pull_seconds, segments
from container_magics.views.compare.view import CompareView
from container_magics.views.widget import front_end
from tests.engines.embedded.material import docker_archive, image_config, layer_tar
from tests.fixtures.embedding import embedded
from tests.views.values import HOSTILE

BASE = layer_tar({"base": b"b" * 20_000})
BIG = layer_tar({"big": os.urandom(1000) * 900, "bin/sh": b"#!"})
SMALL = layer_tar({"app": b"a" * 9_000})


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory):
    with embedded(tmp_path_factory.mktemp("store")) as engine:
        yield engine


@pytest.fixture(scope="module")
def compared(engine: EmbeddedEngine):
    def shown(reference=None, **images: tuple[bytes, ...]) -> CompareView:
        contents = {}
        for label, layers in images.items():
            config = image_config(*layers)
            engine.load(io.BytesIO(docker_archive(config, layers, tags=(f"{label}:test",))))
            contents[label] = engine.contents(f"{label}:test")
        known = [engine.image(each.id) for each in engine.images()]
        return CompareView(compare_contents(contents, known), reference)

    return shown


@pytest.fixture(scope="module")
def view(compared) -> CompareView:
    return compared({"one": 0.803}, one=(BASE, BIG), two=(BASE, SMALL), three=(SMALL,))


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_the_frame_has_a_row_for_each_image_with_numbers_in_bytes(view):
    frame = view.frame().set_index("name")
    assert frame["size"].tolist() == [920_002, 29_000, 9_000]
    assert frame["share"].tolist() == ["", "1/32", "1/102"]
    assert frame["reference"].tolist()[0] == 803_000
    assert frame.loc["two", ["layers", "shared_layers", "shared_size"]].tolist() == [2, 2, 29_000]
    assert frame.loc["two", ["base_size", "own_size", "cost"]].tolist() == [
        20_000,
        9_000,
        20 * (20_000 + 10 * 9_000),
    ]
    assert frame["measured"].tolist() == [False] * 3
    assert frame.loc["one", "seconds"] == frame.loc["one", "transfer"] * 8 / 1e8


def test_the_layers_are_a_frame_too(view):
    frame = view.layers_frame()
    assert frame["name"].tolist() == ["one", "one", "two", "two", "three"]
    assert frame["shared_with"].tolist() == ["two", "", "one", "three", "two"]


@pytest.mark.parametrize("form", [str, lambda view: text_of(view.static_html())])
def test_text_and_static_form_write_out_every_number(view, form):
    text = form(view)
    for words in ("920kB", "29kB", "9kB", "1/32", "803kB", "2.2MB", "estimated", "none recorded"):
        assert words in text
    assert "All 3 together on one node: 929kB, shared layers once (958kB if nothing" in text
    assert "10 versions" in text.lower()
    assert "20 nodes" in text.lower()
    assert "the book" in text.lower()


def test_what_is_shared_is_said_of_all_together(compared):
    empty = layer_tar({"srv": None})
    assert "they share no layers." in str(compared(one=(BASE,), two=(SMALL,)))
    assert "the layers that they share are empty." in str(
        compared(one=(BASE, empty), two=(SMALL, empty))
    )


def test_the_static_form_says_shared_in_words_and_by_an_outline(view):
    html = view.static_html()
    assert "2 layers, 1 shared (20kB)" in text_of(html)
    assert html.count("dashed") == 4 + 1  # the segments, and the words that say so
    assert "<style" not in html
    assert "<svg" not in html
    assert "class=" not in html


def test_a_bar_is_as_long_as_the_logarithm_and_divided_by_bytes(view):
    html = view.static_html()
    widths = [float(each) for each in re.findall(r'<div style="width:([\d.]+)%;height:14px', html)]
    start = view.start()
    assert start["low"] == 1000
    assert widths[0] == 100
    # From 1 kB, 9 kB is 0.954 of 2.964 decades.
    assert widths[2] == pytest.approx(32.2, abs=0.1)
    shares = [each["size"] / 29_000 for each in start["images"][1]["segments"]]
    assert shares == pytest.approx([0.69, 0.31], abs=0.01)


def test_layers_too_thin_to_be_seen_are_one_segment(compared):
    tall = tuple(layer_tar({f"f{n}": b"x" * (n % 3)}) for n in range(120))
    view = compared(tall=(BASE, *tall))
    found = segments(view.comparison.images[0])
    assert [each.size for each in found] == [20_000, 120]
    assert found[1].text.startswith("80 small layers: 120B")
    assert len(json.dumps(view.start())) < 30_000


def test_nothing_hostile_is_ever_html_or_steers_a_terminal(engine):
    name = f"d/{HOSTILE}\x1b[2J\u202e"
    special = layer_tar({name: b"1"})
    config = image_config(special, User=HOSTILE, Env=[f"PATH=/{HOSTILE}"])
    config["history"] = [{"created_by": HOSTILE}]
    engine.load(io.BytesIO(docker_archive(config, (special,), tags=("evil:test",))))
    contents = engine.contents("evil:test")
    labels = {
        f"{HOSTILE}\x1b[31m\u202e{'n' * 9000}": contents,
        "b\udce9": engine.contents("two:test"),
    }
    view = CompareView(compare_contents(labels))
    view.files()
    html, text = view.static_html(), str(view)
    assert "<img" not in html
    for shown in (html, text, json.dumps(view.start(), ensure_ascii=False)):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        shown.encode()
        assert "n" * 400 not in shown
    answer = view.questions()["find"](text="img", sides=["only in A"])
    assert "\u202e" not in json.dumps(answer, ensure_ascii=False)


def test_the_files_of_two_images_are_answered_level_by_level(compared):
    view = compared(
        left=(layer_tar({"etc/a": b"12", "etc/only": b"1", "big": b"b" * 5000}),),
        right=(layer_tar({"etc/a": b"34", "etc/new": b"", "x": b"x"}),),
    )
    ask = view.questions()
    sides = ["only in A", "only in B", "different"]
    assert [each["text"] for each in ask["difference"]().values()] == [
        "only in A: 2 paths, 5kB",
        "only in B: 2 paths, 1B",
        "different: 1 path, 2B in A, 2B in B",
    ]
    top = ask["level"](key="", sides=sides)
    assert [(row["name"], row["sign"], row["a"], row["b"]) for row in top["rows"]] == [
        ("big", "A", 5000, None),
        ("etc/", "AB≠", 3, 2),
        ("x", "B", None, 1),
    ]
    etc = ask["level"](key=top["rows"][1]["key"], sides=["different"])
    assert [(row["name"], row["what"]) for row in etc["rows"]] == [("a", "content")]
    assert [part["name"] for part in etc["trail"]] == ["/", "etc/"]
    assert ask["level"](key="etc", sides=[])["note"] == "Nothing differs here."
    assert [row["name"] for row in ask["find"](text="NEW", sides=sides)["rows"]] == ["/etc/new"]
    frame = view.difference().set_index("path")
    assert frame.loc["/etc/a", ["difference", "what"]].tolist() == ["different", "content"]
    assert "only in A: 2 paths, 5kB" in str(view)


def test_answers_of_many_files_are_bounded(compared):
    many = layer_tar({f"f{n:05}": b"" for n in range(25_000)})
    view = compared(many=(many,), none=(layer_tar({"z": b""}),))
    ask = view.questions()
    level = ask["level"](key="", sides=["only in A"])
    assert len(level["rows"]) == 200
    assert level["note"].startswith("25,000 paths, the largest 200 are shown")
    found = ask["find"](text="f", sides=["only in A"])
    assert len(found["rows"]) == 200
    assert len(json.dumps(found)) < 50_000
    assert len(str(view)) < 10_000


def test_files_are_compared_for_two_images_only(view):
    with pytest.raises(UsageError, match="these are 3"):
        view.difference()


def test_a_reference_that_names_nothing_is_refused(compared):
    with pytest.raises(UsageError, match="distroles"):
        compared({"distroles": 22.3}, one=(BASE,))


def test_an_image_without_layers_can_be_compared(compared):
    view = compared(empty=(), full=(BASE,))
    assert view.frame()["size"].tolist() == [0, 20_000]
    assert "0 layers" in text_of(view.static_html())
    assert compared(empty=()).static_html()
    assert view.figure().axes


def test_the_figure_divides_bars_and_hatches_what_is_shared(view):
    axes = view.figure().axes[0]
    assert axes.get_xscale() == "log"
    assert [bool(bar.get_hatch()) for bar in axes.patches] == [True, False, True, True, True]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["measured here", "layers that other images share", "the book"]
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert ends[1] == pytest.approx(920_002)


def test_times_are_written_as_the_front_end_writes_them():
    assert [pull_seconds(each) for each in (0.02, 1.55, 119, 600, 36_000)] == [
        "0.02s",
        "1.6s",
        "119.0s",
        "10min",
        "10.0h",
    ]


def test_the_front_end_is_one_module_of_its_own_names():
    text = front_end("compare")
    assert "import " not in text
    assert text.count("export default") == 1
    own = resources.files("container_magics.views.compare").joinpath("compare.js").read_bytes()
    assert len(own) < 15_000
