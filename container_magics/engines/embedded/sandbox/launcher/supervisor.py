"""One container, from fork to exit status.

The supervisor is a child of the launcher and the parent of the container's first process. It
adopts the container's orphans, and when the first process ends, or the launcher asks or dies, it
kills whatever is left before it ends itself. Its exit status is the container's.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from . import filters, kernel, namespaces, probe, proot
from .accounts import Account, UnknownAccountError, look_up
from .inroot import make_directories
from .program import CannotStartError, cannot_execute, find_program

__all__ = ["supervise"]

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def supervise(spec: Mapping[str, Any], streams: tuple[int, int, int], status: int) -> NoReturn:
    """Run the container of `spec` and exit as it does; never returns.

    Args:
        spec: what `sandbox.client.Spec` sends.
        streams: descriptors for its standard input, output and error.
        status: a pipe to the launcher, for {"pid": …} and {"failed": …} as JSON lines.
    """
    code = 125
    try:
        code = _supervise(spec, streams, status)
    except OSError as error:
        _tell(status, failed=str(error), code=125)
    finally:
        os._exit(code)


def _tell(status: int, **fact: object) -> None:
    os.write(status, json.dumps(fact).encode() + b"\n")


def _supervise(spec: Mapping[str, Any], streams: tuple[int, int, int], status: int) -> int:
    os.setsid()
    kernel.become_subreaper()
    rung = spec["rung"]
    pipes = proot.Pipes() if rung == "proot" else None
    stopping: list[int] = []
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    _hold_tree(spec["root"])
    if pipes is None:
        namespaces.leave_host(user_namespace=rung == "oneuid", network=spec["network"])
    pid = os.fork()
    if pid == 0:
        _become(spec, streams, status, pipes)
    for stream in streams:
        os.close(stream)

    def stop(*_: object) -> None:
        stopping.append(1)
        if pipes is None:
            # It is PID 1 of its namespace and takes everything in it along. The others could not
            # be found: /proc is the container's since the pivot of the mount namespace.
            os.kill(pid, signal.SIGKILL)
        else:
            _kill_descendants(pid)

    signal.signal(signal.SIGTERM, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    if pipes is not None:
        return _follow_proot(pid, pipes, spec, status, stopping)
    _tell(status, pid=pid)
    os.close(status)
    return _wait(pid)


def _wait(pid: int) -> int:
    """Wait for the first process, end the others; the exit status."""
    outcome = 0
    while True:
        try:
            ended, outcome = os.waitpid(-1, 0)
        except InterruptedError:
            continue
        if ended == pid:
            break
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    _end_descendants()
    code = os.waitstatus_to_exitcode(outcome)
    return 128 - code if code < 0 else code


def _follow_proot(
    pid: int, pipes: proot.Pipes, spec: Mapping[str, Any], status: int, stopping: list[int]
) -> int:
    pipes.keep_reading_ends()
    code, failure = proot.follow(
        pid,
        pipes,
        spec["argv"][0],
        lambda first: _tell(status, pid=first),
        lambda: _kill_descendants(pid),
        stopping,
    )
    own = _wait(pid)
    if failure is not None and not stopping:
        _tell(status, failed=str(failure), code=failure.code)
        code = failure.code
    os.close(status)
    return own if code is None else code


def _hold_tree(root: Mapping[str, Any]) -> None:
    """Say that a working tree is in use until every process of the container has ended."""
    if "busy" in root:
        fcntl.flock(os.open(root["busy"], os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_SH)


def _descendants() -> list[int]:
    """Every process below this one. They can't escape: orphans are adopted here."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = (
                    Path(f"/proc/{name}/stat")
                    .read_text(errors="replace")
                    .rpartition(")")[2]
                    .split()
                )
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    todo = [os.getpid()]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def _kill_descendants(tracer: int = 0) -> None:
    """Kill everything below; a tracer goes last, for what it traces must not outlive it."""
    found = _descendants()
    for pid in [p for p in found if p != tracer] or found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _end_descendants() -> None:
    """Kill and reap until nothing is left, also what forks while it is being killed."""
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if ended == 0:
            _kill_descendants()
            os.waitpid(-1, 0)


# --- in the container's first process -----------------------------------------------------------


def _become(
    spec: Mapping[str, Any],
    streams: tuple[int, int, int],
    status: int,
    pipes: proot.Pipes | None,
) -> NoReturn:
    code = 125
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        _forget_signals()
        os.umask(0o022)
        if pipes is not None:
            proot.become(spec, pipes, {"PATH": _DEFAULT_PATH})
        _enter(spec)
    except CannotStartError as error:
        code = error.code
        _tell(status, failed=str(error), code=code)
    except UnknownAccountError as error:
        _tell(status, failed=str(error), code=code)
    except OSError as error:
        _tell(status, failed=f"cannot set up the container: {error}", code=code)
    finally:
        os._exit(code)


def _forget_signals() -> None:
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            try:
                signal.signal(number, signal.SIG_DFL)
            except OSError:
                continue
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _enter(spec: Mapping[str, Any]) -> NoReturn:
    one_uid = spec["rung"] == "oneuid"
    kernel.die_with_parent(0)
    namespaces.enter_root(spec, user_namespace=one_uid)
    if spec["probe"]:
        probe.check(overlay="lower" in spec["root"])
        os._exit(0)
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    account = look_up(root, spec["user"])
    make_directories(root, spec["cwd"])
    os.close(root)
    try:
        os.chdir(spec["cwd"])
    except OSError as error:
        raise CannotStartError(f"chdir to cwd ({spec['cwd']!r}): {error.strerror}", 126) from error
    environment = {"PATH": _DEFAULT_PATH, "HOME": account.home, **spec["env"]}
    program = find_program(spec["argv"][0], environment["PATH"], os.stat)
    if one_uid:
        filters.install(filters.pretend_root())
    else:
        kernel.drop_bounding_capabilities(namespaces.KEPT_CAPABILITIES)
        _switch_user(account)
    _exec(program, spec["argv"], environment)


def _switch_user(account: Account) -> None:
    os.setgroups(account.groups)
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    kernel.die_with_parent(0)


def _exec(program: str, argv: list[str], environment: Mapping[str, str]) -> NoReturn:
    try:
        os.execve(program, argv, environment)  # noqa: S606 - a program, without a shell on purpose
    except OSError as error:
        raise cannot_execute(program, error.errno or 0) from error
