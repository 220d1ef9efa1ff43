"""The listener: a process beside a container that answers some of its system calls.

    supervisor ──fork──► listener ◄──seccomp notification── the container's processes
         └─────fork──► first process, and further commands

On the rungs `oneuid` and `proot` the kernel knows one user: calls about owners and identities are
answered here. On all rungs those about published ports are. Each process that is started in the
container installs a filter, and hands its descriptor to the listener, which was forked before the
container's namespaces were made. For owners it enters those of users and mounts, on `subuid` that
of users. It keeps the
host's /proc, and answers until no process of the container is left.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import select
import socket
import struct
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from .. import filters, kernel
from ..accounts import Account
from ..calls import NAMES, NUMBERS
from ..owners.credentials import Credentials
from ..owners.emulation import Emulation
from ..owners.identity import Identity
from ..owners.ledger import ATTRIBUTE, Ledger, Record, encode
from ..owners.making import Descriptor
from ..owners.owning import OwnedFiles
from .caller import Caller, GoneError, NamespacePlace, Nowhere, Place, TreePlace
from .notification import Call, Notifications, can_give_descriptors
from .ports import Ports, can_copy_sockets

__all__ = ["Listening", "start"]

_READY = b"+"
_MESSAGE = 1 << 20
_DESCRIPTOR = struct.Struct("=i")
_CREDENTIALS = struct.Struct("=iII")
_PRIVILEGED = ("root", "subuid")
_USER = (("user", kernel.CLONE_NEWUSER),)
_USER_AND_MOUNTS = (*_USER, ("mnt", kernel.CLONE_NEWNS))


class Listening:
    """The supervisor's and the first process' side."""

    def __init__(
        self, pid: int, connection: socket.socket, spec: Mapping[str, Any], *, copying: bool
    ) -> None:
        self.pid = pid
        self.outcome: int | None = None
        """Its wait status, if it was reaped with the container's processes."""
        self._connection = connection
        self._owners = bool(spec["records"])
        self._ports = bool(spec["ports"])
        self._copying = copying
        self._privileged = spec["rung"] in _PRIVILEGED and not self._owners

    def attach(self, account: Account, *, capable: bool) -> None:
        """Have the listener answer for this process and its descendants.

        Args:
            account: whom this process shall be.
            capable: see `filters.notify`.

        Raises:
            OSError: there can be no listener here.
        """
        if not self._privileged:
            kernel.no_new_privileges()
        program = filters.notify_of_ports(copying=self._copying)
        if self._owners:
            program = filters.notify(capable=capable, ports=self._ports, copying=self._copying)
        handle = filters.install_notifying(program)
        if not can_give_descriptors(handle):
            raise OSError(errno.ENOSYS, "seccomp notification is older than Linux 5.14")
        who = json.dumps([account.uid, account.gid, list(account.groups)]).encode()
        socket.send_fds(self._connection, [who], [handle])
        os.close(handle)
        if self._connection.recv(1) != _READY:
            raise OSError(errno.EPIPE, "the listener has ended")

    def finish(self) -> bool:
        """Wait until all is recorded, once the container has ended; whether it was."""
        self._connection.shutdown(socket.SHUT_RDWR)
        if self.outcome is None:
            _, self.outcome = os.waitpid(self.pid, 0)
        return self.outcome == 0


def start(spec: Mapping[str, Any], foreign: Sequence[int]) -> Listening:
    """Fork the listener of a container.

    Args:
        spec: what `sandbox.client.Spec` sends.
        foreign: descriptors that are not the listener's.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    supervisor = os.getpid()
    copying = can_copy_sockets()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            ours.close()
            for handle in foreign:
                os.close(handle)
            kernel.die_with_parent(supervisor)
            _listen(spec, theirs, supervisor, copying=copying)
            code = 0
        except BaseException:  # noqa: BLE001 - the launcher's log has it, the code says so
            traceback.print_exc()
        finally:
            os._exit(code)
    theirs.close()
    return Listening(pid, ours, spec, copying=copying)


def _listen(
    spec: Mapping[str, Any], connection: socket.socket, supervisor: int, *, copying: bool
) -> None:
    output = _prepare_records(spec) if spec["records"] else -1
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    own = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    first = _receive(connection)
    if first is None:
        return  # The container could not be set up.
    place: Place
    if spec["rung"] == "proot":
        place = TreePlace(spec["root"]["tree"], (source for source, _ in _volumes(spec)))
    elif output >= 0:
        _enter_namespaces(supervisor, _USER_AND_MOUNTS)
        place = NamespacePlace(target for _, target in _volumes(spec))
    else:
        if spec["rung"] == "subuid":  # For the right to look into processes of sub-UIDs.
            _enter_namespaces(supervisor, _USER)
        place = Nowhere()
    os.fchdir(own)
    os.umask(0)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    ledger = Ledger()
    if output >= 0:
        ledger.load(output, place.root)
    files = OwnedFiles(ledger, place, capable=spec["rung"] != "proot")
    credentials = Credentials(first.identity)
    emulation = Emulation(files, credentials, place, Ports(spec["ports"], copying=copying).calls)
    # PRoot is under its own filter, and works for itself.
    tracers: set[int] = set()
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    filtered: dict[int, Notifications] = {}
    attached: _Attached | None = first
    while attached is not None:
        if spec["rung"] == "proot":
            tracers.add(attached.pid)
        if output >= 0:
            credentials.begin(attached.pid, attached.identity)
        filtered[attached.handle] = Notifications(attached.handle)
        poll.register(attached.handle, select.POLLIN)
        connection.send(_READY)
        _serve(poll, filtered, connection, tracers, emulation, proc, place)
        attached = _receive(connection)
    if output >= 0:
        ledger.save(output, place.root)


def _volumes(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The store's volumes that a container has: the directory, and where it is mounted."""
    store = os.path.dirname(spec["mount"])
    return [
        (source, target)
        for source, target, _ in spec["binds"]
        if source.startswith(f"{store}/volumes/")
    ]


def _prepare_records(spec: Mapping[str, Any]) -> int:
    """The file for records, and those that there shall be to begin with."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    for path, uid, gid in spec["owners"]:
        with suppress(OSError):  # A file system without attributes shows it as the caller's own.
            os.setxattr(path, ATTRIBUTE, encode(Record(uid, gid)))
    return os.open(spec["records"], flags, 0o600)


class _Attached(NamedTuple):
    """A process that begins to be answered: its ID, whom it is, and its filter's descriptor."""

    pid: int
    identity: Identity
    handle: int


def _receive(connection: socket.socket) -> _Attached | None:
    """The next process that attaches, or None when the container has ended."""
    space = socket.CMSG_SPACE(_DESCRIPTOR.size) + socket.CMSG_SPACE(_CREDENTIALS.size)
    message, ancillary, _, _ = connection.recvmsg(_MESSAGE, space)
    beside = {kind: data for _, kind, data in ancillary}
    if socket.SCM_RIGHTS not in beside:
        return None
    (handle,) = _DESCRIPTOR.unpack(beside[socket.SCM_RIGHTS])
    os.set_inheritable(handle, False)
    pid, _, _ = _CREDENTIALS.unpack(beside[socket.SCM_CREDENTIALS])
    return _Attached(pid, Identity.of(*json.loads(message)), handle)


def _serve(
    poll: select.poll,
    filtered: dict[int, Notifications],
    connection: socket.socket,
    tracers: set[int],
    emulation: Emulation,
    proc: int,
    place: Place,
) -> None:
    """Answer calls until a process attaches, or the container has ended."""
    while True:
        for ready, event in poll.poll():
            if ready == connection.fileno():
                return
            if not event & select.POLLIN:  # No process has this filter any more.
                poll.unregister(ready)
                del filtered[ready]
                os.close(ready)
                continue
            notifications = filtered[ready]
            call = notifications.receive()
            if call is None:
                continue
            if call.thread in tracers:
                notifications.go_on(call)
            else:
                _answer(call, notifications, emulation, Caller(call, notifications, proc, place))


def _enter_namespaces(process: int, namespaces: Iterable[tuple[str, int]]) -> None:
    handles = [
        (os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC), flag)
        for name, flag in namespaces
    ]
    for handle, flag in handles:
        kernel.syscall(NUMBERS["setns"], handle, flag)
        os.close(handle)


def _answer(call: Call, notifications: Notifications, emulation: Emulation, caller: Caller) -> None:
    try:
        result = emulation.result(caller, NAMES[call.number], call.arguments)
    except GoneError:
        return
    if result is None:
        notifications.go_on(call)
    elif isinstance(result, Descriptor):
        notifications.give(call, *result)
        os.close(result.handle)
    else:
        notifications.answer(call, result)
