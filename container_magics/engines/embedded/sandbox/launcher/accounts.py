"""Users and groups of an image, as `USER` and `run -u` name them."""

from __future__ import annotations

from typing import NamedTuple

from .inroot import read_in_root

__all__ = ["Account", "UnknownAccountError", "look_up", "resolve"]


class UnknownAccountError(Exception):
    """A user or group that the image's passwd or group file does not have."""


class Account(NamedTuple):
    """Who a process runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def _rows(text: str) -> list[list[str]]:
    return [line.split(":") for line in text.splitlines() if line and not line.startswith("#")]


def look_up(root: int, user: str) -> Account:
    """Resolve `user[:group]`, names or numbers; "" is root, as in Docker.

    Args:
        root: descriptor of the image's root directory.
        user: the text of a USER instruction.

    Raises:
        UnknownAccountError: a name that is not there, in Docker's words.
    """
    return resolve(user, read_in_root(root, "etc/passwd"), read_in_root(root, "etc/group"))


def resolve(user: str, passwd: str, group_file: str) -> Account:
    """The same, from the texts of the two files (passwd(5), group(5))."""
    name, _, group = user.partition(":")
    name = name or "0"
    users = _rows(passwd)
    groups = _rows(group_file)
    row = next(
        (r for r in users if len(r) >= 4 and (r[0] == name or (name.isdigit() and r[2] == name))),
        None,
    )
    if row is None and not name.isdigit():
        raise UnknownAccountError(f"unable to find user {name}: no matching entries in passwd file")
    login = row[0] if row else ""
    uid = int(row[2]) if row and row[2].isdigit() else int(name)
    gid = int(row[3]) if row and row[3].isdigit() else 0
    home = row[5] if row and len(row) > 5 and row[5] else "/"
    extra: tuple[int, ...] = ()
    if group:
        match = next((r for r in groups if len(r) >= 3 and r[0] == group), None)
        if match is not None and match[2].isdigit():
            gid = int(match[2])
        elif group.isdigit():
            gid = int(group)
        else:
            raise UnknownAccountError(
                f"unable to find group {group}: no matching entries in group file"
            )
    elif login:
        extra = tuple(
            int(r[2])
            for r in groups
            if len(r) >= 4 and r[2].isdigit() and login in r[3].split(",") and int(r[2]) != gid
        )
    return Account(uid, gid, extra, home)
