"""A container's standard streams: into the log, to whoever is attached, and from them to it."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from .attachments import Attachment
from .journal import Journal
from .loop import Loop

__all__ = ["Streams"]

_CHUNK = 1 << 16
_PIPE_BYTES = 1 << 20
_MOST_TYPED = 1 << 20
_F_SETPIPE_SZ = 1031


class Streams:
    """The streams of one container, of each run anew.

    Args:
        loop: reads them.
        journal: gets all that comes.
        tty: whether the container has a terminal.
        open_stdin: whether its standard input is more than /dev/null.
        stdin_once: whether that ends with the first client that was attached.
        drained: called when nothing more will come.
    """

    def __init__(
        self,
        loop: Loop,
        journal: Journal,
        *,
        tty: bool,
        open_stdin: bool,
        stdin_once: bool,
        drained: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._journal = journal
        self._tty = tty
        self._open_stdin = open_stdin
        self._stdin_once = stdin_once
        self._drained = drained
        self._attachments: list[Attachment] = []
        self._outputs: dict[int, int] = {}
        self._console = -1
        self._input = -1
        self._typed = bytearray()
        self._typing_ended = False
        self._unread = not (tty or open_stdin)
        self._ending = False
        self._size = (0, 0)

    @property
    def empty(self) -> bool:
        """Whether nothing more will come."""
        return not self._outputs and self._console < 0

    @property
    def behind(self) -> bool:
        """Whether a client has not got everything yet."""
        return any(attachment.waiting for attachment in self._attachments)

    def make(self) -> list[int]:
        """New ones; the ends for the supervisor, which the caller closes."""
        self._typing_ended = self._ending = False
        self._unread = not (self._tty or self._open_stdin)
        if self._tty:
            mine, console = socket.socketpair()
            self._console = mine.detach()
            self._loop.on_readable(self._console, self._take_terminal)
            return [console.detach()]
        if self._open_stdin:
            stdin, self._input = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self._input, False)
        else:
            stdin = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        theirs = [stdin]
        for stream in (1, 2):
            handle, written = os.pipe2(os.O_CLOEXEC)
            with suppress(OSError):  # More than an ordinary user may have.
                fcntl.fcntl(handle, _F_SETPIPE_SZ, _PIPE_BYTES)
            theirs.append(written)
            self._outputs[handle] = stream
        self._listen()
        return theirs

    def _take_terminal(self) -> None:
        console, self._console = self._console, -1
        self._loop.forget(console)
        with socket.socket(fileno=console) as connection:
            _, handles, _, _ = socket.recv_fds(connection, 1, 1)
        for handle in handles:
            os.set_inheritable(handle, False)
            self._outputs[handle] = 1
            self._input = os.dup(handle)
            os.set_blocking(handle, False)
        self.resize(*self._size)
        self._listen()
        self._write_typed()
        if not handles:
            self._drained()

    def resize(self, rows: int, columns: int) -> None:
        """Tell the terminal how large it is; one that is not there yet hears it later."""
        self._size = (rows, columns)
        if self._tty and rows and columns:
            for handle in self._outputs:
                size = struct.pack("=HHHH", rows, columns, 0, 0)
                fcntl.ioctl(handle, termios.TIOCSWINSZ, size)

    # --- what comes ---

    def _listen(self) -> None:
        for handle in self._outputs:
            self._loop.on_readable(handle, partial(self._read, handle))

    def _read(self, handle: int) -> None:
        try:
            data = os.read(handle, _CHUNK)
        except BlockingIOError:
            return
        except OSError:  # A terminal that nobody holds any more.
            data = b""
        if not data:
            self._loop.forget(handle)
            os.close(handle)
            del self._outputs[handle]
            if self.empty:
                self._drained()
            return
        stream = self._outputs[handle]
        with suppress(OSError):  # The disk is full; the container goes on.
            self._journal.write(stream, data)
        for attachment in self._attachments:
            attachment.feed(stream, data)
        self._serve()

    def _serve(self) -> None:
        """See to clients that have not taken everything; the container waits for one far behind."""
        for attachment in self._attachments:
            for handle in attachment.waiting:
                self._loop.on_writable(handle, partial(self._flush, attachment, handle))
        if not self._ending and any(attachment.crowded for attachment in self._attachments):
            for handle in self._outputs:
                self._loop.forget(handle)

    def _flush(self, attachment: Attachment, handle: int) -> None:
        self._loop.forget(handle)
        attachment.flush(handle)
        self._listen()
        self._serve()

    def read_rest(self) -> None:
        """All that could write has ended: take the little that is left, whoever is behind."""
        self._ending = True
        self._listen()

    # --- clients ---

    def attach(self, attachment: Attachment) -> None:
        """Show a client what comes from now on, and take what it types."""
        self._attachments.append(attachment)
        self._hear_typing()

    def detach(self, attachment: Attachment) -> None:
        """A client has gone, or there is nothing more for it."""
        if attachment in self._attachments:
            self._attachments.remove(attachment)
            attachment.close()
            self._listen()

    def detach_served(self) -> None:
        """Detach those that have got everything."""
        for attachment in list(self._attachments):
            if not attachment.waiting:
                self.detach(attachment)

    def _hear_typing(self) -> None:
        """Take what clients type, unless too much of it waits for the container."""
        crowded = len(self._typed) > _MOST_TYPED
        for attachment in self._attachments:
            if crowded:
                self._loop.forget(attachment.input)
            elif attachment.input >= 0:
                self._loop.on_readable(attachment.input, partial(self._take_typed, attachment))

    def _take_typed(self, attachment: Attachment) -> None:
        try:
            data = os.read(attachment.input, _CHUNK)
        except BlockingIOError:
            return
        except OSError:  # A terminal that nobody holds any more.
            data = b""
        if not self._unread:
            self._typed += data
        if not data:
            attachment.close_input()
            self._typing_ended = self._typing_ended or self._stdin_once
        self._write_typed()
        self._hear_typing()

    def _write_typed(self) -> None:
        if self._input < 0:
            return
        try:
            while self._typed:
                del self._typed[: os.write(self._input, self._typed)]
        except BlockingIOError:
            self._loop.on_writable(self._input, self._write_typed)
            return
        except OSError:  # Nobody reads it any more.
            self._typing_ended = self._unread = True
            self._typed.clear()
        self._loop.forget(self._input)
        if self._typing_ended and not self._tty:
            self.end_input()
            self._unread = True
        self._hear_typing()

    def end_input(self) -> None:
        """This run takes nothing more."""
        self._typed.clear()
        if self._input >= 0:
            self._loop.forget(self._input)
            os.close(self._input)
            self._input = -1
        self._hear_typing()
