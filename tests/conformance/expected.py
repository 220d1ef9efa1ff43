"""The image that a case's expectation describes."""

from __future__ import annotations

import copy
import hashlib
import stat
from collections.abc import Mapping
from pathlib import PurePosixPath

from .compare import UNSTATED
from .contexts import NOW, Directory, HardLink, Item, Link, Plain, Special
from .model import Expected
from .saved import File, SavedImage

__all__ = ["expected_image"]

WITHOUT_LAYER = {
    "ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "SHELL",
    "STOPSIGNAL", "USER", "VOLUME",
}  # fmt: skip


def expected_image(expected: Expected, base: SavedImage) -> SavedImage:
    """The base with what is expected on top; of layers nothing is said."""
    image = copy.deepcopy(base)
    _change(image.files, expected.files)
    image.config["config"] = {**(image.config.get("config") or {}), **expected.config}
    image.config["history"] = [
        *(image.config.get("history") or ()),
        *(
            {
                "created_by": text,
                "comment": "buildkit.dockerfile.v0",
                **_empty_layer(text),
            }
            for text in expected.history
        ),
    ]
    image.layers = None
    return image


def _empty_layer(text: str) -> dict[str, object]:
    if text == UNSTATED:
        return {"empty_layer": UNSTATED}
    return {"empty_layer": True} if text.split(" ", maxsplit=1)[0] in WITHOUT_LAYER else {}


def _change(files: dict[str, File], changes: Mapping[str, Item | None]) -> None:
    for path, given in changes.items():
        for gone in [p for p in files if given is None and f"{p}/".startswith(f"{path}/")]:
            del files[gone]
        if given is None:
            continue
        for parent in PurePosixPath(path).parents:
            if parent.name:
                files.setdefault(str(parent), File(stat.S_IFDIR | 0o755, 0, 0, NOW))
        files[path] = files[given.target] if isinstance(given, HardLink) else _file(given)


def _file(item: str | bytes | Plain | Directory | Link | Special) -> File:
    if isinstance(item, (str, bytes)):
        item = Plain(item)
    if isinstance(item, Link):
        return File(stat.S_IFLNK | 0o777, item.uid, item.gid, item.mtime, link=item.target)
    if isinstance(item, Special):
        return File(item.mode, item.uid, item.gid, item.mtime, device=item.device)
    xattrs = {name: value.hex() for name, value in item.xattrs.items()}
    if isinstance(item, Directory):
        mode = stat.S_IFDIR | item.mode
        return File(mode, item.uid, item.gid, item.mtime, xattrs=xattrs)
    data = item.content.encode() if isinstance(item.content, str) else item.content
    return File(
        stat.S_IFREG | item.mode,
        item.uid,
        item.gid,
        item.mtime,
        size=len(data),
        digest=hashlib.sha256(data).hexdigest(),
        xattrs=xattrs,
    )
