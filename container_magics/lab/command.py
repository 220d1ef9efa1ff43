"""`container-magics lab`: base images where no registry can be reached."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from ..engines.base import Engine
from ..engines.events import EngineEvent, Message, PullProgress, Vertex, VertexWarning
from ..engines.follow import follow
from ..errors import ContainerMagicsError
from ..reference import parse
from .aliases import stand_ins, stood_in_for
from .prepare import find, prepare

__all__ = ["main"]

_STEP_WIDTH = 90


def main(arguments: Sequence[str], engine_factory: Callable[[str], Engine]) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: what follows `container-magics lab`.
        engine_factory: opens the engine of a context; "" is the one people would get anyway.
    """
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as exit_request:
        return int(exit_request.code or 0)
    try:
        engine = engine_factory(options.engine)
        try:
            if options.verb == "ls":
                _list(engine)
            else:
                _prepare(engine, options.names)
        finally:
            engine.close()
    except ContainerMagicsError as error:
        print(f"container-magics lab: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("container-magics lab: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="container-magics lab",
        description="Base images: pulled where a registry answers, else made from this machine's "
        "Debian packages as stand-ins that say so.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    prepare_parser = verbs.add_parser("prepare", help="see to it that base images are there")
    prepare_parser.add_argument(
        "names", nargs="*", metavar="NAME", help="upstream names; none is all of them"
    )
    list_parser = verbs.add_parser("ls", help="list the stand-ins, and what is there")
    for each in (prepare_parser, list_parser):
        each.add_argument("--engine", default="", metavar="CONTEXT", help="context to use")
    return parser


def _prepare(engine: Engine, names: Sequence[str]) -> None:
    progress = _Progress()
    following = follow(lambda emit, cancel: prepare(engine, names, emit, cancel))
    for event in following:
        if event is not None:
            progress.show(event)
    for prepared in following.result:
        image = prepared.image
        stands_in = stood_in_for(image.names, image.labels)
        note = " (a stand-in)" if stands_in else ""
        print(f"{prepared.upstream}: {prepared.how}{note}, {image.size / 1e6:.4g} MB")


class _Progress:
    """Events as lines: steps as they begin and end; their output is in the error, if any."""

    def __init__(self) -> None:
        self._shown: set[tuple[str, bool]] = set()

    def show(self, event: EngineEvent) -> None:
        if isinstance(event, Message):
            _say(event.text)
        elif isinstance(event, PullProgress) and not event.total:
            _say(f"{event.layer}: {event.status}")
        elif isinstance(event, VertexWarning):
            _say(f"  warning: {event.message}")
        elif isinstance(event, Vertex):
            self._step(event)

    def _step(self, vertex: Vertex) -> None:
        name = " ".join(vertex.name.split())[:_STEP_WIDTH]
        if vertex.completed is not None and not vertex.error:
            took = vertex.completed - (vertex.started or vertex.completed)
            self._once(f"  {name}: " + ("cached" if vertex.cached else f"{took:.1f} s"), vertex)
        elif vertex.started is not None:
            self._once(f"  {name}", vertex)

    def _once(self, line: str, vertex: Vertex) -> None:
        """An engine sends a vertex again for news that a line does not show."""
        state = (vertex.digest, vertex.completed is not None)
        if state not in self._shown:
            self._shown.add(state)
            _say(line)


def _say(text: str) -> None:
    """Print lines; control characters from logs and registries never reach the terminal."""
    for line in text.splitlines():
        print("".join(c if c.isprintable() else " " for c in line), flush=True)


def _list(engine: Engine) -> None:
    rows = [("UPSTREAM", "STATUS", "STAND-IN")]
    for image in stand_ins():
        found = find(engine, image)
        status = "-"
        if found:
            stands_in = stood_in_for(found[1].names, found[1].labels)
            status = "stand-in" if stands_in else "present"
        rows.append((parse(image.upstream).familiar, status, f"{image.name}: {image.summary}"))
    widths = [max(len(row[column]) for row in rows) + 3 for column in range(2)]
    for upstream, status, summary in rows:
        print(upstream.ljust(widths[0]) + status.ljust(widths[1]) + summary)
