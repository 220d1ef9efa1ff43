"""Every module is in the repository, in the wheel, and in the test run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import hatch_build
from tests.conftest import missing

REPOSITORY = Path(__file__).parents[1]
LEFT_OUT = {"build", "dist", "venv", "node_modules", "CVS"}
"""Folders that pytest does not look into, and ruff and hatch neither."""


@pytest.mark.parametrize("folder", ["container_magics", "tests"])
def test_no_folder_has_a_name_that_tools_leave_out(folder: str):
    folders = {path.name for path in (REPOSITORY / folder).rglob("*") if path.is_dir()}
    assert folders & LEFT_OUT == set()


def test_git_ignores_none_of_our_files():
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        missing("no git checkout here")
    found = [
        str(path.relative_to(REPOSITORY))
        for folder in ("container_magics", "tests")
        for suffix in ("*.py", "*.js")
        for path in (REPOSITORY / folder).rglob(suffix)
    ]
    done = subprocess.run(
        ["git", "check-ignore", "--stdin"],
        cwd=REPOSITORY,
        input="\n".join(found),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == []


def test_the_wheel_has_all_our_files_and_xterm_which_git_has_not(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=REPOSITORY,
        check=True,
    )
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        package = json.loads(wheel.read(f"{hatch_build.FOLDER}/package.json"))
    assert (package["name"], package["version"]) == (hatch_build.PACKAGE, hatch_build.VERSION)
    assert {f"{hatch_build.FOLDER}/{Path(name).name}" for name in hatch_build.FILES} <= names
    ours = {
        str(path.relative_to(REPOSITORY))
        for suffix in ("*.py", "*.js")
        for path in (REPOSITORY / "container_magics").rglob(suffix)
    }
    assert ours <= names
    if (REPOSITORY / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", hatch_build.FOLDER],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        assert listed.stdout == ""
