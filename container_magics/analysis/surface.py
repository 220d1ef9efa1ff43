"""What an intruder would find in an image: shells, package managers, set-UID files, and as whom.

Facts, and no score. Programs are looked for where a shell would: in the usual directories and in
the image's own PATH, symlinks followed inside the image. Everything read is untrusted.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..oci.tree import Node, TreeLoopError
from .layer_index import LayerIndex

__all__ = ["Packages", "Program", "SpecialFile", "Surface", "attack_surface"]

_DIRECTORIES = (
    "bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin", "opt/conda/bin",
    "busybox",
)  # fmt: skip
_SHELLS = (
    "sh", "ash", "bash", "busybox", "csh", "dash", "fish", "hush", "ksh", "mksh", "pwsh", "tcsh",
    "toybox", "zsh",
)  # fmt: skip
_MANAGERS = {
    "apk": "apk", "apt": "apt", "apt-get": "apt", "aptitude": "apt", "dpkg": "dpkg", "dnf": "dnf",
    "dnf5": "dnf", "microdnf": "dnf", "yum": "yum", "rpm": "rpm", "zypper": "zypper",
    "pacman": "pacman", "opkg": "opkg", "nix-env": "nix", "conda": "conda", "mamba": "conda",
    "pip": "pip", "pip3": "pip", "pipx": "pip", "uv": "uv", "poetry": "poetry", "npm": "npm",
    "yarn": "yarn", "pnpm": "pnpm", "gem": "gem", "bundle": "gem", "cargo": "cargo",
    "composer": "composer", "luarocks": "luarocks", "cpan": "cpan",
}  # fmt: skip
_MULTICALL = ("busybox", "toybox")
_DPKG = "var/lib/dpkg/status"
_DPKG_PARTS = "var/lib/dpkg/status.d"
_APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_UNCOUNTED = {
    "rpm": (
        "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages", "var/lib/rpm/Packages.db",
        "usr/lib/sysimage/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/Packages.db",
    ),
    "pacman": ("var/lib/pacman/local",),
}  # fmt: skip
_MOST_READ = 64 << 20
_MOST_PARTS = 10_000
_ROOT = ("", "0", "root")


@dataclass(frozen=True, slots=True)
class Program:
    """An executable.

    Attributes:
        name: what it is: a shell's name, a package manager's.
        path: absolute; directories that are symlinks are followed.
        applet_of: `busybox` or `toybox` where it is a link to that.
    """

    name: str
    path: str
    applet_of: str = ""


@dataclass(frozen=True, slots=True)
class Packages:
    """How many packages an image's own databases list.

    Attributes:
        count: None where a database is there that is not counted (rpm's, one of over 64 MiB).
        database: such as `dpkg`, `apk`, `dpkg and apk`; "" where there is none.
    """

    count: int | None
    database: str


@dataclass(frozen=True, slots=True)
class SpecialFile:
    """A regular file that runs as its owner or its group.

    Attributes:
        path: absolute.
        mode: as in `stat.st_mode`.
        uid, gid: owner and group.
    """

    path: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Surface:
    """What is there for whoever gets in.

    Attributes:
        shells, package_managers: executables.
        packages: as the image's databases list them.
        set_uid, set_gid: by path; a file with both bits is in both.
        user: whom it runs as, as the configuration says; `root` where that is nobody or UID 0.
    """

    shells: tuple[Program, ...]
    package_managers: tuple[Program, ...]
    packages: Packages
    set_uid: tuple[SpecialFile, ...]
    set_gid: tuple[SpecialFile, ...]
    user: str


def attack_surface(index: LayerIndex) -> Surface:
    """Look through the merged file system of an image.

    Raises:
        StoreError: a package database cannot be read any more.
    """
    config = index.contents.image.config
    programs = dict(_programs(index, config))
    special = [
        SpecialFile(f"/{path}", node.entry.mode, node.entry.uid, node.entry.gid)
        for path, node in index.tree.walk()
        if node.entry.kind == stat.S_IFREG and node.entry.mode & (stat.S_ISUID | stat.S_ISGID)
    ]
    return Surface(
        tuple(_named(programs, {name: name for name in _SHELLS})),
        tuple(_named(programs, _MANAGERS)),
        _packages(index),
        tuple(file for file in special if file.mode & stat.S_ISUID),
        tuple(file for file in special if file.mode & stat.S_ISGID),
        _user(config),
    )


def _user(config: Mapping[str, object]) -> str:
    user = str(config.get("User") or "")
    return "root" if user.partition(":")[0] in _ROOT else user


def _programs(index: LayerIndex, config: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Path of every executable in the directories that are searched, and whose applet it is."""
    found: list[tuple[str, str, Node]] = []
    wanted = {*_SHELLS, *_MANAGERS}
    seen = set()
    for directory in (*_DIRECTORIES, *_search_path(config)):
        real, node = _resolved(index, directory)
        if node is None or node.children is None or real in seen:
            continue
        seen.add(real)
        for name in sorted(wanted & node.children.keys()):
            path = f"{real}/{name}".lstrip("/")
            program = _resolved(index, path)[1]
            if program is not None and _is_executable(program):
                found.append((path, name, program))
    multicall = {
        (program.layer, program.place): name for _, name, program in found if name in _MULTICALL
    }
    for path, name, program in found:
        whose = multicall.get((program.layer, program.place), "")
        yield f"/{path}", "" if whose == name else whose


def _is_executable(node: Node) -> bool:
    return stat.S_ISREG(node.entry.mode) and bool(node.entry.mode & 0o111)


def _search_path(config: Mapping[str, object]) -> list[str]:
    variables = config.get("Env")
    for variable in variables if isinstance(variables, list) else []:
        name, _, value = str(variable).partition("=")
        if name == "PATH":
            return [each for each in value.split(":") if each.startswith("/")][:100]
    return []


def _named(programs: Mapping[str, str], names: Mapping[str, str]) -> Iterator[Program]:
    for path, applet in programs.items():
        name = names.get(posixpath.basename(path))
        if name is not None:
            yield Program(name, path, applet)


def _resolved(index: LayerIndex, path: str) -> tuple[str, Node | None]:
    try:
        return index.tree.resolve(path)
    except TreeLoopError:
        return path, None


def _packages(index: LayerIndex) -> Packages:
    counts: dict[str, int | None] = {}
    dpkg = _file(index, _DPKG)
    parts = _resolved(index, _DPKG_PARTS)[1]
    if dpkg is not None or (parts is not None and parts.children):
        whole = _count_dpkg(index, [dpkg] if dpkg is not None else [])
        pieces = _count_dpkg(index, _status_files(index, parts))
        counts["dpkg"] = None if whole is None or pieces is None else whole + pieces
    apk = next(
        (found for found in (_file(index, path) for path in _APK) if found is not None), None
    )
    if apk is not None:
        data = _read(index, apk)
        counts["apk"] = (
            None if data is None else sum(line.startswith(b"P:") for line in data.split(b"\n"))
        )
    for name, paths in _UNCOUNTED.items():
        if any(_resolved(index, path)[1] is not None for path in paths):
            counts[name] = None
    total = 0
    for count in counts.values():
        if count is None:
            return Packages(None, " and ".join(counts))
        total += count
    return Packages(total, " and ".join(counts))


def _status_files(index: LayerIndex, directory: Node | None) -> list[Node]:
    """Distroless images have a file for each package, beside lists of checksums."""
    if directory is None:
        return []
    found = []
    for name in sorted(directory.children or {}):
        node = None if name.endswith(".md5sums") else _file(index, f"{_DPKG_PARTS}/{name}")
        if node is not None:
            found.append(node)
    return found


def _count_dpkg(index: LayerIndex, files: list[Node]) -> int | None:
    """Paragraphs of packages that are installed, not only known or removed (dpkg(1))."""
    if len(files) > _MOST_PARTS or sum(node.entry.size for node in files) > _MOST_READ:
        return None
    count = 0
    for node in files:
        data = _read(index, node)
        if data is None:
            return None
        for paragraph in data.replace(b"\r\n", b"\n").split(b"\n\n"):
            fields = dict(
                line.split(b":", 1)
                for line in paragraph.split(b"\n")
                if line.startswith((b"Package:", b"Status:"))
            )
            status = fields.get(b"Status", b"install ok installed").split()
            count += b"Package" in fields and status[-1:] == [b"installed"]
    return count


def _file(index: LayerIndex, path: str) -> Node | None:
    node = _resolved(index, path)[1]
    return node if node is not None and node.entry.kind == stat.S_IFREG else None


def _read(index: LayerIndex, node: Node) -> bytes | None:
    """A file's content; None where it is too much."""
    if node.entry.size > _MOST_READ:
        return None
    if not node.entry.size:
        return b""
    with index.contents.layers[int(str(node.layer)) - 1].open(node.place) as file:
        return file.read(_MOST_READ)
