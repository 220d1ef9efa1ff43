"""`docker exec`."""

from __future__ import annotations

import pytest

from container_magics.engines.containers import ExecRequest
from container_magics.engines.events import Output
from container_magics.errors import ConflictError, RunError, UnsupportedError, UsageError

from .engine import container


@pytest.fixture(autouse=True)
def _made(engine):
    engine.made = [container(2, "job", "exited"), container(1, "web")]


def test_every_flag_reaches_the_request(docker, engine, tmp_path, monkeypatch):
    monkeypatch.setenv("MINE", "from here")
    (tmp_path / "file.env").write_text("A=file\nB=file\n")
    docker(
        "exec", "-u", "1:2", "-w", "/work", "--env-file", str(tmp_path / "file.env"),
        "-e", "A=flag", "-eMINE", "web", "sh", "-c", "echo", "-d",
    )  # fmt: skip
    environment = {"A": "flag", "B": "file", "MINE": "from here"}
    request = ExecRequest(
        ("sh", "-c", "echo", "-d"), environment=environment, user="1:2", workdir="/work"
    )
    assert engine.requests == [("exec", "web", request)]


def test_output_is_shown_and_kept(docker, engine, surface):
    engine.events = [Output(1, b"one\n"), Output(2, b"two\n")]
    result = docker("exec", "-i", "web", "cat", stdin=b"typed")
    assert (result.stdout, surface.err) == ("one\n", "two\n")
    assert engine.fed == b"typed"
    with pytest.raises(UsageError, match="Add -i"):
        docker("exec", "web", "cat", stdin=b"typed")


def test_detached_says_nothing(docker, engine, surface):
    engine.events = [Output(1, b"dropped")]
    assert docker("exec", "-d", "web", "sleep", "9") is None
    assert engine.requests[0][2].detach


def test_its_status_is_an_error_or_a_result(docker, engine):
    engine.returncode = 3
    with pytest.raises(RunError, match="web false: exited with status 3") as raised:
        docker("exec", "web", "false")
    assert raised.value.exit_code == 3
    assert docker("exec", "web", "false", lenient=True).returncode == 3


def test_what_cannot_start_is_told_where_it_is_lenient(docker, engine, surface):
    engine.failure = RunError('exec: "x": executable file not found in $PATH', returncode=127)
    with pytest.raises(RunError, match="executable file not found"):
        docker("exec", "web", "x")
    assert docker("exec", "web", "x", lenient=True).returncode == 127
    assert "executable file not found" in surface.err


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ("exec web", UsageError, '"docker exec" requires at least 2 arguments.'),
        ("exec --privileged web ls", UnsupportedError, "--privileged"),
        ("exec -w here web ls", UsageError, "absolute path"),
        ("exec job ls", ConflictError, "is not running"),
    ],
)
def test_refusals(docker, engine, words, kind, said):
    with pytest.raises(kind) as raised:
        docker(*words.split())
    assert said in str(raised.value)
    assert engine.requests == []
