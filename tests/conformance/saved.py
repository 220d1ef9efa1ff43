"""Reads an archive that `docker save` wrote: configuration, and the merged tree of the layers.

Written apart from the package on Python's `tarfile`, so that a mistake there does not hide itself.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import stat
import tarfile
from dataclasses import dataclass, field
from typing import Any

__all__ = ["File", "SavedImage", "read_layer", "read_saved"]

_KINDS = {
    tarfile.REGTYPE: stat.S_IFREG,
    tarfile.AREGTYPE: stat.S_IFREG,
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}


@dataclass(eq=False)
class File:
    """One file of an image; hard links are the same object under several paths.

    `mtime` is None in an expectation that says nothing of it.
    """

    mode: int
    uid: int
    gid: int
    mtime: int | None
    size: int = 0
    link: str = ""
    digest: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: dict[str, str] = field(default_factory=dict)


@dataclass
class SavedImage:
    """An image: its whole configuration, its files by path, the paths that each layer names.

    `layers` is None where nothing is known of them.
    """

    config: dict[str, Any]
    files: dict[str, File]
    layers: list[set[str]] | None


def read_saved(data: bytes) -> SavedImage:
    """Take the one image of an archive apart; what it says of itself must be true."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:

        def read(name: str) -> bytes:
            file = archive.extractfile(name)
            assert file is not None, name
            return file.read()

        (manifest,) = json.loads(read("manifest.json"))
        raw = read(manifest["Config"])
        config = json.loads(raw)
        files: dict[str, File] = {}
        paths = []
        diff_ids = config["rootfs"].get("diff_ids") or []
        assert len(diff_ids) == len(manifest["Layers"] or ())
        for name, diff_id in zip(manifest["Layers"] or (), diff_ids, strict=True):
            layer = read(name)
            if layer.startswith(b"\x1f\x8b"):
                layer = gzip.decompress(layer)
            assert f"sha256:{hashlib.sha256(layer).hexdigest()}" == diff_id, name
            paths.append(read_layer(files, layer))
    made = sum(not row.get("empty_layer") for row in config.get("history") or ())
    assert made == len(paths), "history rows that made a layer, and layers"
    return SavedImage(config, files, paths)


def read_layer(files: dict[str, File], layer: bytes) -> set[str]:
    """Put a layer on top of files; the paths it names, whiteouts included."""
    fresh: dict[str, File] = {}
    named = set()
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for member in archive:
            path = member.name.strip("/").removeprefix("./")
            assert ".." not in path.split("/"), path
            if path in ("", "."):
                continue
            named.add(path)
            directory, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                _drop_below(files, directory, fresh)
            elif name.startswith(".wh."):
                hidden = f"{directory}/{name[4:]}".lstrip("/")
                if hidden not in fresh:
                    files.pop(hidden, None)
                    _drop_below(files, hidden, fresh)
            else:
                if member.islnk():
                    file = fresh[member.linkname.strip("/").removeprefix("./")]
                    # Unpackers apply a link's header to the file that it links.
                    file.mode = stat.S_IFMT(file.mode) | member.mode
                    file.uid, file.gid, file.mtime = member.uid, member.gid, int(member.mtime)
                else:
                    file = _file(archive, member)
                if not stat.S_ISDIR(file.mode):
                    _drop_below(files, path, {})
                files[path] = fresh[path] = file
    return named


def _drop_below(files: dict[str, File], directory: str, kept: dict[str, File]) -> None:
    for path in [p for p in files if p.startswith(f"{directory}/") and p not in kept]:
        del files[path]


def _file(archive: tarfile.TarFile, member: tarfile.TarInfo) -> File:
    prefix = "SCHILY.xattr."
    file = File(
        _KINDS[member.type] | member.mode,
        member.uid,
        member.gid,
        int(member.mtime),
        link=member.linkname,
        xattrs={
            key.removeprefix(prefix): value.encode("utf-8", "surrogateescape").hex()
            for key, value in member.pax_headers.items()
            if key.startswith(prefix)
        },
    )
    if member.isreg():
        content = archive.extractfile(member)
        assert content is not None
        data = content.read()
        file.size, file.digest = len(data), hashlib.sha256(data).hexdigest()
    elif member.ischr() or member.isblk():
        file.device = (member.devmajor, member.devminor)
    return file
