"""The root file system of the base stand-in, from Debian packages, as any user.

    this machine's apt ──► .deb files ──► rootfs.tar ──► ADD, then RUN configure.sh
       (packages.py)                     (this module)       (images/ubuntu/)

The tar holds every package's files with the owners and modes of the package's own tar, never
extracted by a user who could not keep them, on a merged /usr; the .deb files themselves in
`/bootstrap`, for dpkg to install in a RUN of the image's Dockerfile, on any rung of isolation;
and the apt configuration of the finished image. The same packages give the same bytes.

What the image takes over from this machine: the Debian archives of its apt sources, so that
`RUN apt-get update && apt-get install -y curl` works in it, and the proxies and the checks of
dates that its apt is configured with. A proxy whose URL holds a password is left out.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from ..engines.events import Cancellation, Emit, Message
from ..errors import CorruptArchiveError
from .aliases import BASE
from .packages import Packages, fetch

__all__ = ["bootstrap", "write_root"]

_WANTED = ("?essential", "apt", "?exact-name(usr-is-merged)")
_MERGED = ("bin", "sbin", "lib")
_WITH_LIB64 = {"amd64", "loong64", "ppc64el"}
_KEYRINGS = tuple(
    f"usr/share/keyrings/debian-archive-keyring.{ending}" for ending in ("gpg", "pgp")
)
_APT_CONF = """\
// Some rungs of isolation have one user only, and chown there only seems to succeed.
APT::Sandbox::User "root";
// As in Docker's own Debian images: small layers.
APT::Keep-Downloaded-Packages "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::GzipIndexes "true";
Acquire::Languages "none";
"""
_POLICY = "#!/bin/sh\n# No service is started in a container.\nexit 101\n"


def bootstrap(directory: Path, cache: Path, emit: Emit, cancel: Cancellation) -> None:
    """Make the base stand-in's build context.

    Args:
        directory: where `rootfs.tar` and the files of the image's Dockerfile go.
        cache: folder for package lists and packages, kept for the next time.
        emit: gets a message for each thing fetched.
        cancel: ends apt.

    Raises:
        FetchError: the packages cannot be had here.
        CorruptArchiveError: a package holds what no Debian package holds.
    """
    wanted = list(_WANTED)
    packages = fetch(wanted, cache, emit, cancel)
    if any(source.uri.startswith("https:") for source in packages.sources):
        packages = fetch([*wanted, "ca-certificates"], cache, emit, cancel)
    emit(Message(f"unpacking {len(packages.files)} packages"))
    shutil.copytree(BASE.directory, directory, dirs_exist_ok=True)
    with (directory / "rootfs.tar").open("wb") as target:
        write_root(packages, target)


def write_root(packages: Packages, target: BinaryIO) -> None:
    """Write the root file system as a tar; the same packages give the same bytes.

    Raises:
        CorruptArchiveError: a package holds a device node, or a path that leaves the root.
    """
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        root = _Root(archive, packages.architecture)
        base_first = sorted(
            packages.files, key=lambda path: (not path.name.startswith("base-files_"), path.name)
        )
        for package in base_first:
            root.add_package(package)
        keyring = next((f"/{name}" for name in _KEYRINGS if name in root.names), "")
        root.add_file("var/lib/dpkg/status", b"")
        root.add_file("var/lib/dpkg/available", b"")
        root.add_file("usr/sbin/policy-rc.d", _POLICY.encode(), mode=0o755)
        root.add_file("etc/dpkg/dpkg.cfg.d/container-magics", b"force-unsafe-io\n")
        settings = _APT_CONF + "".join(f"{line}\n" for line in packages.settings)
        root.add_file("etc/apt/apt.conf.d/90container-magics", settings.encode())
        stanzas = "\n".join(source.stanza(signed_by=keyring) for source in packages.sources)
        root.add_file("etc/apt/sources.list.d/debian.sources", stanzas.encode())
        root.add_directory("bootstrap")
        configure = (BASE.directory / "configure.sh").read_bytes()
        root.add_file("bootstrap/configure.sh", configure, mode=0o755)
        for package in base_first:
            root.add_file(f"bootstrap/{package.name}", package.read_bytes())


class _Root:
    """A root file system being written to a tar, with a merged /usr from its first entry on."""

    def __init__(self, archive: tarfile.TarFile, architecture: str) -> None:
        self._archive = archive
        self._merged = {*_MERGED, *(["lib64"] if architecture in _WITH_LIB64 else [])}
        self.names: set[str] = set()
        self.add_directory("usr")
        for name in sorted(self._merged):
            self.add_directory(f"usr/{name}")
            link = tarfile.TarInfo(name)
            link.type, link.linkname, link.mode = tarfile.SYMTYPE, f"usr/{name}", 0o777
            self._add(link)

    def add_directory(self, name: str) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        self._add(entry)

    def add_file(self, name: str, content: bytes, *, mode: int = 0o644) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), mode
        self._add(entry, io.BytesIO(content))

    def add_package(self, package: Path) -> None:
        """Add a package's files, keeping their owners, modes and times."""
        with _files_of(package) as files:
            for member in files:
                name = self._place(member.name, package)
                if name in self._merged or not name or (member.isdir() and name in self.names):
                    continue
                if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
                    raise CorruptArchiveError(
                        f"{package.name} holds {member.name}, which is neither a file, a "
                        "directory nor a link: no Debian package has that."
                    )
                member.name = name
                if member.islnk():
                    member.linkname = self._place(member.linkname, package)
                self._add(member, files.extractfile(member) if member.isreg() else None)

    def _place(self, name: str, package: Path) -> str:
        """Where a package's path is on a merged /usr, without a leading `./`."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise CorruptArchiveError(f"{package.name} holds {name}, which leaves the root.")
        if len(parts) > 1 and parts[0] in self._merged:
            parts.insert(0, "usr")
        return "/".join(parts)

    def _add(self, entry: tarfile.TarInfo, content: IO[bytes] | None = None) -> None:
        self.names.add(entry.name)
        self._archive.addfile(entry, content)


@contextmanager
def _files_of(package: Path) -> Iterator[tarfile.TarFile]:
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", os.fspath(package)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        damage = ""
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as files:
                yield files
        except tarfile.ReadError as error:
            damage = str(error)
        said = process.communicate()[1].decode(errors="replace").strip()
        if damage or process.returncode:
            raise CorruptArchiveError(f"{package} cannot be read: {said or damage}")
