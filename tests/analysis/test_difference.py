"""How the files of two images differ."""

from __future__ import annotations

import tarfile

import pytest

from container_magics.analysis.difference import Difference, Side, difference
from container_magics.analysis.layer_index import LayerIndex
from tests.engines.embedded.material import layer_tar


@pytest.fixture
def compared(contents):
    def compare(a: tuple[bytes, ...], b: tuple[bytes, ...]) -> Difference:
        return difference(
            LayerIndex(contents(*a, name="a:test")), LayerIndex(contents(*b, name="b:test"))
        )

    return compare


def member(mode: int = 0o644, **values: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo()
    made.mode = mode
    for name, value in values.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("a", "b", "what"),
    [
        (b"one", b"two", ("content",)),
        (b"one", b"three", ("size",)),
        (member(0o644), member(0o755), ("mode",)),
        (member(0o755), member(0o4755), ("mode",)),
        (member(uid=1), member(uid=2), ("owner",)),
        (member(gid=1), member(gid=2), ("owner",)),
        ("here", "there", ("link",)),
        (b"one", "one", ("kind",)),
        (b"", None, ("kind",)),
        (
            member(type=tarfile.CHRTYPE, devmajor=1, devminor=3),
            member(type=tarfile.CHRTYPE, devmajor=1, devminor=5),
            ("device",),
        ),
        (member(0o600, uid=1), member(0o640, uid=2), ("mode", "owner")),
        (b"same", b"same", None),
        (member(mtime=1), member(mtime=2), None),
    ],
)
def test_each_thing_that_can_differ_is_named(compared, a, b, what):
    common = b"common"
    found = compared(
        (layer_tar({"d/x": a, "y": common}),), (layer_tar({"y": common, "d/x": b}),)
    ).files
    assert [(each.path, each.side, each.what) for each in found] == (
        [("d/x", Side.DIFFERENT, what)] if what else []
    )


def test_a_time_alone_is_no_difference(compared):
    def at(moment: int) -> bytes:
        # `layer_tar` sets one time for all, so the header's is changed after it.
        data = bytearray(layer_tar({"x": b"1"}))
        data[136:147] = f"{moment:011o}".encode()
        data[148:156] = b" " * 8
        data[148:155] = f"{sum(data[:512]):06o}\0".encode()
        return bytes(data)

    assert compared((at(1_000_000_000),), (at(1_700_000_000),)).files == ()


def test_what_is_in_one_only_comes_with_all_below_it(compared):
    found = compared(
        (layer_tar({"both": b"", "gone/deep/file": b"12345", "gone/link": "x"}),),
        (layer_tar({"both": b"", "new": b"123"}),),
    )
    assert [(each.path, each.side) for each in found.files] == [
        ("gone", Side.ONLY_A),
        ("gone/deep", Side.ONLY_A),
        ("gone/deep/file", Side.ONLY_A),
        ("gone/link", Side.ONLY_A),
        ("new", Side.ONLY_B),
    ]
    assert (found.count(Side.ONLY_A), found.bytes(Side.ONLY_A)) == (4, (5, 0))
    assert (found.count(Side.ONLY_B), found.bytes(Side.ONLY_B)) == (1, (0, 3))
    assert [(node.name, node.size_a, node.size_b) for node in found.level("")] == [
        ("gone", 5, 0),
        ("new", 0, 3),
    ]
    assert [node.name for node in found.level("gone")] == ["deep", "link"]
    assert found.level("nowhere/at/all") == []


def test_the_merged_file_systems_are_compared_and_not_the_layers(compared):
    flat = layer_tar({"app": b"new", "kept": b"k"})
    stacked = (
        layer_tar({"app": b"old", "kept": b"k", "temporary": b"t" * 99}),
        layer_tar({"app": b"new", ".wh.temporary": b""}),
    )
    assert compared(stacked, (flat,)).files == ()


def test_files_of_the_same_layer_are_equal_without_reading(contents, monkeypatch):
    base, more = layer_tar({"big": b"b" * 100}), layer_tar({"x": b"1"})
    a, b = contents(base, name="a:test"), contents(base, more, name="b:test")

    def unread(_self: object, _place: str) -> str:
        pytest.fail("read")

    monkeypatch.setattr(type(a.layers[0]), "digest", unread)
    found = difference(LayerIndex(a), LayerIndex(b)).files
    assert [each.path for each in found] == ["x"]


def test_further_links_to_a_file_add_no_bytes(compared):
    link = member(type=tarfile.LNKTYPE, linkname="one")
    found = compared((layer_tar({"one": b"12345", "two": link, "three": link}),), ())
    assert found.count(Side.ONLY_A) == 3
    assert found.bytes(Side.ONLY_A) == (5, 0)


def test_paths_are_found_by_text_and_kind_largest_first(compared):
    found = compared(
        (layer_tar({"usr/Share/a": b"1", "usr/Share/b": b"22", "etc/x": b"333"}),),
        (layer_tar({"usr/Share/a": b"4444"}),),
    )
    assert [each.path for each in found.find("/USR/share/")] == ["usr/Share/a", "usr/Share/b"]
    assert [each.path for each in found.find(sides=[Side.DIFFERENT])] == ["usr/Share/a"]
    assert found.find()[0].path == "usr/Share/a"


def test_an_empty_image_and_the_same_image_twice(compared):
    one = (layer_tar({"a": b"1"}),)
    assert compared(one, one).files == ()
    assert compared((), ()).files == ()
    assert [each.side for each in compared((), one).files] == [Side.ONLY_B]
