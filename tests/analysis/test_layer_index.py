"""What a layer adds, changes and removes."""

from __future__ import annotations

import os
import tarfile

import pytest

from container_magics.analysis.layer_index import ChangeKind, LayerIndex
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RunRequest
from container_magics.errors import CorruptArchiveError, NotFoundError, StoreError
from tests.engines.embedded.material import layer_tar

ADDED, CHANGED, REMOVED = ChangeKind


def changes(layer):
    return {change.path: (change.kind, change.size) for change in layer.changes}


def directory(mode):
    member = tarfile.TarInfo("d")
    member.type, member.mode = tarfile.DIRTYPE, mode
    return member


def test_files_are_added_changed_and_removed(contents):
    index = LayerIndex(
        contents(
            layer_tar({"a": b"12345", "d": None, "d/b": b"123", "d/c": b"1", "kept": b"k"}),
            layer_tar({"a": b"123456789", "d": None, "d/.wh.b": b"", "new": "a"}),
        )
    )
    assert changes(index.layers[0]) == {
        "a": (ADDED, 5),
        "d": (ADDED, 0),
        "d/b": (ADDED, 3),
        "d/c": (ADDED, 1),
        "kept": (ADDED, 1),
    }
    assert changes(index.layers[1]) == {
        "a": (CHANGED, 9),
        "d/b": (REMOVED, 3),
        "new": (ADDED, 0),
    }
    assert [layer.size for layer in index.layers] == [10, 9]
    assert list(index.layers[1].counts.values()) == [1, 1, 1]
    assert index.size == 19


def test_a_directory_counts_as_changed_only_where_its_mode_or_owner_did(contents):
    index = LayerIndex(
        contents(
            layer_tar({"d": directory(0o755)}),
            layer_tar({"d": directory(0o755), "d/a": b"1"}),
            layer_tar({"d": directory(0o700)}),
        )
    )
    assert changes(index.layers[1]) == {"d/a": (ADDED, 1)}
    assert changes(index.layers[2]) == {"d": (CHANGED, 0)}


def test_a_removed_directory_counts_with_all_that_was_in_it(contents):
    index = LayerIndex(
        contents(layer_tar({"d/e/a": b"12", "d/b": b"345"}), layer_tar({".wh.d": b""}))
    )
    assert changes(index.layers[1]) == {"d": (REMOVED, 5)}
    assert index.tree.lookup("d") is None


def test_an_opaque_directory_removes_what_was_below_and_is_not_there_again(contents):
    index = LayerIndex(
        contents(
            layer_tar({"d/a": b"12", "d/b": b"345"}),
            layer_tar({"d": None, "d/.wh..wh..opq": b"", "d/b": b"new"}),
        )
    )
    found = changes(index.layers[1])
    assert found["d/a"] == (REMOVED, 2)
    assert found["d/b"] == (CHANGED, 3)


def test_each_layer_has_the_instruction_that_made_it(engine, contents):
    index = LayerIndex(contents(layer_tar({"a": b""}), layer_tar({"b": b""})))
    assert [layer.instruction for layer in index.layers] == ["layer 0", "layer 1"]


def test_a_name_that_is_no_utf8_is_kept(contents):
    name = os.fsdecode(b"caf\xe9")
    index = LayerIndex(contents(layer_tar({name: b"1"})))
    assert list(changes(index.layers[0])) == [name]


@pytest.mark.parametrize("count", [0, 125])
def test_images_of_no_layer_and_of_many(contents, count):
    layers = [layer_tar({f"f{number}": b"x" * number}) for number in range(count)]
    index = LayerIndex(contents(*layers))
    assert len(index.layers) == count
    assert index.size == sum(range(count))


def test_more_layers_than_can_be_mounted_are_refused_as_docker_refuses_them(contents):
    layers = [layer_tar({f"f{number}": b"x"}) for number in range(127)]
    with pytest.raises(CorruptArchiveError, match="127 layers, where 125 can be"):
        contents(*layers)


@pytest.mark.root
def test_a_container_s_writable_layer_is_on_top(engine, contents):
    from tests.fixtures.embedding import import_busybox

    import_busybox(engine)
    request = RunRequest(
        "busybox:test", ("sh", "-c", "echo hi >/new; rm /etc/group; echo x >>/etc/passwd"),
        name="kept",
    )  # fmt: skip
    engine.run(request, lambda event: None, Cancellation())
    found = engine.contents("kept")
    assert found.container == "kept"
    index = LayerIndex(found)
    top = index.layers[-1]
    assert top.diff_id == ""
    assert "writable" in top.instruction
    kinds = {path: kind for path, (kind, _) in changes(top).items()}
    assert kinds == {"new": ADDED, "etc/group": REMOVED, "etc/passwd": CHANGED}
    with found.layers[-1].open("new") as file:
        assert file.read() == b"hi\n"
    with pytest.raises(NotFoundError, match="no file /etc/group"):
        found.layers[-1].open("etc/group")


def test_a_damaged_layer_is_told(engine, contents):
    found = contents(layer_tar({"a": b"1"}))
    *_, split = sorted(engine._store.root.glob("layers/*/split"))
    split.write_bytes(b"no gzip")
    with pytest.raises(CorruptArchiveError, match="header stream"):
        LayerIndex(found)
    split.unlink()
    with pytest.raises(StoreError, match="lacks the files"):
        LayerIndex(found)


def test_an_unknown_name_has_the_nearest_one(engine, contents):
    contents(layer_tar({"a": b"1"}), name="application:v1")
    with pytest.raises(NotFoundError, match="No such image: aplication:v1") as failure:
        engine.contents("aplication:v1")
    assert failure.value.hint == "Did you mean application:v1?"


def test_the_estimate_of_a_pull_is_near_to_gzip(contents):
    import gzip
    import random

    noise = random.Random(1).randbytes(3_000_000)
    text = b"".join(b"line %d of a text\n" % number for number in range(200_000))
    found = contents(layer_tar({"noise": noise}), layer_tar({"text": text, "more": text[::-1]}))
    for layer, data in zip(
        found.layers,
        (layer_tar({"noise": noise}), layer_tar({"text": text, "more": text[::-1]})),
        strict=True,
    ):
        size, measured = layer.transfer_size()
        assert not measured
        assert size == pytest.approx(len(gzip.compress(data, 6)), rel=0.15)
