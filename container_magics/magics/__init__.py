"""`%docker`, `%%docker`, `%%dockerfile` in IPython.

words        a line as a shell reads it, expanded from the notebook
refusals     what only a shell can do
docker       the magics
interruption what an interrupted cell says
statements   showing a value once where a magic is a statement
completion   verbs, flags and names at the Tab key
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]

_completed: WeakSet[InteractiveShell] = WeakSet()
"""Shells that have the completion hook, which IPython cannot take out again."""


def load(shell: InteractiveShell) -> None:
    """Register the magics in a shell; loading again is harmless."""
    from ..commands.session import current
    from .completion import COMPLETED_LINES, complete
    from .docker import DockerMagics
    from .statements import ShowStatements

    unload(shell)
    shell.register_magics(DockerMagics(shell, current()))
    shell.ast_transformers.append(ShowStatements())
    if shell not in _completed:
        _completed.add(shell)
        shell.set_hook("complete_command", complete, re_key=COMPLETED_LINES)  # type: ignore[no-untyped-call]


def unload(shell: InteractiveShell) -> None:
    """Take the magics out again and close the engine."""
    from ..commands.session import end_current
    from .statements import NAMES, ShowStatements

    if shell.magics_manager.registry.pop("DockerMagics", None) is not None:
        end_current()
    for kind, names in (("line", NAMES), ("cell", NAMES)):
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    shell.ast_transformers = [
        each for each in shell.ast_transformers if not isinstance(each, ShowStatements)
    ]
