"""Builds all cases on the rung that this process has, and leaves what came of each in a directory.

    python -m tests.conformance.build_all INPUTS OUTPUT STORE

INPUTS has `busybox.tar`, `places.json` and the inputs of each case by its name. OUTPUT gets an
archive `NAME.tar` of each image, or how the build failed as `NAME.json`. STORE is made.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from container_magics.engines.embedded.engine import EmbeddedEngine

from .building import save
from .cases import CASES
from .outcome import Failure

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Build the cases whose inputs are there."""
    inputs, output, store = map(Path, arguments)
    places = json.loads((inputs / "places.json").read_text())
    engine = EmbeddedEngine(store)
    try:
        with (inputs / "busybox.tar").open("rb") as base:
            engine.import_image(base, "busybox:test", changes=['CMD ["/bin/sh"]'])
        for case in CASES:
            archive = output / f"{case.name}.tar"
            partial = archive.with_suffix(".partial")
            with partial.open("wb") as file:
                try:
                    failure = save(engine, case.at(places), inputs / case.name, file)
                except Exception as error:  # noqa: BLE001 - a fault of ours; the others go on
                    failure = Failure((type(error).__name__,), traceback.format_exc(), 1)
            if failure:
                (output / f"{case.name}.json").write_text(json.dumps(asdict(failure)))
            else:
                partial.rename(archive)
    finally:
        engine.close()


if __name__ == "__main__":
    main(sys.argv[1:])
