"""`stop`, `restart`, `kill`, `pause`, `unpause`, `wait`, `rename`, `update`, `rm`, `prune`."""

from __future__ import annotations

import pytest

from container_magics.engines.events import Output
from container_magics.engines.results import PruneReport, Removal
from container_magics.engines.run_request import RestartPolicy
from container_magics.errors import (
    ConflictError,
    ContainerMagicsError,
    NotFoundError,
    RunError,
    UnsupportedError,
    UsageError,
)

from .engine import container

WEB, JOB = container(1, "web"), container(2, "job", "exited")


@pytest.fixture(autouse=True)
def _made(engine):
    engine.made = [JOB, WEB]


@pytest.mark.parametrize(
    ("words", "request_made"),
    [
        ("start job", ("start", "job")),
        ("stop web", ("stop", "web", None)),
        ("stop -t 3 web", ("stop", "web", 3)),
        ("stop --time=-1 web", ("stop", "web", -1)),
        ("container restart --timeout 0 web", ("restart", "web", 0)),
        ("kill web", ("kill", "web", "KILL")),
        ("kill -s SIGHUP web", ("kill", "web", "SIGHUP")),
        ("pause web", ("pause", "web")),
        ("rm job", ("rm", "job", False, False)),
        ("rm -fv web", ("rm", "web", True, True)),
        (
            "update --restart on-failure:3 web",
            ("update", "web", RestartPolicy("on-failure", 3)),
        ),
    ],
)
def test_a_verb_prints_the_name_as_typed(docker, engine, surface, words, request_made):
    name = words.split()[-1]
    assert docker(*words.split()) == [name]
    assert engine.requests == [request_made]
    assert surface.out == f"{name}\n"


def test_unpause(docker, engine):
    docker("pause", "web")
    docker("unpause", WEB.id[:12])
    assert engine.container("web").state == "running"


def test_what_worked_is_told_and_what_failed_raised(docker, engine, surface):
    with pytest.raises(NotFoundError, match="No such container: nothing"):
        docker("stop", "nothing", "web")
    assert surface.out == "web\n"
    with pytest.raises(ContainerMagicsError, match=r"(?s)container: one.*container: two"):
        docker("start", "one", "two")


def test_stop_with_another_signal(docker, engine):
    docker("stop", "-s", "SIGUSR1", "web")
    assert engine.requests == [("kill", "web", "SIGUSR1"), ("wait", "web"), ("stop", "web", 0)]
    engine.requests.clear()
    docker("stop", "-s", "SIGUSR1", "job")
    assert engine.requests == []


def test_wait_prints_and_gives_the_statuses(docker, engine, surface):
    engine.returncode = 3
    assert docker("wait", "web", "job") == [3, 3]
    assert surface.out == "3\n3\n"


def test_rename(docker, engine):
    assert docker("rename", "web", "shop") is None
    assert engine.container("shop").id == WEB.id


def test_force_forgives_what_is_not_there(docker, surface):
    assert docker("rm", "-f", "nothing", "job") == ["job"]
    assert surface.err == "No such container: nothing\n"


def test_what_runs_is_not_removed(docker):
    with pytest.raises(ConflictError):
        docker("rm", "web")


def test_prune(docker, engine, surface):
    report = docker("container", "prune", "-f")
    assert report == PruneReport(Removal(deleted=(JOB.id,)), 1_230_000)
    assert surface.out == f"Deleted Containers:\n{JOB.id}\n\nTotal reclaimed space: 1.23MB\n"


def test_prune_asks_first(docker, engine, surface):
    with pytest.raises(UsageError, match=r"all stopped containers.*\nAdd -f"):
        docker("container", "prune")
    surface.answer = True
    docker("container", "prune", "--filter", "until=2020-01-02T03:05:00Z")
    assert engine.requests == [("container prune", 1577934300.0)]
    assert surface.out == "Total reclaimed space: 0B\n"


def test_start_in_the_foreground(docker, engine, surface):
    engine.events = [Output(1, b"hello\n")]
    result = docker("start", "-a", "job")
    assert (result.stdout, surface.out) == ("hello\n", "hello\n")
    assert engine.requests == [("attach", "job", True)]
    docker("start", "-i", "job", stdin=b"typed")
    assert engine.fed == b"typed"
    engine.returncode = 4
    with pytest.raises(RunError) as raised:
        docker("start", "-a", "job")
    assert raised.value.exit_code == 4


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ("stop -t x web", UsageError, 'invalid argument "x" for "-t, --timeout" flag'),
        ("restart -s INT web", UnsupportedError, "-s (--signal)"),
        ("rm -l web", UnsupportedError, "-l (--link)"),
        ("rename web ", UsageError, "new name"),
        ("update web", UsageError, "one or more flags"),
        ("update --memory 1g web", UnsupportedError, "--memory"),
        ("update --restart often web", UsageError, "often"),
        ("start -a web job", UsageError, "cannot start and attach multiple containers"),
        ("container prune -f --filter label=x", UnsupportedError, "label"),
        ("container prune -f --filter age=1", UsageError, "'age'"),
        ("container prune -f --filter until=never", UsageError, '"never"'),
    ],
)
def test_refusals(docker, engine, words, kind, said):
    with pytest.raises(kind) as raised:
        docker(*words.split(" "))
    assert said in str(raised.value)
    assert engine.requests == []
