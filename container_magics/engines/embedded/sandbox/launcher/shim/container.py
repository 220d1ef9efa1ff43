"""One container in its shim: from start to end, and again where its policy says so."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from .. import cgroups
from ..supervisor import descendants_of
from .health import HealthCheck
from .journal import Journal, rfc3339
from .loop import Loop, Timer
from .policy import RestartPolicy
from .record import Record, named
from .relay import Relays
from .run import Run
from .streams import Streams

__all__ = ["Container", "Heard"]

_KILLED = 128 + signal.SIGKILL
_STILL = "TtZX"
_PAUSE_SECONDS = 5.0

Heard = Callable[[Mapping[str, Any]], None]
"""Is told facts of a process: `pid`, `started`, `failed` with `code`, `exit`."""


class Container:
    """A container.

    Args:
        config: `name`, `spec`, `restart`, `health`, `open_stdin`, `stdin_once`, `limits`, `relays`
            (see `shim.main`).
        loop: runs it.
        record: its state.
        journal: its log.
        over: called when it will not run again.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        loop: Loop,
        record: Record,
        journal: Journal,
        over: Callable[[], None],
    ) -> None:
        self._config = config
        self._spec = config["spec"]
        self._loop = loop
        self._record = record
        self._journal = journal
        self._over = over
        self.policy = RestartPolicy(config["restart"]["name"], config["restart"]["retries"])
        self.streams = Streams(
            loop,
            journal,
            tty=self._spec["tty"],
            open_stdin=config["open_stdin"],
            stdin_once=config["stdin_once"],
            drained=self._consider_end,
        )
        self._limits = cgroups.Limits(*config["limits"])
        self._relays = Relays(loop)
        self._groups: dict[str, list[str]] = {}
        self._run: Run | None = None
        self._health: HealthCheck | None = None
        self._commands: dict[int, Heard] = {}
        self._numbers = 0
        self._starting: list[Heard] = []
        self._ending: list[Heard] = []
        self._again: Timer | None = None
        self._deadline: Timer | None = None
        self._by_hand = False
        self._first = 0
        self._signals: list[int] = []
        self._listener = 0
        self._began = 0.0
        self._failed: Mapping[str, Any] | None = None

    # --- starting ---

    def start(self, heard: Heard) -> None:
        """Start it; tells {"started"}, or {"failed", "code"}."""
        self._starting.append(heard)
        try:
            for place, target in self._config["relays"]:
                self._relays.listen(tuple(place), tuple(target))
        except OSError as error:
            self._could_not_start({"failed": str(error), "code": 125})
            return
        self._begin()

    def _begin(self) -> None:
        self._again = None
        self._by_hand = False
        self._failed = None
        self._first = 0
        self._signals.clear()
        self._listener = 0
        self._began = time.monotonic()
        try:
            doors = self._make_groups()
        except OSError as error:
            self._remove_groups()
            failed = f"cannot make its control group: {error}"
            self._could_not_start({"failed": failed, "code": 125})
            return
        try:
            self._run = Run(self._spec, self.streams.make(), doors, self._loop, self._hear)
        except OSError as error:
            self._remove_groups()
            failed = f"cannot start its supervisor: {error}"
            self._could_not_start({"failed": failed, "code": 125})
            return
        self._record.note(Status="running", Supervisor=named(self._run.supervisor))

    def _make_groups(self) -> list[int]:
        self._groups = cgroups.plan(self._config["name"], self._limits)
        if self._groups:
            self._record.note(Groups=list(self._groups))
        cgroups.make(self._groups, self._limits)
        return cgroups.open_doors(self._groups)

    def _remove_groups(self) -> None:
        with suppress(OSError):  # What does not end now is in the record, for `rm` and `start`.
            cgroups.remove(self._groups)
            self._record.state["Groups"] = []

    def _hear(self, fact: Mapping[str, Any]) -> None:
        number = fact.get("id", 0)
        if number:
            self._hear_of_command(number, fact)
            return
        # The first word counts: who is in the container may get hold of the pipe.
        self._first = self._first or fact.get("pid", 0)
        self._listener = self._listener or fact.get("listener", 0)
        if "failed" in fact:
            self._failed = fact
        elif "started" in fact and self._failed is None:
            self._started()
        elif "ended" in fact:
            self._consider_end()

    def _started(self) -> None:
        self._record.note(
            Pid=self._first, Listener=self._listener, ExitCode=0, Error="", OOMKilled=False,
            StartedAt=rfc3339(time.time_ns()),
        )  # fmt: skip
        self._check_health()
        self._tell(self._starting, {"started": True})
        for number in self._signals:
            self.kill(number, by_hand=self._by_hand)

    def _tell(self, waiting: list[Heard], fact: Mapping[str, Any]) -> None:
        told = list(waiting)
        waiting.clear()
        for heard in told:
            heard(fact)

    # --- ending ---

    def when_ended(self, heard: Heard) -> None:
        """Tell {"exit"} when it ends next."""
        self._ending.append(heard)

    def kill(self, number: int, *, by_hand: bool) -> None:
        """Send a signal to its first process, SIGKILL to all; by hand it is not started again."""
        self._by_hand = self._by_hand or by_hand
        if self._again is not None and by_hand:
            self._again.cancel()
            self._finish()
        elif number == signal.SIGKILL and self._run is not None:
            self.unpause()
            self._run.kill()
        elif self._run is not None and not self._record.state["Pid"]:
            self._signals.append(number)  # For when it has started.
        elif self._first:
            with suppress(ProcessLookupError):
                os.kill(self._first, number)

    def stop(self, number: int, seconds: float) -> None:
        """Send a signal, and SIGKILL if it has not ended by then; less than 0 is never."""
        self.unpause()
        self.kill(number, by_hand=True)
        if self._run is not None and seconds >= 0:
            if self._deadline is not None:
                self._deadline.cancel()
            self._deadline = self._loop.after(
                seconds, partial(self.kill, signal.SIGKILL, by_hand=True)
            )

    def _consider_end(self) -> None:
        """It has ended when its supervisor has, and all that it wrote was read."""
        run = self._run
        if run is None or run.code is None:
            return
        self._first = 0  # Its number may be another process' by now.
        self.streams.read_rest()
        if not self.streams.empty:
            return
        self._run = None
        self.streams.end_input()
        with suppress(OSError):  # The disk is full.
            self._journal.flush()
        if self._deadline is not None:
            self._deadline.cancel()
        if self._health is not None:
            self._health.stop()
            self._health = None
        for number in list(self._commands):
            self._hear_of_command(number, {"exit": 128 + signal.SIGKILL})
        out_of_memory = cgroups.oom_kills(self._groups) > 0
        self._remove_groups()
        # One that was ended while it started may blame its start for it.
        code = run.code if self._record.state["Pid"] or not self._by_hand else _KILLED
        if self._failed is not None and code != _KILLED:
            self._could_not_start(self._failed)
            return
        lasted = time.monotonic() - self._began
        pause = None if self._by_hand else self.policy.after(code, lasted)
        facts = {
            "Pid": 0, "Supervisor": None, "ExitCode": code, "OOMKilled": out_of_memory,
            "FinishedAt": rfc3339(time.time_ns()),
        }  # fmt: skip
        if pause is None:
            self._record.note(Status="exited", **facts)
            self._finish()
            return
        count = self._record.state["RestartCount"] + 1
        self._record.note(Status="restarting", RestartCount=count, **facts)
        self._tell(self._ending, {"exit": code})
        self._again = self._loop.after(pause, self._begin)

    def _could_not_start(self, fact: Mapping[str, Any]) -> None:
        status = "created" if self._starting else "exited"
        self._record.note(
            Status=status, Pid=0, ExitCode=fact["code"], Error=fact["failed"],
        )  # fmt: skip
        self._tell(self._starting, {"failed": fact["failed"], "code": fact["code"]})
        self._finish()

    def _finish(self) -> None:
        self._again = None
        self._relays.close()
        if self._record.state["Status"] == "restarting":
            self._record.note(Status="exited")
        self.streams.detach_served()
        self._tell(self._ending, {"exit": self._record.state["ExitCode"]})
        self._over()

    # --- standing still ---

    def pause(self) -> bool:
        """Let every process stand still, also those that are being made meanwhile; whether all do.

        One that waits for a device does not, and one that waits for its next run has none.
        """
        if self._run is None:
            return False
        deadline = time.monotonic() + _PAUSE_SECONDS
        while moving := [pid for pid in self._processes() if _state_of(pid) not in _STILL]:
            if time.monotonic() > deadline:
                self._wake()
                return False
            for pid in moving:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            time.sleep(0.001)
        if self._health is not None:
            self._health.stop()
        self._record.note(Status="paused")
        return True

    def unpause(self) -> None:
        """Let them go on, if they stand still."""
        if not self._record.state["Paused"]:
            return
        self._wake()
        self._record.note(Status="running")
        if self._health is not None:
            self._health.resume()

    def _wake(self) -> None:
        for pid in self._processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _processes(self) -> list[int]:
        """What runs in the container; its listener, which answers it, is no part of it."""
        if self._run is None:
            return []
        return [pid for pid in descendants_of(self._run.supervisor) if pid != self._listener]

    # --- further commands ---

    def execute(self, command: Mapping[str, Any], streams: Sequence[int], heard: Heard) -> int:
        """Run a further command; the number to signal it by. The streams are closed here."""
        self._numbers += 1
        if self._run is None:
            for stream in streams:
                os.close(stream)
            heard({"failed": "the container is not running", "code": 126})
            return self._numbers
        self._commands[self._numbers] = heard
        self._run.execute(self._numbers, command, streams)
        return self._numbers

    def signal_command(self, number: int, what: int) -> None:
        """Send a signal to a further command that has not ended."""
        if self._run is not None and number in self._commands:
            self._run.signal_command(number, what)

    def _hear_of_command(self, number: int, fact: Mapping[str, Any]) -> None:
        heard = self._commands.get(number)
        if heard is None:
            return
        if "exit" in fact or "failed" in fact:
            del self._commands[number]
        heard(fact)

    # --- health ---

    def _check_health(self) -> None:
        config = self._config["health"]
        if config is None:
            return
        self._health = HealthCheck(
            config,
            self._loop,
            self.execute,
            self.signal_command,
            lambda facts: self._record.note(Health=facts),
        )


def _state_of(pid: int) -> str:
    """A process' state as proc(5) has it: T stands still, Z has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "X"
    return stat.rpartition(")")[2].split()[0]
