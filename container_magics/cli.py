"""`container-magics VERB …`: the docker verbs in a terminal, our views, `doctor` and `lab`.

Exit codes are docker's: the command's own of `run`, 125 where the command line or the engine
failed it, 126 and 127 where it could not start, 1 for other failures, 130 after Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .errors import ContainerMagicsError, RunError

if TYPE_CHECKING:
    from .commands.session import Session

__all__ = ["main"]

_ENGINE_FAILED = 125
_LOOKING = ("layers", "compare")
_OWN = """
Beside docker's verbs:

  layers          Show what each layer of an image holds and what is wasted
  compare         Compare images: size, bytes to pull, what is there for an intruder, cost
  doctor          Say which engine and which isolation were chosen, and why not the others
  lab             Prepare base images where no registry can be reached"""
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after `container-magics`; those of this process unless given.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(words)
        sys.stdout.flush()
    except RunError as error:
        if error.returncode in (125, 126, 127) or error.hint:
            _complain(error)
        code = error.exit_code
    except ContainerMagicsError as error:
        _complain(error)
        code = error.exit_code
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    return code


def _complain(error: ContainerMagicsError) -> None:
    from .views.text import visible

    for number, line in enumerate(str(error).splitlines()):
        prefix = "" if number else "container-magics: "
        print(prefix + visible(line, limit=2000), file=sys.stderr)


def _run(words: list[str]) -> int:
    context, rest = _context(words)
    verb = rest[0] if rest else ""
    if rest in ([], ["--help"], ["-h"], ["help"]):
        from .commands.dispatch import overview

        print(f"{overview()}\n{_OWN}")
        return 0
    from .commands.session import Session

    session = Session(context or "auto")
    try:
        if verb == "lab":
            from .lab.command import main as lab

            return lab(rest[1:], lambda name: Session(name or context or "auto").engine)
        if verb == "doctor":
            from .commands.doctor import diagnosis

            print(diagnosis(session))
            return 0
        if verb in _LOOKING:
            return _look(verb, rest[1:], session)
        return _docker(rest, session)
    finally:
        session.close()


def _context(words: list[str]) -> tuple[str, list[str]]:
    """Take `--context NAME` and `-c NAME` off the front."""
    from .errors import UsageError

    if not words or words[0].partition("=")[0] not in ("--context", "-c"):
        return "", words
    _, equals, value = words[0].partition("=")
    if equals:
        return value, words[1:]
    if len(words) < 2:
        raise UsageError(f"flag needs an argument: {words[0]}")
    return words[1], words[2:]


def _look(verb: str, words: list[str], session: Session) -> int:
    """Our own views, as text."""
    from importlib import import_module

    from .commands.call import Call
    from .commands.dispatch import Resolved
    from .commands.terminal import TerminalSurface

    command = getattr(import_module(f".commands.{verb}", __package__), verb.upper())
    resolved = Resolved(command, command.grammar.parse(words))
    print(resolved.run(Call(session, TerminalSurface())))
    return 0


def _docker(words: list[str], session: Session) -> int:
    from .commands.call import Call
    from .commands.containers.run import RUN
    from .commands.dispatch import resolve
    from .commands.results import SHOWN
    from .commands.terminal import TerminalSurface

    resolved = resolve(words)
    try:
        value = resolved.run(Call(session, TerminalSurface(), sys.stdin.buffer))
    except RunError:
        raise
    except ContainerMagicsError as error:
        if resolved.command is not RUN:
            raise
        _complain(error)
        return _ENGINE_FAILED
    if isinstance(value, SHOWN) and (text := str(value)):
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
