"""Stories of the course's chapter: what is done by hand in a terminal, on real engines."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import missing
from tests.fixtures.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bases")]

OURS = (sys.executable, "-m", "container_magics.cli")
# The first lines are those of the course's notebooks, so they are built once.
WEB = """\
FROM ubuntu:bionic
RUN apt-get update && apt-get install -y curl
RUN apt-get update && apt-get install -y nginx
WORKDIR /var/www/html/
ADD index.html ./
RUN head -c 40000000 /dev/zero > large
EXPOSE 80
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=1s --start-period=60s CMD curl -f localhost/well
CMD ["nginx", "-g", "daemon off;"]
"""
LARGE = 40_000_000
VICTIM = 'FROM alpine:3.18.0\nRUN echo here > /note\nCMD ["sleep", "1000"]\n'

Say = Callable[..., subprocess.CompletedProcess[str]]


def speaker(program: Sequence[str], environment: Mapping[str, str], folder: Path) -> Say:
    """Runs a program with words and standard input; its output is one text."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("DOCKER_HOST", "DOCKER_CONTEXT")}

    def say(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, *words],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**inherited, **environment},
            cwd=folder,
            check=False,
        )

    return say


@pytest.fixture(scope="module")
def embedded(prepared_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Say:
    folder = tmp_path_factory.mktemp("embedded")
    chosen = {"DOCKER_CONTEXT": "embedded", "CONTAINER_MAGICS_ROOT": str(prepared_store)}
    return speaker(OURS, {**chosen, "DOCKER_CONFIG": str(folder / "config")}, folder)


@pytest.fixture(scope="module")
def on_docker(prepared_docker: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    config = tmp_path_factory.mktemp("config")
    return {"DOCKER_HOST": f"unix://{prepared_docker}", "DOCKER_CONFIG": str(config)}


@pytest.fixture(
    scope="module",
    params=["embedded", pytest.param("docker", marks=pytest.mark.docker)],
)
def say(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Say:
    """Our command line on each engine."""
    if request.param == "embedded":
        return request.getfixturevalue("embedded")
    environment = request.getfixturevalue("on_docker")
    return speaker(OURS, environment, tmp_path_factory.mktemp("docker"))


# --- a web server -------------------------------------------------------------------------------


@pytest.fixture
def web(say: Say, tmp_path: Path) -> Iterator[Callable[..., Callable[[], socket.socket]]]:
    """Start the web server; gives what connects to it, as often as one likes."""
    (tmp_path / "index.html").write_text("Hello World! This is my first docker image!\n")
    (tmp_path / "Dockerfile").write_text(WEB)
    built = say("build", "-q", "-t", "story:web", "--network", "host", str(tmp_path))
    assert built.returncode == 0, built.stdout
    started = []

    def start(name: str, *flags: str) -> Callable[[], socket.socket]:
        started.append(name)
        ran = say("run", "-d", "-P", "--name", name, *flags, "story:web")
        assert ran.returncode == 0, ran.stdout
        (found,) = json.loads(say("inspect", name).stdout)
        # The tests' dockerd publishes nothing on this machine, but its bridge is reached.
        address = found["NetworkSettings"].get("IPAddress")
        if not address:
            ((port,),) = found["NetworkSettings"]["Ports"].values()
            return lambda: socket.create_connection(("127.0.0.1", int(port["HostPort"])), 30)
        return lambda: socket.create_connection((address, 80), 30)

    yield start
    say("rm", "-f", *started)


def get(connection: socket.socket, path: str) -> None:
    connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())


def rest(connection: socket.socket) -> bytes:
    chunks = []
    # Of a server that is gone with its network nothing comes any more, not even an end.
    with suppress(ConnectionResetError, TimeoutError):
        while chunk := connection.recv(1 << 16):
            chunks.append(chunk)
    return b"".join(chunks)


def health(say: Say, name: str) -> str:
    return say("inspect", "-f", "{{.State.Health.Status}}", name).stdout.strip()


def test_a_web_server_becomes_healthy_and_ends_gracefully(say, web):
    polite = web("story-polite")
    assert health(say, "story-polite") == "starting"
    hasty = web("story-hasty", "--stop-signal", "TERM")
    for name in ("story-polite", "story-hasty"):
        say("exec", name, "touch", "well")
        wait_until(lambda name=name: health(say, name) == "healthy", f"{name} is healthy")
    with closing(polite()) as connection:
        get(connection, "/")
        head, _, page = rest(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert page == b"Hello World! This is my first docker image!\n"

    with closing(polite()) as connection:
        get(connection, "/large")
        first = connection.recv(1000)
        stopping = Thread(target=say, args=("stop", "-t", "60", "story-polite"))
        stopping.start()
        titles = ("top", "story-polite", "-eo", "pid,args")  # -ef may be cut at 80 columns.
        wait_until(lambda: "is shutting down" in say(*titles).stdout, "nginx shuts down")
        assert len((first + rest(connection)).partition(b"\r\n\r\n")[2]) == LARGE
        stopping.join()
    with closing(hasty()) as connection:
        get(connection, "/large")
        first = connection.recv(1000)
        say("stop", "-t", "60", "story-hasty")
        connection.settimeout(1)
        assert len((first + rest(connection)).partition(b"\r\n\r\n")[2]) < LARGE
    codes = say("inspect", "-f", "{{.State.ExitCode}}", "story-polite", "story-hasty").stdout
    assert codes.split() == ["0", "0"]


# --- an image in use ----------------------------------------------------------------------------


def removal(say: Say, by: str, state: str) -> list[str]:
    """Remove an image that a container has, by `rmi` and by force; what is said and left."""
    say("build", "-q", "-t", "story:victim", "-", text=VICTIM)
    say("run", "-d", "--name", "story-holder", "story:victim")
    if state == "stopped":
        say("kill", "story-holder")
    identity = say("image", "inspect", "-f", "{{.Id}}", "story:victim").stdout.strip()
    target = identity if by == "ID" else "story:victim"
    look = ("ps", "-a", "--filter", "name=story-holder", "--format", "{{.Image}} {{.State}}")
    told = []
    for words in (
        ("rmi", target),
        ("rmi", "-f", target),
        look,
        ("image", "inspect", "-f", "{{.RepoTags}}", identity),
        ("start", "story-holder"),
    ):
        done = say(*words)
        # One builder's image has more layers of its own than another's.
        lines = dict.fromkeys(plain(done.stdout).splitlines())
        told.append(f"{words[0]} {done.returncode}: {' | '.join(filter(None, lines))}")
    say("rm", "-f", "story-holder")
    say("rmi", "-f", identity)
    return told


def plain(text: str) -> str:
    """Without IDs, and without what docker's command line puts before the daemon's words."""
    text = re.sub(r"\b[0-9a-f]{12}(?:[0-9a-f]{52})?\b", "ID", text)
    text = re.sub(r"(?m)^(container-magics|Error response from daemon|Error): ", "", text)
    return re.sub(
        r"(?i)(no such image: sha256:ID)(: no such image: sha256:ID)?", r"\1", text
    ).lower()


@pytest.mark.docker
def test_an_image_in_use_is_removed_as_docker_removes_it(embedded, on_docker, tmp_path):
    if not (docker := shutil.which("docker")):
        missing("no docker command here: apt-get install docker.io")
    theirs = speaker([docker], {**on_docker, "DOCKER_BUILDKIT": "0"}, tmp_path)
    told = {}
    for by in ("name", "ID"):
        for state in ("running", "stopped"):
            told[by, state] = removal(embedded, by, state)
            assert told[by, state] == removal(theirs, by, state)
    assert "ps 0: id running" in told["name", "running"]
    assert "start 0: story-holder" in told["name", "stopped"]


# --- what piles up ------------------------------------------------------------------------------


@pytest.mark.docker
def test_a_failed_build_leaves_an_image_with_the_classic_builder_alone(on_docker, tmp_path):
    failing = "FROM alpine:3.18.0\nRUN echo $RANDOM > /done\nRUN cat /nothing\n"
    counts = []
    for builder in ("1", "0"):
        say = speaker(OURS, {**on_docker, "DOCKER_BUILDKIT": builder}, tmp_path)
        say("image", "prune", "-f")
        assert say("build", "-t", "story:failing", "-", text=failing).returncode != 0
        counts.append(len(say("images", "-q", "-f", "dangling=true").stdout.split()))
    say("image", "prune", "-f")
    assert counts == [0, 1]
