"""The layers view: its values, its static form, its answers to the front end."""

from __future__ import annotations

import io
import os

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.errors import NotFoundError, UsageError
from container_magics.views.layers.view import LayersView
from container_magics.views.widget import front_end, key_of, path_of
from tests.engines.embedded.material import docker_archive, image_config, layer_tar
from tests.fixtures.embedding import embedded
from tests.views.values import HOSTILE

NAMELESS = os.fsdecode(b"caf\xe9")
LONG = HOSTILE + "x" * 10_000


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory):
    with embedded(tmp_path_factory.mktemp("store")) as engine:
        yield engine


@pytest.fixture(scope="module")
def show(engine: EmbeddedEngine):
    def shown(*layers: bytes, name: str = "shown:test", history=()) -> LayersView:
        config = image_config(*layers)
        if history:
            config["history"] = [{"created_by": each} for each in history]
        engine.load(io.BytesIO(docker_archive(config, layers, tags=(name,))))
        return LayersView(engine.contents(name), name)

    return shown


@pytest.fixture(scope="module")
def view(show) -> LayersView:
    return show(
        layer_tar({"app/text": b"hello\n", "app/data": b"\0\1\2", "app/link": "text", "old": b"o"}),
        layer_tar({"app/text": b"hello again\n", ".wh.old": b"", f"app/{NAMELESS}": b"n"}),
        history=("COPY app /app # buildkit", "RUN /bin/sh -c rm /old # buildkit"),
    )


def test_the_frame_has_a_row_for_each_layer(view):
    frame = view.frame()
    assert frame["instruction"].tolist() == ["COPY app /app", "RUN rm /old"]
    assert frame["size"].tolist() == [10, 13]
    assert frame[["added", "changed", "removed"]].to_numpy().tolist() == [[4, 0, 0], [1, 1, 1]]


def test_the_files_are_a_frame_too(view):
    files = view.files(2).set_index("path")
    assert files.loc["/app/text", "change"] == "changed"
    assert files.loc["/old", ["change", "size"]].tolist() == ["removed", 1]
    assert len(view.files()) == 7
    with pytest.raises(UsageError, match="no layer 3"):
        view.files(3)


def test_a_file_can_be_read_as_a_layer_or_the_image_has_it(view):
    assert view.read("/app/text") == b"hello again\n"
    assert view.read("/app/text", layer=1) == b"hello\n"
    assert view.read("app/link") == b"hello again\n"
    assert view.read("/old", layer=1) == b"o"
    with pytest.raises(NotFoundError, match="no such file: /old"):
        view.read("/old")
    with pytest.raises(NotFoundError, match="/app is a directory"):
        view.read("/app")


def test_a_file_can_be_extracted_but_nothing_is_overwritten(view, tmp_path):
    assert view.extract("/app/text", tmp_path) == tmp_path / "text"
    assert (tmp_path / "text").read_text() == "hello again\n"
    with pytest.raises(UsageError, match="is there already"):
        view.extract("/app/text", tmp_path)
    with pytest.raises(UsageError, match="cannot write"):
        view.extract("/app/text", tmp_path / "nowhere" / "text")


def test_text_and_html_say_the_same(view):
    text, html = str(view), view.static_html()
    for shown in (text, html):
        for word in ("COPY app /app", "RUN rm /old", "10B", "13B"):
            assert word in shown
    assert "1 added, 1 changed, 1 removed" in html
    assert "<script" not in html
    assert "<style" not in html


def test_what_is_wasted_is_named(show):
    view = show(layer_tar({"a": b"x" * 500}), layer_tar({"a": b"y" * 700}), name="wasted:test")
    assert view.efficiency.wasted == 1200
    assert [row["path"] for row in view.wasted()] == ["/a"]
    assert "1.2kB wasted" in view.static_html()
    assert view.start()["wastedPaths"] == [{"path": "/a", "count": 2, "size": 1200}]


def test_the_front_end_gets_a_level_at_a_time(view):
    ask = view.questions()
    top = ask["level"](layer=2, key="", everything=False)
    assert {row["name"]: row["change"] for row in top["rows"]} == {"app": "", "old": "removed"}
    below = ask["level"](layer=2, key="app", everything=True)["rows"]
    assert {row["name"] for row in below} == {"text", "data", "link", "caf\ufffd"}
    found = ask["find"](layer=2, text="TEXT", kinds=[], everything=False)
    assert [(row["key"], row["change"]) for row in found["rows"]] == [("app/text", "changed")]
    assert found["total"] == 1


def test_a_level_of_many_files_comes_in_parts(show):
    view = show(layer_tar({f"d/f{number}": b"x" for number in range(1200)}), name="many:test")
    ask = view.questions()["level"]
    parts = [ask(layer=1, key="d", everything=False, skip=skip) for skip in (0, 500, 1000)]
    assert [len(part["rows"]) for part in parts] == [500, 500, 200]
    names = {row["name"] for part in parts for row in part["rows"]}
    assert len(names) == 1200


def test_a_name_that_is_no_utf8_can_be_asked_for(view):
    key = next(
        row["key"]
        for row in view.questions()["level"](layer=2, key="app", everything=False)["rows"]
        if "caf" in row["name"]
    )
    assert key.isascii()
    assert path_of(key) == f"app/{NAMELESS}"
    assert path_of(key_of(NAMELESS)) == NAMELESS
    assert view.questions()["view"](layer=2, key=key)["text"] == "n"


def test_a_file_is_shown_as_text_or_as_a_hex_dump_and_only_its_beginning(view, show):
    ask = view.questions()["view"]
    assert ask(layer=1, key="app/text") == {"text": "hello\n", "whole": True}
    assert ask(layer=1, key="app/data")["text"].startswith("00000000  00 01 02")
    large = show(layer_tar({"large": b"line\n" * 100_000}), name="large:test")
    shown = large.questions()["view"](layer=1, key="large")
    assert shown["whole"] is False
    assert len(shown["text"]) <= 64 << 10


def test_hostile_names_and_instructions_stay_text(show):
    view = show(layer_tar({f"d/{HOSTILE}": b"x"}), name="hostile:test", history=(LONG,))
    html = view.static_html()
    assert "<img" not in html
    assert "&lt;img" in html
    assert len(html) < 10_000
    assert len(view.start()["layers"][0]["instruction"]) <= 300


def test_an_image_without_layers(show):
    view = show(name="empty:test")
    assert len(view.frame()) == 0
    assert "0B in 0 layers" in str(view)
    assert view.static_html()
    assert view.start()["layers"] == []
    assert view.figure().axes


def test_the_figure_has_a_bar_for_each_layer(view):
    (axes,) = view.figure().axes
    assert [bar.get_width() for bar in axes.patches] == [10, 13]


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_figure_can_be_saved(view, tmp_path, kind):
    view.figure().savefig(tmp_path / f"layers.{kind}")
    begins = {"png": b"\x89PNG", "svg": b"<?xml"}[kind]
    assert (tmp_path / f"layers.{kind}").read_bytes().startswith(begins)


def test_128_layers(engine):
    from tests.fixtures.embedding import build

    text = "FROM busybox:test\n" + "\n".join(f"WORKDIR /d{number}" for number in range(127))
    build(engine, text, tag="deep:test")
    view = LayersView(engine.contents("deep:test"), "deep:test")
    assert len(view.frame()) == 128
    assert len(view.static_html()) < 200_000
    assert view.figure().axes[0].patches


@pytest.mark.parametrize("module", ["layers", "compare", "stages", "step", "experiment"])
def test_a_front_end_is_one_module_without_imports(module):
    text = front_end(module)
    assert text.count("export default ") == 1
    assert "\nimport " not in text
    assert "http" not in text.replace("http://www.w3.org/", "")
