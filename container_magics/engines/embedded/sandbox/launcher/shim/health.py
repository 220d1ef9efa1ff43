"""A container's health check: what Docker does about HEALTHCHECK.

A probe is a further command in the container: 0 is healthy, anything else, or no end in time, a
failure. So many failures in a row make the container unhealthy; during the start period, until the
first success, they do not count.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from .journal import rfc3339
from .loop import Loop, Timer

__all__ = ["HealthCheck"]

_LOG_ENTRIES = 5
_LOG_BYTES = 4096
_TIMED_OUT = -1
_CHUNK = 1 << 14

Heard = Callable[[Mapping[str, Any]], None]
Execute = Callable[[Mapping[str, Any], Sequence[int], Heard], int]
"""Runs a further command with its streams, and tells of it; see `Container.execute`."""


class HealthCheck:
    """Probes one run of a container.

    Args:
        config: `argv`, `retries`, and `interval`, `timeout`, `start_period` in seconds.
        loop: tells when it is time.
        execute: runs a further command in the container.
        signal_command: sends a signal to one, by its number.
        note: is told the `Health` of the state.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        loop: Loop,
        execute: Execute,
        signal_command: Callable[[int, int], None],
        note: Callable[[dict[str, Any]], None],
    ) -> None:
        self._config = config
        self._loop = loop
        self._execute = execute
        self._signal_command = signal_command
        self._note = note
        self._timer: Timer | None = None
        self._stopped = False
        self._probing = False
        self._number = 0
        self._status = "starting"
        self._failures = 0
        self._entries: list[dict[str, Any]] = []
        self._began = 0
        self._timed_out = False
        self._starting_until = time.monotonic() + config["start_period"]
        self._tell()
        self._wait()

    def _tell(self) -> None:
        self._note(
            {"Status": self._status, "FailingStreak": self._failures, "Log": list(self._entries)}
        )

    def _wait(self) -> None:
        self._timer = self._loop.after(self._config["interval"], self._begin)

    def _begin(self) -> None:
        self._began, self._timed_out, self._probing = time.time_ns(), False, True
        self._await_end()
        try:
            probe = _Probe(self._loop, self._ended)
        except OSError as error:
            self._ended(1, str(error))
            return
        command = {"argv": list(self._config["argv"]), "tty": False}
        self._number = self._execute(command, probe.streams, probe.hear)

    def _await_end(self) -> None:
        self._timer = self._loop.after(self._config["timeout"], self._expire)

    def _expire(self) -> None:
        self._timed_out = True
        self._signal_command(self._number, signal.SIGKILL)

    def _ended(self, code: int, text: str) -> None:
        self._probing = False
        if self._stopped:
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._timed_out:
            code = _TIMED_OUT
            text = f"Health check exceeded timeout ({self._config['timeout']:g}s)"
        entry = {
            "Start": rfc3339(self._began),
            "End": rfc3339(time.time_ns()),
            "ExitCode": code,
            "Output": text,
        }
        self._entries = [*self._entries, entry][-_LOG_ENTRIES:]
        if code == 0:
            self._status, self._failures, self._starting_until = "healthy", 0, 0.0
        elif self._status != "starting" or time.monotonic() >= self._starting_until:
            self._failures += 1
            if self._failures >= self._config["retries"]:
                self._status = "unhealthy"
        self._tell()
        self._wait()

    def stop(self) -> None:
        """Probe no more; a probe that ends now says nothing."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def resume(self) -> None:
        """Go on after a stop, with the probe that stood still, if one did."""
        self._stopped = False
        if self._probing:
            self._await_end()
        else:
            self._wait()


class _Probe:
    """What one probe writes, until it ends; what it leaves may hold its output for longer.

    Args:
        loop: reads it.
        ended: is told the exit status, and what was written or why it could not be started.

    Raises:
        OSError: there are too many open files.

    Attributes:
        streams: for the probe, which closes them.
    """

    def __init__(self, loop: Loop, ended: Callable[[int, str], None]) -> None:
        self._loop = loop
        self._ended = ended
        self._text = b""
        opened: list[int] = []
        try:
            opened += os.pipe2(os.O_CLOEXEC)
            opened.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            opened.append(os.dup(opened[1]))
        except OSError:
            for handle in opened:
                os.close(handle)
            raise
        self._output, written, nothing, again = opened
        self.streams = (nothing, written, again)
        os.set_blocking(self._output, False)
        loop.on_readable(self._output, self._read)

    def _read(self) -> None:
        """Take what has come; of too much, the beginning."""
        data = os.read(self._output, _CHUNK)
        self._text = (self._text + data)[:_LOG_BYTES]
        if not data:
            self._loop.forget(self._output)

    def hear(self, fact: Mapping[str, Any]) -> None:
        """Take what is told of the command."""
        if "exit" not in fact and "failed" not in fact:
            return
        with suppress(BlockingIOError):  # Something still holds it.
            while len(self._text) < _LOG_BYTES and (data := os.read(self._output, _CHUNK)):
                self._text = (self._text + data)[:_LOG_BYTES]
        self._loop.forget(self._output)
        os.close(self._output)
        text = fact.get("failed", "") or self._text.decode("utf-8", "replace")
        self._ended(fact.get("exit", fact.get("code", 1)), text)
