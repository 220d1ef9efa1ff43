"""The files of a layer, level by level."""

from __future__ import annotations

import os

import pytest

from container_magics.analysis.file_tree import changed_files, find, level, present_files
from container_magics.analysis.layer_index import ChangeKind, LayerIndex
from tests.engines.embedded.material import layer_tar

NAMELESS = os.fsdecode(b"caf\xe9")


@pytest.fixture
def index(contents):
    return LayerIndex(
        contents(
            layer_tar({"usr/bin/large": b"x" * 900, "usr/bin/small": b"x", "etc/conf": b"xx"}),
            layer_tar({"usr/bin/small": b"xxx", "etc/.wh.conf": b"", f"usr/{NAMELESS}": b"12"}),
        )
    )


def rows(nodes):
    return [(node.name, node.size, node.files) for node in nodes]


def test_a_level_has_the_largest_first_with_the_sums_below(index):
    root = changed_files(index, 1)
    assert rows(level(root, "")) == [("usr", 901, 2), ("etc", 2, 1)]
    assert rows(level(root, "usr/bin")) == [("large", 900, 1), ("small", 1, 1)]
    assert level(root, "usr/nowhere") == []
    assert (root.size, root.files) == (903, 3)


def test_the_second_layer_shows_only_what_it_did(index):
    root = changed_files(index, 2)
    below = {node.name: node.change for top in level(root, "") for node in level(root, top.name)}
    assert below == {"bin": None, NAMELESS: ChangeKind.ADDED, "conf": ChangeKind.REMOVED}


def test_all_files_are_those_that_a_container_would_see(index):
    root = present_files(index, 2)
    assert [node.name for node in level(root, "etc")] == []
    found = {node.name: (node.size, node.change) for node in level(root, "usr/bin")}
    assert found == {"large": (900, None), "small": (3, ChangeKind.CHANGED)}
    assert root.size == 905


def test_search_finds_in_any_case_and_is_bounded(index):
    root = changed_files(index, 1)
    assert [path for path, _ in find(root, "LARGE")[0]] == ["usr/bin/large"]
    found, total = find(root, "", limit=1)
    assert ([path for path, _ in found], total) == (["usr/bin/large"], 3)
    removed, _ = find(changed_files(index, 2), "", [ChangeKind.REMOVED])
    assert [path for path, _ in removed] == ["etc/conf"]
