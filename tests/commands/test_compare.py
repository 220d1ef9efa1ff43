"""`compare` as people type it, and as a function."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from container_magics.commands.call import Call
from container_magics.commands.compare import COMPARE, compare
from container_magics.commands.notebook import NotebookSurface
from container_magics.commands.session import Session
from container_magics.commands.terminal import TerminalSurface
from container_magics.errors import NotFoundError, UsageError
from tests.engines.embedded.material import docker_archive, image_config, layer_tar
from tests.fixtures.embedding import embedded

BASE = layer_tar({"base": b"b" * 1000})
APP = layer_tar({"app": b"a" * 10, "n\udce9": b""})


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory):
    with embedded(tmp_path_factory.mktemp("store")) as engine:
        for name, layers in {"base:1": (BASE,), "app:1": (BASE, APP), "app:2": (APP,)}.items():
            archive = docker_archive(image_config(*layers), layers, tags=(name,))
            engine.load(io.BytesIO(archive))
        yield Session(engine=engine)


@pytest.fixture
def typed(session: Session) -> Callable[..., object]:
    def run(*words: str, surface: object = None) -> object:
        call = Call(session, surface or TerminalSurface())
        return COMPARE.action(COMPARE.grammar.parse(words), call)

    return run


def test_names_ids_and_values_are_images_and_the_order_stays(session):
    image = session.engine.image("app:2")
    view = compare("base:1", image, image.summary, image.id[7:19], session=session)
    assert view.frame()["name"].tolist() == ["base:1", "app:2", "app:2 (2)", image.id[7:19]]
    assert view.frame()["layers"].tolist() == [1, 1, 1, 1]


def test_a_mapping_gives_labels(session):
    view = compare({"small": "app:2", "large": "app:1"}, reference={"large": 1}, session=session)
    frame = view.frame().set_index("name")
    assert frame.loc["large", "reference"] == 1_000_000
    assert frame.loc["large", "base"] == "base:1"


def test_references_are_typed_by_name_or_tag(typed):
    frame = typed("base:1", "app:2", "--reference", "2=9.17", "--reference=base:1=803").frame()
    assert frame["reference"].tolist() == [803_000_000, 9_170_000]


@pytest.mark.parametrize("text", ["2", "=3", "2=", "2=many", "2=-1", "2=nan", "2=inf"])
def test_a_reference_that_is_no_size_is_refused(typed, text):
    with pytest.raises(UsageError, match="NAME=MB"):
        typed("app:2", "--reference", text)


def test_json_is_a_list_of_objects_that_any_terminal_prints(typed):
    printed = str(typed("--json", "app:1", "app:2"))
    printed.encode("ascii")
    first, second = json.loads(printed)
    assert first["sizeBytes"] == 1010
    assert first["cost"]["base"] == "base:1"
    assert [layer["sharedWith"] for layer in first["layers"]] == [[], ["app:2"]]
    assert second["security"]["user"] == "root"
    assert second["performance"]["measured"] is False


def test_a_terminal_gets_the_files_of_two_images_and_a_notebook_asks_for_them(typed):
    assert "only in A: 1 path, 1kB" in str(typed("app:1", "app:2"))
    assert "only in A" not in str(typed("app:1", "app:2", surface=NotebookSurface()))
    assert "only in A" not in str(typed("app:1", "app:2", "base:1"))


def test_an_image_that_is_not_there_is_told_with_the_nearest(session):
    with pytest.raises(NotFoundError, match="No such") as caught:
        compare("app:1", "bsae:1", session=session)
    assert "base:1" in caught.value.hint


@pytest.mark.parametrize("images", [(), ({},), ([],), (["app:1"],), ({"a": 3},), (None,)])
def test_what_is_no_image_is_refused_in_words(session, images):
    with pytest.raises(UsageError):
        compare(*images, session=session)


def test_no_operand_is_a_usage_error():
    with pytest.raises(UsageError, match='"compare" requires at least 1 argument'):
        COMPARE.grammar.parse([])
