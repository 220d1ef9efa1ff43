"""Unpacking layers: what hostile ones try, what odd ones hold, and overlayfs as the judge."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from container_magics.engines.embedded.storage.holding import Holding
from container_magics.engines.embedded.storage.unpack import unpack
from container_magics.errors import CorruptArchiveError
from container_magics.oci.split import read_split, reassemble
from container_magics.oci.tree import SUPERSEDED, Tree
from tests.engines.embedded.material import KIND, digest

CONTENT = b"content"


def member(name, kind=tarfile.REGTYPE, link="", content=b"", mode=0o644, **more):
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode, made.size = kind, link, mode, len(content)
    for key, value in more.items():
        setattr(made, key, value)
    return made, content


def file(name, content=CONTENT, **more):
    return member(name, content=content, **more)


def folder(name, mode=0o755, **more):
    return member(name, tarfile.DIRTYPE, mode=mode, **more)


def symlink(name, target):
    return member(name, tarfile.SYMTYPE, target)


def hard_link(name, target):
    return member(name, tarfile.LNKTYPE, target)


def tar(*members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for made, content in members:
            archive.addfile(made, io.BytesIO(content))
    return buffer.getvalue()


def unpacked(archive, directory, kind=KIND):
    directory.mkdir()
    assert unpack(io.BytesIO(archive).read, directory, Holding(kind))[0] == digest(archive)
    return directory


def records(directory):
    for record in read_split(directory / "split"):
        if record.entry is not None:
            yield record.entry, record.place


def place_of(directory, place):
    if place.startswith(SUPERSEDED):
        return directory / "extra" / place[len(SUPERSEDED) :]
    return directory / "fs" / place


def merged(*directories):
    """What the tree of some unpacked layers holds: content, link target or None, by path."""
    tree = Tree()
    for directory in directories:
        tree = tree.apply(directory, records(directory))
    found = {}
    for path, node in tree.walk():
        if node.is_directory:
            found[path] = None
        elif node.is_symlink:
            found[path] = node.entry.link
        else:
            found[path] = place_of(node.layer, node.place).read_bytes()
    return found


def again(directory):
    """The tar of an unpacked layer."""

    def content(entry, place):
        yield place_of(directory, place or entry.path).read_bytes()

    return b"".join(reassemble(directory / "split", content))


@pytest.fixture
def outside(tmp_path):
    """A file that no archive may reach; checked afterwards."""
    home = tmp_path / "outside"
    home.mkdir(mode=0o700)
    (home / "secret").write_bytes(b"mine")
    (home / "secret").chmod(0o600)
    yield home
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [path.name for path in home.iterdir()] == ["secret"]
    status = (home / "secret").stat()
    assert (home / "secret").read_bytes() == b"mine"
    assert (stat.S_IMODE(status.st_mode), status.st_nlink) == (0o600, 1)


def hostile(outside):
    """Archives that try to write to, change or link what is outside."""
    up = "../" * 20 + str(outside).lstrip("/")
    for target in (str(outside), up):
        link = symlink("link", target)
        yield "file below a symlink", tar(link, file("link/secret"))
        yield "new file below a symlink", tar(link, file("link/new"))
        yield "directory below a symlink", tar(link, folder("link/sub", 0o777), file("link/sub/x"))
        yield "whiteout below a symlink", tar(link, file("link/.wh.secret", b""))
        yield "opaque below a symlink", tar(link, file("link/.wh..wh..opq", b""))
        yield "hard link below a symlink", tar(link, hard_link("x", "link/secret"))
        yield "symlink then directory", tar(link, folder("link", 0o777), file("link/new"))
        yield "symlink to a symlink", tar(link, symlink("two", "link"), file("two/secret"))
    parent = str(outside.parent)
    yield (
        "directory metadata through a symlink",
        tar(symlink("link", parent), folder("link/outside", 0o777), file("link/outside/new")),
    )
    yield "file through a symlink", tar(symlink("s", f"{outside}/secret"), file("s"))
    yield "climbs", tar(file(up + "/secret"))
    yield "absolute", tar(file(f"{outside}/secret"))
    yield "climbs inside", tar(folder("a"), file("a/../../" + up + "/secret"))
    yield "hard link out", tar(hard_link("x", f"{outside}/secret"))
    yield "hard link up", tar(hard_link("x", up + "/secret"))
    yield (
        "hard link to a symlink",
        tar(symlink("s", f"{outside}/secret"), hard_link("x", "s"), file("x")),
    )
    yield "whiteout of dots", tar(file(".wh...", b""), file("a/.wh...", b""))
    yield "whiteout of itself", tar(file(".wh.", b""), file(".wh..", b""))


@pytest.mark.parametrize("kind", ["user", "true"])
def test_nothing_outside_is_touched(tmp_path, outside, kind):
    if kind == "true" and os.geteuid():
        pytest.skip("needs root")
    for number, (_, archive) in enumerate(hostile(outside)):
        try:
            directory = unpacked(archive, tmp_path / str(number), kind)
        except CorruptArchiveError:
            continue
        assert again(directory) == archive
        for path in (directory / "fs").rglob("*"):
            assert path.is_symlink() or not path.samefile(outside / "secret")


@pytest.mark.parametrize(
    "archive",
    [
        tar(file("a/../../x")),
        tar(hard_link("x", "missing")),
        tar(hard_link("x", "x")),
        tar(file("x"), hard_link("x", "x")),
        tar(folder("d"), hard_link("x", "d")),
        tar(file("d/x"), file("d")),
        tar(file("d"), file("d/x")),
        tar(symlink("a", "b"), symlink("b", "a"), file("a/x")),
        tar(file(".wh.x", b"with content")),
        tar(file(".wh.x/y")),
        tar(file(".wh..", b"")),
        tar(file(".wh..wh.other", b"")),
        tar(member("./", tarfile.SYMTYPE, "/etc")),
        tar(file("x"))[:700],
        tar(file("x"))[:512],
        b"x" * 2000,
    ],
)
def test_what_cannot_be_is_refused(tmp_path, archive):
    with pytest.raises(CorruptArchiveError):
        unpacked(archive, tmp_path / "layer")


def test_symlinks_of_the_layer_are_followed_inside_it(tmp_path):
    archive = tar(
        folder("usr"),
        folder("usr/bin"),
        symlink("bin", "/usr/bin"),
        file("bin/tool"),
        folder("bin/sub", 0o700),
        file("bin/sub/x"),
        hard_link("copy", "bin/tool"),
    )
    directory = unpacked(archive, tmp_path / "layer")
    assert merged(directory) == {
        "usr": None,
        "usr/bin": None,
        "usr/bin/tool": CONTENT,
        "usr/bin/sub": None,
        "usr/bin/sub/x": CONTENT,
        "bin": "/usr/bin",
        "copy": CONTENT,
    }
    assert stat.S_IMODE((directory / "fs/usr/bin/sub").stat().st_mode) == 0o700
    assert (directory / "fs/copy").stat().st_ino == (directory / "fs/usr/bin/tool").stat().st_ino
    assert again(directory) == archive


def test_a_member_that_is_there_twice(tmp_path):
    """The last one counts; a hard link made in between keeps the first one's content."""
    archive = tar(
        file("x", b"first"), hard_link("y", "x"), file("x", b"second"), symlink("x", "y"),
        file("x", b"third"),
    )  # fmt: skip
    directory = unpacked(archive, tmp_path / "layer")
    assert merged(directory) == {"x": b"third", "y": b"first"}
    assert (directory / "fs/y").read_bytes() == b"first"
    assert again(directory) == archive


def test_a_directory_in_the_place_of_a_file(tmp_path):
    archive = tar(file("x"), folder("x"), file("x/y"), symlink("s", "x"), folder("s"), file("s/z"))
    directory = unpacked(archive, tmp_path / "layer")
    assert merged(directory) == {"x": None, "x/y": CONTENT, "s": None, "s/z": CONTENT}
    assert not (directory / "fs/s").is_symlink()
    assert again(directory) == archive


def test_in_the_place_of_a_device_lies_an_empty_file_of_the_user(tmp_path):
    null = {"devmajor": 1, "devminor": 3}
    archive = tar(
        member("null", tarfile.CHRTYPE, **null),
        hard_link("zero", "null"),
        member("pipe", tarfile.FIFOTYPE),
        file("after"),
    )
    directory = unpacked(archive, tmp_path / "layer", "user")
    names = sorted(path.name for path in (directory / "fs").iterdir())
    assert names == ["after", "null", "pipe", "zero"]
    assert (directory / "fs/null").samefile(directory / "fs/zero")
    assert stat.S_ISREG((directory / "fs/null").stat().st_mode)
    assert again(directory) == archive
    tree = Tree().apply(directory, records(directory))
    assert tree.lookup("zero").entry.major == 1


@pytest.mark.root
def test_root_gets_devices_owners_and_modes(tmp_path):
    archive = tar(
        member("null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
        file("su", mode=0o4755, uid=12, gid=34, mtime=1_000_000_000),
        member("d", tarfile.DIRTYPE, mode=0o1777, uid=7),
        file("d/x"),
        member("l", tarfile.SYMTYPE, "x", uid=9),
    )
    fs = unpacked(archive, tmp_path / "layer", "true") / "fs"
    assert (fs / "null").stat().st_rdev == os.makedev(1, 3)
    status = (fs / "su").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o4755, 12, 34)
    assert status.st_mtime == 1_000_000_000
    assert (stat.S_IMODE((fs / "d").stat().st_mode), (fs / "d").stat().st_uid) == (0o1777, 7)
    assert (fs / "l").lstat().st_uid == 9


def test_files_of_a_user_stay_readable_to_it(tmp_path):
    archive = tar(folder("d", 0o000), file("d/x", mode=0o000))
    fs = unpacked(archive, tmp_path / "layer", "user") / "fs"
    assert stat.S_IMODE((fs / "d").stat().st_mode) == 0o700
    assert stat.S_IMODE((fs / "d/x").stat().st_mode) == 0o600


def test_the_umask_does_not_count(tmp_path):
    before = os.umask(0o077)
    try:
        fs = unpacked(tar(file("implied/x")), tmp_path / "layer") / "fs"
    finally:
        os.umask(before)
    assert stat.S_IMODE(fs.stat().st_mode) == 0o755
    assert stat.S_IMODE((fs / "implied").stat().st_mode) == 0o755


# --- against overlayfs --------------------------------------------------------------------------


@contextmanager
def mounted(directories, point):
    point.mkdir(exist_ok=True)
    lower = ":".join(str(directory / "fs") for directory in reversed(directories))
    done = subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower}", point],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"no overlayfs here: {done.stderr}")
    try:
        yield point
    finally:
        subprocess.run(["umount", point], check=True)


def on_disk(root):
    """As `merged` says it. A whiteout in a directory that has nothing below it is listed by
    overlayfs, although nothing is there.
    """
    found = {}
    for folder_path, folders, names in os.walk(root):
        for path in (Path(folder_path, name) for name in folders + names):
            short = str(path.relative_to(root))
            if path.is_symlink():
                found[short] = str(path.readlink())
            elif path.is_dir():
                found[short] = None
            elif path.exists():
                found[short] = path.read_bytes()
    return found


names = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
operations = st.one_of(
    st.tuples(st.just(file), names, st.binary(max_size=3)),
    st.tuples(st.just(folder), names),
    st.tuples(st.just(symlink), names, st.sampled_from(["a", "/b", "../c", "a/b", "."])),
    st.tuples(st.just(hard_link), names, names),
    st.tuples(
        st.just(lambda path: file(whiteout(path), b"")),
        names,
    ),
    st.tuples(st.just(lambda path: file(f"{path}/.wh..wh..opq", b"")), names),
)


def whiteout(path):
    directory, _, name = path.rpartition("/")
    return f"{directory}/.wh.{name}" if directory else f".wh.{name}"


@pytest.mark.root
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(layers=st.lists(st.lists(operations, min_size=1, max_size=6), min_size=2, max_size=3))
def test_the_tree_is_what_overlayfs_shows(tmp_path_factory, layers):
    """Random layers: unpacked and mounted they look as the tree of their headers says."""
    root = tmp_path_factory.mktemp("layers")
    directories = []
    for number, steps in enumerate(layers):
        archive = tar(*(make(*values) for make, *values in steps))
        try:
            directories.append(unpacked(archive, root / str(number), "true"))
        except CorruptArchiveError:
            return
        assert again(directories[-1]) == archive
    with mounted(directories, root / "point") as point:
        assert merged(*directories) == on_disk(point)
