"""The rung `proot`: what PRoot lacks and we add, and what it cannot do at all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.embedded.sandbox.client import Spec
from container_magics.engines.embedded.sandbox.launcher import trampoline
from container_magics.engines.run_request import Mount
from tests.conftest import missing
from tests.fixtures.busybox import busybox_tar, missing_for_busybox
from tests.fixtures.sandbox import RUNGS, Bench, open_bench

LAUNCHER = Path(trampoline.__file__).parent
ASSEMBLERS = {
    "x86_64": ("x86_64-linux-gnu-as", "x86_64-linux-gnu-objcopy"),
    "aarch64": ("aarch64-linux-gnu-as", "aarch64-linux-gnu-objcopy"),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if "proot" not in RUNGS:
        pytest.skip("not among the rungs to test")
    if reason := missing_for_busybox():
        missing(reason)
    with open_bench(tmp_path_factory.mktemp("store"), "proot", overlay=False) as opened:
        opened.base = [opened.layer(busybox_tar())]
        yield opened


@pytest.mark.parametrize("machine", ASSEMBLERS)
def test_the_trampoline_is_what_its_source_says(machine: str, tmp_path: Path):
    assembler, copier = ASSEMBLERS[machine]
    if not shutil.which(assembler):
        pytest.skip(
            f"no {assembler} here: apt-get install binutils-{machine.replace('_', '-')}-linux-gnu"
        )
    source = LAUNCHER / f"trampoline_{machine}.s"
    subprocess.run([assembler, "-o", tmp_path / "t.o", source], check=True)
    subprocess.run(
        [copier, "-O", "binary", "-j", ".text", tmp_path / "t.o", tmp_path / "t.bin"], check=True
    )
    assert trampoline.program(machine).endswith((tmp_path / "t.bin").read_bytes())


def test_an_early_end_of_other_processes_is_not_the_container_s(bench: Bench):
    outcome = bench.shell(bench.base, "(exit 9); sleep 0.01 & (sleep 0.05; exit 8) & exit 5")
    assert outcome.code == 5


def test_the_trampoline_leaves_nothing_in_the_root(bench: Bench):
    assert bench.shell(bench.base, "ls -A /").output.split() == [
        "bin", "dev", "etc", "proc", "root", "sys", "tmp",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"network": "none"}, "network"),
        ({"mounts": [Mount(Path("/etc"), "/data", read_only=True)]}, "read-only"),
        ({"mounts": [Mount(Path("/etc"), "/a:b")]}, "colons"),
    ],
)
def test_what_cannot_be_had_is_refused_by_name(
    bench: Bench, options: dict[str, object], words: str
):
    outcome = bench.shell(bench.base, "true", **options)
    assert outcome.code == 125
    assert words in str(outcome.failed)


def test_prefers_older_calls_to_those_that_proot_does_not_translate(bench: Bench):
    # busybox' stat is statx(2) where there is one; untranslated it would see the host's file.
    outcome = bench.shell(bench.base, f"stat -c %n /bin/busybox && stat {LAUNCHER} 2>&1; true")
    assert outcome.output.startswith("/bin/busybox\n")
    assert "No such file" in outcome.output


def test_a_signal_reaches_the_first_process(bench: Bench):
    workspace = bench.snapshotter.prepare(bench.base)
    read, write = os.pipe()
    spec = Spec(
        bench.rung.name, workspace.root, os.fspath(bench.store.root / "mount"),
        ("sh", "-c", "trap 'echo caught; exit 6' INT; echo ready; while :; do sleep 0.01; done"),
        {}, proot=bench.rung.proot,
    )  # fmt: skip
    with Path(os.devnull).open() as null:
        process = bench.launcher.start(spec, (null.fileno(), write, write))
    os.close(write)
    with os.fdopen(read) as output:
        assert output.readline() == "ready\n"
        process.kill(signal.SIGINT)
        assert output.read() == "caught\n"
    assert process.wait() == (6, None)
    workspace.discard()


def test_temporary_files_of_proot_are_removed(bench: Bench):
    before = {path for path in Path("/tmp").glob("proot*") if path.stat().st_uid == os.geteuid()}
    bench.shell(bench.base, "kill -9 $PPID; sleep 1", mounts=[Mount(Path("/etc"), "/a/b/c")])
    after = {path for path in Path("/tmp").glob("proot*") if path.stat().st_uid == os.geteuid()}
    assert after <= before
