"""Working trees: reused, repaired, leased to one at a time, and never wrong."""

from __future__ import annotations

import fcntl
import io
import os
import socket
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.embedded.snapshots.pool import IDLE_TREES
from container_magics.engines.embedded.snapshots.trees import TreeSnapshotter, TreeWorkspace
from container_magics.engines.embedded.storage import deputy
from container_magics.engines.embedded.storage.holding import Holding
from container_magics.engines.embedded.storage.store import LayerRow, Store
from container_magics.engines.embedded.storage.unpack import unpack
from tests.engines.embedded.material import layer_tar

KINDS = ["true", "bare", "user"] if os.geteuid() == 0 else ["user"]
if deputy.is_possible():
    KINDS.insert(0, "mapped")


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store", Holding(request.param))
    yield opened
    opened.close()


def add(store: Store, tar: bytes) -> LayerRow:
    with store.scratch() as scratch:
        directory = scratch / "layer"
        directory.mkdir()
        diff_id, size = unpack(io.BytesIO(tar).read, directory, store.holding)
        return store.adopt_layer(directory, diff_id, size)


def base(store: Store) -> LayerRow:
    """A file, a directory with files, a symlink, two names of one file, a mode without write."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind, content, mode in (
            ("etc", tarfile.DIRTYPE, "", 0o755),
            ("file", tarfile.REGTYPE, "content", 0o644),
            ("folder", tarfile.DIRTYPE, "", 0o555),
            ("folder/one", tarfile.REGTYPE, "1", 0o444),
            ("folder/two", tarfile.LNKTYPE, "folder/one", 0o444),
            ("link", tarfile.SYMTYPE, "folder/one", 0o777),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.mtime = kind, mode, 1_600_000_000
            if kind == tarfile.REGTYPE:
                member.size = len(content)
            else:
                member.linkname = content
            archive.addfile(member, io.BytesIO(content.encode()))
    return add(store, buffer.getvalue())


def view(workspace: TreeWorkspace) -> dict[str, tuple[int, str]]:
    """Every path with its mode, and its content or target."""
    found = {}
    for path in sorted(workspace.files.rglob("*")):
        status = path.lstat()
        text = ""
        if stat.S_ISLNK(status.st_mode):
            text = str(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            text = path.read_text()
        found[str(path.relative_to(workspace.files))] = (status.st_mode, text)
    return found


def paths(workspace: TreeWorkspace) -> list[str]:
    return [entry.path for entry in workspace.changes()]


def test_a_tree_shows_its_layers_and_mount_points(store: Store):
    layer = base(store)
    workspace = TreeSnapshotter(store).prepare([layer])
    seen = view(workspace)
    assert {path: text for path, (_, text) in seen.items()} == {
        "dev": "", "proc": "", "sys": "", "etc": "", "etc/hostname": "", "etc/hosts": "",
        "etc/resolv.conf": "", "file": "content", "folder": "", "folder/one": "1",
        "folder/two": "1", "link": "folder/one",
    }  # fmt: skip
    forced = 0o200 if store.holding.kind == "user" else 0
    assert stat.S_IMODE(seen["folder"][0]) == 0o555 | forced
    assert stat.S_IMODE(seen["folder/one"][0]) == 0o444 | forced
    one, two = (workspace.files / "folder" / name for name in ("one", "two"))
    assert one.stat().st_ino == two.stat().st_ino
    assert one.stat().st_mtime == (workspace.files / "folder").stat().st_mtime == 1_600_000_000
    assert paths(workspace) == []


def test_the_next_step_uses_the_same_tree_and_copies_nothing(store: Store):
    snapshotter = TreeSnapshotter(store)
    layers = [base(store)]
    workspace = snapshotter.prepare(layers)
    (workspace.files / "new").write_text("n")
    before = {path.name: path.lstat().st_ino for path in workspace.files.iterdir()}
    layers.append(workspace.commit())
    again = snapshotter.prepare(layers)
    assert again.files == workspace.files
    assert {path.name: path.lstat().st_ino for path in again.files.iterdir()} == before
    assert paths(again) == []


def spoil(root: Path) -> None:
    """What a container may have done to a tree: one change of each kind."""
    (root / "folder").chmod(0o755)
    (root / "file").write_text("CONTENT")
    os.utime(root / "file", (1_600_000_000, 1_600_000_000))
    (root / "folder" / "one").unlink()
    (root / "link").unlink()
    (root / "link").symlink_to("/etc/passwd")
    (root / "extra" / "deep").mkdir(parents=True)
    (root / "extra" / "deep" / "file").write_text("x")
    (root / "extra" / "deep").chmod(0)
    (root / "proc").rmdir()
    (root / "sys").chmod(0o700)
    (root / "dev").rmdir()
    (root / "dev").write_text("no directory")
    (root / "etc" / "hosts").write_text("changed")


@pytest.mark.parametrize("how", ["discarded", "abandoned"])
def test_a_changed_tree_is_repaired(store: Store, how: str):
    layers = [base(store)]
    workspace = TreeSnapshotter(store).prepare(layers)
    right = view(workspace)
    times = (workspace.files / "folder").stat().st_mtime
    spoil(workspace.files)
    if how == "discarded":
        workspace.discard()
    else:
        del workspace  # Its lock ends with the process in earnest; here we let go of it.
        for handle in list(Path("/proc/self/fd").iterdir()):
            if handle.is_symlink() and str(handle.readlink()).endswith("trees/1.lock"):
                os.close(int(handle.name))
    again = TreeSnapshotter(store).prepare(layers)
    assert again.files == store.root / "trees" / "1" / "fs"
    assert view(again) == right
    assert (again.files / "folder").stat().st_mtime == times
    assert paths(again) == []


def test_a_change_from_outside_is_found_although_size_and_times_are_the_same(store: Store):
    layers = [base(store)]
    workspace = TreeSnapshotter(store).prepare(layers)
    place = workspace.files / "file"
    workspace.discard()
    status = place.stat()
    place.write_text("CONTENT")
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
    again = TreeSnapshotter(store).prepare(layers)
    assert again.files / "file" == place
    assert place.read_text() == "content"


def test_a_tree_moves_on_to_other_layers_and_back(store: Store):
    snapshotter = TreeSnapshotter(store)
    first = base(store)
    second = add(store, layer_tar({"file": None, "file/inside": b"2", "folder/.wh.one": b""}))
    third = add(store, layer_tar({"folder/.wh..wh..opq": b"", "folder/three": b"3", "link": b"4"}))
    expected = {}
    for layers in ([first], [first, second], [first, second, third]):
        fresh = snapshotter.prepare(layers)
        expected[len(layers)] = view(fresh)
        spare = snapshotter.prepare(layers)  # Forces another tree, made for these layers anew.
        assert spare.files != fresh.files
        assert view(spare) == view(fresh)
        spare.discard()
        fresh.discard()
    assert expected[3]["link"][1] == "4"
    assert "folder/one" not in expected[3]
    for count in (1, 3, 2, 1):
        workspace = snapshotter.prepare([first, second, third][:count])
        assert view(workspace) == expected[count]
        workspace.discard()


def test_a_tree_is_leased_to_one_at_a_time(store: Store):
    layers = [base(store)]
    snapshotter = TreeSnapshotter(store)
    leased: list[TreeWorkspace] = []

    def lease() -> None:
        leased.append(snapshotter.prepare(layers))

    threads = [threading.Thread(target=lease) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({workspace.files for workspace in leased}) == 4
    script = (
        "import sys; from pathlib import Path;"
        "from container_magics.engines.embedded.storage.store import Store;"
        "from container_magics.engines.embedded.storage.holding import Holding;"
        "from container_magics.engines.embedded.snapshots.trees import TreeSnapshotter;"
        "store = Store(Path(sys.argv[1]), Holding(sys.argv[2]));"
        "print(TreeSnapshotter(store).prepare([store.layer(sys.argv[3])]).files)"
    )
    arguments = [str(store.root), store.holding.kind, layers[0].diff_id]
    other = subprocess.run(
        [sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True
    )
    assert Path(other.stdout.strip()) not in {workspace.files for workspace in leased}
    for workspace in leased:
        workspace.discard()


def test_a_tree_in_which_a_container_still_runs_is_not_leased(store: Store):
    layers = [base(store)]
    workspace = TreeSnapshotter(store).prepare(layers)
    running = os.open(workspace.root["busy"], os.O_RDONLY)
    fcntl.flock(running, fcntl.LOCK_SH)
    workspace.discard()
    other = TreeSnapshotter(store).prepare(layers)
    assert other.files != workspace.files
    os.close(running)
    assert TreeSnapshotter(store).prepare(layers).files == workspace.files


def test_idle_trees_are_few(store: Store):
    layers = [base(store)]
    snapshotter = TreeSnapshotter(store)
    leased = [snapshotter.prepare(layers) for _ in range(IDLE_TREES + 3)]
    for workspace in leased:
        workspace.discard()
    snapshotter.prepare(layers).discard()
    kept = [path for path in (store.root / "trees").iterdir() if path.is_dir()]
    assert len(kept) == IDLE_TREES


def test_trees_of_deleted_layers_go(store: Store):
    snapshotter = TreeSnapshotter(store)
    layers = [base(store)]
    workspace = snapshotter.prepare(layers)
    workspace.discard()
    (store.directory(layers[0])).rename(store.session / "deleted")
    snapshotter.prepare([]).discard()
    assert not (workspace.files / "file").exists()


def test_a_tree_without_its_state_is_made_anew(store: Store):
    layers = [base(store)]
    workspace = TreeSnapshotter(store).prepare(layers)
    right = view(workspace)
    workspace.discard()
    (workspace.files / "file").write_text("CONTENT")
    for text in ("", "{", '{"format": 1, "kind": "user", "layers": []}\n[['):
        (workspace.files.parent / "state").write_text(text)
        again = TreeSnapshotter(store).prepare(layers)
        assert view(again) == right
        again.discard()


@pytest.mark.root
def test_a_tree_belongs_to_one_kind_of_ownership(tmp_path: Path):
    seen = []
    for kind in ("true", "user"):
        store = Store(tmp_path / "store", Holding(kind))
        workspace = TreeSnapshotter(store).prepare([base(store)])
        seen.append(workspace.files)
        assert stat.S_IMODE((workspace.files / "folder/one").stat().st_mode) == (
            0o444 if kind == "true" else 0o644
        )
        workspace.discard()
        store.close()
    assert seen[0] != seen[1]


def test_sockets_and_skeletons_stay_out_of_layers(store: Store):
    workspace = TreeSnapshotter(store).prepare([base(store)])
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(workspace.files)
        server.bind("socket")
        os.chdir("/")
    (workspace.files / "sys").rmdir()
    (workspace.files / "etc" / "hosts").unlink()
    assert paths(workspace) == ["etc"]  # Its time changed.


def test_images_with_apt_stay_root_where_there_is_one_user(store: Store):
    layer = add(store, layer_tar({"etc": None, "etc/apt": None, "etc/apt/apt.conf.d": None}))
    workspace = TreeSnapshotter(store).prepare([layer])
    shown = list((workspace.files / "etc/apt/apt.conf.d").iterdir())
    assert paths(workspace) == []
    if store.holding.kind == "user":
        assert shown[0].read_text() == 'APT::Sandbox::User "root";\n'
    else:
        assert shown == []


def test_a_file_with_two_names_is_one_file_in_the_layer_too(store: Store):
    workspace = TreeSnapshotter(store).prepare([base(store)])
    place = workspace.files / "folder" / "two"
    place.chmod(0o644)
    with place.open("a") as file:
        file.write("more")
    place.chmod(0o444)
    entries = {entry.path: entry for entry in workspace.changes()}
    assert set(entries) == {"folder", "folder/one", "folder/two"}
    assert (entries["folder/one"].size, entries["folder/two"].link) == (5, "folder/one")
    assert stat.S_IMODE(entries["folder/one"].mode) == 0o444
