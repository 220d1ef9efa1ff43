"""Volumes: directories that outlive containers.

ROOT/volumes/NAME/_data         what containers see
ROOT/volumes/NAME/volume.json   when it was made, its labels, and the session it goes with, if any
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ....errors import ConflictError, NotFoundError, RunError, UsageError
from ....oci.tree import Node, Tree
from ...containers import VolumeSummary
from ...run_request import Volume
from ..archives.rootfs import merged
from ..building.state import now, parse_time
from ..storage import deputy
from ..storage.container_records import ContainerRow
from ..storage.mapped import facts_of
from ..storage.record import ChunkReader, archive
from ..storage.store import Store, remove_tree
from ..storage.unpack import set_metadata, unpack

__all__ = ["Volumes"]

_ANONYMOUS = "com.docker.volume.anonymous"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_DATA, _FACTS = "_data", "volume.json"


class Volumes:
    """The volumes of a store.

    Args:
        store: where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._parent = store.root / "volumes"

    # --- verbs ---

    def all(self) -> list[VolumeSummary]:
        """See `ContainerVerbs.volumes`."""
        names = sorted(os.listdir(self._parent)) if self._parent.is_dir() else []
        return [each for name in names if (each := self._read(name)) is not None]

    def find(self, name: str) -> VolumeSummary:
        """See `ContainerVerbs.volume`."""
        found = self._read(name) if _NAME.fullmatch(name) else None
        if found is None:
            raise NotFoundError(f"get {name}: no such volume")
        return found

    def create(self, name: str, labels: Mapping[str, str], *, session: str = "") -> VolumeSummary:
        """See `ContainerVerbs.create_volume`; one of a session goes with it, if not before."""
        if not name:
            name, labels = secrets.token_hex(32), {**labels, _ANONYMOUS: ""}
        if not _NAME.fullmatch(name):
            raise UsageError(
                f'create {name}: "{name}" includes invalid characters for a local volume name, '
                'only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host '
                "directory, use absolute path"
            )
        known = self._read(name)
        if known is not None:
            return known
        with self._store.writing("the volume"):
            directory = self._parent / name
            (directory / _DATA).mkdir(parents=True, exist_ok=True)
            (directory / _DATA).chmod(0o755)  # As Docker's, whatever the umask.
            partial = directory / f"{_FACTS}.{secrets.token_hex(4)}"
            facts = {"created": now(), "labels": dict(labels), "session": session}
            partial.write_text(json.dumps(facts))
            partial.replace(directory / _FACTS)
        return self.find(name)

    def remove(self, name: str, *, force: bool) -> None:
        """See `ContainerVerbs.remove_volume`."""
        try:
            self.find(name)
        except NotFoundError:
            if force:
                return
            raise
        users = [row.id for row in self._store.containers.all() if name in _names(row)]
        if users:
            raise ConflictError(f"remove {name}: volume is in use - [{', '.join(sorted(users))}]")
        remove_tree(self._parent / name)

    def prune(self, *, every: bool) -> tuple[tuple[str, ...], int]:
        """See `ContainerVerbs.prune_volumes`."""
        used = self._used()
        gone = [
            volume
            for volume in self.all()
            if volume.name not in used and (every or _ANONYMOUS in volume.labels)
        ]
        freed = sum(_size(Path(volume.mountpoint)) for volume in gone)
        for volume in gone:
            remove_tree(self._parent / volume.name)
        return tuple(volume.name for volume in gone), freed

    # --- for containers ---

    def mounts(
        self, asked: Iterable[Volume], tree: Tree, *, transient: bool
    ) -> list[dict[str, Any]]:
        """The volumes of a new container, made where they are missing, as inspect's `Mounts`.

        Args:
            asked: what it is to have.
            tree: its image's; an empty volume gets what is at its place there.
            transient: whether those without a name go with this engine's session.

        Raises:
            RunError: the image has a file there.
        """
        session = self._store.session.name if transient else ""
        found: list[dict[str, Any]] = []
        try:
            for each in asked:
                node = _directory(each, tree)
                volume = self.create(each.name, {}, session="" if each.name else session)
                found.append(
                    {
                        "Type": "volume",
                        "Name": volume.name,
                        "Source": volume.mountpoint,
                        "Destination": each.target,
                        "Driver": volume.driver,
                        "Mode": _mode(each),
                        "RW": not each.read_only,
                    }
                )
                if each.copy and node is not None:
                    self._fill(Path(volume.mountpoint), node)
        except BaseException:
            self.drop_nameless(found)
            raise
        return found

    def drop_nameless(self, mounts: Iterable[Mapping[str, Any]]) -> None:
        """Delete the volumes that a container, which is gone, had without naming them."""
        nameless = {
            mount["Name"] for mount in mounts if mount["Type"] == "volume" and not mount["Mode"]
        }
        for name in nameless - self._used():
            remove_tree(self._parent / name)

    def sweep(self) -> None:
        """Delete the volumes of sessions whose engines were killed."""
        names = os.listdir(self._parent) if self._parent.is_dir() else []
        used = self._used()
        for name in names:
            session = self._facts(name).get("session")
            ended = session and not (self._store.session.parent / session).exists()
            if ended and name not in used:
                with suppress(OSError):  # Its container is being killed, and writes to it still.
                    remove_tree(self._parent / name)

    def _used(self) -> set[str]:
        return {name for row in self._store.containers.all() for name in _names(row)}

    def _read(self, name: str) -> VolumeSummary | None:
        facts = self._facts(name)
        if not facts:
            return None
        data = str(self._parent / name / _DATA)
        return VolumeSummary(name, data, parse_time(facts["created"]), labels=facts["labels"])

    def _facts(self, name: str) -> Mapping[str, Any]:
        try:
            return dict(json.loads((self._parent / name / _FACTS).read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def _fill(self, data: Path, node: Node) -> None:
        """Make an empty volume what an image's directory is, owner and mode included."""
        if not _is_empty(data):
            return
        tree, holding = Tree(node), self._store.holding
        with self._store.writing("the volume"), self._store.scratch() as scratch:
            unpack(ChunkReader(archive(merged(self._store, tree))).read, scratch, holding)
            made = scratch / "fs"
            set_metadata(os.fspath(made), node.entry, holding)
            made.replace(data)
            if holding.mapped:
                deputy.give(data, facts_of(tree))


def _mode(asked: Volume) -> str:
    """Docker's `Mode` of a mount; only a volume without a name has none."""
    if not asked.name:
        return ""
    return "ro" if asked.read_only else "z"


def _directory(asked: Volume, tree: Tree) -> Node | None:
    """What an image has at a volume's place, if anything.

    Raises:
        RunError: a file.
    """
    _, node = tree.resolve(asked.target)
    if node is None or node.is_directory:
        return node
    words = f"cannot mount volume over existing file, file exists {asked.target}"
    if asked.name:
        words = f"source {asked.target} is not directory"
    raise RunError(words, returncode=125)


def _is_empty(data: Path) -> bool:
    try:
        return not any(data.iterdir())
    except PermissionError:  # A sub-UID's by now.
        return False


def _names(row: ContainerRow) -> Sequence[str]:
    return [mount["Name"] for mount in row.detail["Mounts"] if mount["Type"] == "volume"]


def _size(directory: Path) -> int:
    """Bytes of the files in a directory, as far as it can be looked into."""
    found = 0
    for parent, _, files in os.walk(directory):
        found += sum(os.lstat(os.path.join(parent, name)).st_size for name in files)
    return found
