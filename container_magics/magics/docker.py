"""`%docker`, `%%docker` and `%%dockerfile`."""

from __future__ import annotations

import io
from collections import ChainMap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.magic import (
    Magics,
    cell_magic,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)

from ..commands.session import Session
from ..errors import ContainerMagicsError, UsageError
from .interruption import Interrupted
from .secrets import check_password
from .words import continue_line, expand, parse, split

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..commands.call import Command
    from ..commands.dispatch import Resolved
    from ..commands.surface import Surface
    from ..engines.images import Image

__all__ = ["DockerMagics"]


@magics_class
class DockerMagics(Magics):
    """The docker magics of one shell.

    Args:
        shell: the shell.
        session: holds the engine.
    """

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self.session = session

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def docker(
        self, line: str, cell: str | None = None, local_ns: Mapping[str, object] | None = None
    ) -> object:
        """Docker's command line: `%docker VERB …`; in `%%docker` the cell is its standard input.

        The line is split as a shell splits it. In its words `{name}` and `$name` are variables
        of the notebook (`$name` also of the environment), a word that is exactly `{names}` and
        holds a list becomes several words, `{{.ID}}` is left alone, and nothing is expanded in
        'single quotes': that is where `$1` and `|` for the container's own shell go.

        `%docker --help` lists the verbs, `%docker VERB --help` the flags of one. A failure
        stops the notebook; `--no-raise-error` before the verb prints it and goes on.
        """
        from ..commands.dispatch import resolve

        if cell is not None:
            line, cell = continue_line(line, cell)
        written = split(line)
        namespace = self._namespace(local_ns)
        check_password(written, namespace)
        words = expand(written, namespace)
        return self._perform(resolve(words, _extra()), cell or None)

    @no_var_expand
    @needs_local_scope
    @cell_magic
    def dockerfile(
        self, line: str, cell: str, local_ns: Mapping[str, object] | None = None
    ) -> object:
        """Build the Dockerfile in the cell: `%%dockerfile [flags of docker build] [CONTEXT]`.

        The context is the present folder unless named. `--as NAME` binds the image to a
        variable, `--write PATH` also saves the cell, `--no-raise-error` goes on after a failure;
        `%%dockerfile --help` lists the other flags, and `%docker?` says how words are read.
        """
        from ..commands.building.build import build_cell
        from ..commands.dispatch import Resolved

        line, cell = continue_line(line, cell)
        words = parse(line, self._namespace(local_ns))
        command = build_cell(cell, self._bind)
        extra = _extra()
        return self._perform(
            Resolved(command, command.grammar.parse(words, extra), "", extra), None
        )

    @no_var_expand
    @needs_local_scope
    @line_magic
    def layers(self, line: str, local_ns: Mapping[str, object] | None = None) -> object:
        """Show what each layer of an image or container holds: `%layers IMAGE`.

        Words are read as `%docker` reads them; `%layers --help` lists the flags.
        """
        from ..commands.layers import LAYERS

        return self._view(LAYERS, line, local_ns)

    @no_var_expand
    @needs_local_scope
    @line_magic
    def compare(self, line: str, local_ns: Mapping[str, object] | None = None) -> object:
        """Compare images: sizes, bytes to pull, shells and packages, cost: `%compare A B C`.

        Words are read as `%docker` reads them: `%compare {names}` takes a list. `%compare --help`
        lists the flags.
        """
        from ..commands.compare import COMPARE

        return self._view(COMPARE, line, local_ns)

    @no_var_expand
    @needs_local_scope
    @line_magic
    def containers(self, line: str, local_ns: Mapping[str, object] | None = None) -> object:
        """Watch containers in a live table with buttons: `%containers`, with `-a` all of them.

        Words are read as `%docker` reads them; `%containers --help` lists the flags.
        """
        from ..commands.containers.table import CONTAINERS

        return self._view(CONTAINERS, line, local_ns)

    def _view(self, command: Command, line: str, local_ns: Mapping[str, object] | None) -> object:
        from ..commands.dispatch import Resolved

        extra = _extra()
        words = parse(line, self._namespace(local_ns))
        return self._perform(
            Resolved(command, command.grammar.parse(words, extra), "", extra), None
        )

    def show(self, value: object) -> None:
        """Show the value of a command that is a statement, where it was not shown while it ran."""
        from ..commands.results import SHOWN

        if isinstance(value, SHOWN):
            from IPython.display import display

            display(value)  # type: ignore[no-untyped-call]

    def _namespace(self, local_ns: Mapping[str, object] | None) -> Mapping[str, object]:
        return ChainMap(dict(local_ns or {}), self._shell.user_ns)

    @property
    def _shell(self) -> InteractiveShell:
        shell: Any = self.shell
        return shell  # type: ignore[no-any-return]

    def _bind(self, name: str, image: Image | None) -> None:
        self._shell.user_ns[name] = image

    def _surface(self) -> Surface:
        from ..commands.notebook import surface_here

        return surface_here()

    def _perform(self, resolved: Resolved, body: str | None) -> object:
        from ..commands.call import Call

        lenient = resolved.arguments.given("no-raise-error") and resolved.arguments.on(
            "no-raise-error"
        )
        surface = self._surface()
        stdin = io.BytesIO(body.encode()) if body is not None else None
        session = self.session
        if resolved.context:
            session = Session(resolved.context)
        call = Call(session, surface, stdin, lenient)
        resolved.check_input(call)
        try:
            return resolved.run(call)
        except UsageError:
            raise
        except KeyboardInterrupt:
            raise Interrupted(resolved.command.grammar.verb) from None
        except ContainerMagicsError as error:
            if not lenient:
                raise
            surface.write("\n".join(error._render_traceback_()) + "\n", 2)
            return None
        finally:
            if session is not self.session:
                session.close()


def _extra() -> tuple[Any, ...]:
    from ..commands.grammar import Flag

    return (Flag("no-raise-error", "print a failure and go on, instead of stopping the notebook"),)
