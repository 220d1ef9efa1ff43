"""`-t`: a terminal in a notebook's output, or at the terminal that the user sits at.

Whether there is somebody who types is known before anything runs: a kernel is told with each cell
whether its front end can be asked for input (`allow_stdin` of the Jupyter protocol; nbclient and
what is built on it say no), and a command line has a terminal as its standard input or has not.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import UnsupportedError
from ...views.terminal.view import TerminalView
from ...views.terminal.xterm import require_xterm
from ..call import Call
from ..notebook import NotebookSurface
from ..results import RunOutput

if TYPE_CHECKING:
    from ...engines.containers import Terminal

__all__ = ["front_end_has_input", "show_terminal"]

_DETACH = b"\x10\x11"
_INSTEAD = (
    "Leave out -t: with -i the body of a %%docker cell, or what is piped in, is the standard input."
)


def show_terminal(
    call: Call, opening: Callable[[], Terminal], verb: str, words: Sequence[str]
) -> TerminalView | RunOutput:
    """Let the user type into a terminal.

    In a notebook that is a view, and this returns at once. Elsewhere the user's own terminal is
    connected, until the process ends or the user types ctrl-p ctrl-q, which counts as status 0.

    Args:
        call: the command.
        opening: gives the terminal; nothing is made or started where nobody can type.
        verb: what is called, such as `exec`.
        words: with which words, such as the container and the command.

    Returns:
        The view; or how it ended, without output, which the user has seen.

    Raises:
        UnsupportedError: nobody can type here, or a notebook's installation has no xterm.js.
        RunError: the status is not 0 and the call is not lenient.
    """
    title = " ".join(["docker", verb, *words])
    if isinstance(call.surface, NotebookSurface):
        if call.stdin is not None:
            raise UnsupportedError(f"{title}: the input device is not a TTY", hint=_INSTEAD)
        if not front_end_has_input():
            raise UnsupportedError(
                f"{title}: a terminal is for somebody who types, and nobody is there while this "
                "notebook is executed",
                hint=_INSTEAD,
            )
        require_xterm()
        return TerminalView(opening(), title)
    source = call.stdin or sys.stdin
    if not source.isatty():
        raise UnsupportedError(f"{title}: the input device is not a TTY", hint=_INSTEAD)
    sys.stdout.flush()
    status = _connect(opening(), source.fileno(), sys.stdout.fileno())
    output = RunOutput("", "", status, tuple(words))
    if not call.lenient:
        output.check()
    return output


def front_end_has_input() -> bool:
    """Whether somebody can be asked while this cell runs."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    request = shell.kernel.get_parent("shell")
    return bool(request.get("content", {}).get("allow_stdin", True))


def _connect(terminal: Terminal, source: int, target: int) -> int:
    ended, end = os.pipe()

    def show() -> None:
        with os.fdopen(end, "wb"):
            while data := terminal.read():
                _write_all(target, data)

    try:
        with _raw(source), _sized(terminal, source):
            threading.Thread(target=show, daemon=True).start()
            return terminal.wait() if _type(terminal, source, ended) else 0
    finally:
        terminal.close()
        os.close(ended)


def _type(terminal: Terminal, source: int, ended: int) -> bool:
    """Give the terminal what is typed; whether it ended, and not the user's wish to type."""
    held = b""
    while True:
        ready, _, _ = select.select([source, ended], [], [])
        if ended in ready:
            return True
        data = os.read(source, 4096)
        typed, detached, _ = (held + data).partition(_DETACH)
        held = typed[-1:] if typed.endswith(_DETACH[:1]) and not detached else b""
        terminal.write(typed[: len(typed) - len(held)])
        if detached or not data:
            return False


@contextmanager
def _raw(source: int) -> Iterator[None]:
    """Let every key come as it is, Ctrl-C too."""
    before = termios.tcgetattr(source)
    tty.setraw(source)
    try:
        yield
    finally:
        termios.tcsetattr(source, termios.TCSADRAIN, before)


@contextmanager
def _sized(terminal: Terminal, source: int) -> Iterator[None]:
    """Keep the terminal as large as the user's own."""

    def fit() -> None:
        size = os.get_terminal_size(source)
        terminal.resize(size.lines, size.columns)

    before = signal.signal(signal.SIGWINCH, lambda *_: fit())
    try:
        fit()
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _write_all(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]
