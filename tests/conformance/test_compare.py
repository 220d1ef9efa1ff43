"""The comparator catches a change in each thing that it compares."""

from __future__ import annotations

import copy
import stat

import pytest

from tests.conformance.compare import differences
from tests.conformance.saved import File, SavedImage

BEGAN = 1_700_000_000.0


def image() -> SavedImage:
    shared = File(stat.S_IFREG | 0o644, 0, 0, 1_600_000_000, size=2, digest="aa")
    config = {
        "architecture": "amd64",
        "os": "linux",
        "author": "me",
        "config": {"Env": ["A=1"], "Cmd": ["sh"]},
        "history": [
            {"created_by": "RUN x", "comment": "c"},
            {"created_by": "CMD x", "comment": "c", "empty_layer": True},
        ],
        "rootfs": {"diff_ids": ["sha256:0"]},
    }
    files = {
        "f": File(stat.S_IFREG | 0o755, 1, 2, 1_600_000_000, size=1, digest="bb"),
        "l": File(stat.S_IFLNK | 0o777, 0, 0, 1_600_000_000, link="f"),
        "d": File(stat.S_IFCHR | 0o600, 0, 0, 1_600_000_000, device=(1, 3)),
        "x": shared,
        "y": shared,
        "new": File(stat.S_IFREG | 0o644, 0, 0, 1_700_000_100),
    }
    return SavedImage(config, files, [{"f", "l", "d", "x", "y", "new"}])


def one_file(path, **changes):
    def seed(changed):
        for name, value in changes.items():
            setattr(changed.files[path], name, value)

    return seed


def in_config(*keys, value):
    def seed(changed):
        where = changed.config
        for key in keys[:-1]:
            where = where[key]
        where[keys[-1]] = value

    return seed


SEEDS = {
    "architecture": in_config("architecture", value="arm64"),
    "os": in_config("os", value="windows"),
    "author": in_config("author", value="you"),
    "a field of config": in_config("config", "Cmd", value=["ash"]),
    "a new field of config": in_config("config", "User", value="me"),
    "created_by": in_config("history", 0, "created_by", value="RUN y"),
    "comment": in_config("history", 0, "comment", value=""),
    "empty_layer": in_config("history", 0, "empty_layer", value=True),
    "a row of history": lambda changed: changed.config["history"].pop(),
    "a layer": lambda changed: changed.layers.append(set()),
    "what a layer names": lambda changed: changed.layers[0].discard("f"),
    "a file too few": lambda changed: changed.files.pop("f"),
    "a file too many": lambda changed: changed.files.update(z=File(stat.S_IFREG, 0, 0, 0)),
    "type": one_file("f", mode=stat.S_IFIFO | 0o755),
    "mode": one_file("f", mode=stat.S_IFREG | 0o4755),
    "uid": one_file("f", uid=0),
    "gid": one_file("f", gid=0),
    "size": one_file("f", size=2),
    "content": one_file("f", digest="cc"),
    "link target": one_file("l", link="g"),
    "device": one_file("d", device=(1, 5)),
    "xattrs": one_file("f", xattrs={"security.capability": "00"}),
    "mtime": one_file("f", mtime=1_600_000_001),
    "mtime of a new file": one_file("new", mtime=0),
    "hard link": lambda changed: changed.files.update(y=copy.copy(changed.files["y"])),
}


def test_equal_images_have_no_difference():
    assert differences(image(), image(), BEGAN) == []


def test_times_of_the_build_are_equal():
    other = image()
    other.files["new"].mtime = 1_700_000_200
    assert differences(other, image(), BEGAN) == []


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
def test_a_seeded_change_is_caught(seed):
    changed = image()
    seed(changed)
    assert len(differences(changed, image(), BEGAN)) >= 1
    assert len(differences(image(), changed, BEGAN)) >= 1
