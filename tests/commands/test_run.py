"""`docker run`: from flags to a request, and from events to a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from container_magics.commands.results import RunOutput
from container_magics.engines.base import Message, Mount, Output, PullProgress
from container_magics.errors import NotFoundError, PullError, RunError, UnsupportedError, UsageError

from .engine import summary


def test_every_flag_reaches_the_request(docker, engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINE", "from here")
    monkeypatch.delenv("NOT_MINE", raising=False)
    (tmp_path / "file.env").write_text("# note\n\nA=file\nB=x y # z\nMINE\n  C=1\n")
    docker(
        "run", "--rm", "--env-file", "file.env", "-e", "A=flag", "-eMINE", "-e", "NOT_MINE",
        "-e", "EMPTY=", "-v", "./data:/data:ro", "-v", "/abs:/there", "-v", "../up:/up:rw",
        "-w", "/work", "-u", "1:2", "--entrypoint", "sh", "--name", "n", "-h", "host",
        "--network", "none", "image:1", "-c", "echo", "--rm",
    )  # fmt: skip
    (request,) = engine.requests
    assert request.image == "image:1"
    assert request.command == ("-c", "echo", "--rm")
    assert request.entrypoint == "sh"
    assert request.environment == {
        "A": "flag", "B": "x y # z", "MINE": "from here", "C": "1", "EMPTY": "",
    }  # fmt: skip
    assert request.mounts == (
        Mount(tmp_path / "data", "/data", read_only=True),
        Mount(Path("/abs"), "/there"),
        Mount(tmp_path.parent / "up", "/up"),
    )
    assert (request.workdir, request.user, request.name) == ("/work", "1:2", "n")
    assert (request.hostname, request.network, request.remove) == ("host", "none", True)
    assert request.stdin is None


def test_nothing_is_made_up(docker, engine):
    docker("run", "image")
    (request,) = engine.requests
    assert request.entrypoint is None
    assert (request.network, request.remove, request.mounts) == ("default", False, ())


def test_an_empty_entrypoint_removes_it(docker, engine):
    docker("run", "--entrypoint", "", "image", "ls")
    assert engine.requests[0].entrypoint == ""


def test_interactive_feeds_the_input(docker, engine):
    docker("run", "-i", "image", stdin=b"text")
    assert engine.fed == b"text"


def test_output_is_shown_and_kept_by_stream(docker, engine, surface):
    euro = "€".encode()
    engine.events = [
        Output(1, b"one " + euro[:1]),
        Output(2, b"err\n"),
        Output(1, euro[1:] + b"\n\xff"),
        Output(1, euro[:2]),
    ]
    result = docker("run", "image")
    assert isinstance(result, RunOutput)
    assert result.stdout == surface.out == "one €\n\ufffd\ufffd"
    assert result.stderr == surface.err == "err\n"
    assert result.returncode == 0
    assert repr(result) == "RunOutput(returncode=0)"


def test_a_pull_shows_on_standard_error(docker, engine, surface):
    engine.events = [
        Message("Unable to find image 'image:latest' locally"),
        PullProgress("abc", "Pull complete"),
        Output(1, b"hello\n"),
    ]
    assert docker("run", "image").stdout == surface.out == "hello\n"
    assert "Unable to find image 'image:latest' locally\nabc: Pull complete\n" in surface.err


def test_quiet_hides_the_pull(docker, engine, surface):
    engine.events = [Message("Unable to find image"), Output(1, b"hello")]
    docker("run", "-q", "image")
    assert (surface.out, surface.err) == ("hello", "")


def test_a_failing_command_raises_with_its_status(docker, engine):
    engine.returncode = 3
    with pytest.raises(RunError, match="image sh -c x: exited with status 3") as raised:
        docker("run", "image", "sh", "-c", "x")
    assert raised.value.exit_code == 3


def test_lenient_gives_the_result_instead(docker, engine, surface):
    engine.events = [Output(1, b"so far")]
    engine.returncode = 3
    result = docker("run", "image", lenient=True)
    assert (result.stdout, result.returncode) == ("so far", 3)


def test_lenient_also_where_it_could_not_start(docker, engine, surface):
    engine.failure = RunError('exec: "sh": executable file not found in $PATH', returncode=127)
    result = docker("run", "--entrypoint", "sh", "image", lenient=True)
    assert result.returncode == 127
    assert "executable file not found" in surface.err


def test_a_dot_after_the_image_is_explained(docker, engine):
    engine.failure = RunError("permission denied", returncode=126)
    with pytest.raises(RunError, match="a build takes a context") as raised:
        docker("run", "image", ".")
    assert raised.value.returncode == 126


def test_pull_always_and_never(docker, engine):
    with pytest.raises(NotFoundError):
        docker("run", "--pull", "never", "image:1")
    assert engine.requests == []
    engine.listed = [summary(1, "image:1")]
    docker("run", "--pull=never", "image:1")
    docker("run", "--pull=always", "image:1")
    assert engine.requests[1] == ("pull", "image:1")


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (["-d", "image"], UnsupportedError, "-d (--detach)"),
        (["-it", "image"], UnsupportedError, "-t (--tty)"),
        (["-p", "80:80", "image"], UnsupportedError, "--network host"),
        (["--network", "bridge", "image"], UnsupportedError, "--network bridge"),
        (["-v", "data:/data", "image"], UnsupportedError, "-v ./data:/data"),
        (["-v", "/data", "image"], UnsupportedError, "anonymous"),
        (["-v", "a/b:/data", "image"], UsageError, "./a/b"),
        (["-v", "./a:data", "image"], UsageError, "mount path must be absolute"),
        (["-v", "./a:/", "image"], UsageError, "destination can't be '/'"),
        (["-v", "./a:/a:z", "image"], UnsupportedError, "'z'"),
        (["-w", "here", "image"], UsageError, "absolute path"),
        (["-e", "=x", "image"], UsageError, "=x"),
        (["--env-file", "/nowhere", "image"], UsageError, "/nowhere"),
        (["--pull", "often", "image"], UsageError, "'often'"),
        ([], UsageError, '"docker run" requires at least 1 argument.'),
    ],
)
def test_refusals_say_what_to_do(docker, engine, words, kind, said):
    with pytest.raises(kind) as raised:
        docker("run", *words)
    assert said in str(raised.value)
    assert engine.requests == []


def test_an_env_file_names_the_bad_line(docker, tmp_path):
    file = tmp_path / "x.env"
    file.write_text("A=1\nB C=2\n")
    with pytest.raises(UsageError, match=r"line 2.*'B C'"):
        docker("run", "--env-file", str(file), "image")


def test_input_that_nobody_reads_is_an_error(docker):
    with pytest.raises(UsageError, match="Add -i"):
        docker("run", "image", stdin=b"x")


def test_lenient_also_where_the_image_cannot_be_had(docker, engine, surface):
    engine.failure = PullError("cannot pull image", answers=[("docker.io", "no such host")])
    assert docker("run", "image", lenient=True).returncode == 125
    assert "docker.io: no such host" in surface.err
    with pytest.raises(PullError):
        docker("run", "image")


def test_flags_behind_the_image_are_explained(docker, engine):
    engine.failure = RunError("executable not found", returncode=127, hint="No such program.")
    with pytest.raises(RunError, match="put --rm before image"):
        docker("run", "image", "--rm", "ls")
