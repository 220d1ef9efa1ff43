"""System calls of a container that wait for another process' answer (seccomp_unotify(2)).

A filter installed with SECCOMP_FILTER_FLAG_NEW_LISTENER gives a file descriptor. Each call that it
notifies of blocks until the holder of that descriptor answers: with a result, with a new file
descriptor in the caller, or by letting the kernel do the call.
"""

from __future__ import annotations

import errno
import fcntl
import struct
from contextlib import suppress
from typing import NamedTuple

__all__ = ["Call", "Notifications", "can_give_descriptors"]

_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")
_DESCRIPTOR = struct.Struct("=QIIII")
_IDENTIFIER = struct.Struct("=Q")
_CONTINUE = 1
_SEND = 2
_SYNC_WAKE_UP = 1


def _request(number: int, size: int, direction: int) -> int:
    """An ioctl(2) number of the kind `!`, as the macros of <asm-generic/ioctl.h> make it."""
    return direction << 30 | size << 16 | ord("!") << 8 | number


_READ, _WRITE = 2, 1
_RECEIVE = _request(0, _NOTIFICATION.size, _READ | _WRITE)
_ANSWERING = _request(1, _ANSWER.size, _READ | _WRITE)
_IS_VALID = _request(2, _IDENTIFIER.size, _WRITE)
_ADD_DESCRIPTOR = _request(3, _DESCRIPTOR.size, _WRITE)
_SET_FLAGS = _request(4, _IDENTIFIER.size, _WRITE)


class Call(NamedTuple):
    """A system call that waits.

    Attributes:
        identifier: names the notification.
        thread: the caller's thread ID, as seen from the process that receives it.
        number: the call's number on this machine.
        arguments: its six arguments, unsigned; what is behind a pointer may change any time.
    """

    identifier: int
    thread: int
    number: int
    arguments: tuple[int, ...]


class Notifications:
    """The receiving end of a filter."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        with suppress(OSError):  # Faster where Linux has it (6.6), no different otherwise.
            fcntl.ioctl(handle, _SET_FLAGS, _SYNC_WAKE_UP)

    def receive(self) -> Call | None:
        """The next call; None where its caller was killed meanwhile."""
        buffer = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._handle, _RECEIVE, buffer)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                return None
            raise
        identifier, thread, _, number, _, _, *arguments = _NOTIFICATION.unpack(buffer)
        return Call(identifier, thread, number, tuple(arguments))

    def is_waiting(self, call: Call) -> bool:
        """Whether the caller still waits: else its thread ID may be another's by now."""
        try:
            fcntl.ioctl(self._handle, _IS_VALID, _IDENTIFIER.pack(call.identifier))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return False
        return True

    def answer(self, call: Call, value: int) -> None:
        """Let the call return `value`, or fail where it is negative: -errno."""
        result = (0, value) if value < 0 else (value, 0)
        self._send(_ANSWERING, _ANSWER.pack(call.identifier, *result, 0))

    def go_on(self, call: Call) -> None:
        """Let the kernel do the call, with what its pointers point to by then."""
        self._send(_ANSWERING, _ANSWER.pack(call.identifier, 0, 0, _CONTINUE))

    def give(self, call: Call, descriptor: int, flags: int) -> None:
        """Let the call return a copy of a descriptor of ours; `flags` is 0 or O_CLOEXEC."""
        data = _DESCRIPTOR.pack(call.identifier, _SEND, descriptor, 0, flags)
        try:
            self._send(_ADD_DESCRIPTOR, data)
        except OSError as error:  # The caller may hold no more of them.
            self.answer(call, -(error.errno or errno.EMFILE))

    def _send(self, request: int, data: bytes) -> None:
        try:
            fcntl.ioctl(self._handle, request, data)
        except OSError as error:
            if error.errno != errno.ENOENT:  # ENOENT: the caller was killed meanwhile.
                raise


def can_give_descriptors(handle: int) -> bool:
    """Whether `Notifications.give` works: from Linux 5.14 on."""
    try:
        fcntl.ioctl(handle, _ADD_DESCRIPTOR, _DESCRIPTOR.pack(0, _SEND, handle, 0, 0))
    except OSError as error:
        return error.errno == errno.ENOENT
    return True
