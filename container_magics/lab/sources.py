"""This machine's apt sources, as sources.list(5) writes them: one-line and deb822 styles.

Only what a container can use too is kept: archives of binary packages with a `main`
component, over http or https. Cloud images of Debian name a list of mirrors in a local file
(`mirror+file:`); that list is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["AptSource", "host_sources"]

_NO = {"no", "false", "without", "off", "disable", "0"}


@dataclass(frozen=True, slots=True)
class AptSource:
    """One suite of one archive.

    Attributes:
        uri: the archive's root, http or https.
        signed_by: path of the keyring that must have signed it; "" is any that apt trusts.
    """

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""

    def stanza(self, signed_by: str | None = None) -> str:
        """This source in deb822 style; `signed_by` replaces its own keyring."""
        keyring = self.signed_by if signed_by is None else signed_by
        return (
            f"Types: deb\nURIs: {self.uri}\nSuites: {self.suite}\n"
            f"Components: {' '.join(self.components)}\n"
            + (f"Signed-By: {keyring}\n" if keyring else "")
        )


def host_sources(etc: Path = Path("/etc/apt")) -> list[AptSource]:
    """The sources that may be Debian archives; which are, only their signed Release files tell.

    Left out are sources signed by a keyring that is not called Debian's, and those with a
    password in the URI, which would end up in an image.

    Args:
        etc: apt's configuration directory.
    """
    found = [
        source
        for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
        if path.is_file()
        for source in _parse(path)
    ]
    return list(dict.fromkeys(source for source in found if _usable(source)))


def _usable(source: AptSource) -> bool:
    url = urlsplit(source.uri)
    return (
        url.scheme in ("http", "https")
        and "@" not in url.netloc
        and "main" in source.components
        and (not source.signed_by or "debian" in Path(source.signed_by).name)
    )


def _parse(path: Path) -> Iterator[AptSource]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".sources":
        for paragraph in re.split(r"\n\s*\n", text):
            yield from _parse_stanza(paragraph)
    elif path.suffix == ".list":
        for line in text.splitlines():
            yield from _parse_line(line.partition("#")[0].strip())


def _parse_stanza(paragraph: str) -> Iterator[AptSource]:
    lines = [line for line in paragraph.splitlines() if not line.startswith("#")]
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (
            line.partition(":") for line in re.sub(r"\n[ \t]+", " ", "\n".join(lines)).split("\n")
        )
    }
    if "deb" not in fields.get("types", "").split():
        return
    if fields.get("enabled", "yes").lower() in _NO:
        return
    keyring = fields.get("signed-by", "")
    for uri in _mirrors(fields.get("uris", "").split()):
        for suite in fields.get("suites", "").split():
            components = tuple(fields.get("components", "").split())
            yield AptSource(uri, suite, components, keyring if keyring.startswith("/") else "")


def _parse_line(line: str) -> Iterator[AptSource]:
    match = re.fullmatch(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)", line)
    if not match:
        return
    options, uri, suite, components = match.groups()
    keyring = re.search(r"signed-by=(/\S+)", options or "")
    for mirror in _mirrors([uri]):
        yield AptSource(mirror, suite, tuple(components.split()), keyring[1] if keyring else "")


def _mirrors(uris: list[str]) -> Iterator[str]:
    for uri in uris:
        if not uri.startswith("mirror+file:"):
            yield uri
            continue
        listing = Path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
        if listing.is_file():
            lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
            yield from (line.split()[0] for line in lines if line.strip() and line[0] != "#")
