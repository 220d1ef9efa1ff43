"""The URLs of git repositories as BuildKit reads them, in ADD and as a build context.

    https://host/account/repo.git#ref:subdir
    https://host/account/repo.git?branch=main&subdir=docs&keep-git-dir=1
    git://host/repo   ssh://git@host/repo   git@host:account/repo.git

What is after `#` names a branch, tag or commit, and a directory. The query says the same in words
and more: `ref`, `tag`, `branch`, `checksum` (or `commit`), `subdir`, `keep-git-dir`, `submodules`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote, urlsplit

from ...errors import UsageError

__all__ = ["GitUrl", "is_git_url", "parse", "redacted", "secret_and_plain"]

_PROTOCOL = re.compile(r"([A-Za-z0-9]+)://")
_PROTOCOLS = ("http", "https", "ssh", "git")
_SCP = re.compile(
    r"(?P<remote>[\w-]+@[A-Za-z0-9.-]+:[^?#\n]*)(?:\?(?P<query>[^#]*))?(?:#(?P<rest>.*))?", re.ASCII
)
_SHORTHAND = "github.com/"
_SECRET = re.compile(r"(https?://|\w+://(?=[^/@\s:]*:))[^/@\s]*@", re.IGNORECASE)
_TRUE = ("", "1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


@dataclass(frozen=True, slots=True)
class GitUrl:
    """Where a repository is, and what of it is meant.

    Attributes:
        remote: what `git` is given.
        ref: branch, tag or commit; "" for the default branch.
        subdir: a directory of it, or "" for all.
        checksum: the beginning, at least, of the commit that `ref` must be, or "".
        keep_git_dir: what the URL says of `.git`; None where it says nothing.
        submodules: whether they are checked out too.
    """

    remote: str
    ref: str = ""
    subdir: str = ""
    checksum: str = ""
    keep_git_dir: bool | None = None
    submodules: bool = True


def is_git_url(text: str, *, shorthand: bool = False) -> bool:
    """Whether a source is a git repository rather than a file, or a file over HTTP.

    Over HTTP the path must end in `.git`.

    Args:
        text: as written.
        shorthand: `github.com/account/repo` is one as well: so it is for a build context, while
            ADD takes it for a path.
    """
    return _split(text, shorthand=shorthand) is not None


def parse(text: str) -> GitUrl:
    """Read a URL that `is_git_url`, with or without `shorthand`.

    Raises:
        UsageError: it is none, or its query has an unknown key, a wrong value or a contradiction.
    """
    found = _split(text, shorthand=True)
    if found is None:
        raise UsageError(f"not the URL of a git repository: {redacted(text)}")
    remote, query, rest = found
    ref, _, subdir = rest.partition(":")
    url = GitUrl(remote, ref, subdir)
    if not query:
        return url
    try:
        return _with_query(url, query)
    except UsageError as error:
        raise UsageError(f"failed to parse git URL {redacted(text)}: {error.message}") from None


def secret_and_plain(remote: str) -> tuple[str, str] | None:
    """The beginning of a remote that has a password or token in it, and the same without."""
    match = _SECRET.match(remote)
    if match is None:
        return None
    host = remote[match.end() :].partition("/")[0]
    return f"{match[0]}{host}/", f"{match[1]}{host}/"


def redacted(text: str) -> str:
    """A URL, or a text with URLs, without passwords and tokens, for messages."""
    return _SECRET.sub(r"\1xxxxx@", text)


def _split(text: str, *, shorthand: bool) -> tuple[str, str, str] | None:
    """What `git` is given, the query and the unquoted fragment; None for no git URL."""
    if any(char <= " " or char == "\x7f" for char in text):
        return None
    if shorthand and text.startswith(_SHORTHAND):
        return _taken_apart(f"https://{text}")
    protocol = _PROTOCOL.match(text)
    if protocol is None:
        match = _SCP.fullmatch(text)
        return (match["remote"], match["query"] or "", match["rest"] or "") if match else None
    scheme = protocol[1].lower()
    if scheme not in _PROTOCOLS:
        return None
    if scheme.startswith("http") and not re.split(r"[?#]", text)[0].endswith(".git"):
        return None
    return _taken_apart(text)


def _taken_apart(text: str) -> tuple[str, str, str] | None:
    try:
        url = urlsplit(text)
    except ValueError:
        return None
    if not url.netloc:
        return None
    return url._replace(query="", fragment="").geturl(), url.query, unquote(url.fragment)


def _with_query(url: GitUrl, query: str) -> GitUrl:
    values: dict[str, str] = {}
    for key, given in parse_qs(query, keep_blank_values=True).items():
        name = "checksum" if key == "commit" else key
        if name not in _KEYS:
            raise UsageError(f'unexpected query "{key}"')
        if len(given) > 1 or name in values:
            raise UsageError(f'query "{key}" has multiple values')
        if not given[0] and name not in _SWITCHES:
            raise UsageError(f'query "{key}" has no value')
        values[name] = given[0]
    if "tag" in values and "branch" in values:
        raise UsageError("branch conflicts with tag")
    for key, prefix in (("ref", ""), ("tag", "refs/tags/"), ("branch", "refs/heads/")):
        if key in values:
            ref = prefix + values[key].removeprefix(prefix)
            url = replace(url, ref=_agreed("ref", url.ref, ref))
    if "subdir" in values:
        url = replace(url, subdir=_agreed("subdir", url.subdir, values["subdir"]))
    checksum = values.get("checksum", "")
    return replace(
        url,
        ref=url.ref or checksum,
        checksum=checksum,
        keep_git_dir=_switch("keep-git-dir", values),
        submodules=_switch("submodules", values) is not False,
    )


_SWITCHES = ("keep-git-dir", "submodules")
_KEYS = ("ref", "tag", "branch", "subdir", "checksum", *_SWITCHES)


def _agreed(name: str, one: str, other: str) -> str:
    if one and one != other:
        raise UsageError(f'{name} conflicts: "{one}" vs "{other}"')
    return other


def _switch(name: str, values: dict[str, str]) -> bool | None:
    value = values.get(name)
    if value is None:
        return None
    if value not in _TRUE and value not in _FALSE:
        raise UsageError(f'invalid {name} value: "{value}"')
    return value in _TRUE
