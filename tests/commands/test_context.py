"""`docker context`, and the session that holds the engine."""

from __future__ import annotations

import json

import pytest

from container_magics.commands.call import Call
from container_magics.commands.dispatch import resolve
from container_magics.commands.session import Session
from container_magics.errors import EngineUnavailableError, NotFoundError, UnsupportedError

from .engine import MemoryEngine


@pytest.fixture
def session(tmp_path, monkeypatch):
    """A session on a docker configuration of its own, with one context that nobody answers."""
    meta = tmp_path / "contexts" / "meta" / "abc"
    meta.mkdir(parents=True)
    endpoint = {"Host": f"unix://{tmp_path}/no.sock"}
    (meta / "meta.json").write_text(
        json.dumps({"Name": "silent", "Metadata": {}, "Endpoints": {"docker": endpoint}})
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "embedded")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return Session()


@pytest.fixture
def context(session, surface):
    return lambda *words: resolve(["context", *words]).run(Call(session, surface))


def test_ls(context):
    rows = {row["Name"]: row for row in context("ls")}
    assert rows["embedded"]["Current"] == "true"
    assert rows["silent"]["Current"] == "false"
    assert rows["silent"]["DockerEndpoint"].endswith("no.sock")
    assert "silent" in context("ls", "-q")
    assert "embedded *" not in context("ls", "--format", "{{.Name}}")


def test_show_and_use(context, surface, session):
    assert context("show") == ["embedded"]
    context("use", "embedded")
    assert surface.out == 'embedded\nCurrent context is now "embedded"\n'


def test_a_failed_use_changes_nothing(context, session):
    with pytest.raises(NotFoundError, match="nowhere"):
        context("use", "nowhere")
    with pytest.raises(EngineUnavailableError, match="silent"):
        context("use", "silent")
    assert session.choice.context.name == "embedded"


def test_use_means_nothing_where_nothing_lasts(context, surface):
    surface.lasting = False
    with pytest.raises(UnsupportedError, match="export DOCKER_CONTEXT=embedded"):
        context("use", "embedded")


def test_a_change_of_context_closes_the_engine(session, monkeypatch):
    engine = MemoryEngine()
    held = Session(engine=engine)
    held.use("embedded")
    assert engine.closed
    assert held.opened is None
    assert held.choice.context.name == "embedded"
