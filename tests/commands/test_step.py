"""`step` and `%%dockerfile --step`: what is built, what is left, and what is an error."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from container_magics.commands.building.build import build_cell
from container_magics.commands.call import Call
from container_magics.commands.dispatch import Resolved
from container_magics.commands.session import Session
from container_magics.commands.step import step, step_of
from container_magics.engines.build_request import BuildRequest
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.errors import ContainerMagicsError, DockerfileError, UsageError
from container_magics.views.step.view import StepView
from tests.commands.conftest import KeptSurface
from tests.fixtures.embedding import embedded

pytestmark = pytest.mark.root

DOCKERFILE = "FROM busybox:test\nWORKDIR /w\nCOPY file .\nENV A=b\n"
FAILING = "FROM busybox:test\nRUN echo said; false\n"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    with embedded(tmp_path / "store") as engine:
        yield engine


@pytest.fixture
def session(engine: EmbeddedEngine) -> Session:
    return Session(engine=engine)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "file").write_text("content")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.mark.parametrize("how", ["text", "file", "folder"])
def test_a_dockerfile_is_walked(session: Session, context: Path, how: str, capsys: Any):
    given = {"text": DOCKERFILE, "file": context / "Dockerfile", "folder": str(context)}[how]
    view = step(given, context, session=session)
    assert view.position == 4
    assert view.run("cat /w/file", 3).stdout == "content"
    assert "COPY file ." in capsys.readouterr().err
    view.close()
    assert [image.names for image in session.engine.images()] == [("busybox:test",)]


def test_target_and_build_arguments_count(session: Session):
    text = "FROM busybox:test AS one\nARG A=x\nENV B=$A\nFROM one\nRUN false\n"
    view = step(text, None, target="one", build_args={"A": "y"}, session=session)
    assert dict(view.walk.states[-1].environment)["B"] == "y"
    view.close()


def test_a_failing_build_opens_the_view_where_it_failed(session: Session):
    view = step(FAILING + "ENV C=d\n", None, session=session)
    assert view.position == 2
    assert view.walk.failure.tail == ("said",)
    assert view.run("echo here").stdout == "here"
    view.close()


def test_what_cannot_be_built_at_all_is_an_error_and_leaves_nothing(session: Session):
    with pytest.raises(DockerfileError):
        step("FROM busybox:test\nRUNN x\n", None, session=session)
    with pytest.raises(ContainerMagicsError, match="nowhere"):
        step("FROM nowhere.invalid/nothing:1\nRUN x\n", None, session=session)
    with pytest.raises(UsageError, match="folder"):
        step(DOCKERFILE, "absent", session=session)
    with pytest.raises(UsageError, match="line 9"):
        step(DOCKERFILE, None, breakpoints=[9], session=session)
    assert [image.names for image in session.engine.images()] == [("busybox:test",)]


def test_a_breakpoint_stops_before_its_line(session: Session, context: Path):
    (context / "file").unlink()
    view = step(DOCKERFILE, context, breakpoints=[4, 3], session=session)
    assert (view.position, view.walk.reached, view.walk.failure) == (2, 2, None)
    assert view.breakpoints == {3, 4}
    (context / "file").write_text("late")
    assert view.proceed() == 3
    assert view.run("cat file").stdout == "late"
    view.close()


def test_the_image_of_a_whole_build_is_given_and_kept(engine: EmbeddedEngine, context: Path):
    request = BuildRequest(DOCKERFILE, context, labels={"made": "by me"})
    image, view = step_of(engine, request, KeptSurface().progress(), [])
    view.close()
    assert engine.image(image.id).config["Labels"] == {"made": "by me"}
    assert {each.id for each in engine.images() if not each.names} == {image.id}


def cell(text: str, context: Path, session: Session, *words: str) -> tuple[Any, dict[str, Any]]:
    """What a cell `%%dockerfile --step …` gives, and the names that it binds."""
    names: dict[str, Any] = {}
    command = build_cell(text, names.__setitem__)
    call = Call(session, KeptSurface())
    return Resolved(command, command.grammar.parse(["--step", *words, str(context)])).run(
        call
    ), names


def test_a_cell_is_walked_and_its_image_tagged_and_bound(session: Session, context: Path):
    view, names = cell(DOCKERFILE, context, session, "-t", "stepped:test", "--as", "made")
    assert isinstance(view, StepView)
    assert names["made"].names == ("stepped:test",)
    view.close()
    assert session.engine.image("stepped:test").id == names["made"].id


def test_a_cell_that_fails_or_stops_has_no_image(session: Session, context: Path):
    view, names = cell(FAILING, context, session, "-t", "stepped:test", "--as", "made")
    assert names == {"made": None}
    assert view.walk.failure.number == 2
    view.close()
    view, names = cell(DOCKERFILE, context, session, "--break", "3", "--as", "made")
    assert names == {"made": None}
    assert view.position == 2
    view.close()
    assert [image.names for image in session.engine.images()] == [("busybox:test",)]


def test_at_the_end_of_python_the_images_go(tmp_path: Path):
    with embedded(tmp_path / "store"):
        pass
    script = (
        "import container_magics as cm\n"
        "view = cm.step('FROM busybox:test\\nENV A=b\\n', None)\n"
        "print(len(cm.Session().engine.images()))\n"
    )
    environment = {"CONTAINER_MAGICS_ROOT": str(tmp_path / "store"), "DOCKER_CONTEXT": "embedded"}
    ended = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert ended.stdout.strip() == "3"
    with embedded(tmp_path / "store") as engine:
        assert [image.names for image in engine.images()] == [("busybox:test",)]


def test_closing_after_the_engine_was_closed_does_no_harm(session: Session, context: Path):
    view = step(DOCKERFILE, context, session=session)
    session.close()
    view.close()
