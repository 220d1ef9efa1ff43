"""Layers, images and stores for the tests of the embedded engine."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from container_magics.engines.embedded.storage.holding import Holding
from container_magics.engines.embedded.storage.store import Store

KIND = "true" if os.geteuid() == 0 else "user"


@contextmanager
def opened(root: Path, kind: str = KIND):
    """A store, closed afterwards."""
    store = Store(root, Holding(kind))
    try:
        yield store
    finally:
        store.close()


def layer_tar(files: Mapping[str, bytes | str | tarfile.TarInfo | None]) -> bytes:
    """A layer: content for a file, a text for a symlink, None for a directory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in files.items():
            member = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.name = name
            member.mtime = 1_600_000_000
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
            elif content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(content, bytes):
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
                continue
            archive.addfile(member)
    return buffer.getvalue()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def image_config(*layers: bytes, **config: Any) -> dict[str, Any]:
    """A configuration for uncompressed layers; `config` is what its `config` holds."""
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2023-05-09T23:11:10Z",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        "history": [{"created_by": f"layer {number}"} for number, _ in enumerate(layers)],
    }


def docker_archive(config, layers, tags=("one:v1",), **more):
    """As Docker 1.10 to 24 wrote: a folder a layer, the second BASE a symlink to the first."""
    name = f"{hashlib.sha256(encoded(config)).hexdigest()}.json"
    files = {name: encoded(config)}
    paths, seen = [], {}
    for number, layer in enumerate(layers):
        folder = f"{number:064x}"
        files[f"{folder}/VERSION"] = b"1.0"
        files[f"{folder}/layer.tar"] = f"../{seen[layer]}/layer.tar" if layer in seen else layer
        seen.setdefault(layer, folder)
        paths.append(f"{folder}/layer.tar")
    row = {"Config": name, "RepoTags": list(tags), "Layers": paths, **more}
    files["manifest.json"] = encoded([row])
    return layer_tar(files)


def encoded(config: Mapping[str, Any]) -> bytes:
    return json.dumps(config).encode()


def left_over(store: Store) -> list[str]:
    """What unfinished work is in the store's session, and layers that no image has."""
    used = {diff for image in store.images.ids() for diff in diff_ids(store, image)}
    stray = [
        folder.name
        for folder in (store.root / "layers").iterdir()
        if not any(store.layer(d) and store.layer(d).number == int(folder.name) for d in used)
    ]
    return sorted(path.name for path in store.session.iterdir()) + stray


def diff_ids(store: Store, image: str) -> list[str]:
    return list(store.images.row(image).config["rootfs"]["diff_ids"] or ())


def contents(store: Store, image: str) -> dict[str, bytes | str | None]:
    """Paths of the merged file system, as `layer_tar` takes them."""
    from container_magics.engines.embedded.storage.content import open_content

    found: dict[str, bytes | str | None] = {}
    for path, node in store.tree([store.require_layer(d) for d in diff_ids(store, image)]).walk():
        if node.is_directory:
            found[path] = None
        elif node.is_symlink:
            found[path] = node.entry.link
        else:
            with open_content(store, node) as file:
                found[path] = file.read()
    return found
