"""Compression: what each format's own library and program read, the same bytes each time."""

from __future__ import annotations

import gzip
import random
import subprocess

import pytest
import zstandard

from container_magics.oci.compressor import GZIP_LEVELS, ZSTD_LEVELS, compressed

DATA = random.Random(1).randbytes(100_000) + b"text " * 600_000
CHUNKS = [DATA[:10], DATA[10:70_000], b"", DATA[70_000:]]
OPEN = {
    "gzip": gzip.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "": bytes,
}


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("", None),
        ("gzip", None),
        ("zstd", None),
        *(("gzip", level) for level in (GZIP_LEVELS[0], 1, GZIP_LEVELS[-1])),
        *(("zstd", level) for level in (ZSTD_LEVELS[0], 10)),
    ],
)
def test_every_kind_and_level_is_read_again(kind, level):
    packed = b"".join(compressed(CHUNKS, kind, level))
    assert OPEN[kind](packed) == DATA
    assert b"".join(compressed([DATA], kind, level)) == packed, "however it comes"
    assert (len(packed) < len(DATA) / 2) == (bool(kind) and level != 0)


@pytest.mark.parametrize(("kind", "program"), [("gzip", "gzip"), ("zstd", "zstd")])
def test_the_formats_own_programs_read_it(kind, program):
    packed = b"".join(compressed(CHUNKS, kind))
    try:
        done = subprocess.run([program, "-dc"], input=packed, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip(f"no {program} here")
    assert done.stdout == DATA


def test_gzip_has_no_name_and_no_time():
    header = b"".join(compressed([b"x"], "gzip"))[:8]
    assert header[3] == 0, "flags: a name, a comment, extra fields"
    assert header[4:8] == bytes(4), "the time"


@pytest.mark.parametrize("kind", ["gzip", "zstd", ""])
def test_nothing_is_a_whole_file(kind):
    assert OPEN[kind](b"".join(compressed([], kind))) == b""
