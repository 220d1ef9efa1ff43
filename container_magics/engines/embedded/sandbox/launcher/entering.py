"""From a fork of the supervisor to the command: what a process does to be in the container.

The first process makes the container's root, where that takes mounts; one that comes later finds
it made. Both then become the user, take on limits and filters, and execute the command.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import struct
import termios
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from . import cgroups, filters, kernel, limits, mapping, namespaces, probe, proot
from .accounts import Account, UnknownAccountError, look_up
from .copying.serving import serve
from .inroot import make_directories
from .listening.process import Listening
from .program import CannotStartError, cannot_execute, find_program

__all__ = ["become", "tell"]

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MANY = 1 << 12
_TIOCSPTLCK = 0x40045431
_TIOCGPTPEER = 0x5441
_HOST_ROOT = os.stat("/")


def tell(status: int, **fact: object) -> None:
    """Write a fact to the launcher or shim, as a line of JSON."""
    os.write(status, json.dumps(fact).encode() + b"\n")


def become(
    spec: Mapping[str, Any],
    streams: Sequence[int],
    status: int,
    number: int,
    pipes: proot.Pipes | None,
    listening: Listening | None,
    doors: Sequence[int],
) -> NoReturn:
    """Be the command of `spec`; on failure tell why and exit with 125, 126 or 127.

    Args:
        spec: as `sandbox.client.Spec` sends it.
        streams: standard input, output and error; with a terminal one socket that gets it.
        status: where to tell.
        number: 0 for the first process, which makes the root; else of the further command.
        pipes: for the rung `proot`.
        listening: the container's listener, if it has one.
        doors: of the control groups to join.
    """
    code = 125
    try:
        parent = os.getsid(
            0
        )  # The supervisor leads the session; its number in a PID namespace is 0.
        _forget_signals()
        cgroups.join(doors)
        os.umask(0o022)
        if not spec["tty"]:
            for place, stream in enumerate(streams):
                os.dup2(stream, place)
        if pipes is not None:
            if spec["tty"]:
                _take_terminal(streams[0], "/dev/ptmx")
            proot.become(spec, pipes, {"PATH": _DEFAULT_PATH}, listening)
        kernel.die_with_parent(parent)
        _enter(spec, streams, number, parent, listening)
    except CannotStartError as error:
        code = error.code
        tell(status, id=number, failed=str(error), code=code)
    except UnknownAccountError as error:
        code = 125 if number == 0 else 126
        tell(status, id=number, failed=str(error), code=code)
    except OSError as error:
        tell(status, id=number, failed=f"cannot set up the container: {error}", code=code)
    finally:
        os._exit(code)


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            try:
                signal.signal(number, signal.SIG_DFL)
            except OSError:
                continue
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _enter(
    spec: Mapping[str, Any],
    streams: Sequence[int],
    number: int,
    parent: int,
    listening: Listening | None,
) -> NoReturn:
    rung = spec["rung"]
    if rung in namespaces.RUNGS:
        if number == 0:
            namespaces.enter_root(spec)
        elif os.path.samestat(os.stat("/"), _HOST_ROOT):
            raise CannotStartError("the container has no root: it could not be started", 126)
    where = "/" if rung in namespaces.RUNGS else spec["root"]["tree"]
    root = os.open(where, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    account = look_up(root, spec["user"])
    if number == 0:
        make_directories(root, spec["cwd"])
    if spec["copying"]:
        _copy(spec, root, account, number, listening)
    if spec["tty"]:
        _take_terminal(streams[0], "/dev/pts/ptmx" if rung in namespaces.RUNGS else "/dev/ptmx")
    if rung == "chroot":
        os.fchdir(root)
        os.chroot(".")
    os.close(root)
    if spec["probe"]:
        os.chdir("/")
        probe.check(overlay="lower" in spec["root"], processes=rung != "chroot")
        if listening is not None:
            listening.attach(account, capable=True)
        os._exit(0)
    try:
        os.chdir(spec["cwd"])
    except OSError as error:
        raise CannotStartError(f"chdir to cwd ({spec['cwd']!r}): {error.strerror}", 126) from error
    environment = {"PATH": _DEFAULT_PATH, "HOME": account.home, **spec["env"]}
    program = find_program(spec["argv"][0], environment["PATH"], os.stat)
    limits.set_limits(spec["ulimits"])
    if spec["read_only"] and number == 0:
        namespaces.make_read_only()
    if listening is not None:
        listening.attach(account, capable=True)
    if rung == "oneuid":
        if listening is None:
            kernel.no_new_privileges()
            filters.install(filters.pretend_root())
    else:
        _drop_capabilities(rung, spec["capabilities"])
        _switch_user(account, rung, parent)
    if spec["init"] and number == 0:
        _stay_as_init(rung, spec["capabilities"])
    _exec(program, spec["argv"], environment)


def _copy(
    spec: Mapping[str, Any], root: int, account: Account, number: int, listening: Listening | None
) -> NoReturn:
    """Give out files, or take them in, in place of a command (see `copying`)."""
    rung = spec["rung"]
    binds = proot.binds_of(spec, root) if rung == "proot" else {}
    if spec["read_only"] and number == 0:
        namespaces.make_read_only()
    if listening is not None and spec["records"]:
        listening.attach(account, capable=rung != "proot")
        if rung == "proot":
            _leave_to_child()
    elif rung in ("oneuid", "proot"):
        kernel.no_new_privileges()
        filters.install(filters.pretend_root())
    serve(root, binds)


def _leave_to_child() -> None:
    """Go on in a child, since the listener takes whoever attaches under PRoot for PRoot."""
    parent = os.getpid()
    child = os.fork()
    if child:
        os.closerange(0, _MANY)
        _, outcome = os.waitpid(child, 0)
        os._exit(0 if outcome == 0 else 1)
    kernel.die_with_parent(parent)


def _take_terminal(console: int, multiplexer: str) -> None:
    """Make a terminal that is this process' own, and send its other end away."""
    master = os.open(multiplexer, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("=i", 0))
    terminal = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
    with socket.socket(fileno=os.dup(console)) as connection:
        socket.send_fds(connection, [b"+"], [master])
    os.close(master)
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for place in range(3):
        os.dup2(terminal, place)
    if terminal > 2:
        os.close(terminal)


def _drop_capabilities(rung: str, kept: Sequence[int]) -> None:
    try:
        kernel.drop_bounding_capabilities(frozenset(kept))
    except PermissionError:
        if rung != "chroot":
            raise
        # A root that lacks CAP_SETPCAP has few to lose.


def _switch_user(account: Account, rung: str, parent: int) -> None:
    try:
        os.setgroups(account.groups)
        os.setresgid(account.gid, account.gid, account.gid)
        os.setresuid(account.uid, account.uid, account.uid)
    except OSError as error:
        if rung != "subuid" or error.errno != errno.EINVAL:
            raise
        raise CannotStartError(
            f"user {account.uid}:{account.gid} is beyond the IDs that {mapping.SUBUID} and "
            f"{mapping.SUBGID} give you",
            125,
        ) from error
    kernel.die_with_parent(parent)


def _stay_as_init(rung: str, capabilities: Sequence[int]) -> None:
    """Go on in a child; this process passes signals, reaps orphans, ends as the child does."""
    child = os.fork()
    if child == 0:
        return
    if rung != "oneuid":  # As an execution would have done.
        kernel.limit_capabilities(frozenset(capabilities))
    forwarded = [
        number
        for number in signal.valid_signals()
        if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD)
    ]
    for number in forwarded:
        try:
            signal.signal(number, lambda received, _: os.kill(child, received))
        except OSError:
            continue
    os.closerange(0, _MANY)
    while True:
        ended, outcome = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(outcome)
            os._exit(128 - code if code < 0 else code)


def _exec(program: str, argv: list[str], environment: Mapping[str, str]) -> NoReturn:
    try:
        os.execve(program, argv, environment)  # noqa: S606 - a program, without a shell on purpose
    except OSError as error:
        raise cannot_execute(program, error.errno or 0) from error
