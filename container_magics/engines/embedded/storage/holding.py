"""How a store's directories hold what layers say: the file system facts behind snapshots."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["OPAQUE_VALUE", "Holding"]

OPAQUE_VALUE = b"y"


@dataclass(frozen=True, slots=True)
class Holding:
    """What the files of a layer's directory carry, by the privilege they were written under.

    Layers written under one kind are not read under another, since their trees differ.

    Attributes:
        kind: one of four.

            - `true`: owners, modes and device nodes are real (rung `root`).
            - `bare`: the same without overlayfs' marks, which need CAP_SYS_ADMIN (rung `chroot`).
            - `mapped`: owners and modes are real to a user namespace with sub-UIDs; what is being
              worked on belongs to the user meanwhile (rung `subuid`, see `mapped`).
            - `user`: files belong to one ordinary user, modes keep them readable to that user, and
              owners live in the header stream and in records (`launcher.owners`).
        listened: whether containers have a listener that makes such records.
    """

    kind: str
    listened: bool = False

    @property
    def true_owners(self) -> bool:
        """Whether files have real owners, modes and devices when this process writes them."""
        return self.kind in ("true", "bare")

    @property
    def mapped(self) -> bool:
        """Whether files of a layer are given to sub-UIDs once they are written."""
        return self.kind == "mapped"

    @property
    def keeps_records(self) -> bool:
        """Whether files carry a record of what they can't have (`launcher.owners`)."""
        return self.kind == "user"

    @property
    def opaque_xattr(self) -> str:
        """The attribute by which overlayfs knows an opaque directory in this kind of tree."""
        return "trusted.overlay.opaque" if self.true_owners else "user.overlay.opaque"

    def mark_whiteout(self, path: Path | str) -> None:
        """Hide a lower file: a character device 0/0, which overlayfs reads as a whiteout.

        Where such a node can't be made (on an overlayfs, say), overlayfs can't be mounted either:
        choosing a rung has tried both. The header stream holds the whiteout anyway.
        """
        with suppress(PermissionError):
            os.mknod(path, 0o020000, os.makedev(0, 0))

    def mark_opaque(self, path: Path | str) -> None:
        """Hide all that lower layers have in a directory; as for whiteouts, where it can be."""
        try:
            os.setxattr(path, self.opaque_xattr, OPAQUE_VALUE)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP):
                raise
