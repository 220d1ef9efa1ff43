"""What a build of the embedded engine put into its image, as plain values."""

from __future__ import annotations

import stat
from pathlib import Path

from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.results import BuildResult
from container_magics.oci.entries import Entry
from container_magics.oci.tree import Tree
from tests.fixtures.embedding import Heard, build

__all__ = ["again", "entries", "entries_of", "files", "last_layer", "made", "put"]


def put(context: Path, *names: str) -> Path:
    """Files in a context, each with its own name as content."""
    for name in names:
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")
    return context


def entries(engine: EmbeddedEngine, image: str) -> dict[str, Entry]:
    """Every path of an image and its entry."""
    tree = Tree()
    for layer in engine.contents(image).layers:
        tree = tree.apply(layer, layer.records())
    return {path: node.entry for path, node in tree.walk()}


def files(engine: EmbeddedEngine, image: str) -> dict[str, str]:
    """Every regular file of an image and its content; `-> target` for a symlink."""
    tree = Tree()
    for layer in engine.contents(image).layers:
        tree = tree.apply(layer, layer.records())
    found = {}
    for path, node in tree.walk():
        if node.is_symlink:
            found[path] = f"-> {node.entry.link}"
        elif node.entry.kind == stat.S_IFREG:
            with node.layer.open(node.place) as file:
                found[path] = file.read().decode("utf-8", "replace").rstrip("\n")
    return found


def last_layer(engine: EmbeddedEngine, image: str) -> dict[str, Entry]:
    """What the topmost layer alone has."""
    return {entry.path: entry for entry, _ in engine.contents(image).layers[-1].records()}


def made(engine: EmbeddedEngine, dockerfile: str, context: Path | None = None) -> dict[str, str]:
    """The files of what a Dockerfile gives."""
    return files(engine, build(engine, dockerfile, context=context).image.id)


def entries_of(
    engine: EmbeddedEngine, dockerfile: str, context: Path | None = None
) -> dict[str, Entry]:
    """The entries of what a Dockerfile gives."""
    return entries(engine, build(engine, dockerfile, context=context).image.id)


def again(engine: EmbeddedEngine, text: str, **more: object) -> tuple[BuildResult, list[str]]:
    """Build, and the steps that were not cached."""
    heard = Heard()
    result = build(engine, text, heard, **more)
    return result, [name for name, vertex in heard.last.items() if not vertex.cached]
