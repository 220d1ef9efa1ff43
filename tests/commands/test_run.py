"""`docker run`: from flags to a request, and from events to a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from container_magics.commands.results import RunOutput
from container_magics.engines.build_request import Ulimit
from container_magics.engines.events import Message, Output, PullProgress
from container_magics.engines.run_request import (
    HealthCheck,
    Mount,
    Publish,
    RestartPolicy,
    Tmpfs,
    Volume,
)
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


def test_every_other_flag_reaches_the_request(docker, engine, tmp_path):
    (tmp_path / "labels").write_text("# note\nfrom=file\nboth=file\nbare\n")
    docker(
        "run", "--rm", "-p", "8080:80", "-p", "53:53/udp", "-P", "--expose", "90-91", "-v",
        "cache:/cache", "-v", "/fresh", "--mount", "type=tmpfs,dst=/tmp", "--read-only",
        "--health-cmd", "true", "--health-interval", "1m30s", "--stop-signal", "INT",
        "--stop-timeout", "3", "--add-host", "db:10.0.0.1", "--init", "-m", "512m", "--cpus",
        "1.5", "--pids-limit", "20", "--ulimit", "nofile=10:20", "--shm-size", "64m",
        "--cap-add", "net_admin", "--cap-add", "CAP_SYS_TIME", "--cap-drop", "all",
        "--label-file", str(tmp_path / "labels"), "-l", "both=flag", "--network", "mine", "image",
    )  # fmt: skip
    (request,) = engine.requests
    assert request.publish == (Publish(80, host=8080), Publish(53, "udp", 53))
    assert (request.publish_all, request.expose) == (True, ("90/tcp", "91/tcp"))
    assert request.volumes == (Volume("cache", "/cache"), Volume("", "/fresh"))
    assert request.tmpfs == (Tmpfs("/tmp"),)
    assert request.read_only
    assert request.health == HealthCheck(("CMD-SHELL", "true"), interval=90)
    assert (request.stop_signal, request.stop_timeout) == ("INT", 3)
    assert (request.hosts, request.init) == ({"db": "10.0.0.1"}, True)
    assert (request.memory, request.cpus, request.pids_limit) == (512 << 20, 1.5, 20)
    assert (request.ulimits, request.shm_size) == ((Ulimit("nofile", 10, 20),), 64 << 20)
    assert (request.cap_add, request.cap_drop) == (("NET_ADMIN", "SYS_TIME"), ("ALL",))
    assert request.labels == {"from": "file", "both": "flag", "bare": ""}
    assert request.network == "mine"


def test_no_limit_of_processes_is_none(docker, engine):
    docker("run", "--pids-limit", "-1", "image")
    assert engine.requests[0].pids_limit == 0


@pytest.mark.parametrize("text", ["INT", "sigterm", "9", "RTMIN+3", "SIGRTMAX-1"])
def test_signals_stay_as_written(docker, engine, text):
    docker("run", "--stop-signal", text, "image")
    assert engine.requests[0].stop_signal == text


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("no", RestartPolicy()),
        ("", RestartPolicy()),
        ("always", RestartPolicy("always")),
        ("unless-stopped", RestartPolicy("unless-stopped")),
        ("on-failure", RestartPolicy("on-failure")),
        ("on-failure:", RestartPolicy("on-failure")),
        ("on-failure:3", RestartPolicy("on-failure", 3)),
    ],
)
def test_restart_policies(docker, engine, text, policy):
    docker("run", "--restart", text, "image")
    assert engine.requests[0].restart == policy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sometimes", "unknown policy 'sometimes'; use one of 'no', 'always'"),
        ("on-failure:x", "maximum retry count must be an integer"),
        ("on-failure:3:4", "maximum retry count must be an integer"),
        ("on-failure:-1", "maximum retry count cannot be negative"),
        ("always:3", "can only be used with 'on-failure'"),
        ("no:-3", "can only be used with 'on-failure' and cannot be negative"),
        (":3", "no policy provided before colon"),
    ],
)
def test_what_is_no_restart_policy(docker, engine, text, said):
    with pytest.raises(UsageError, match="invalid restart policy") as raised:
        docker("run", "--restart", text, "image")
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("words", "check"),
    [
        (["--no-healthcheck"], HealthCheck(("NONE",))),
        (["--health-cmd", "a || b"], HealthCheck(("CMD-SHELL", "a || b"))),
        (["--health-interval", "0"], HealthCheck()),
        (["--health-interval=1h"], HealthCheck(interval=3600)),
        (["--health-timeout=1.5s"], HealthCheck(timeout=1.5)),
        (["--health-start-period=1m30s"], HealthCheck(start_period=90)),
        (["--health-retries", "3"], HealthCheck(retries=3)),
        (["--health-retries", "0"], HealthCheck()),
    ],
)
def test_health_checks(docker, engine, words, check):
    docker("run", *words, "image")
    assert engine.requests[0].health == check


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--no-healthcheck", "--health-retries=3"], "--no-healthcheck conflicts with"),
        (["--health-interval", "5"], 'time: missing unit in duration "5"'),
        (["--health-timeout", "soon"], 'time: invalid duration "soon"'),
        (["--health-interval=-1s"], "--health-interval cannot be negative"),
        (["--health-retries=-1"], "--health-retries cannot be negative"),
        (["--health-retries=x"], "strconv.ParseInt"),
        (["--health-interval=1us"], "Interval in Healthcheck cannot be less than 1ms"),
    ],
)
def test_what_is_no_health_check(docker, engine, words, said):
    with pytest.raises(UsageError) as raised:
        docker("run", *words, "image")
    assert said in raised.value.message
    assert engine.requests == []


def test_detached_gives_the_id(docker, engine, surface):
    identity = docker("run", "-d", "-i", "--name", "web", "image")
    assert surface.out == f"{identity}\n"
    created, started = engine.requests
    assert (created[1].open_stdin, created[1].stdin) == (True, None)
    assert started == ("start", identity)
    assert engine.container("web").state == "running"


def test_detached_where_it_cannot_start_is_left_created(docker, engine, surface, monkeypatch):
    def start(name: str) -> None:
        raise RunError("exec: no such file", returncode=127)

    monkeypatch.setattr(engine, "start", start)
    with pytest.raises(RunError, match="exec: no such file") as raised:
        docker("run", "-d", "image", "nothing")
    assert raised.value.returncode == 127
    (made,) = engine.made
    assert (made.state, surface.out) == ("created", f"{made.id}\n")
    result = docker("run", "-d", "image", "nothing", lenient=True)
    assert (result.returncode, result.container) == (127, engine.made[0].id)


def test_detached_reads_no_input(docker):
    with pytest.raises(UsageError, match="would not read"):
        docker("run", "-di", "image", stdin=b"text")


def test_a_terminal_needs_somebody_who_types(docker, engine):
    with pytest.raises(UnsupportedError, match="not a TTY"):
        docker("run", "-it", "image", stdin=b"text")
    assert engine.requests == []


def test_the_cidfile_is_written_before_the_container_runs(docker, engine, tmp_path, monkeypatch):
    file = tmp_path / "cid"
    seen = []
    attach = engine.attach

    def attached(name, *rest, **options):
        seen.append(file.read_text())
        return attach(name, *rest, **options)

    monkeypatch.setattr(engine, "attach", attached)
    result = docker("run", "-i", "--cidfile", str(file), "image", stdin=b"text")
    assert ([result.container], engine.fed) == (seen, b"text")
    with pytest.raises(UsageError, match="container ID file found, make sure the other container"):
        docker("run", "--cidfile", str(file), "image")
    assert len(engine.made) == 1


def test_a_cidfile_is_not_left_where_no_container_is(docker, engine, tmp_path):
    engine.failure = PullError("cannot pull image")
    with pytest.raises(PullError):
        docker("run", "-d", "--cidfile", str(tmp_path / "cid"), "image")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="failed to create the container ID file"):
        docker("run", "--cidfile", str(tmp_path / "no" / "cid"), "image")


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
        (["-a", "stdout", "image"], UnsupportedError, "-a (--attach)"),
        (["--privileged", "image"], UnsupportedError, "--cap-add"),
        (["--network", "a", "--net", "b", "image"], UnsupportedError, "network connect"),
        (["--network", "name=a,alias=b", "image"], UnsupportedError, "just its name"),
        (["--rm", "--restart", "always", "image"], UsageError, "both --restart and --rm"),
        (["-v", "./a:/a", "--tmpfs", "/a", "image"], UsageError, "Duplicate mount point: /a"),
        (["-m", "4m", "image"], UsageError, "Minimum memory limit allowed is 6MB"),
        (["-m", "much", "image"], UsageError, '"-m, --memory" flag: invalid size'),
        (["--cpus", "two", "image"], UsageError, "failed to parse two as a rational number"),
        (["--cpus", "1e-10", "image"], UsageError, "value is too precise"),
        (["--cpus", "-1", "image"], UsageError, "negative"),
        (["--pids-limit", "x", "image"], UsageError, '"--pids-limit" flag: strconv.ParseInt'),
        (["--stop-timeout", "1s", "image"], UsageError, '"--stop-timeout" flag: strconv.ParseInt'),
        (["--stop-signal", "FOO", "image"], UsageError, "Invalid signal: FOO"),
        (["-l", "=x", "image"], UsageError, "invalid label '=x': empty name"),
        (["--label-file", "/nowhere", "image"], UsageError, "open /nowhere: no such file"),
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
