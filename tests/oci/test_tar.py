"""Tar headers both ways, with Python's tarfile and GNU tar as judges."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import subprocess
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container_magics.errors import CorruptArchiveError
from container_magics.oci.entries import Entry, clean_path
from container_magics.oci.members import read_members
from container_magics.oci.tar import END, header, padding

component = (
    st.binary(min_size=1, max_size=130)
    .map(lambda raw: os.fsdecode(raw.replace(b"\0", b"0").replace(b"/", b"_")))
    .filter(lambda name: name not in (".", ".."))
)
paths = st.lists(component, min_size=1, max_size=4).map("/".join)
plain_paths = st.lists(
    st.text("abcdefgh.-_", min_size=1, max_size=60).filter(lambda n: n.strip(".")),
    min_size=1,
    max_size=6,
).map("/".join)
any_path = st.one_of(paths, plain_paths)
kinds = st.sampled_from(
    [stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, 0]
)
xattrs = st.dictionaries(
    st.text(st.characters(exclude_characters="=\0", codec="utf-8"), min_size=1, max_size=20),
    st.binary(max_size=50),
    max_size=3,
)


@st.composite
def entries(draw):
    kind = draw(kinds)
    device = kind in (stat.S_IFCHR, stat.S_IFBLK)
    return Entry(
        draw(any_path),
        kind | draw(st.integers(0, 0o7777)),
        draw(st.integers(0, 2**32 - 2)),
        draw(st.integers(0, 2**32 - 2)),
        draw(st.integers(0, 1500)) if kind == stat.S_IFREG else 0,
        draw(st.integers(-(2**35), 2**40)),
        draw(any_path) if kind in (stat.S_IFLNK, 0) else "",
        draw(st.integers(0, 4095)) if device else 0,
        draw(st.integers(0, 2**20 - 1)) if device else 0,
        draw(xattrs),
    )


def archive_of(items):
    """Headers of ours with content of x."""
    parts = []
    for entry in items:
        parts += [header(entry), b"x" * entry.size, bytes(padding(entry.size))]
    return b"".join([*parts, END])


def read_all(data, step=None):
    """(raw, entry, content) of all members but the last, and the raw bytes of that."""
    source = io.BytesIO(data)
    found, last = [], b""
    for member in read_members(lambda count: source.read(min(count, step or count))):
        if member.entry.mode == -1:
            last = member.raw
        else:
            content = b""
            while part := member.read(97):
                content += part
            found.append((member.raw, member.entry, content))
    return found, last


TYPES = {
    tarfile.REGTYPE: stat.S_IFREG,
    tarfile.AREGTYPE: stat.S_IFREG,
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.LNKTYPE: 0,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}


def by_tarfile(data):
    """What Python's tarfile reads, as entries."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            kind = TYPES[member.type]
            device = kind in (stat.S_IFCHR, stat.S_IFBLK)
            yield Entry(
                clean_path(member.name),
                kind | member.mode,
                member.uid,
                member.gid,
                member.size if kind == stat.S_IFREG else 0,
                int(member.mtime // 1),
                clean_path(member.linkname)
                if kind == 0
                else member.linkname * (kind == stat.S_IFLNK),
                member.devmajor if device else 0,
                member.devminor if device else 0,
                {
                    key.removeprefix("SCHILY.xattr."): value.encode("utf-8", "surrogateescape")
                    for key, value in member.pax_headers.items()
                    if key.startswith("SCHILY.xattr.")
                },
            )


@settings(max_examples=200)
@given(items=st.lists(entries(), max_size=4), step=st.integers(1, 700))
def test_reads_back_what_it_wrote(items, step):
    data = archive_of(items)
    found, last = read_all(data, step)
    assert [entry for _, entry, _ in found] == items
    assert [content for _, _, content in found] == [b"x" * item.size for item in items]
    assert b"".join(raw + content for raw, _, content in found) + last == data


@settings(max_examples=200)
@given(items=st.lists(entries(), max_size=4))
def test_tarfile_reads_what_it_wrote(items):
    assert list(by_tarfile(archive_of(items))) == items


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@settings(max_examples=150)
@given(items=st.lists(entries(), max_size=4))
def test_reads_what_tarfile_writes(form, items):
    buffer = io.BytesIO()
    flags = {kind: flag for flag, kind in TYPES.items() if flag != tarfile.AREGTYPE}
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for item in items:
            member = tarfile.TarInfo(item.path)
            member.type, member.mode = flags[item.kind], stat.S_IMODE(item.mode)
            member.uid, member.gid, member.mtime = item.uid, item.gid, item.mtime
            member.size, member.linkname = item.size, item.link
            member.devmajor, member.devminor = item.major, item.minor
            try:
                archive.addfile(member, io.BytesIO(b"x" * item.size))
            except ValueError:  # more than this form can hold
                continue
    data = buffer.getvalue()
    found, last = read_all(data)
    assert [entry for _, entry, _ in found] == list(by_tarfile(data))
    assert b"".join(raw + content for raw, _, content in found) + last == data


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    deep = root / ("d" * 90) / ("e" * 90) / "ü"
    deep.mkdir(parents=True)
    (deep / ("f" * 200)).write_bytes(b"x" * 700)
    (root / "empty").touch()
    (root / "link").symlink_to("t" * 150)
    (root / "twin").hardlink_to(root / "empty")
    os.mkfifo(root / "pipe")
    os.utime(root / "empty", ns=(0, 1_234_567_890_750_000_000))
    (root / ("n" * 130)).hardlink_to(deep / ("f" * 200))
    return root


@pytest.mark.parametrize("form", ["v7", "ustar", "oldgnu", "gnu", "posix"])
def test_reads_what_gnu_tar_writes(tree, form):
    done = subprocess.run(
        ["tar", "-C", tree, f"--format={form}", "--sort=name", "-cf", "-", "."],
        capture_output=True,
        check=False,
    )
    data = done.stdout
    found, last = read_all(data)
    assert [entry for _, entry, _ in found] == list(by_tarfile(data))
    assert b"".join(raw + content for raw, _, content in found) + last == data
    if form in ("gnu", "posix"):
        assert done.returncode == 0
        assert len(found) == 10
        assert {e.path: e.mtime for _, e, _ in found}["empty"] == 1_234_567_890


def test_gnu_tar_unpacks_what_it_wrote(tmp_path):
    name = f"{'d' * 90}/{'é' * 80}/{'f' * 120}"
    items = [
        Entry(name, stat.S_IFREG | 0o640, size=1234, mtime=2**33),
        Entry("link", stat.S_IFLNK | 0o777, link="t" * 180),
        Entry("twin", 0o640, link=name),
        Entry("d", stat.S_IFDIR | 0o750),
    ]
    subprocess.run(["tar", "-C", tmp_path, "-xf", "-"], input=archive_of(items), check=True)
    assert (tmp_path / name).read_bytes() == b"x" * 1234
    assert (tmp_path / "twin").samefile(tmp_path / name)
    assert str((tmp_path / "link").readlink()) == "t" * 180
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o750


def test_a_missing_end_marker_is_no_damage():
    data = header(Entry("a", stat.S_IFREG | 0o644, size=512)) + bytes(512)
    found, last = read_all(data)
    assert [entry.path for _, entry, _ in found] == ["a"]
    assert last == b""


def test_what_follows_the_end_marker_is_kept():
    data = END + b"trailing" * 10_000
    assert read_all(data) == ([], data)


def test_global_headers_hold_for_what_follows():
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"gid": "77"}
    ) as archive:
        archive.addfile(tarfile.TarInfo("a"))
        archive.addfile(tarfile.TarInfo("b"))
    found, _ = read_all(buffer.getvalue())
    assert [(entry.path, entry.gid) for _, entry, _ in found] == [("a", 77), ("b", 77)]


def record(text):
    length = next(n for n in range(10**6) if n == len(b"%d %s" % (n, text)))
    return b"%d %s" % (length, text)


def pax(records, flag=b"x", name="a", kind=tarfile.REGTYPE):
    """A member with pax records of the test's own."""
    body = b"".join(record(b"%s=%s\n" % pair) for pair in records)
    extension, member = tarfile.TarInfo("x"), tarfile.TarInfo(name)
    extension.type, extension.size, member.type = flag, len(body), kind
    blocks = [t.tobuf(tarfile.USTAR_FORMAT) for t in (extension, member)]
    return blocks[0] + body + bytes(-len(body) % 512) + blocks[1] + END


@pytest.mark.parametrize(
    ("value", "seconds"), [(b"12.999999999", 12), (b"-0.5", -1), (b"-3", -3), (b"7.", 7)]
)
def test_times_are_rounded_down(value, seconds):
    (found,), _ = read_all(pax([(b"mtime", value)]))
    assert found[1].mtime == seconds


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"x" * 5000,
        archive_of([Entry("a", stat.S_IFREG, size=100)])[:600],
        pax([(b"mtime", b"inf")]),
        pax([(b"mtime", b"1e3")]),
        pax([(b"uid", b"-1")]),
        pax([(b"uid", b"%d" % 2**32)]),
        pax([(b"size", b"-1")]),
        pax([(b"size", b"x")]),
        pax([(b"path", b"a\0b")]),
        pax([(b"path", b"../a")]),
        pax([(b"path", b"a/" * 3000)]),
        pax([(b"linkpath", b"a\0b")], kind=tarfile.SYMTYPE),
        pax([(b"linkpath", b"a" * 5000)], kind=tarfile.SYMTYPE),
        pax([(b"linkpath", b"../a")], kind=tarfile.LNKTYPE),
        pax([(b"GNU.sparse.major", b"1")]),
        pax([(b"a", b"b")]).replace(b"6 a=b\n", b"9 a=b\n"),
        pax([(b"a", b"b")]).replace(b"6 a=b\n", b"6 aab\n"),
        pax([], name="a", kind=b"Z"),
        tarfile.TarInfo("").tobuf().replace(b"0000644", b"0000944") + END,
    ],
)
def test_what_breaks_the_format_is_refused(data):
    with pytest.raises(CorruptArchiveError):
        read_all(data)


def endless(piece):
    """A `read` of the same bytes over and over; `read.given` counts them."""

    def read(count):
        position = read.given % len(piece)
        data = piece[position : position + count]
        read.given += len(data)
        return data

    read.given = 0
    return read


@pytest.mark.parametrize(
    "piece", [pax([(b"a", b"v" * 900)])[:-1536], bytes(512)], ids=["extensions", "zeros"]
)
def test_headers_without_end_are_given_up(piece):
    read = endless(piece)
    with pytest.raises(CorruptArchiveError):
        list(read_members(read))
    assert read.given < 16 << 20


def test_global_headers_without_end_are_given_up():
    pieces = [pax([(b"k%d" % n, b"v" * 9000)], flag=b"g", name=f"f{n}")[:-1024] for n in range(999)]
    with pytest.raises(CorruptArchiveError):
        read_all(b"".join(pieces))


@settings(max_examples=300)
@given(
    data=st.binary(max_size=1500),
    items=st.lists(entries(), max_size=2),
    place=st.integers(0, 3000),
    length=st.integers(0, 20),
)
def test_damage_never_ends_in_another_error(data, items, place, length):
    good = archive_of(items)
    damaged = good[:place] + data[:length] + good[place + length :]
    with contextlib.suppress(CorruptArchiveError):
        read_all(damaged)


@given(path=st.text("ab./", max_size=12))
def test_clean_paths_are_as_posix_normalises_them(path):
    import posixpath

    expected = posixpath.normpath("/" + "/".join(p for p in path.split("/") if p)).lstrip("/")
    try:
        assert clean_path(path) == expected
    except CorruptArchiveError:
        depth = 0
        depths = [
            depth := depth + (-1 if part == ".." else 1)
            for part in path.split("/")
            if part not in ("", ".")
        ]
        assert min(depths) < 0
