"""Which instruction made which layer, in the words of the Dockerfile."""

from __future__ import annotations

import re

from ..engines.images import HistoryEntry, Image

__all__ = ["instruction", "layer_instructions"]

_NOP = re.compile(r"^/bin/sh -c #\(nop\)\s+")
_BUILD_ARGS = re.compile(r"^(?:RUN )?\|\d+ (?:[A-Za-z_][A-Za-z0-9_]*=\S* )*")
_BUILDKIT = " # buildkit"


def instruction(entry: HistoryEntry) -> str:
    """A history row as a person wrote it: `RUN apt-get update`, without the builders' wrapping.

    Rows of the classic builder begin with `/bin/sh -c #(nop)` or the shell itself, BuildKit's end
    in `# buildkit`; a row without text is told by its comment, such as `Imported from -`.
    """
    text = entry.created_by.removesuffix(_BUILDKIT)
    if _NOP.match(text):
        return _NOP.sub("", text).strip()
    text = _BUILD_ARGS.sub(lambda match: "RUN " if match[0].startswith("RUN ") else "", text)
    shell = text.removeprefix("RUN ").startswith("/bin/sh -c ")
    if shell:
        return f"RUN {text.removeprefix('RUN ').removeprefix('/bin/sh -c ').strip()}"
    return text.strip() or entry.comment.strip() or "unknown"


def layer_instructions(image: Image) -> list[str]:
    """One for each layer, lowest first; `unknown` where the history has none for it."""
    made = [instruction(entry) for entry in image.history if not entry.empty_layer]
    made = made[: len(image.layers)]
    return made + ["unknown"] * (len(image.layers) - len(made))
