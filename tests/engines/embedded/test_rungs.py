"""Choosing a rung: the best that works, a reason for every other, nothing left behind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.embedded.sandbox.client import Launcher
from container_magics.engines.embedded.sandbox.rungs import FORCE, PROOT, choose, diagnose
from container_magics.errors import SandboxError, StoreError
from tests.fixtures.sandbox import RUNGS


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    started = Launcher()
    yield started
    started.close()


@pytest.fixture(autouse=True)
def unforced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FORCE, raising=False)


def test_the_first_that_works_is_chosen(launcher: Launcher, tmp_path: Path):
    rung = choose(tmp_path / "store", launcher)
    assert rung.name == RUNGS[0]
    kinds = {
        "root": "true",
        "chroot": "bare",
        "subuid": "mapped",
        "oneuid": "user",
        "proot": "user",
    }
    assert rung.holding.kind == kinds[rung.name]
    assert list((tmp_path / "store").iterdir()) == []


def test_every_rung_is_reported_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CONTAINER_MAGICS_ROOT", str(tmp_path / "store"))
    reports = {report.name: report for report in diagnose()}
    assert list(reports) == ["root", "chroot", "subuid", "oneuid", "proot"]
    assert [name for name, report in reports.items() if report.available] == list(RUNGS)
    assert [name for name, report in reports.items() if report.chosen] == [RUNGS[0]]
    assert all(bool(report.remedy) != report.available for report in reports.values())
    assert all(report.reason for report in reports.values())


@pytest.mark.parametrize("name", RUNGS)
def test_one_can_be_forced(
    monkeypatch: pytest.MonkeyPatch, launcher: Launcher, tmp_path: Path, name: str
):
    monkeypatch.setenv(FORCE, name)
    assert choose(tmp_path, launcher).name == name


def test_forcing_what_is_not_there_says_why(
    monkeypatch: pytest.MonkeyPatch, launcher: Launcher, tmp_path: Path
):
    monkeypatch.setenv(FORCE, "wings")
    with pytest.raises(
        SandboxError, match=r"no such rung.*\n.*root, chroot, subuid, oneuid, proot"
    ):
        choose(tmp_path, launcher)
    monkeypatch.setenv(FORCE, "proot")
    monkeypatch.setenv(PROOT, "/nowhere/proot")
    with pytest.raises(SandboxError, match=r"proot.*No such file"):
        choose(tmp_path, launcher)
    monkeypatch.delenv(PROOT)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxError, match="apt-get install proot"):
        choose(tmp_path, launcher)


def test_something_else_called_proot_is_found_out(
    monkeypatch: pytest.MonkeyPatch, launcher: Launcher, tmp_path: Path
):
    monkeypatch.setenv(FORCE, "proot")
    monkeypatch.setenv(PROOT, "/bin/true")
    with pytest.raises(SandboxError, match="can't run programs"):
        choose(tmp_path, launcher)


def test_a_store_that_cannot_be_written_says_so(launcher: Launcher, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="CONTAINER_MAGICS_ROOT"):
        choose(tmp_path / "file" / "store", launcher)


@pytest.mark.root
def test_trees_take_over_where_overlayfs_does_not_mount(
    monkeypatch: pytest.MonkeyPatch, launcher: Launcher, tmp_path: Path
):
    below = tmp_path / "below"
    for name in ("lower", "upper", "work", "merged"):
        (below / name).mkdir(parents=True)
    options = "lowerdir=lower,upperdir=upper,workdir=work"
    command = ["mount", "-t", "overlay", "overlay", "-o", options, "merged"]
    subprocess.run(command, check=True, cwd=below)
    try:
        rung = choose(below / "merged" / "store", launcher)
        assert (rung.name, rung.overlay) == ("root", False)
        assert "working trees" in rung.why
    finally:
        subprocess.run(["umount", below / "merged"], check=True)
