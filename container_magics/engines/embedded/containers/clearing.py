"""What a shim runs at the end of a container that goes by itself: `-m … ROOT ID`."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from ....errors import NotFoundError
from ..engine import EmbeddedEngine

__all__ = ["main"]


def main(root: str, container: str) -> None:
    """Delete a container that has ended."""
    engine = EmbeddedEngine(Path(root))
    try:
        with suppress(NotFoundError):  # Opening the engine was enough.
            engine.remove_container(container, volumes=True)
    finally:
        engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
