"""Header streams: with the content they give the archive again, byte for byte."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from container_magics.errors import CorruptArchiveError
from container_magics.oci.members import read_members
from container_magics.oci.split import SplitWriter, read_split, reassemble


def split(data, path, displaced=()):
    """Write the stream of an archive; gives the contents by ordinal."""
    contents = []
    with SplitWriter(path) as writer:
        for member in read_members(io.BytesIO(data).read):
            writer.add(member.raw)
            contents.append(member.read(1 << 30))
        writer.displaced.update(displaced)
    return contents


def joined(path, contents):
    """The archive again; contents are told apart by their order."""
    left = iter([content for content in contents if content])
    return b"".join(reassemble(path, lambda _entry, _place: iter([next(left)])))


def member(name, content=b"", **more):
    made = tarfile.TarInfo(name)
    made.size = len(content)
    for key, value in more.items():
        setattr(made, key, value)
    return made, content


def tar(members, form=tarfile.GNU_FORMAT, **more):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form, **more) as archive:
        for made, content in members:
            archive.addfile(made, io.BytesIO(content))
    return buffer.getvalue()


MEMBERS = [
    member("d", type=tarfile.DIRTYPE),
    member("d/file", b"x" * 1000),
    member("d/file", b"the second"),
    member("l" * 150, b"long name"),
    member("é" * 120 + "/" + "f" * 90, b"y" * 512),
    member("s", type=tarfile.SYMTYPE, linkname="t" * 140),
    member("h", type=tarfile.LNKTYPE, linkname="d/file"),
    member(".wh.gone"),
]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("tail", [b"", bytes(20_000), b"garbage", "cut"])
def test_gives_the_same_bytes(tmp_path, form, tail):
    data = tar(MEMBERS, form, pax_headers={"comment": "global"})
    data = data.rstrip(b"\0") + bytes(900) if tail == "cut" else data + tail
    data = data[: len(data) // 512 * 512] if tail == "cut" else data
    contents = split(data, tmp_path / "split")
    assert joined(tmp_path / "split", contents) == data


def test_gives_the_same_bytes_of_gnu_tars(tmp_path):
    folder = tmp_path / "tree" / ("d" * 120)
    folder.mkdir(parents=True)
    (folder / ("f" * 130)).write_bytes(b"z" * 3000)
    for form in ("gnu", "posix", "ustar", "v7"):
        done = subprocess.run(
            ["tar", "-C", tmp_path / "tree", f"--format={form}", "-cf", "-", "."],
            capture_output=True,
            check=False,
        )
        contents = split(done.stdout, tmp_path / form)
        assert joined(tmp_path / form, contents) == done.stdout


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(st.tuples(st.text(min_size=1, max_size=150), st.binary(max_size=1100))),
    tail=st.binary(max_size=600),
)
def test_gives_the_same_bytes_of_anything(tmp_path, files, tail):
    names = [name.replace("\0", "0").replace("/", "_").replace(".", "_") for name, _ in files]
    names = [name.encode("utf-8", "replace").decode() for name in names]
    members = [member(name, content) for name, (_, content) in zip(names, files, strict=True)]
    data = tar(members, tarfile.PAX_FORMAT) + tail
    contents = split(data, tmp_path / "split")
    assert joined(tmp_path / "split", contents) == data


def test_records_say_what_the_archive_says(tmp_path):
    data = tar(MEMBERS)
    split(data, tmp_path / "split", {1: "../extra/1"})
    found = list(read_split(tmp_path / "split"))
    assert found[-1].entry is None
    assert [record.entry.path for record in found[:-1]] == [made.name for made, _ in MEMBERS]
    assert [record.place for record in found[:-1]] == ["", "../extra/1", *[""] * 6]


def test_is_small_beside_its_archive(tmp_path):
    data = tar([member(f"file{n}", b"x" * 10_000) for n in range(500)])
    split(data, tmp_path / "split")
    assert (tmp_path / "split").stat().st_size < len(data) / 200


def test_an_archive_without_members(tmp_path):
    contents = split(bytes(1024), tmp_path / "split")
    assert joined(tmp_path / "split", contents) == bytes(1024)


def test_a_writer_that_failed_leaves_no_stream_that_reads(tmp_path):
    with pytest.raises(ZeroDivisionError), SplitWriter(tmp_path / "split") as writer:
        writer.add(bytes(1024))
        raise ZeroDivisionError
    with pytest.raises(CorruptArchiveError):
        list(read_split(tmp_path / "split"))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), change=st.integers(1, 255), cut=st.booleans())
def test_damage_is_noticed(tmp_path, place, change, cut):
    path = tmp_path / "split"
    split(tar(MEMBERS), path)
    whole = path.read_bytes()
    good = list(read_split(path))
    place %= len(whole)
    broken = bytearray(whole)
    broken[place] ^= change
    path.write_bytes(whole[:place] if cut else bytes(broken))
    try:
        assert list(read_split(path)) == good
    except CorruptArchiveError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize(
    "stream",
    [b"", b"\xff\xff\xff\xff{}", b"\xff\xff\xff\xff[", b"\x05\0\0\0hello", b"\x02\0\0\0"],
)
def test_streams_that_make_no_sense_are_refused(tmp_path, stream):
    (tmp_path / "split").write_bytes(gzip.compress(stream))
    with pytest.raises(CorruptArchiveError):
        list(read_split(tmp_path / "split"))
