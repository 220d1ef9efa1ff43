"""Limits of memory, processors and processes, on every rung, where control groups can be written.

Whether they can is said by `CONTAINER_MAGICS_TESTS_LIMITS`, 1 or 0; by default they can where root
may write to the machine's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RestartPolicy, RunRequest
from container_magics.errors import RunError, UnsupportedError, UsageError
from tests.engines.embedded.living import ended, executed, heard_from, logged, pid_of, started
from tests.fixtures.embedding import Heard, embedded, run
from tests.fixtures.processes import runs, wait_until

MOUNT = Path("/sys/fs/cgroup")
MEBIBYTE = 1 << 20
HOG = "tail /dev/zero"
"""Reads on and on, into memory."""


def _can_limit() -> bool:
    said = os.environ.get("CONTAINER_MAGICS_TESTS_LIMITS")
    if said is not None:
        return said == "1"
    places = [MOUNT / "memory", MOUNT] if (MOUNT / "memory").is_dir() else [MOUNT]
    return os.geteuid() == 0 and os.access(places[0], os.W_OK)


limited = pytest.mark.skipif(not _can_limit(), reason="no control group to write to")


def groups(engine, container: str) -> list[Path]:
    return [Path(group) for group in engine.inspect(container)["State"]["Groups"]]


def counted(directories: list[Path], file: str, word: str) -> int:
    """A number that one of the groups has counted."""
    texts = [(each / file).read_text() for each in directories if (each / file).exists()]
    return sum(int(found) for text in texts for found in re.findall(rf"^{word} (\d+)$", text, re.M))


@limited
def test_one_that_wants_more_memory_than_it_may_have_is_killed(on):
    container = ended(on, f"echo go; exec {HOG}", memory=20 * MEBIBYTE)
    state = on.inspect(container)["State"]
    assert (state["OOMKilled"], state["ExitCode"], state["Groups"]) == (True, 137, [])
    code, _, _ = run(on, "busybox:test", "sh", "-c", HOG, memory=20 * MEBIBYTE)
    assert code == 137
    # As in Docker: what is said is that something in it was killed, not that it ended so.
    container = ended(on, f"{HOG}; exit 3", memory=20 * MEBIBYTE)
    state = on.inspect(container)["State"]
    assert (state["OOMKilled"], state["ExitCode"]) == (True, 3)
    container = ended(on, "exit 3", memory=20 * MEBIBYTE)
    assert on.inspect(container)["State"]["OOMKilled"] is False


@limited
def test_each_start_has_its_limits(on):
    policy = RestartPolicy("on-failure", 1)
    container = ended(on, f"echo run; exec {HOG}", memory=20 * MEBIBYTE, restart=policy)
    wait_until(lambda: on.container(container).state == "exited", "it gives up")
    assert on.container(container).restarts == 1
    assert logged(on, container) == "run\n" * 2
    assert on.inspect(container)["State"]["OOMKilled"] is True


@limited
def test_processes_are_counted_also_those_that_come_later(on):
    script = "echo ready; while read x; do (sleep 0.01) || exit 4; done"
    container = started(on, script, pids_limit=6, open_stdin=True)
    heard_from(on, container, "ready")
    more = "for i in 1 2 3 4 5 6; do sleep 1 > /dev/null 2>&1 & done"
    code, text = executed(on, container, "sh", "-c", more)
    assert (code, "can't fork" in text) == (2, True)
    assert counted(groups(on, container), "pids.events", "max") > 0


@limited
def test_it_gets_so_much_of_a_processor(on):
    container = started(on, "while :; do :; done", cpus=0.1)
    directories = groups(on, container)
    wait_until(lambda: counted(directories, "cpu.stat", "nr_throttled") > 2, "it has to wait")
    assert on.usage(container).cpus == 0.1


@limited
def test_what_it_uses_is_told_with_its_limits(on):
    container = started(
        on, "head -c 10m /dev/zero | tail & sleep 98721", memory=64 * MEBIBYTE, pids_limit=20
    )
    wait_until(lambda: on.usage(container).pids >= 2, "its processes")
    used = on.usage(container)
    assert used.memory_limit == 64 * MEBIBYTE
    assert 0 < used.memory < used.memory_limit
    host = on.inspect(container)["HostConfig"]
    assert (host["Memory"], host["PidsLimit"]) == (64 * MEBIBYTE, 20)


@limited
def test_nothing_is_left_but_by_a_shim_that_was_killed(on):
    container = started(on, memory=64 * MEBIBYTE, cpus=0.5, pids_limit=50)
    made = groups(on, container)
    assert made
    assert all(each.is_dir() for each in made)
    for clear in (lambda: on.start(container), lambda: on.remove_container(container)):
        pid, state = pid_of(on, container), on.inspect(container)["State"]
        for process in (state["Shim"]["Pid"], state["Supervisor"]["Pid"]):
            os.kill(process, 9)
        wait_until(lambda: on.container(container).state == "exited", "it ends")
        assert all(each.is_dir() for each in made)
        clear()
        assert not runs(pid)
    assert not any(each.exists() for each in made)


_FOREGROUND = """
import sys
from contextlib import suppress
from pathlib import Path
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RunRequest
engine = EmbeddedEngine(Path(sys.argv[1]))
request = RunRequest("busybox:test", ("sleep", "98723"), remove=True, memory=64 << 20)
engine.run(request, print, Cancellation())
"""


@limited
def test_where_everything_was_killed_the_next_engine_removes_the_group(tmp_path: Path):
    store = tmp_path / "store"
    with embedded(store):
        pass
    with subprocess.Popen([sys.executable, "-c", _FOREGROUND, store]) as client:
        states = []

        def started() -> bool:
            texts = [file.read_text() for file in store.glob("session/*/*/state.json")]
            states[:] = [state for state in map(json.loads, texts) if state["Pid"]]
            return bool(states)

        wait_until(started, "the container runs")
        for process in (client.pid, states[0]["Shim"]["Pid"], states[0]["Supervisor"]["Pid"]):
            with suppress(ProcessLookupError):  # It ended with the one before.
                os.kill(process, 9)
    (group,) = map(Path, states[0]["Groups"])
    assert group.is_dir()
    EmbeddedEngine(store).close()
    assert not group.exists()
    assert not runs(states[0]["Pid"])


@pytest.mark.skipif(_can_limit(), reason="control groups can be written here")
@pytest.mark.parametrize(
    ("asked", "flags"),
    [
        ({"memory": 64 * MEBIBYTE}, "--memory"),
        ({"cpus": 0.5}, "--cpus"),
        ({"pids_limit": 9, "memory": 64 * MEBIBYTE}, "--memory, --pids-limit"),
    ],
)
def test_without_control_groups_a_limit_is_refused_by_name(on, asked, flags):
    said = f"^{flags}: a limit needs a control group to write to, and there is none here"
    with pytest.raises(UnsupportedError, match=said):
        on.create(RunRequest("busybox:test", ("true",), **asked), Heard(), Cancellation())
    with pytest.raises(UnsupportedError, match=said):
        run(on, "busybox:test", "true", **asked)
    assert on.containers(every=True) == []


@pytest.mark.parametrize("cpus", [0.001, 100_000])
def test_processors_that_are_not_there(on, cpus):
    request = RunRequest("busybox:test", ("true",), cpus=cpus)
    with pytest.raises(UsageError, match=r"Range of CPUs is from 0\.01 to \d+\.00, as there are"):
        on.create(request, Heard(), Cancellation())


@limited
def test_what_cannot_start_leaves_no_group(on):
    request = RunRequest("busybox:test", ("nosuch",), memory=64 * MEBIBYTE)
    container = on.create(request, Heard(), Cancellation())
    with pytest.raises(RunError):
        on.start(container)
    assert groups(on, container) == []
    assert not list(MOUNT.glob(f"**/container-magics-*{container[:32]}*"))
