"""Containers that are ended while they start, and whose keepers are killed."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import Publish, RestartPolicy, RunRequest
from container_magics.errors import ConflictError, RunError, SandboxError
from tests.engines.embedded.living import FOREVER, logged, pid_of, started
from tests.fixtures.embedding import Heard, embedded
from tests.fixtures.processes import runs, wait_until
from tests.fixtures.registry import free_port

SERVER = "httpd -p 80 -h /; " + FOREVER


def keepers(pid: int) -> tuple[int, int]:
    """A container's supervisor and its shim, which nobody of this session has started."""
    above = [pid]
    while above[-1] > 1:
        status = Path(f"/proc/{above[-1]}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("PPid:")]
        above.append(int(line.split()[1]))
    return above[-3], above[-2]


@pytest.mark.timeout(120)
def test_a_kill_while_it_starts_is_heard(on: EmbeddedEngine):
    for _ in range(5):
        request = RunRequest("busybox:test", ("sh", "-c", FOREVER))
        container = on.create(request, Heard(), Cancellation())
        starting = threading.Thread(target=started_or_killed, args=(on, container))
        starting.start()
        wait_until(lambda: killed(on, container), "there is something to kill")  # noqa: B023
        starting.join()
        assert on.wait(container, Cancellation()) == 128 + signal.SIGKILL
        assert on.container(container).state == "exited"


def started_or_killed(on: EmbeddedEngine, container: str) -> None:
    """Start it; it may be killed before that is told."""
    try:
        on.start(container)
    except (RunError, SandboxError):
        return


def killed(on: EmbeddedEngine, container: str) -> bool:
    """Kill it; whether it ran."""
    try:
        on.kill(container)
    except ConflictError:
        return False
    return True


@pytest.mark.timeout(120)
def test_a_stop_without_patience_ends_it_whenever_it_comes(on: EmbeddedEngine):
    container = started(on, FOREVER, restart=RestartPolicy("always"))
    for _ in range(5):
        os.kill(pid_of(on, container), signal.SIGKILL)
        on.stop(container, 0)
        assert on.container(container).state == "exited"
        on.start(container)


def test_what_a_killed_supervisor_leaves_is_gone_before_it_runs_again(on: EmbeddedEngine):
    port = free_port()
    policy = RestartPolicy("always")
    container = started(on, SERVER, restart=policy, publish=(Publish(80, host=port),))
    first = pid_of(on, container)
    supervisor, _ = keepers(first)
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: on.container(container).restarts == 1, "its policy starts it again")
    assert pid_of(on, container) != first
    assert not runs(first)


def test_after_its_shim_was_killed_it_starts_at_the_same_port(on: EmbeddedEngine):
    port = free_port()
    container = started(on, SERVER, publish=(Publish(80, host=port),))
    for _ in range(5):
        first = pid_of(on, container)
        _, shim = keepers(first)
        os.kill(shim, signal.SIGKILL)
        wait_until(lambda: on.container(container).state == "exited", "ps says so")
        on.start(container)
        assert not runs(first)


def test_where_the_machine_has_another_name_what_ended_is_known_to_have(
    on: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
):
    ended_before = started(on, "exit 3")
    on.wait(ended_before, Cancellation())
    running = started(on, FOREVER)
    monkeypatch.setattr("platform.node", lambda: "renamed")
    assert on.container(running).state == "running"
    os.kill(keepers(pid_of(on, running))[1], signal.SIGKILL)
    wait_until(lambda: on.container(running).state == "exited", "its shim holds no lock any more")
    on.start(ended_before)
    assert on.wait(ended_before, Cancellation()) == 3
    on.remove_container(ended_before)


def test_what_is_in_a_container_sees_nothing_of_the_notebook(
    on: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "not-for-you")
    with embedded(tmp_path, on.rung.name) as engine:
        look = "cat /proc/*/environ /proc/1/status"
        container = started(engine, look, init=True)
        engine.wait(container, Cancellation())
        seen = logged(engine, container)
    assert "not-for-you" not in seen
    if on.rung.name == "root":
        (line,) = [line for line in seen.splitlines() if line.startswith("CapEff:")]
        assert not int(line.split()[1], 16) & 1 << 21, "PID 1 has CAP_SYS_ADMIN"
