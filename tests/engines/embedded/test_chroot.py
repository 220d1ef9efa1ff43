"""The rung `chroot`: what others mount is put into the tree for a while, and leaves no trace."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.embedded.snapshots.trees import TreeWorkspace
from container_magics.engines.run_request import Mount
from tests.conftest import missing
from tests.engines.embedded.material import layer_tar
from tests.fixtures.busybox import busybox_tar, missing_for_busybox
from tests.fixtures.processes import runs, wait_until
from tests.fixtures.sandbox import RUNGS, Bench, Outcome, open_bench

DEADLINE_SECONDS = 30
LINKED = {"etc/resolv.conf": "../run/resolv.conf", "etc/hosts": "/nowhere", "dev": None}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if "chroot" not in RUNGS:
        pytest.skip("not among CONTAINER_MAGICS_TESTS_RUNGS")
    if reason := missing_for_busybox():
        missing(reason)
    with open_bench(tmp_path_factory.mktemp("store"), "chroot", overlay=False) as opened:
        opened.base = [opened.layer(busybox_tar()), opened.layer(layer_tar(LINKED))]
        yield opened


def view(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a directory: inode, mode, owner, time in ns, and content or target."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [root, *sorted(root.rglob("*"))]:
        status = path.lstat()
        content: bytes | str = b""
        if stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        elif path.is_symlink():
            content = str(path.readlink())
        facts = (status.st_ino, status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns)
        found[str(path.relative_to(root))] = (*facts, content)
    return found


def run(bench: Bench, workspace: TreeWorkspace, script: str, **options: object) -> Outcome:
    return bench.run(workspace, "/bin/sh", "-c", script, **options)


def test_the_tree_is_as_it_was(bench: Bench):
    workspace = bench.snapshotter.prepare(bench.base)
    before = view(workspace.files)
    script = "test ! -L /etc/resolv.conf && echo x >> /etc/hosts && cat /dev/pipes/S"
    scripts = {"/dev/pipes/S": "script\n"}
    assert run(bench, workspace, script, scripts=scripts).output == "script\n"
    assert view(workspace.files) == before
    assert list(workspace.changes()) == []
    directory = workspace.files.parent
    assert sorted(path.name for path in directory.iterdir()) == ["fs", "state"]
    workspace.discard()


def test_nothing_is_made_again_for_the_next_container(bench: Bench):
    workspace = bench.snapshotter.prepare(bench.base)
    before = view(workspace.files)
    assert run(bench, workspace, "true").code == 0
    workspace.discard()
    again = bench.snapshotter.prepare(bench.base)
    assert view(again.files) == before
    again.discard()


def test_what_a_container_changes_beside_is_in_the_layer(bench: Bench):
    layer = bench.build(
        bench.base,
        "echo new > /etc/new; touch -d @1000000000 /etc; echo lost > /dev/lost; echo x > /proc/x;"
        "rm /etc/hostname; mkdir /etc/hosts.d",
    )
    entries = {entry.path: entry for entry, _ in bench.store.entries(layer)}
    assert set(entries) == {"etc", "etc/new", "etc/hosts.d"}
    assert entries["etc"].mtime > 1_700_000_000  # mkdir came after touch.
    outcome = bench.shell([*bench.base, layer], "ls /dev/lost; cat /etc/new; test -s /etc/hostname")
    assert (outcome.code, outcome.output) == (0, "new\n")


def test_what_an_image_has_is_covered_not_changed(bench: Bench):
    """Also where a directory lies between, which the container removes."""
    below = bench.layer(layer_tar({"data": None, "data/own": b"own", "srv": None, "srv/own": b"o"}))
    layers = [*bench.base, below]
    given = bench.store.session / "given"
    given.mkdir()
    (given / "file").write_text("given")
    workspace = bench.snapshotter.prepare(layers)
    mounts = [Mount(given, "/data", True), Mount(given / "file", "/srv/deep/file", True)]
    script = "cat /data/file /srv/deep/file; ls /data; echo y > /data/file; rm -r /srv"
    assert run(bench, workspace, script, mounts=mounts).output == "givengivenfile\n"
    assert [entry.path for entry in workspace.changes()] == [".wh.srv"]
    assert (workspace.files / "data/own").read_text() == "own"
    assert (given / "file").read_text() == "given"
    workspace.discard()


def test_a_container_can_lead_nothing_out_of_its_tree(bench: Bench, tmp_path: Path):
    """It replaces a directory in which files are shown by a symlink to one of the host's."""
    (tmp_path / "hosts").write_text("the host's own")
    workspace = bench.snapshotter.prepare(bench.base)
    script = f"mv /etc /moved; ln -s {tmp_path} /etc; mkdir -p {tmp_path}"
    assert run(bench, workspace, script).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["hosts"]
    assert (tmp_path / "hosts").read_text() == "the host's own"
    assert (workspace.files / "moved/hosts").readlink() == Path("/nowhere")
    workspace.discard()


def test_a_directory_of_the_store_is_written_to(bench: Bench):
    cache = bench.store.session / "cache"
    cache.mkdir()
    workspace = bench.snapshotter.prepare(bench.base)
    for number in (1, 2):
        script = (
            f"ls /var/cache | wc -l; echo x > /var/cache/{number}; chown 7:8 /var/cache/{number}"
        )
        mounts = [Mount(cache, "/var/cache")]
        assert run(bench, workspace, script, mounts=mounts).output == f"{number - 1}\n"
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in cache.iterdir()}
    assert owners == {"1": (7, 8), "2": (7, 8)}
    assert not (workspace.files / "var/cache/1").exists()
    workspace.discard()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"network": "none"}, "--network none needs namespaces"),
        ({"mounts": [Mount(Path("/tmp"), "/data")]}, r"can't mount '/tmp' on '/data' for writing"),
        ({"mounts": [Mount(Path("/nowhere"), "/data")]}, "No such file"),
        ({"mounts": [Mount(Path("/etc/passwd"), "/", True)]}, "anything on /"),
        ({"user": "stranger"}, "unable to find user stranger"),
    ],
)
def test_what_cannot_be_had_is_refused_and_leaves_nothing(
    bench: Bench, options: dict[str, object], words: str
):
    workspace = bench.snapshotter.prepare(bench.base)
    before = view(workspace.files)
    outcome = run(bench, workspace, "true", **options)
    assert outcome.code == 125
    assert outcome.failed is not None
    assert words in outcome.failed
    assert view(workspace.files) == before
    workspace.discard()


_RUN = """
import sys
from pathlib import Path
from tests.fixtures.processes import runs, wait_until
from tests.fixtures.sandbox import open_bench
with open_bench(Path(sys.argv[1]), "chroot", overlay=False) as bench:
    layers = [bench.store.layer(diff_id) for diff_id in sys.argv[2:]]
    bench.shell(layers, "echo changed > /etc/passwd; echo ready > /tmp/ready; sleep 1000")
"""


@pytest.mark.parametrize("victim", ["kernel", "everything"])
def test_a_tree_is_right_again_after_kill_9(bench: Bench, victim: str):
    """`everything`: the supervisor too, so that nobody takes out what was put in."""
    root = bench.store.root
    workspace = bench.snapshotter.prepare(bench.base)
    right = {path: facts[1:] for path, facts in view(workspace.files).items()}
    workspace.discard()
    layers = [layer.diff_id for layer in bench.base]
    child = subprocess.Popen([sys.executable, "-c", _RUN, root, *layers])
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (ready := list(root.glob("trees/*/fs/tmp/ready"))):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (tree,) = ready
    below = descendants(child.pid)
    if victim == "everything":
        for pid in below:
            os.kill(pid, signal.SIGKILL)
    child.kill()
    child.wait()
    wait_until(lambda: not any(map(runs, below)), "what the launcher started ends")
    again = bench.snapshotter.prepare(bench.base)
    assert again.files == tree.parents[1]
    assert {path: facts[1:] for path, facts in view(again.files).items()} == right
    assert run(bench, again, "head -1 /etc/passwd").output == "root:x:0:0:root:/root:/bin/sh\n"
    assert list(again.changes()) == []
    again.discard()


def descendants(pid: int) -> list[int]:
    """The processes below one, nearest first."""
    found = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return found + [below for child in found for below in descendants(child)]


def test_device_nodes_come_out_as_devices(bench: Bench):
    layer = bench.build(bench.base, "mkdir /jail && mknod -m 600 /jail/null c 1 3")
    (entry,) = [entry for entry, _ in bench.store.entries(layer) if entry.path == "jail/null"]
    assert (entry.mode, entry.major, entry.minor) == (stat.S_IFCHR | 0o600, 1, 3)
    assert bench.shell([*bench.base, layer], "echo x > /jail/null; ls /jail").output == "null\n"
