"""Many containers of the embedded engine, killed and restarted for minutes; nothing is left over.

    scripts/install dev && .venv/bin/python -m benchmarks.soak [--minutes 10] [--containers 50]

Each has a health check and a restart policy. Their processes and their shims are killed, they are
stopped, restarted, removed and made anew, at random. At the end all are removed, and what is there
then is what was there before: processes, mounts, sockets, files of the store, open files of this
process.
"""

from __future__ import annotations

import argparse
import collections
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from container_magics.engines.containers import ExecRequest, LogRequest
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import HealthCheck, Publish, RestartPolicy, RunRequest
from container_magics.errors import ConflictError, RunError
from tests.fixtures.busybox import busybox_tar
from tests.fixtures.processes import runs, wait_until

IMAGE = "busybox:test"
SCRIPT = "touch /alive; httpd -p 80 -h /; while :; do echo alive; sleep 0.5; done"
SETTLE_SECONDS = 60
FIRST_PORT = 21_000
"""Below those that outgoing connections take."""


class Soak:
    """Containers and what is done to them."""

    def __init__(self, engine: EmbeddedEngine, count: int, dice: random.Random) -> None:
        self._engine = engine
        self._dice = dice
        self._ports = {f"soak{n}": FIRST_PORT + n for n in range(count)}
        self.done: collections.Counter[str] = collections.Counter()

    def make(self, name: str) -> None:
        """A container with a web server, a health check and a restart policy."""
        request = RunRequest(
            IMAGE,
            ("sh", "-c", SCRIPT),
            name=name,
            publish=(Publish(80, host=self._ports[name]),),
            restart=RestartPolicy("always"),
            health=HealthCheck(("CMD-SHELL", "test -e /alive"), interval=1.0, retries=2),
        )
        self._engine.start(self._engine.create(request, lambda event: None, Cancellation()))

    def make_all(self) -> None:
        """Make all of them."""
        for name in self._ports:
            self.make(name)

    def once(self) -> None:
        """Do one thing to one container."""
        name = self._dice.choice(list(self._ports))
        action: Callable[[str], None] = self._dice.choice(
            [
                self.kill_process,
                self.kill_by_hand,
                self.kill_supervisor,
                self.kill_shim,
                self.restart,
                self.stop,
                self.sicken,
                self.read_log,
                self.make_anew,
            ]
        )
        self.done[action.__name__] += 1
        # What is between two runs, or was stopped before, takes no commands.
        with suppress(ConflictError, RunError):
            action(name)
        self._engine.start(name)

    def kill_process(self, name: str) -> None:
        """Its policy starts it again."""
        kill(self._pid(name))

    def kill_by_hand(self, name: str) -> None:
        self._engine.kill(name)

    def kill_supervisor(self, name: str) -> None:
        """Its container dies with it, and its policy starts it again."""
        kill(parent(self._pid(name)))

    def kill_shim(self, name: str) -> None:
        """Its container dies with it, and is not started again."""
        shim = parent(parent(self._pid(name)))
        kill(shim)
        if shim > 1:
            wait_until(lambda: not runs(shim), "the shim has ended")

    def restart(self, name: str) -> None:
        self._engine.restart(name, 0)

    def stop(self, name: str) -> None:
        self._engine.stop(name, 0)

    def sicken(self, name: str) -> None:
        """It will be unhealthy until it is started again."""
        request = ExecRequest(("rm", "-f", "/alive"))
        self._engine.exec(name, request, lambda event: None, Cancellation())

    def read_log(self, name: str) -> None:
        self._engine.logs(name, LogRequest(tail=5), lambda event: None, Cancellation())

    def make_anew(self, name: str) -> None:
        self._engine.remove_container(name, force=True)
        self.make(name)

    def _pid(self, name: str) -> int:
        return int(self._engine.inspect(name)["State"]["Pid"])

    def healths(self) -> dict[str, int]:
        """How many are in which state and health."""
        return dict(
            collections.Counter(
                f"{each.state}, {each.health or 'no health'}"
                for each in self._engine.containers(every=True)
            )
        )

    def healed(self) -> bool:
        """Whether all are healthy; what is not gets a restart, as a watcher gives it."""
        found = self._engine.containers(every=True)
        for container in found:
            if container.health == "unhealthy":
                self._engine.restart(container.id, 0)
        return all(each.health == "healthy" for each in found)

    def remove_all(self) -> None:
        """Remove all of them."""
        for container in self._engine.containers(every=True):
            self._engine.remove_container(container.id, force=True)


def kill(pid: int) -> None:
    """Kill a process that is one; 0, which is no container's, would be all of ours."""
    if pid > 1:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def parent(pid: int) -> int:
    """The process that has started another, or 0."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("PPid:"):
                return int(line.split()[1])
    return 0


def left(root: Path) -> dict[str, list[str]]:
    """What there is of a store, by kind."""
    mark = os.fspath(root)
    return {
        "processes": [f"{pid} {line}" for pid, line in command_lines() if mark in line],
        "mounts": sorted(
            {
                line.split()[4]
                for process in Path("/proc").glob("[0-9]*")
                for line in lines_of(process / "mountinfo")
                if mark in line
            }
        ),
        "sockets": [line for line in lines_of(Path("/proc/net/unix")) if mark in line],
        "files": sorted(
            os.fspath(path.relative_to(root)) for path in root.rglob("*") if path.exists()
        ),
        "open files": sorted(
            target for target in open_files() if not target.startswith(("pipe:", "anon_inode:"))
        ),
        "open pipes": [str(sum(each.startswith("pipe:") for each in open_files()))],
    }


def command_lines() -> Iterator[tuple[int, str]]:
    """Every process but this one, with its words and its environment."""
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        text = " ".join(lines_of(process / "cmdline") + lines_of(process / "environ"))
        yield int(process.name), text.replace("\0", " ")


def lines_of(path: Path) -> list[str]:
    """A file of /proc; nothing where its process has ended."""
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def open_files() -> list[str]:
    """What this process has open."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(os.fspath(each.readlink()))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--containers", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cm-soak-"))
    status = soak(folder / "store", options.minutes, options.containers, options.seed)
    shutil.rmtree(folder)
    return status


def soak(root: Path, minutes: float, count: int, seed: int) -> int:
    """Run it; 0 where nothing is left over."""
    engine = EmbeddedEngine(root)
    engine.import_image(io.BytesIO(busybox_tar()), IMAGE)
    engine.run(RunRequest(IMAGE, ("true",), remove=True), lambda event: None, Cancellation())
    before = left(root)
    trial = Soak(engine, count, random.Random(seed))
    trial.make_all()
    deadline = time.monotonic() + 60 * minutes
    told = time.monotonic()
    while time.monotonic() < deadline:
        trial.once()
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{sum(trial.done.values())} actions; {trial.healths()}", flush=True)
    print(f"{dict(sorted(trial.done.items()))}\n{trial.healths()}")
    wait_until(trial.healed, "all are healthy again", SETTLE_SECONDS)
    trial.remove_all()
    with suppress(TimeoutError, AssertionError):
        wait_until(lambda: left(root) == before, "nothing is left", SETTLE_SECONDS)
    after = left(root)
    engine.close()
    over = {kind: [each for each in after[kind] if each not in before[kind]] for kind in after}
    for kind, things in over.items():
        print(f"{kind}: {len(things)} left over" + "".join(f"\n    {each}" for each in things[:20]))
    return 1 if any(over.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
