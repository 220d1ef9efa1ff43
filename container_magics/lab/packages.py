"""Fetching Debian packages with this machine's apt, as any user and without touching its state.

apt runs with a configuration, package lists and a download folder of its own, in the user's
cache directory. It verifies the archives' signatures as it always does, against this machine's
keyrings; cached packages are checked against the signed hashes each time they are used.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..engines.events import Cancellation, Emit, Message
from ..errors import FetchError
from .sources import AptSource, host_sources

__all__ = ["Packages", "fetch"]

_NEEDED = "Stand-ins are made on Debian (12 or later), by apt; elsewhere images must be pulled."
_HOST_SETTINGS = re.compile(
    r"Acquire::(https?(::.*)?|Check-Valid-Until|Check-Date|Retries|ForceIPv[46]) "
)
_IMAGE_SETTINGS = re.compile(r"Acquire::(https?::Proxy(::\S+)?|Check-Valid-Until|Check-Date) ")
_WORTH_SHOWING = re.compile(r"Err:|[WE]:|Fetched ")
_TAIL_LINES = 12


@dataclass(frozen=True, slots=True)
class Packages:
    """Packages and where they came from.

    Attributes:
        files: the .deb files, dependencies included, by file name.
        architecture: Debian's name of the architecture, such as `amd64`.
        sources: the Debian archives they were chosen from.
        settings: lines of apt.conf(5) that an image needs in order to reach the same archives.
    """

    files: tuple[Path, ...]
    architecture: str
    sources: tuple[AptSource, ...]
    settings: tuple[str, ...]


def fetch(
    names: Sequence[str],
    cache: Path,
    emit: Emit,
    cancel: Cancellation,
    etc: Path = Path("/etc/apt"),
) -> Packages:
    """Choose and download packages with everything they depend on, as for an empty system.

    Args:
        names: package names or apt-patterns(7).
        cache: folder that keeps lists and packages for the next time; one process at a time
            works in it, others wait.
        emit: gets apt's news.
        cancel: ends apt.
        etc: apt's configuration directory, for the sources.

    Raises:
        FetchError: no apt here, no Debian archive among its sources, or apt failed.
    """
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            raise FetchError(f"{program} is not installed.", hint=_NEEDED)
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        return _Apt(cache, emit, cancel).fetch(names, host_sources(etc))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class _Apt:
    """apt with a state of its own in `root`."""

    def __init__(self, root: Path, emit: Emit, cancel: Cancellation) -> None:
        self._root = root
        self._emit = emit
        self._cancel = cancel

    def fetch(self, names: Sequence[str], candidates: Sequence[AptSource]) -> Packages:
        settings = self._configure()
        self._use(candidates)
        self._emit(Message("fetching the lists of Debian's packages"))
        updated = self._run("update", check=False)
        sources = self._of_debian(candidates)
        if not sources:
            raise FetchError(
                "This machine's apt sources name no Debian archive that answers."
                + (_quoted(updated) if candidates else ""),
                hint=_NEEDED,
            )
        self._use(sources)
        install = ("install", "--yes", "--download-only", *names)
        wanted = self._run("-q=2", "-oDir::Cache::archives=none/", "--print-uris", *install)
        files = self._keep_only([line for line in wanted if line.startswith("'")])
        self._emit(Message(f"fetching {len(files)} packages, or taking them from {self._root}"))
        self._run(*install)
        return Packages(
            files=tuple(sorted(files)),
            architecture=self._architecture,
            sources=tuple(sources),
            settings=tuple(
                line for line in settings if _IMAGE_SETTINGS.match(line) and "@" not in line
            ),
        )

    def _configure(self) -> list[str]:
        for folder in ("lists/partial", "archives/partial", "none/partial", "sources.list.d"):
            (self._root / folder).mkdir(parents=True, exist_ok=True)
        (self._root / "status").write_text("")
        self._architecture = self._output("dpkg", "--print-architecture").strip()
        dump = self._output("apt-config", "dump").splitlines()
        settings = [line for line in dump if _HOST_SETTINGS.match(line)]
        root = str(self._root)
        own = {
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": f"{root}/sources.list.d/",
            "Dir::State": f"{root}/",
            "Dir::State::lists": "lists/",
            "Dir::State::status": f"{root}/status",
            "Dir::Cache": f"{root}/",
            "Dir::Cache::archives": "archives/",
            "APT::Architecture": self._architecture,
            "APT::Architectures": self._architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Acquire::ForceHash": "SHA256",
            "Acquire::GzipIndexes": "true",
            "Acquire::Languages": "none",
        }
        (self._root / "apt.conf").write_text(
            "".join(f'{name} "{value}";\n' for name, value in own.items())
            + "".join(f"{line}\n" for line in settings)
        )
        return settings

    def _use(self, sources: Sequence[AptSource]) -> None:
        stanzas = "\n".join(source.stanza() for source in sources)
        (self._root / "sources.list.d" / "debian.sources").write_text(stanzas)

    def _of_debian(self, candidates: Sequence[AptSource]) -> list[AptSource]:
        targets = self._run("indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(RELEASE)")
        origins = {
            (uri.rstrip("/"), suite): origin
            for origin, uri, suite in (line.split("|") for line in targets if line.count("|") == 2)
        }
        return [
            source
            for source in candidates
            if origins.get((source.uri.rstrip("/"), source.suite)) == "Debian"
        ]

    def _keep_only(self, wanted: Sequence[str]) -> list[Path]:
        """Drop what is cached but not wanted, or not what was signed; apt fetches the rest."""
        hashes = {}
        for line in wanted:
            _, name, _, expected = line.rsplit(maxsplit=3)
            hashes[self._root / "archives" / name] = expected.removeprefix("SHA256:")
        for path in (self._root / "archives").glob("*.deb"):
            if hashlib.sha256(path.read_bytes()).hexdigest() != hashes.get(path):
                path.unlink()
        return list(hashes)

    def _output(self, *command: str) -> str:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def _run(self, *arguments: str, check: bool = True) -> list[str]:
        """Run apt-get; what it prints is returned, and its news passed on line by line."""
        environment = {**os.environ, "APT_CONFIG": str(self._root / "apt.conf"), "LC_ALL": "C"}
        lines: list[str] = []
        with subprocess.Popen(
            ["apt-get", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            self._cancel.on_cancel(lambda: _end(process))
            for line in process.stdout or ():
                lines.append(line.rstrip("\n"))
                if _WORTH_SHOWING.match(line):
                    self._emit(Message(f"apt: {line.rstrip()}"))
        if self._cancel.cancelled:
            raise FetchError("Fetching the packages was cancelled.")
        if check and process.returncode:
            raise FetchError(
                f"apt-get {arguments[0]} failed with exit code {process.returncode}."
                + _quoted(lines),
                hint="The sources are this machine's own, in /etc/apt.",
            )
        return lines


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)


def _quoted(lines: Sequence[str]) -> str:
    return "".join(f"\n  {line}" for line in lines[-_TAIL_LINES:])
