"""Downloading one file over HTTP, as BuildKit's http source does.

A server that gave an ETag is asked with `If-None-Match` the next time, so that an unchanged file
is known to be unchanged without being sent again.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from ...errors import BuildError
from ..events import Cancellation
from .git_url import redacted

if TYPE_CHECKING:
    from requests import Response

__all__ = ["Download", "Known", "download", "file_name", "is_http_url"]

_CHUNK = 1 << 20
_TIMEOUT = 30
_REDIRECTS = 10
_UNNAMED = "__unnamed__"
_FIRST_OK, _FIRST_REDIRECT, _NOT_MODIFIED = 200, 300, 304


class Known(NamedTuple):
    """What a URL gave the last time: its ETag, and the SHA-256 of its content in hex."""

    etag: str
    digest: str


class Download(NamedTuple):
    """What a URL gave.

    Attributes:
        digest: SHA-256 of the content, in hex.
        etag: to ask with the next time, or "".
        mtime: the server's Last-Modified, in seconds since the epoch; 0 where it says none.
        changed: False where the server said that it is as it was: nothing was written then.
    """

    digest: str
    etag: str
    mtime: int
    changed: bool


def is_http_url(text: str) -> bool:
    """Whether a text is the URL of something over HTTP."""
    return text.startswith(("http://", "https://"))


def file_name(url: str) -> str:
    """What a download is called: the last part of the path, or `__unnamed__` as in BuildKit."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        return _UNNAMED
    name = posixpath.basename(path.rstrip("/"))
    return _UNNAMED if name in ("", ".", "..") else name


def download(
    url: str, target: Path, cancel: Cancellation, *, known: Known | None = None
) -> Download:
    """Download a URL into a file, the bytes as they are sent.

    At most 10 redirects are followed; a server may be silent for 30 seconds.

    Args:
        url: what to get.
        target: the file; what it has is replaced.
        cancel: ends it.
        known: what it gave the last time.

    Raises:
        BuildError: the server can't be reached, or answers with an error.
    """
    import requests
    import urllib3

    headers = {"Accept-Encoding": "identity"}
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    try:
        with requests.Session() as session:
            session.max_redirects = _REDIRECTS
            with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
                mtime = _mtime(response.headers)
                if known is not None and response.status_code == _NOT_MODIFIED:
                    return Download(known.digest, known.etag, mtime, False)
                digest = _write(response, target, cancel)
                return Download(digest, response.headers.get("ETag", ""), mtime, True)
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise BuildError(f"failed to load {redacted(url)}: {redacted(str(error))}") from error


def _write(response: Response, target: Path, cancel: Cancellation) -> str:
    """Write what an answer holds into a file, and give its digest.

    Raises:
        ValueError: the answer holds no file, or not the whole of it.
        BuildError: the build was cancelled.
    """
    if not _FIRST_OK <= response.status_code < _FIRST_REDIRECT:
        raise ValueError(f"invalid response status {response.status_code} {response.reason}")
    digest = hashlib.sha256()
    size = 0
    response.raw.decode_content = False
    with target.open("wb") as file:
        for chunk in response.raw.stream(_CHUNK):
            if cancel.cancelled:
                raise BuildError("the build was cancelled")
            digest.update(chunk)
            size += file.write(chunk)
    if size < int(response.headers.get("Content-Length", 0)):
        raise ValueError(f"the answer ends after {size} bytes")
    return digest.hexdigest()


def _mtime(headers: Mapping[str, str]) -> int:
    try:
        return max(0, int(parsedate_to_datetime(headers.get("Last-Modified", "")).timestamp()))
    except (TypeError, ValueError):
        return 0
