"""From start to end: `docker start`, `stop`, `restart`, `kill`, `pause`, `unpause`, `wait`."""

from __future__ import annotations

import time
from functools import partial

from ...engines.base import Engine
from ...engines.events import Cancellation, Emit
from ...engines.follow import finish, follow
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar, refuse
from ..values import whole
from .each import each

__all__ = ["KILL", "PAUSE", "RESTART", "STOP", "UNPAUSE", "WAIT"]

_DEFAULT_SECONDS = 10
_SECONDS = (
    Flag("timeout", "seconds to wait before killing; -1 waits for ever", "t", "SECONDS"),
    Flag("time", "the same as --timeout", value="SECONDS"),
)


def _seconds(arguments: Arguments) -> int | None:
    """The value of `-t`; None is the container's own.

    Raises:
        UsageError: it is no whole number.
    """
    text = arguments.one("timeout") or arguments.one("time")
    return whole(text, "-t, --timeout") if text else None


# --- stop ---------------------------------------------------------------------------------------


def _stop(arguments: Arguments, call: Call) -> list[str]:
    engine, seconds, signal = call.engine, _seconds(arguments), arguments.one("signal")

    def stop(name: str) -> None:
        if signal:
            _stop_with(engine, name, signal, seconds)
        else:
            engine.stop(name, seconds)

    return each(arguments.operands, call, stop)


def _stop_with(engine: Engine, name: str, signal: str, seconds: int | None) -> None:
    """Stop a container by a signal that is not its own."""
    if not engine.container(name).running:
        return
    if seconds is None:
        own = engine.inspect(engine.container(name).id)["Config"].get("StopTimeout")
        seconds = _DEFAULT_SECONDS if own is None else own
    engine.kill(name, signal)
    until = time.monotonic() + seconds
    for _ in follow(partial(_wait_for, engine, name)):
        if seconds >= 0 and time.monotonic() > until:
            break
    # Where its restart policy has started it again, this ends that.
    engine.stop(name, 0)


STOP = Command(
    Grammar(
        "stop",
        "[OPTIONS] CONTAINER [CONTAINER...]",
        "Stop one or more running containers",
        least=1,
        most=None,
        flags=(*_SECONDS, Flag("signal", "signal to send to the container", "s", "SIGNAL")),
    ),
    _stop,
)


def _restart(arguments: Arguments, call: Call) -> list[str]:
    seconds = _seconds(arguments)
    return each(arguments.operands, call, lambda name: call.engine.restart(name, seconds))


RESTART = Command(
    Grammar(
        "restart",
        "[OPTIONS] CONTAINER [CONTAINER...]",
        "Restart one or more containers",
        least=1,
        most=None,
        flags=_SECONDS,
        refused=refuse("signal/s", "stop -s SIGNAL, then start."),
    ),
    _restart,
)


# --- kill, pause, unpause -----------------------------------------------------------------------


def _kill(arguments: Arguments, call: Call) -> list[str]:
    signal = arguments.one("signal")
    return each(arguments.operands, call, lambda name: call.engine.kill(name, signal))


KILL = Command(
    Grammar(
        "kill",
        "[OPTIONS] CONTAINER [CONTAINER...]",
        "Kill one or more running containers",
        least=1,
        most=None,
        flags=(Flag("signal", "signal to send to the container", "s", "SIGNAL", "KILL"),),
    ),
    _kill,
)


def _pause(arguments: Arguments, call: Call) -> list[str]:
    return each(arguments.operands, call, call.engine.pause)


PAUSE = Command(
    Grammar(
        "pause",
        "CONTAINER [CONTAINER...]",
        "Pause all processes within one or more containers",
        least=1,
        most=None,
    ),
    _pause,
)


def _unpause(arguments: Arguments, call: Call) -> list[str]:
    return each(arguments.operands, call, call.engine.unpause)


UNPAUSE = Command(
    Grammar(
        "unpause",
        "CONTAINER [CONTAINER...]",
        "Unpause all processes within one or more containers",
        least=1,
        most=None,
    ),
    _unpause,
)


# --- wait ---------------------------------------------------------------------------------------


def _wait_for(engine: Engine, name: str, _emit: Emit, cancel: Cancellation) -> int:
    return engine.wait(name, cancel)


def _wait(arguments: Arguments, call: Call) -> list[int]:
    codes: list[int] = []
    for name in arguments.operands:
        code = finish(partial(_wait_for, call.engine, name))
        call.surface.write(f"{code}\n")
        codes.append(code)
    return codes


WAIT = Command(
    Grammar(
        "wait",
        "CONTAINER [CONTAINER...]",
        "Block until one or more containers stop, then print their exit codes",
        least=1,
        most=None,
    ),
    _wait,
)
