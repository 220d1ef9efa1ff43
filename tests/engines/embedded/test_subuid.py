"""The rung `subuid`: the deputy for files of sub-UIDs, and owners beyond the user's range."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.embedded.sandbox.launcher import mapping
from container_magics.engines.embedded.storage import deputy
from tests.conftest import missing
from tests.engines.embedded.material import layer_tar
from tests.fixtures.busybox import busybox_tar, missing_for_busybox
from tests.fixtures.processes import runs, wait_until
from tests.fixtures.sandbox import RUNGS, Bench, open_bench

DEADLINE_SECONDS = 30


@pytest.fixture(autouse=True)
def sub_ids() -> None:
    if "subuid" not in RUNGS:
        pytest.skip("not among CONTAINER_MAGICS_TESTS_RUNGS")


@pytest.fixture(scope="module", params=[True, False], ids=["overlay", "trees"])
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    if "subuid" not in RUNGS:
        pytest.skip("not among CONTAINER_MAGICS_TESTS_RUNGS")
    if reason := missing_for_busybox():
        missing(reason)
    root = tmp_path_factory.mktemp("store")
    with open_bench(root, "subuid", overlay=request.param) as opened:
        opened.base = [opened.layer(busybox_tar())]
        yield opened


def test_what_is_given_is_taken_back(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("content")
    (tmp_path / "folder" / "link").symlink_to("/etc/passwd")
    given = [
        deputy.Fact("folder", 5, 6, 0o710, {}),
        deputy.Fact("folder/file", 7, 8, 0o4751, {}),
        deputy.Fact("folder/link", 9, 10, 0o777, {}),
    ]
    stamps = deputy.give(tmp_path, given)
    assert (tmp_path / "folder").stat().st_uid not in (0, os.geteuid())
    with pytest.raises(PermissionError):
        list((tmp_path / "folder").iterdir())
    with os.fdopen(deputy.open_file(tmp_path, "folder/file")) as file:
        assert file.read() == "content"
    with pytest.raises(OSError, match="as root of the sub-UIDs"):
        deputy.open_file(tmp_path, "folder/link")
    taken = deputy.take(tmp_path)
    assert {path: fact.stamp for path, fact in taken.items()} == stamps
    facts = {p: (f.uid, f.gid, stat.S_IMODE(f.mode)) for p, f in taken.items()}
    assert facts == {
        "folder": (5, 6, 0o710),
        "folder/file": (7, 8, 0o4751),
        "folder/link": (9, 10, 0o777),
    }
    assert {path.lstat().st_uid for path in tmp_path.rglob("*")} == {os.geteuid()}
    assert deputy.take(tmp_path) == {}


def test_a_deputy_that_was_killed_is_started_again(tmp_path: Path):
    (tmp_path / "file").touch()
    deputy.give(tmp_path, [deputy.Fact("file", 1, 1, 0o600, {})])
    (own,) = deputies(os.getpid())
    os.kill(own, signal.SIGKILL)
    with pytest.raises(OSError, match="ended"):
        deputy.take(tmp_path)
    assert set(deputy.take(tmp_path)) == {"file"}


_GIVE = """
import sys, time
from pathlib import Path
from container_magics.engines.embedded.storage import deputy
deputy.give(Path(sys.argv[1]), [])
print("ready", flush=True)
time.sleep(1000)
"""


def test_a_deputy_ends_with_its_parent(tmp_path: Path):
    command = [sys.executable, "-c", _GIVE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        (child,) = deputies(parent.pid)
        parent.kill()
    wait_until(lambda: not runs(child), "the deputy ends")


def deputies(parent: int) -> list[int]:
    """The processes below one that act on files of sub-UIDs for it."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [
        pid for pid in children if b"launcher.deputy" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_a_user_beyond_the_range_is_refused_by_name(bench: Bench):
    beyond = mapping.count(mapping.SUBUID)
    assert bench.shell(bench.base, "id -u", user=f"{beyond - 1}").output == f"{beyond - 1}\n"
    outcome = bench.shell(bench.base, "true", user=f"{beyond}")
    assert outcome.code == 125
    assert outcome.failed == (
        f"user {beyond}:0 is beyond the IDs that /etc/subuid and /etc/subgid give you"
    )


def test_owners_beyond_the_range_are_root_in_containers_and_stay_in_layers(bench: Bench):
    beyond = 1_000_660_000
    far = tarfile.TarInfo()
    far.uid, far.gid, far.size = beyond, 7, 4
    layers = [*bench.base, bench.layer(layer_tar({"far": far}))]
    assert bench.shell(layers, "stat -c %u:%g /far").output == "0:7\n"
    layer = bench.build(layers, "chmod 600 /far")
    (entry,) = [entry for entry, _ in bench.store.entries(layer)]
    assert (entry.uid, entry.gid, stat.S_IMODE(entry.mode)) == (beyond, 7, 0o600)


def test_device_nodes_cannot_be_made_and_that_is_said(bench: Bench):
    outcome = bench.shell(bench.base, "mknod /null c 1 3")
    assert outcome.code == 1
    assert "Operation not permitted" in outcome.errors


def test_a_store_can_be_emptied_from_another_rung(tmp_path: Path):
    script = "mkdir -p /d/e; touch /d/e/f; chown -R 1000:1000 /d; chmod 700 /d /d/e"
    for overlay in (True, False):
        with open_bench(tmp_path / "store", "subuid", overlay=overlay) as bench:
            base = bench.layer(busybox_tar())
            bench.build([base], script)
    with open_bench(tmp_path / "store", "oneuid", overlay=False) as bench:
        assert list((tmp_path / "store" / "layers").iterdir()) != []
        bench.store.prune_cache(every=True)
        assert list((tmp_path / "store" / "layers").iterdir()) == []
        base = bench.layer(busybox_tar())
        assert bench.shell([base], "ls -d /d").code == 1
