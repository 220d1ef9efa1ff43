"""Containers that live, on an embedded engine: started, asked, waited for."""

from __future__ import annotations

from container_magics.engines.containers import ExecRequest, LogRequest
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RunRequest
from tests.fixtures.embedding import Heard
from tests.fixtures.processes import wait_until

__all__ = ["FOREVER", "ended", "executed", "heard_from", "logged", "pid_of", "started"]

FOREVER = "while :; do sleep 0.02; done"


def started(engine: EmbeddedEngine, script: str = FOREVER, **more) -> str:
    """A container that runs a script in the background; its ID."""
    request = RunRequest("busybox:test", ("sh", "-c", script), **more)
    container = engine.create(request, Heard(), Cancellation())
    engine.start(container)
    return container


def ended(engine: EmbeddedEngine, script: str, **more) -> str:
    container = started(engine, script, **more)
    engine.wait(container, Cancellation())
    return container


def logged(engine: EmbeddedEngine, container: str, stream: int = 1, **more) -> str:
    heard = Heard()
    engine.logs(container, LogRequest(**more), heard, Cancellation())
    return heard.output(stream)


def executed(engine: EmbeddedEngine, container: str, *command: str, **more) -> tuple[int, str]:
    heard = Heard()
    code = engine.exec(container, ExecRequest(command, **more), heard, Cancellation())
    return code, heard.output(1) + heard.output(2)


def heard_from(engine: EmbeddedEngine, container: str, text: str) -> None:
    """Wait until a container has written a text."""
    wait_until(lambda: text in logged(engine, container), f"{text!r} in the log")


def pid_of(engine: EmbeddedEngine, container: str) -> int:
    """Its first process, once it has one."""
    wait_until(lambda: bool(engine.inspect(container)["State"]["Pid"]), "a process")
    return engine.inspect(container)["State"]["Pid"]
