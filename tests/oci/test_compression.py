"""Decompression: every format against its own library and program, damage, and memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import resource
import subprocess
import sys
import tarfile

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from container_magics.errors import CorruptArchiveError
from container_magics.oci.compression import compression_of, decompressed, is_tar

COMPRESS = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "": bytes,
}
COMPRESSED = [kind for kind in COMPRESS if kind]


def trickle(data, sizes):
    """A `read` that gives less than asked, as sockets do."""
    source = io.BytesIO(data)
    turns = iter(sizes)
    return lambda count: source.read(min(count, next(turns, count)))


def all_of(data, count=1 << 16, sizes=()):
    read = decompressed(trickle(data, sizes))
    parts = []
    while part := read(count):
        assert len(part) <= count
        parts.append(part)
    assert read(count) == b""
    return b"".join(parts)


def mixed(size):
    generator = random.Random(7)
    return b"".join(
        generator.choice((generator.randbytes(300), b"layer" * 60)) for _ in range(size // 300)
    )


@pytest.mark.parametrize("kind", COMPRESS)
@given(
    data=st.binary(max_size=5000),
    count=st.integers(1, 700),
    sizes=st.lists(st.integers(1, 9), max_size=40),
)
def test_gives_what_was_compressed(kind, data, count, sizes):
    packed = COMPRESS[kind](data)
    if not kind and compression_of(packed):
        return
    assert all_of(packed, count, sizes) == data


@pytest.mark.parametrize("kind", COMPRESS)
def test_gives_megabytes_that_were_compressed(kind):
    data = mixed(3_000_000)
    assert all_of(COMPRESS[kind](data)) == data


@pytest.mark.parametrize("kind", COMPRESSED)
@given(parts=st.lists(st.binary(max_size=300), min_size=1, max_size=5), zeros=st.integers(0, 20))
def test_members_one_after_the_other_are_one_file(kind, parts, zeros):
    packed = b"".join(COMPRESS[kind](part) for part in parts) + bytes(zeros)
    assert all_of(packed) == b"".join(parts)


def test_skippable_zstd_frames_are_skipped():
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"meta"
    frame = COMPRESS["zstd"](b"content")
    assert all_of(skippable + frame + skippable + frame) == b"contentcontent"


@pytest.mark.parametrize("kind", COMPRESSED)
@settings(max_examples=60)
@given(data=st.data())
def test_what_is_cut_off_is_an_error(kind, data):
    packed = COMPRESS[kind](mixed(30_000))
    end = data.draw(st.integers(6, len(packed) - 1))
    with pytest.raises(CorruptArchiveError):
        all_of(packed[:end])


@pytest.mark.parametrize("kind", COMPRESSED)
@settings(max_examples=60)
@given(data=st.data())
def test_a_changed_byte_never_passes_as_other_content(kind, data):
    """Whatever byte is changed, the result is the content or an error."""
    content = mixed(3_000)
    packed = bytearray(COMPRESS[kind](content))
    place = data.draw(st.integers(6, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    try:
        assert all_of(bytes(packed)) == content
    except CorruptArchiveError as error:
        assert kind in str(error)


@pytest.mark.parametrize("kind", COMPRESSED)
def test_something_else_after_the_end_is_an_error(kind):
    with pytest.raises(CorruptArchiveError, match="followed by something else"):
        all_of(COMPRESS[kind](b"content") + b"and more")


@pytest.mark.parametrize("kind", COMPRESS)
def test_errors_of_the_source_pass_through(kind):
    packed = COMPRESS[kind](mixed(500_000))
    source = io.BytesIO(packed)

    def read(count):
        if source.tell() > 100_000:
            raise ConnectionResetError("gone")
        return source.read(min(count, 60_000))

    reader = decompressed(read)
    with pytest.raises(ConnectionResetError):
        while reader(1 << 16):
            pass


@pytest.mark.parametrize("kind", ["gzip", "zstd", "bzip2", "xz"])
def test_a_bomb_stays_bounded_in_memory(kind):
    """512 MiB of zeros, in a process of its own."""
    script = f"""
import io, resource
from tests.oci.test_compression import COMPRESS, decompressed
member = COMPRESS[{kind!r}](bytes(128 << 20))
read = decompressed(io.BytesIO(member * 4).read)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
total = 0
while data := read(1 << 20):
    total += len(data)
print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    total, grown = map(int, done.stdout.split())
    assert total == 512 << 20
    assert grown < 64 << 10


def test_a_zstd_bomb_of_dense_blocks_stays_bounded():
    """RLE blocks: 4 bytes stand for 128 KiB, the densest that the format has."""
    block = ((128 << 10) << 3 | 1 << 1).to_bytes(3, "little") + b"x"
    frame = b"\x28\xb5\x2f\xfd\x00\x58" + block * 50_000 + b"\x01\x00\x00"
    read = decompressed(io.BytesIO(frame).read)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(300):
        assert len(read(1 << 20)) <= 1 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10


@pytest.mark.parametrize(
    ("program", "kind"), [("gzip -9n", "gzip"), ("bzip2", "bzip2"), ("xz -T2", "xz")]
)
def test_reads_what_the_usual_programs_write(program, kind):
    data = mixed(400_000)
    packed = subprocess.run(program.split(), input=data, capture_output=True, check=True).stdout
    assert compression_of(packed) == kind
    assert all_of(packed) == data


def test_a_window_beyond_bounds_is_refused():
    frame = b"\x28\xb5\x2f\xfd\x00%s\x09\x00\x00x"
    assert all_of(frame % b"\x58") == b"x"
    with pytest.raises(CorruptArchiveError):
        all_of(frame % b"\xa0")


class TestIsTar:
    @pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    def test_takes_every_dialect(self, form):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
            member = tarfile.TarInfo("é" * 40)
            archive.addfile(member)
        assert is_tar(buffer.getvalue())

    def test_takes_gnu_tar_in_the_oldest_format(self, tmp_path):
        (tmp_path / "file").write_bytes(b"x")
        done = subprocess.run(
            ["tar", "-C", tmp_path, "--format=v7", "-cf", "-", "file"],
            capture_output=True,
            check=True,
        )
        assert is_tar(done.stdout)

    @pytest.mark.parametrize(
        "head", [b"", b"short", bytes(1024), b"#!/bin/sh\n" * 100, bytes(range(256)) * 4]
    )
    def test_takes_nothing_else(self, head):
        assert not is_tar(head)

    def test_one_wrong_bit_is_none(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("name"))
        block = bytearray(buffer.getvalue()[:512])
        block[3] ^= 1
        assert not is_tar(bytes(block))
