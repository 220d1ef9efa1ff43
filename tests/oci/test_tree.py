"""Merged trees: layers applied as the image-spec says, and paths resolved inside them.

That a tree is what overlayfs shows is tested beside `unpack`.
"""

from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_magics.oci.entries import Entry
from container_magics.oci.tree import Tree, TreeLoopError


def file(path, size=1):
    return Entry(path, stat.S_IFREG | 0o644, size=size), ""


def folder(path, mode=0o755):
    return Entry(path, stat.S_IFDIR | mode), ""


def symlink(path, target):
    return Entry(path, stat.S_IFLNK | 0o777, link=target), ""


def hard_link(path, target):
    return Entry(path, 0o644, link=target), ""


def stacked(*layers):
    tree = Tree()
    for number, records in enumerate(layers):
        tree = tree.apply(number, records)
    return tree


def found(tree):
    """Paths and the layer that each comes from."""
    return {path: node.layer for path, node in tree.walk()}


BASE = [folder("etc"), file("etc/a"), file("etc/b"), folder("etc/d"), file("etc/d/x"), file("top")]


def test_an_empty_tree_has_a_root_and_nothing_else():
    assert Tree().root.is_directory
    assert found(Tree()) == {}


def test_upper_layers_add_and_replace():
    tree = stacked(BASE, [folder("etc", 0o700), file("etc/a"), file("new")])
    assert found(tree) == {
        "etc": 1, "etc/a": 1, "etc/b": 0, "etc/d": 0, "etc/d/x": 0, "new": 1, "top": 0,
    }  # fmt: skip
    assert stat.S_IMODE(tree.lookup("etc").entry.mode) == 0o700


def test_a_tree_never_changes_and_shares_what_it_can():
    lower = stacked(BASE)
    before = found(lower)
    upper = lower.apply(1, [file("etc/a"), file("etc/.wh.b"), file(".wh.top")])
    assert found(lower) == before
    assert upper.lookup("etc/d") is lower.lookup("etc/d")
    assert found(upper) == {"etc": 0, "etc/a": 1, "etc/d": 0, "etc/d/x": 0}


@pytest.mark.parametrize(
    ("records", "gone"),
    [
        ([file("etc/.wh.a")], {"etc/a"}),
        ([file(".wh.etc")], {"etc", "etc/a", "etc/b", "etc/d", "etc/d/x"}),
        ([file("etc/d/.wh..wh..opq")], {"etc/d/x"}),
        ([file(".wh.nothing")], set()),
        ([file(".wh..wh..opq")], {"etc", "etc/a", "etc/b", "etc/d", "etc/d/x", "top"}),
    ],
)
def test_whiteouts_hide_what_is_below(records, gone):
    assert set(found(stacked(BASE))) - set(found(stacked(BASE, records))) == gone


@pytest.mark.parametrize("first", [True, False])
def test_whiteouts_hide_nothing_of_their_own_layer(first):
    """Whatever the order, as the image-spec says."""
    own, mark = [folder("etc"), file("etc/new")], [file(".wh.etc")]
    tree = stacked(BASE, mark + own if first else own + mark)
    assert found(tree) == {"etc": 1, "etc/new": 1, "top": 0}
    opaque = [file("etc/.wh..wh..opq")]
    tree = stacked(BASE, opaque + own if first else own + opaque)
    assert found(tree) == {"etc": 1, "etc/new": 1, "top": 0}


def test_an_opaque_directory_hides_what_is_deep_below():
    deep = [file("etc/d/new"), file("etc/.wh..wh..opq")]
    assert found(stacked(BASE, deep)) == {"etc": 0, "etc/d": 0, "etc/d/new": 1, "top": 0}


def test_a_file_in_the_place_of_a_directory_and_back():
    tree = stacked(BASE, [file("etc")], [file("etc/new")])
    assert found(tree) == {"etc": 2, "etc/new": 2, "top": 0}
    assert found(stacked(BASE, [file("etc")])) == {"etc": 1, "top": 0}


def test_missing_directories_are_made():
    tree = stacked([file("a/b/c")])
    assert list(found(tree)) == ["a", "a/b", "a/b/c"]
    assert stat.S_IMODE(tree.lookup("a/b").entry.mode) == 0o755


def test_hard_links_are_the_file_they_link_to():
    tree = stacked([file("a", 5), hard_link("b", "a"), hard_link("c", "b")])
    for name in "bc":
        node = tree.lookup(name)
        assert (node.entry.size, node.place, node.layer) == (5, "a", 0)


def test_hard_links_keep_what_a_later_member_replaces():
    first = Entry("a", stat.S_IFREG, size=5)
    tree = stacked([(first, "../extra/0"), hard_link("b", "a"), file("a", 9)])
    assert (tree.lookup("b").entry.size, tree.lookup("b").place) == (5, "../extra/0")
    assert (tree.lookup("a").entry.size, tree.lookup("a").place) == (9, "a")


def test_displaced_members_lie_where_their_content_is():
    records = [symlink("bin", "usr/bin"), (Entry("bin/x", stat.S_IFREG, size=1), "usr/bin/x")]
    assert list(found(stacked(records))) == ["bin", "usr", "usr/bin", "usr/bin/x"]


def test_walks_sorted_with_directories_before_their_content():
    tree = stacked([file("b/z"), file("b/a"), file("a-b"), file("a/x"), file("c")])
    assert list(found(tree)) == ["a", "a/x", "a-b", "b", "b/a", "b/z", "c"]
    assert [path for path, _ in tree.walk("b")] == ["b/a", "b/z"]
    assert list(tree.walk("c")) == []
    assert list(tree.walk("none")) == []


LINKS = stacked(
    [
        file("usr/bin/sh"),
        symlink("bin", "usr/bin"),
        symlink("abs", "/usr/bin"),
        symlink("usr/up", "../../../../bin"),
        symlink("usr/bin/self", "."),
        symlink("loop", "loop2"),
        symlink("loop2", "loop"),
        symlink("dangling", "usr/none/x"),
    ]
)


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("bin/sh", "usr/bin/sh"),
        ("/abs/./sh", "usr/bin/sh"),
        ("usr/up/sh", "usr/bin/sh"),
        ("abs/self/self/sh", "usr/bin/sh"),
        ("bin/../bin", "usr/bin"),
        ("../../bin/sh", "usr/bin/sh"),
        ("", ""),
        ("/", ""),
    ],
)
def test_resolves_links_inside_the_tree(path, real):
    assert LINKS.resolve(path) == (real, LINKS.lookup(real))
    assert LINKS.lookup(real) is not None


def test_resolves_to_nothing_what_is_missing():
    assert LINKS.resolve("bin/none/x") == ("usr/bin/none/x", None)
    assert LINKS.resolve("dangling") == ("usr/none/x", None)
    assert LINKS.resolve("bin", follow=False) == ("bin", LINKS.lookup("bin"))
    assert LINKS.resolve("bin/self", follow=False)[0] == "usr/bin/self"


@pytest.mark.parametrize("path", ["loop", "loop/x"])
def test_endless_links_are_an_error(path):
    with pytest.raises(TreeLoopError):
        LINKS.resolve(path)
    assert LINKS.resolve("loop", follow=False)[0] == "loop"


@given(path=st.lists(st.sampled_from(["usr", "bin", "abs", "up", "..", ".", "", "sh", "x"])))
def test_a_resolved_path_resolves_to_itself(path):
    real, node = LINKS.resolve("/".join(path))
    assert ".." not in real.split("/")
    assert LINKS.resolve(real) == (real, node)
