"""Debian packages for tests, made byte by byte (deb(5)) so that they can hold anything."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["entry", "write_package"]


def entry(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **fields: object):
    """A tar member and its content; `fields` are those of tarfile.TarInfo."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, len(content)
    member.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    for field, value in fields.items():
        setattr(member, field, value)
    return member, content


def _tar(entries: Sequence[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for member, content in entries:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def write_package(
    folder: Path, name: str, entries: Sequence[tuple[tarfile.TarInfo, bytes]]
) -> Path:
    """Write `NAME_1_all.deb` with these files."""
    control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: t <t@t.invalid>\n"
    control += "Description: test\n"
    members = {
        "debian-binary": b"2.0\n",
        "control.tar": _tar([entry("./control", content=control.encode())]),
        "data.tar": _tar(entries),
    }
    path = folder / f"{name}_1_all.deb"
    with path.open("wb") as file:
        file.write(b"!<arch>\n")
        for member, content in members.items():
            file.write(f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode())
            file.write(content + b"\n" * (len(content) % 2))
    return path
