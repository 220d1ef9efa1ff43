"""`stats`: a chart of what containers use."""

from __future__ import annotations

import pytest

from container_magics.commands.containers.plotting import stats
from container_magics.commands.session import Session
from container_magics.engines.containers import Usage
from container_magics.errors import NotFoundError, UsageError
from container_magics.views.stats import view

from .engine import MemoryEngine, container

USAGES = [Usage(100.0 + at, 10.0 + at / 2, at << 20, 1 << 30, 3, 2) for at in range(20)]


@pytest.fixture
def session(monkeypatch) -> Session:
    monkeypatch.setattr(view, "INTERVAL_SECONDS", 0)
    made = [container(1, "web"), container(2, "job", "exited")]
    return Session(engine=MemoryEngine(made=made, usages=list(USAGES)))


def test_samples_are_taken_where_nobody_looks(session):
    frame = stats("web", session=session).frame()
    assert list(frame.columns) == ["time", "container", "cpu", "memory", "memory_limit", "pids"]
    assert len(frame) == 10
    assert set(frame["container"]) == {"web"}
    assert frame["cpu"].to_list() == [50.0] * 10
    assert frame["memory"].to_list() == [at << 20 for at in range(1, 11)]
    assert str(frame["time"][0]) == "1970-01-01 00:01:41+00:00"


def test_as_many_as_are_asked_for_of_those_that_run(session):
    shown = stats(samples=2, session=session)
    assert str(shown).splitlines()[1].split() == ["web", "2", "50.00%", "50.00%", "2MiB", "2MiB"]
    assert 'src="data:image/png;base64,' in shown.static_html()
    axes = shown.figure().get_axes()
    assert [len(each.get_lines()[0].get_xdata()) for each in axes] == [2, 2]


def test_one_that_does_not_run_has_none(session):
    shown = stats("job", samples=1, session=session)
    assert len(shown.frame()) == 0
    assert "nothing was measured yet" in shown.static_html()


def test_what_makes_no_sense(session):
    with pytest.raises(NotFoundError, match="No such container: nothing"):
        stats("nothing", session=session)
    with pytest.raises(UsageError, match="samples is 0"):
        stats("web", samples=0, session=session)
    session.engine.made.pop(0)
    with pytest.raises(UsageError, match="no container runs"):
        stats(session=session)
