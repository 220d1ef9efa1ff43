"""What is built here, and what it says when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["APPS", "App"]

APT = (
    r"var/log/.*",
    r"var/lib/dpkg/.*-old",
    r"var/lib/apt/.*",
    r"var/cache/(apt/.*|ldconfig/aux-cache|debconf/.*-old)",
)
"""Logs with times, backups, and the cache of the linker, which holds inode numbers."""
BYTECODE = (r".*\.pyc",)
"""Compiled Python, which holds the time of its source."""


@dataclass(frozen=True)
class App:
    """One directory here.

    Attributes:
        name: the directory.
        prints: what a container of it writes, in part.
        command: what it is given to run; none for its own CMD.
        build_args: as in `BuildRequest`.
        volatile: paths (regular expressions) of which no two builds have the same content.
        before: a Dockerfile that is built and tagged first.
        written_for_20_10: the Dockerfile that says the same without what Docker 20.10 lacks.
        user: who the container runs as by default: the image's USER.
    """

    name: str
    prints: str
    command: tuple[str, ...] = ()
    build_args: Mapping[str, str] = field(default_factory=dict)
    volatile: tuple[str, ...] = ()
    before: Mapping[str, str] = field(default_factory=dict)
    written_for_20_10: str = "Dockerfile"
    user: str = ""


APPS = [
    App("apt_clean", "[1,2]\n", volatile=APT),
    App("front_and_back", "<h1>Front end</h1>\n", volatile=BYTECODE),
    App(
        "heredocs",
        "[app]\ngreeting = hello\n$GREETING stays\nmade by hello\nmade by Python\n",
        written_for_20_10="Dockerfile.before",
    ),
    App("non_root", "1234:1234 in /var/lib/service, --quiet\n", user="service:service"),
    App("onbuild", "six 1.16.0\n", before={"onbuild:base": "Dockerfile.base"}),
    App("pip_cache", "1  2\n"),
    App("program_c", "5\n3\n", command=("hello", "you"), volatile=APT),
    App("scientific", "slope 2.0\n", volatile=BYTECODE),
    App("script_perl", "hello Zoë, 3 letters\n"),
    App("secrets", "bound, not copied\n"),
    App(
        "service_go",
        "hello world, version 1.2, user 65532\n",
        build_args={"VERSION": "1.2"},
        user="65532:65532",
    ),
    App("web_node", "hello from express\n"),
    App("web_python", "hello from web\n", user="web"),
]
