"""A container's shim where its clients, its files or its machine do not do their part."""

from __future__ import annotations

import io
import json
import os
import resource
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.embedded.sandbox.shims import Shim
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import HealthCheck, Publish
from container_magics.errors import RunError
from tests.engines.embedded.living import FOREVER, executed, heard_from, logged, started
from tests.fixtures.embedding import Heard, embedded
from tests.fixtures.processes import wait_until


class Place(NamedTuple):
    """An engine, and where its containers are."""

    engine: EmbeddedEngine
    containers: Path

    def directory(self, container: str) -> Path:
        return self.containers / container[:32]

    def state(self, container: str) -> str:
        return (self.directory(container) / "state.json").read_text()

    def shim(self, container: str) -> int:
        """The process ID."""
        return json.loads(self.state(container))["Shim"]["Pid"]

    def supervisor(self, container: str) -> int:
        """The process ID."""
        return json.loads(self.state(container))["Supervisor"]["Pid"]

    def asked(self, container: str) -> Shim:
        """A connection to it."""
        shim = Shim.of(self.directory(container))
        assert shim is not None
        return shim


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("shim")
    with embedded(root) as engine:
        store = root / "containers"
        yield Place(engine, store)


@pytest.fixture
def place(made: Place) -> Iterator[Place]:
    """Its containers are gone afterwards."""
    yield made
    for container in made.engine.containers(every=True):
        made.engine.remove_container(container.id, force=True)


def open_files(pid: int) -> list[int]:
    return [int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()]


def leave_room(pid: int, files: int) -> tuple[int, int]:
    """Let a process open only so many more files; the limits of before."""
    taken = open_files(pid)
    free = sorted(set(range(len(taken) + files)) - set(taken))
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[files - 1] + 1, before[1]))
    return before


def health(place: Place, container: str) -> dict:
    return place.engine.inspect(container)["State"]["Health"]


def probed(place: Place, container: str) -> None:
    """Wait for as many probes as the log keeps."""
    before = health(place, container)["Log"]
    last = before[-1]["Start"] if before else ""
    wait_until(
        lambda: (log := health(place, container)["Log"]) and log[0]["Start"] > last, "five probes"
    )


def test_a_probe_that_leaves_something_costs_nothing(place: Place):
    check = HealthCheck(("CMD-SHELL", "echo well; sleep 98715 &"), 0.02, 10, 0, 1)
    container = started(place.engine, health=check)
    probed(place, container)
    before = len(open_files(place.shim(container)))
    probed(place, container)
    assert len(open_files(place.shim(container))) < before + 3
    assert {entry["Output"] for entry in health(place, container)["Log"]} == {"well\n"}


def test_health_outlasts_standing_still(place: Place):
    if place.engine.rung.name == "proot":
        pytest.skip("PRoot does not stand still")
    container = started(place.engine, health=HealthCheck(("CMD", "true"), 0.02, 10, 0, 1))
    probed(place, container)
    place.engine.pause(container)
    before = health(place, container)
    assert before["Status"] == "healthy"
    place.engine.unpause(container)
    after = health(place, container)
    assert after["Status"] == "healthy"
    assert after["Log"][0]["Start"] >= before["Log"][0]["Start"]
    probed(place, container)


def test_a_request_that_cannot_be_is_answered_and_the_container_goes_on(place: Place):
    container = started(place.engine)
    with place.asked(container) as shim:
        for nonsense in ("dance", "attach", "exec", "kill"):
            shim.ask(nonsense)
            answer = shim.answer()
            assert answer is not None
            assert answer["code"] == 125, nonsense
    assert executed(place.engine, container, "echo", "on") == (0, "on\n")


def test_what_is_typed_waits_outside_until_it_is_read(place: Place):
    size = 64 << 20
    script = "until test -e /go; do sleep 0.02; done; wc -c"
    container = started(place.engine, script, open_stdin=True, stdin_once=True)
    source = io.BytesIO(bytes(size))
    thread = threading.Thread(
        target=place.engine.attach, args=(container, source, Heard(), Cancellation()), daemon=True
    )
    thread.start()
    wait_until(lambda: source.tell() > 1 << 20, "it is typed")
    assert executed(place.engine, container, "touch", "/go") == (0, "")
    heard_most = most_memory(place.shim(container))
    heard_from(place.engine, container, str(size))
    assert heard_most < size // 2
    thread.join(30)


def most_memory(pid: int) -> int:
    """Bytes."""
    (line,) = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    return int(line.split()[1]) << 10


def test_a_client_that_does_not_read_keeps_no_container_and_loses_nothing(place: Place):
    container = started(place.engine, "read x; yes 0123456789", open_stdin=True)
    out, theirs = os.pipe()
    typed, typing = os.pipe()
    with place.asked(container) as shim:
        shim.ask("attach", (theirs, theirs, typed), tty=False)
        for handle in (theirs, typed):
            os.close(handle)
        os.write(typing, b"go\n")
        log = place.directory(container) / "log.json"
        wait_until(lambda: log.stat().st_size > 1 << 20, "it writes")
        place.engine.stop(container, 0)
        assert place.engine.container(container).state == "exited"
        place.engine.start(container)
        assert place.engine.container(container).running
        place.engine.stop(container, 0)
        with os.fdopen(out, "rb") as file:
            assert file.read() == logged(place.engine, container).encode()
    os.close(typing)


def test_a_full_disk_leaves_whole_lines_in_the_log(place: Place):
    script = "read x; seq 1000; echo > /told; read x; echo last; " + FOREVER
    container = started(place.engine, script, open_stdin=True)
    shim = place.shim(container)
    with place.asked(container) as client:
        typed, typing = os.pipe()
        nothing = os.open(os.devnull, os.O_WRONLY)
        client.ask("attach", (nothing, nothing, typed), tty=False)
        for handle in (nothing, typed):
            os.close(handle)
        unlimited = resource.prlimit(shim, resource.RLIMIT_FSIZE, (20_000, -1))
        os.write(typing, b"go\n")
        # What was written before a command that has ended was read before.
        wait_until(
            lambda: executed(place.engine, container, "test", "-e", "/told")[0] == 0, "it is full"
        )
        resource.prlimit(shim, resource.RLIMIT_FSIZE, unlimited)
        os.write(typing, b"go\n")
        heard_from(place.engine, container, "last")
        os.close(typing)
    for line in (place.directory(container) / "log.json").read_text().splitlines():
        json.loads(line)
    lines = logged(place.engine, container).splitlines()
    assert len(lines) < 1000
    assert lines[-1] == "last"


def test_half_a_line_of_the_log_is_passed_over(place: Place):
    container = started(place.engine, "echo first; read x; echo last", open_stdin=True)
    heard_from(place.engine, container, "first")
    with (place.directory(container) / "log.json").open("a") as file:
        file.write('{"log":"half\n')
    assert logged(place.engine, container) == "first\n"


@pytest.mark.parametrize("room", [1, 2, 3])
def test_a_connection_for_which_there_is_no_file_waits(place: Place, room: int):
    publish = (Publish(80), Publish(80))
    container = started(place.engine, "httpd -p 80 -h /; echo up; " + FOREVER, publish=publish)
    heard_from(place.engine, container, "up")
    server, relayed = [port.host for port in place.engine.container(container).ports]
    pid = place.shim(container)
    with place.asked(container) as shim:
        before = leave_room(pid, room)
        connection = socket.create_connection(("127.0.0.1", relayed), 30)
        connection.sendall(b"GET /etc/passwd HTTP/1.0\r\n\r\n")
        for _ in range(3):  # Whatever came before the second was seen before the third.
            shim.ask("dance")
            assert shim.answer() is not None
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    with connection, connection.makefile("rb") as answer:
        assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
    assert urllib.request.urlopen(f"http://127.0.0.1:{server}/etc/passwd").status == 200


@pytest.mark.parametrize("room", [2, 4])
def test_a_command_for_which_there_is_no_room_is_refused(place: Place, room: int):
    container = started(place.engine)
    supervisor = place.supervisor(container)
    files = open_files(supervisor)
    before = leave_room(supervisor, room)
    with pytest.raises(RunError, match="Too many open files"):
        executed(place.engine, container, "true")
    resource.prlimit(supervisor, resource.RLIMIT_NOFILE, before)
    assert open_files(supervisor) == files
    assert executed(place.engine, container, "echo", "on") == (0, "on\n")
