"""Every case through both engines, and what they made compared."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest

from container_magics.engines.base import BuildRequest, Cancellation, Engine
from container_magics.errors import (
    BuildError,
    ContainerMagicsError,
    DockerfileError,
)

from .cases import CASES, REMOTE
from .compare import differences
from .model import Case, write_context
from .saved import SavedImage, read_saved

pytestmark = [pytest.mark.docker, pytest.mark.root]


def build(engine: Engine, case: Case, context: Path) -> SavedImage | ContainerMagicsError:
    """The image that an engine makes of a case, or what it raises."""
    tag = f"case:{case.name.lower()}"
    for name, text in case.before.items():
        engine.build(BuildRequest(text, context, (name,)), lambda event: None, Cancellation())
    request = BuildRequest(
        case.dockerfile,
        context,
        (tag,),
        target=case.target,
        build_args=case.build_args,
        labels=case.labels,
    )
    try:
        engine.build(request, lambda event: None, Cancellation())
    except ContainerMagicsError as error:
        return error
    archive = io.BytesIO()
    engine.save([tag], archive)
    return read_saved(archive.getvalue())


def failures(case: Case, error: ContainerMagicsError, engine: str) -> list[str]:
    """What is wrong with how a build failed; Docker's words do not always name a line."""
    if case.error not in {kind.__name__ for kind in type(error).__mro__}:
        return [f"raised {type(error).__name__}, not {case.error or 'nothing'}: {error}"]
    wrong = []
    if case.words not in str(error):
        wrong.append(f"{case.words!r} is not in {error}")
    known = (case.line, 0) if engine == "Docker" else (case.line,)
    if isinstance(error, (BuildError, DockerfileError)) and error.line not in known:
        wrong.append(f"names line {error.line}, not {case.line}")
    return wrong


@pytest.mark.parametrize("case", [c for c in CASES if not c.only_ours], ids=lambda case: case.name)
def test_equal(case, buildkit_engine, embedded_engine, tmp_path, began, monkeypatch):
    monkeypatch.setenv("DOCKER_BUILDKIT", "1")
    _hold(case, buildkit_engine, embedded_engine, tmp_path, began)


@pytest.mark.parametrize("case", REMOTE, ids=lambda case: case.name)
def test_equal_from_a_server(
    case, buildkit_engine, embedded_engine, tmp_path, began, served, monkeypatch
):
    monkeypatch.setenv("DOCKER_BUILDKIT", "1")
    here = replace(case, dockerfile=case.dockerfile.replace("URL", served))
    _hold(here, buildkit_engine, embedded_engine, tmp_path, began)


def _hold(case, buildkit_engine, embedded_engine, tmp_path, began):
    write_context(tmp_path / "context", case.context)
    docker = build(buildkit_engine, case, tmp_path / "context")
    ours = build(embedded_engine, case, tmp_path / "context")
    found = [
        *[f"Docker {text}" for text in _wrong(case, docker, "Docker")],
        *[f"embedded {text}" for text in _wrong(case, ours, "embedded")],
    ]
    if isinstance(docker, SavedImage) and isinstance(ours, SavedImage):
        found += differences(ours, docker, began)
    mine, theirs = getattr(ours, "returncode", None), getattr(docker, "returncode", None)
    if mine != theirs:
        found.append(f"exit status {mine}, Docker {theirs}")
    unexplained = [text for text in found if not text.startswith(case.differs or ("\0",))]
    assert not unexplained, "\n" + "\n".join(unexplained)
    stale = [start for start in case.differs if not any(text.startswith(start) for text in found)]
    assert not stale, f"no longer different: {stale}"


def _wrong(case: Case, outcome: SavedImage | ContainerMagicsError, engine: str) -> list[str]:
    if isinstance(outcome, ContainerMagicsError):
        return failures(case, outcome, engine)
    return [f"built it, without {case.error}"] if case.error else []


@pytest.mark.parametrize("case", [c for c in CASES if c.only_ours], ids=lambda case: case.name)
def test_as_expected(case, embedded_engine, tmp_path):
    write_context(tmp_path / "context", case.context)
    ours = build(embedded_engine, case, tmp_path / "context")
    assert isinstance(ours, SavedImage), str(ours)
    for path, content in case.files.items():
        digest = hashlib.sha256(content.encode()).hexdigest()
        assert ours.files[path].digest == digest, f"/{path}"
