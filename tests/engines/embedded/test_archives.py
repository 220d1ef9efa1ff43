"""Save, load, import and export: round trips, and archives that lie or never end.

OCI layouts are in test_archive_layouts.py, other programs in test_archive_exchange.py.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import os
import resource
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest
import zstandard

from container_magics.engines.embedded.archives import import_image, load, save
from container_magics.engines.embedded.archives.rootfs import merged
from container_magics.engines.embedded.images.receiving import ImageConfig, keep, unpack_layer
from container_magics.engines.embedded.storage.record import archive as archived
from container_magics.engines.embedded.storage.record import changes as changes_in
from container_magics.errors import (
    CorruptArchiveError,
    InvalidReferenceError,
    NotFoundError,
    StoreError,
    UsageError,
)
from container_magics.oci.models import Platform
from tests.engines.embedded.material import (
    contents,
    digest,
    docker_archive,
    encoded,
    image_config,
    layer_tar,
    left_over,
    opened,
)

BASE = layer_tar({"etc": None, "etc/os-release": b"ID=test\n", "bin": "usr/bin", "usr": None})
LONG = layer_tar({"d" * 90: None, f"{'d' * 90}/{'é' * 90}": os.urandom(3000), "n" * 150: b"x"})
TOP = layer_tar({"etc/.wh.os-release": b"", "app": b"hello"})

ONE = image_config(BASE, TOP, Cmd=["/app"])
TWO = image_config(BASE, LONG, Env=["A=é"])


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path / "store") as store:
        yield store


@pytest.fixture
def other(tmp_path):
    """Another store, to load into."""
    with opened(tmp_path / "other") as store:
        yield store


def put(store, config, layers, *names):
    with store.scratch() as scratch:
        unpacked = {}
        for number, layer in enumerate(layers):
            done = unpack_layer(
                io.BytesIO(layer).read, scratch / str(number), store.holding, "layer"
            )
            unpacked[done.diff_id] = done
        return keep(store, ImageConfig.read(encoded(config)), unpacked, names)


@pytest.fixture
def two_images(store):
    first = put(store, ONE, [BASE, TOP], "docker.io/library/one:v1", "docker.io/library/one:v2")
    second = put(store, TWO, [BASE, LONG], "ghcr.io/some/two:latest")
    return first, second


def saved(store, *names):
    buffer = io.BytesIO()
    save(store, names, buffer)
    return buffer.getvalue()


def files_of(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isreg()}


class Pipe(io.RawIOBase):
    """A source that cannot seek and gives little at once."""

    def __init__(self, data):
        self._source = io.BytesIO(data)

    def readable(self):
        return True

    def read(self, count=-1):
        return self._source.read(min(count, 10_000) if count >= 0 else 10_000)


# --- round trips --------------------------------------------------------------------------------


def test_what_is_saved_loads_the_same(store, other, two_images):
    archive = saved(store, "one:v1", "ghcr.io/some/two")
    assert load(other, io.BytesIO(archive)) == ["one:v1", "ghcr.io/some/two:latest"]
    assert sorted(other.images.ids()) == sorted(two_images)
    for image in two_images:
        assert contents(other, image) == contents(store, image)
        assert other.images.row(image).config == store.images.row(image).config
        assert other.images.row(image).size == store.images.row(image).size
    assert saved(other, "one:v1", "ghcr.io/some/two") == archive
    assert left_over(other) == []


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, zstandard.ZstdCompressor().compress, bytes]
)
def test_loads_from_a_pipe_plain_or_compressed(store, other, two_images, pack):
    packed = pack(saved(store, "one:v1"))
    assert load(other, Pipe(packed)) == ["one:v1"]
    assert load(other, io.BytesIO(packed)) == ["one:v1"]
    assert contents(other, two_images[0]) == contents(store, two_images[0])


def test_reads_from_where_the_source_stands(store, other, two_images):
    source = io.BytesIO(b"before" + saved(store, "one:v1"))
    source.seek(6)
    assert load(other, source) == ["one:v1"]


def test_a_repository_means_all_its_tags(store, other, two_images):
    assert load(other, io.BytesIO(saved(store, "one"))) == ["one:v1", "one:v2"]
    assert other.images.ids() == [two_images[0]]


@pytest.mark.parametrize("form", [lambda i: i, lambda i: i[7:], lambda i: i[7:19]])
def test_an_id_means_an_image_without_a_name(store, other, two_images, form):
    assert load(other, io.BytesIO(saved(store, form(two_images[0])))) == [two_images[0]]
    assert other.images.row(two_images[0]).names == ()


def test_an_unknown_name_writes_nothing(store, two_images):
    target = io.BytesIO()
    with pytest.raises(NotFoundError, match="nothing"):
        save(store, ["one:v1", "nothing"], target)
    assert target.getvalue() == b""


def test_layers_are_written_byte_for_byte_and_once(store, two_images):
    files = files_of(saved(store, "one", "ghcr.io/some/two"))
    for layer in (BASE, TOP, LONG):
        assert files[f"blobs/sha256/{digest(layer)[7:]}"] == layer
    for path, content in files.items():
        if path.startswith("blobs/"):
            assert path == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"
    assert len([path for path in files if path.startswith("blobs/")]) == 3 + 2 + 2


def test_the_docker_manifest_and_the_index_say_the_same(store, two_images):
    files = files_of(saved(store, "one", "ghcr.io/some/two"))
    rows = json.loads(files["manifest.json"])
    assert rows[0] == {
        "Config": f"blobs/sha256/{two_images[0][7:]}",
        "RepoTags": ["one:v1", "one:v2"],
        "Layers": [f"blobs/sha256/{digest(layer)[7:]}" for layer in (BASE, TOP)],
    }
    index = json.loads(files["index.json"])
    names = [d["annotations"]["io.containerd.image.name"] for d in index["manifests"]]
    assert names == [
        "docker.io/library/one:v1",
        "docker.io/library/one:v2",
        "ghcr.io/some/two:latest",
    ]
    manifest = json.loads(files[f"blobs/sha256/{index['manifests'][0]['digest'][7:]}"])
    assert manifest["config"]["digest"] == two_images[0]


def test_a_changed_file_in_the_store_is_noticed(store, two_images):
    row = store.layer(digest(BASE))
    (store.directory(row) / "fs/etc/os-release").write_bytes(b"ID=evil\n")
    with pytest.raises(StoreError, match="changed"):
        saved(store, "one:v1")


def test_a_file_that_became_a_symlink_is_not_followed(store, two_images, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"ID=test\n")
    path = store.directory(store.layer(digest(BASE))) / "fs/etc/os-release"
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(StoreError):
        saved(store, "one:v1")


def test_loading_what_is_there_moves_the_names(store, two_images):
    archive = saved(store, "one:v1")
    store.images.set_name("docker.io/library/one:v1", two_images[1])
    assert load(store, io.BytesIO(archive)) == ["one:v1"]
    assert store.images.named("docker.io/library/one:v1") == two_images[0]


# --- docker's older forms -----------------------------------------------------------------------


def archive_of(config=ONE, layers=(BASE, TOP), **more):
    return docker_archive(config, layers, **more)


def test_loads_what_older_dockers_wrote(store):
    config = image_config(BASE, TOP, BASE)
    assert load(store, io.BytesIO(docker_archive(config, [BASE, TOP, BASE]))) == ["one:v1"]
    assert "app" in contents(store, digest(encoded(config)))


def test_loads_layers_that_are_compressed(store):
    packed = [gzip.compress(BASE), zstandard.ZstdCompressor().compress(TOP)]
    load(store, io.BytesIO(docker_archive(ONE, packed)))
    assert sorted(contents(store, digest(encoded(ONE)))) == ["app", "bin", "etc", "usr"]


def test_loads_images_without_tags(store):
    archive = archive_of(RepoTags=None)
    assert load(store, io.BytesIO(archive)) == [digest(encoded(ONE))]


def refused(store, archive, match, error=CorruptArchiveError):
    before = (store.images.ids(), store.images.names())
    with pytest.raises(error, match=match):
        load(store, Pipe(archive))
    assert (store.images.ids(), store.images.names()) == before
    assert left_over(store) == []


@pytest.mark.parametrize(
    ("archive", "match"),
    [
        (b"", "neither manifest.json nor index.json"),
        (b"no archive" * 100, "not a tar archive"),
        (layer_tar({"etc": None}), "docker import"),
        (layer_tar({"repositories": b"{}"}), "no longer supported"),
        (layer_tar({"manifest.json": b"{"}), "not JSON"),
        (layer_tar({"manifest.json": b"[" * 50_000}), "not JSON"),
        (layer_tar({"manifest.json": b"{}"}), "not a list"),
        (layer_tar({"manifest.json": b"[1]"}), "no configuration"),
        (layer_tar({"manifest.json": b'{"schemaVersion": 2}'}), "docker-dir"),
        (archive_of(Config="../../etc/passwd"), "climbs out"),
        (archive_of(Config="/etc/passwd"), "no file"),
        (archive_of(Layers=["../x"] * 2), "climbs out"),
        (archive_of(Layers=[]), "0 layers and its configuration 2"),
        (archive_of(Layers="all"), "not a list of texts"),
        (archive_of(RepoTags=["UPPER:x"]), "lowercase"),
        (archive_of(layers=[TOP, BASE]), "verification failed"),
        (archive_of(layers=[BASE, TOP[:700]]), "ends in the middle"),
        (archive_of()[:3000], "ends in the middle"),
        (gzip.compress(archive_of())[:-9], "truncated"),
        (gzip.compress(b"")[:10] + b"\xff" * 100, "gzip data are damaged"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, "zstd data are damaged"),
        (zstandard.compress(archive_of())[:-9] + bytes(9), "zstd data are damaged"),
        (b"\x28\xb5\x2f\xfd\0\xa8\x09\0\0x", "requires too much memory"),  # 2 GiB of window
        (archive_of({**ONE, "os": "windows"}), "windows"),
    ],
)
def test_archives_that_lie_are_refused(store, archive, match):
    refused(store, archive, match)


def test_links_stay_inside_the_archive(store, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(encoded(ONE))
    row = {"Config": "link", "RepoTags": [], "Layers": []}
    for target, match in (
        (str(secret), "no file"),
        ("../secret", "climbs out"),
        ("link", "no file"),
        ("a/../../link", "climbs out"),
    ):
        refused(store, layer_tar({"link": target, "manifest.json": encoded([row])}), match)


def test_a_second_image_that_is_bad_keeps_the_first_out(store):
    name = f"{digest(encoded(ONE))[7:]}.json"
    rows = [
        {"Config": name, "RepoTags": ["good:v1"], "Layers": ["a", "b"]},
        {"Config": name, "RepoTags": ["bad:v1"], "Layers": ["a", "a"]},
    ]
    files = {name: encoded(ONE), "a": BASE, "manifest.json": encoded(rows)}
    refused(store, layer_tar({**files, "b": BASE}), "verification failed")


def test_a_huge_manifest_is_refused(store):
    refused(store, layer_tar({"manifest.json": b" " * (5 << 20)}), "more than")


def test_huge_configurations_are_refused_in_all(store):
    """One is as large as it may be; a few bytes each name it over and over."""
    config = encoded(ONE) + b" " * (7 << 20)
    rows = [{"Config": "config", "RepoTags": [], "Layers": ["base", "top"]}] * 1000
    files = {"config": config, "base": BASE, "top": TOP, "manifest.json": encoded(rows)}
    refused(store, layer_tar(files), "more than 64 MiB")


class Endless(io.RawIOBase):
    """A pipe that goes on with the same for ever."""

    def __init__(self, begin, more):
        self._data, self._more = begin, more

    def readable(self):
        return True

    def read(self, count=-1):
        self._data = self._data or self._more
        data, self._data = self._data[:count], self._data[count:]
        return data


PACKED_ZEROS = {"gzip": gzip.compress(bytes(1 << 20)), "zstd": zstandard.compress(bytes(1 << 20))}


@pytest.mark.parametrize(
    ("source", "match"),
    [
        (Endless(b"", b"no archive"), "not a tar"),
        (Endless(gzip.compress(archive_of()), PACKED_ZEROS["gzip"]), "after the last"),
        (Endless(zstandard.compress(archive_of()), PACKED_ZEROS["zstd"]), "after the last"),
    ],
    ids=["garbage", "gzip", "zstd"],
)
def test_what_never_ends_is_read_no_further_than_it_makes_sense(store, source, match):
    with pytest.raises(CorruptArchiveError, match=match):
        load(store, source)
    assert left_over(store) == []


@pytest.mark.parametrize("pack", PACKED_ZEROS)
def test_a_bomb_is_refused_before_it_fills_the_disk(store, pack):
    member = tarfile.TarInfo("blobs/sha256/bomb")
    member.size = 1 << 50
    packed = {"gzip": gzip.compress, "zstd": zstandard.compress}[pack](member.tobuf())
    with pytest.raises(StoreError, match=r"does not fit in .* 1125899906842624 bytes") as caught:
        load(store, Endless(packed, PACKED_ZEROS[pack]))
    assert "Free some space" in caught.value.hint
    assert left_over(store) == []


def test_an_archive_that_the_disk_does_not_take_is_named(store):
    """A limit on the size of files stands for the full disk."""
    data = layer_tar({"manifest.json": b"[]", "random": os.urandom(3 << 20)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, hard))
    try:
        with pytest.raises(StoreError, match=r"could not be stored in .*: File too large"):
            load(store, Pipe(data))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left_over(store) == []


# --- import and export --------------------------------------------------------------------------


def no_changes(config, changes):
    assert list(changes) == []
    return config


def test_import_makes_the_tar_its_layer(store):
    image = import_image(
        store, Pipe(gzip.compress(BASE)), "base", changes=(), message="", apply=no_changes
    )
    row = store.images.row(image)
    assert row.names == ("docker.io/library/base:latest",)
    assert row.config["rootfs"] == {"type": "layers", "diff_ids": [digest(BASE)]}
    assert [h["comment"] for h in row.config["history"]] == ["Imported from -"]
    assert row.config["os"] == "linux"
    assert row.config["architecture"] == Platform.host().architecture
    assert contents(store, image)["etc/os-release"] == b"ID=test\n"


def test_import_applies_changes_and_takes_the_message(store):
    seen = []

    def apply(config, changes):
        seen.append((dict(config), list(changes)))
        return {"Cmd": ["sh"]}

    image = import_image(
        store, io.BytesIO(BASE), "", changes=["CMD sh"], message="mine", apply=apply
    )
    row = store.images.row(image)
    assert seen == [({}, ["CMD sh"])]
    assert row.names == ()
    assert row.config["config"] == {"Cmd": ["sh"]}
    assert row.config["history"][0]["comment"] == "mine"


@pytest.mark.parametrize(
    ("source", "name", "error"),
    [
        (b"", "x", CorruptArchiveError),
        (b"text" * 500, "x", CorruptArchiveError),
        (BASE[:600], "x", CorruptArchiveError),
        (BASE, f"x@{digest(b'')}", UsageError),
        (BASE, "UPPER", InvalidReferenceError),
    ],
)
def test_import_refuses_what_is_no_file_system(store, source, name, error):
    with pytest.raises(error):
        import_image(store, io.BytesIO(source), name, changes=(), message="", apply=no_changes)
    assert store.images.ids() == []
    assert left_over(store) == []


def owned(name, mode, uid, gid, kind=tarfile.REGTYPE, link=""):
    member = tarfile.TarInfo(name)
    member.mode, member.uid, member.gid, member.type, member.linkname = mode, uid, gid, kind, link
    return member


def exported(store, config, layers, entries=(), files=None):
    image = put(store, config, layers)
    rows = [store.require_layer(d) for d in store.images.row(image).config["rootfs"]["diff_ids"]]
    buffer = io.BytesIO()
    files = files or store.root
    tree = store.tree(rows).apply(files, ((entry, "") for entry in entries))
    for chunk in archived(merged(store, tree, files)):
        buffer.write(chunk)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["user", "true"])
def test_export_gives_owners_and_hard_links(tmp_path, kind):
    if kind == "true" and os.geteuid():
        pytest.skip("needs root")
    lower = layer_tar(
        {
            "b": owned("b", 0o640, 1000, 2000),
            "d": owned("d", 0o1777, 5, 6, tarfile.DIRTYPE),
            "d/a": owned("d/a", 0o640, 1000, 2000, tarfile.LNKTYPE, "b"),
            "d/link": "../b",
        }
    )
    with opened(tmp_path / kind, kind) as store:
        archive = exported(store, image_config(lower, TOP), [lower, TOP])
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = {m.name: m for m in tar}
    assert list(members) == ["app", "b", "d", "d/a", "d/link", "etc"]
    assert (members["b"].mode, members["b"].uid, members["b"].gid) == (0o640, 1000, 2000)
    assert (members["d"].mode, members["d"].uid, members["d"].gid) == (0o1777, 5, 6)
    assert members["d/a"].islnk()
    assert members["d/a"].linkname == "b"
    assert members["d/link"].linkname == "../b"


@pytest.mark.root
def test_export_puts_a_containers_changes_on_top(store, tmp_path):
    """The upper directory as overlayfs leaves it: a new file, a changed and a removed one."""
    upper = tmp_path / "upper"
    (upper / "etc").mkdir(parents=True)
    (upper / "new").write_bytes(b"made inside")
    (upper / "twin").hardlink_to(upper / "new")
    os.mknod(upper / "etc/os-release", stat.S_IFCHR, os.makedev(0, 0))
    (upper / "bin").write_bytes(b"no link now")
    entries = changes_in(os.fspath(upper), store.holding)
    archive = exported(store, image_config(BASE, LONG), [BASE, LONG], entries, upper)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {m.name: tar.extractfile(m).read() for m in tar if m.isreg() or m.islnk()}
    assert found["new"] == found["twin"] == b"made inside"
    assert found["bin"] == b"no link now"
    assert "etc/os-release" not in found
    assert len(found[f"{'d' * 90}/{'é' * 90}"]) == 3000


def test_gnu_tar_unpacks_an_export(store, tmp_path):
    archive = exported(store, image_config(BASE, LONG), [BASE, LONG])
    target = tmp_path / "target"
    target.mkdir()
    subprocess.run(["tar", "-C", target, "-xf", "-"], input=archive, check=True)
    assert (target / "etc/os-release").read_bytes() == b"ID=test\n"
    assert (target / "bin").readlink() == Path("usr/bin")
    assert (target / ("n" * 150)).read_bytes() == b"x"


def test_what_is_exported_imports(store):
    archive = exported(store, image_config(BASE, TOP), [BASE, TOP])
    image = import_image(store, io.BytesIO(archive), "", changes=(), message="", apply=no_changes)
    assert contents(store, image) == contents(store, digest(encoded(image_config(BASE, TOP))))
