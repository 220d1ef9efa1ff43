"""A terminal of a process, in a notebook's output."""

from __future__ import annotations

import atexit
import base64
import queue
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import ContainerMagicsError, UsageError
from ..terminal_text import LogBuffer
from ..text import visible
from ..widget import LiveView
from .html import terminal_html
from .stream import OutputStream
from .xterm import require_xterm, xterm

if TYPE_CHECKING:
    from ...engines.containers import Terminal

__all__ = ["Place", "TerminalView"]

_ROWS = 24
_PACE = 0.05
_REDRAW = 3.0
_MOST_TYPED = 1000


class Place(Protocol):
    """Where a terminal is shown, such as a `Page`."""

    def send(self, message: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Tell its front end."""
        ...

    def redraw(self) -> None:
        """Replace what is saved."""
        ...


class TerminalView(LiveView):
    """A terminal that people type into, as long as the kernel lives.

    What is saved is its last screenful as text. It is closed with its output, with `close` and
    with the kernel.

    Args:
        terminal: of the process; it is read from now on.
        title: what runs, for people, such as `docker exec -it web sh`.

    Attributes:
        title: the same.
        returncode: the exit status of the process, None until it has ended.
        ending: how it ended, in words; "" as long as it is open.

    Raises:
        UnsupportedError: xterm.js is not in this installation.
    """

    front_end_module = "terminal"
    invitation = "type into this terminal"
    changes = True

    def __init__(self, terminal: Terminal, title: str) -> None:
        require_xterm()
        self.title = title
        self.returncode: int | None = None
        self.ending = ""
        self._terminal = terminal
        self._closed = False
        self._stream = OutputStream()
        self._rows = _ROWS
        self._screen = LogBuffer(head=0, tail=_ROWS)
        self._screen_lock = Lock()
        self._typed: queue.Queue[bytes | None] = queue.Queue(_MOST_TYPED)
        self._places: list[Place] = []
        atexit.register(terminal.close)
        for work in (self._read, self._write, self._show):
            Thread(target=work, name=f"terminal {work.__name__}", daemon=True).start()

    @property
    def busy(self) -> bool:  # type: ignore[override]
        """See `LiveView.busy`."""
        return not self.ending

    def close(self) -> None:
        """Hang up; nothing happens where it has ended."""
        self._closed = True
        self._terminal.close()

    def lines(self) -> list[str]:
        """The last screenful, as plain text."""
        with self._screen_lock:
            return self._screen.last(self._rows)

    def __str__(self) -> str:
        lines = [visible(self.title), *self.lines(), self.ending or "still open"]
        return "\n".join(lines)

    def static_html(self) -> str:
        """See `LiveView.static_html`."""
        return terminal_html(self.title, self.lines(), self.ending)

    def start(self) -> Mapping[str, Any]:
        """See `LiveView.start`."""
        return {"title": visible(self.title)}

    def shown(self, page: Place) -> None:
        """See `LiveView.shown`."""
        self._places.append(page)

    def questions(self) -> Mapping[str, Callable[..., Any]]:
        """See `LiveView.questions`."""
        return {
            "xterm": xterm,
            "attach": self._answer_attach,
            "drawn": self._stream.drawn,
            "type": self._answer_type,
            "resize": self._answer_resize,
            "close": self.close,
        }

    def _answer_attach(self) -> Mapping[str, Any]:
        position, data = self._stream.attach()
        text = base64.b64encode(data).decode("ascii")
        return {"position": position, "data": text, "ending": self.ending}

    def _answer_type(self, text: str, binary: bool = False) -> None:
        try:
            self._typed.put_nowait(text.encode("latin-1" if binary else "utf-8", "replace"))
        except queue.Full:
            raise UsageError("the program does not read what is typed") from None

    def _answer_resize(self, rows: int, columns: int) -> None:
        self._rows = min(rows, _ROWS)
        if not self.ending:
            self._terminal.resize(rows, columns)

    # --- threads ---

    def _read(self) -> None:
        try:
            while data := self._terminal.read():
                with self._screen_lock:
                    self._screen.feed(1, data)
                self._stream.add(data)
            if not self._closed:
                self.returncode = self._terminal.wait()
                self.ending = f"exit status {self.returncode}"
        except ContainerMagicsError as error:
            self.ending = error.message
        finally:
            self.ending = self.ending or "closed"
            self._terminal.close()
            self._typed.put(None)
            self._stream.end()
            atexit.unregister(self._terminal.close)

    def _write(self) -> None:
        while (data := self._typed.get()) is not None:
            self._terminal.write(data)

    def _show(self) -> None:
        drawn, known = time.monotonic(), str(self)
        while not self._stream.ended:
            if part := self._stream.part(_REDRAW):
                position, data = part
                for place in self._places:
                    place.send({"position": position}, [data])
                time.sleep(_PACE)
            if time.monotonic() - drawn >= _REDRAW and known != str(self):
                drawn, known = time.monotonic(), str(self)
                self._redraw()
        for place in self._places:
            place.send({"ending": self.ending})
        self._redraw()

    def _redraw(self) -> None:
        for place in self._places:
            place.redraw()
