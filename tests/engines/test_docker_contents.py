"""What images and containers of a real dockerd hold; archives of later Dockers are made here."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from container_magics.engines.build_request import BuildRequest
from container_magics.engines.contents import LayerContents
from container_magics.engines.docker import DockerEngine, layer_cache
from container_magics.engines.docker.api import Api
from container_magics.engines.events import Cancellation
from container_magics.engines.images import Image, Layer
from container_magics.engines.run_request import RunRequest
from container_magics.errors import CorruptArchiveError, NotFoundError, StoreError
from container_magics.oci.tree import SUPERSEDED, Tree
from tests.conformance.saved import read_saved

pytestmark = pytest.mark.docker

BASE = "busybox:test"
TEXT = """
FROM busybox:test
RUN mkdir -p /d/again && cd /d && echo lower > f && echo gone > gone && touch empty \\
 && head -c 300000 /dev/urandom > random && ln random hard && ln -s f sym && mkfifo pipe \\
 && printf x > "$(printf 'n\\377me')" && echo a > again/a && chown 7:8 f && chmod 4750 f
RUN cd /d && echo upper! > f && rm gone && rm -r again && mkdir again && echo b > again/b
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CONTAINER_MAGICS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "layers"


def clean(engine: DockerEngine) -> None:
    with engine.calling() as api:
        for container in api.containers(all=True):
            api.remove_container(container["Id"], force=True, v=True)
    for image in engine.images():
        if BASE not in image.names:
            engine.remove_image(image.id, force=True)


@pytest.fixture(scope="module")
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    clean(docker_engine)
    yield docker_engine
    clean(docker_engine)


@pytest.fixture(scope="module")
def image(engine: DockerEngine) -> Image:
    request = BuildRequest(TEXT, tags=("held:test",))
    return engine.build(request, lambda _: None, Cancellation()).image


@pytest.fixture
def saves(monkeypatch) -> list[list[str]]:
    """The calls of `docker save`."""
    calls: list[list[str]] = []
    save = Api.save_tar

    def spy(self, names):
        calls.append(list(names))
        return save(self, names)

    monkeypatch.setattr(Api, "save_tar", spy)
    return calls


def container_ids(engine: DockerEngine) -> list[str]:
    with engine.calling() as api:
        return [row["Id"] for row in api.containers(all=True)]


def run(engine: DockerEngine, script: str, image: str = "held:test") -> str:
    request = RunRequest(image, ("sh", "-ec", script))
    result = engine.run(request, lambda _: None, Cancellation())
    assert result.returncode == 0
    return result.container


# --- archives -----------------------------------------------------------------------------------


def tar(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return output.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def config(*layers: bytes) -> bytes:
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(layer)}" for layer in layers]},
    }
    return json.dumps(document).encode()


def legacy(*layers: bytes, name: str = "made:test") -> bytes:
    """An archive as Docker up to 24 loads it."""
    paths = [f"{digest(layer)}/layer.tar" for layer in layers]
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": paths}]
    return tar(
        *dict(zip(paths, layers, strict=True)).items(),
        ("config.json", config(*layers)),
        ("manifest.json", json.dumps(manifest).encode()),
    )


def layout(*layers: bytes, compress: Callable[[bytes], bytes]) -> bytes:
    """An archive as Docker from 25 on saves it."""
    blobs = [compress(layer) for layer in layers]
    document = config(*layers)
    manifest = json.dumps({"schemaVersion": 2, "layers": [digest(blob) for blob in blobs]}).encode()
    paths = [f"blobs/sha256/{digest(blob)}" for blob in (document, *blobs)]
    rows = [{"Config": paths[0], "RepoTags": ["made:test"], "Layers": paths[1:]}]
    members = dict(zip(paths, (document, *blobs), strict=True))
    members[f"blobs/sha256/{digest(manifest)}"] = manifest
    return tar(
        *sorted(members.items()),
        ("index.json", b'{"schemaVersion": 2, "manifests": []}'),
        ("manifest.json", json.dumps(rows).encode()),
        ("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'),
    )


def saving(monkeypatch, data: bytes) -> None:
    """Let the engine save this."""
    monkeypatch.setattr(
        Api,
        "save_tar",
        lambda self, names: iter([data[i : i + 10_007] for i in range(0, len(data), 10_007)]),
    )


def saved(engine: DockerEngine, name: str) -> list[bytes]:
    """The layers of `docker save`."""
    output = io.BytesIO()
    engine.save([name], output)
    output.seek(0)
    with tarfile.open(fileobj=output) as archive:
        (manifest,) = json.loads(archive.extractfile("manifest.json").read())
        return [archive.extractfile(path).read() for path in manifest["Layers"]]


def compared(layer: bytes) -> list[tuple]:
    """What Python's `tarfile` reads: path, type, mode, owner, size, mtime, link, SHA-256."""
    rows = []
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for member in archive:
            content = archive.extractfile(member).read() if member.isreg() else None
            rows.append(
                (
                    member.name.rstrip("/"),
                    member.type,
                    member.mode & 0o7777,
                    (member.uid, member.gid),
                    member.size if member.isreg() else 0,
                    int(member.mtime),
                    member.linkname,
                    None if content is None else digest(content),
                )
            )
    return rows


TYPES = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
    0: tarfile.LNKTYPE,
}


def held(layer: LayerContents) -> list[tuple]:
    """The same of `LayerContents`."""
    rows = []
    for entry, place in layer.records():
        content = None
        if entry.kind == stat.S_IFREG:
            whiteout = "/.wh." in f"/{entry.path}"
            content = digest(b"") if whiteout else layer.digest(place or entry.path)
        rows.append(
            (
                entry.path,
                TYPES[entry.kind],
                entry.mode & 0o7777,
                (entry.uid, entry.gid),
                entry.size,
                entry.mtime,
                entry.link,
                content,
            )
        )
    return rows


# --- images -------------------------------------------------------------------------------------


class TestImage:
    def test_holds_what_docker_saves(self, engine, image, saves):
        contents = engine.contents("held:test")
        assert contents.image == image
        assert contents.container == ""
        assert saves == []
        layers = [held(layer) for layer in contents.layers]
        assert saves == [[image.id]]
        expected = saved(engine, "held:test")
        assert layers == [compared(layer) for layer in expected]
        assert [layer.diff_id for layer in contents.layers] == [x.diff_id for x in image.layers]
        for layer, rows in zip(contents.layers, layers, strict=True):
            assert layer.size == sum(row[4] for row in rows)

    def test_fixture_has_the_kinds(self, engine, image):
        _, first, second = engine.contents("held:test").layers
        paths = {entry.path: entry for entry, _ in first.records()}
        assert {paths["d/hard"].link, paths["d/hard"].kind} == {"d/random", 0} or (
            paths["d/random"].link == "d/hard"
        )
        assert "d/n\udcffme" in paths
        names = [entry.path for entry, _ in second.records()]
        assert "d/.wh.gone" in names
        assert "d/again/.wh..wh..opq" in names or "d/again/.wh.a" in names

    def test_tree_is_that_of_the_image(self, engine, image):
        tree = Tree()
        for number, layer in enumerate(engine.contents("held:test").layers):
            tree = tree.apply(number, layer.records())
        output = io.BytesIO()
        engine.save(["held:test"], output)
        expected = read_saved(output.getvalue()).files
        assert {path for path, _ in tree.walk()} == set(expected)
        assert tree.lookup("d/f").layer == 2

    def test_second_time_without_the_engine(self, engine, image, saves):
        first = [held(layer) for layer in engine.contents("held:test").layers]
        assert len(saves) == 1
        again = engine.contents("held:test").layers
        assert [held(layer) for layer in again] == first
        assert len(saves) == 1

    def test_a_layer_that_another_image_has_is_known(self, engine, image, saves):
        assert engine.contents(BASE).layers[0].records()
        assert engine.contents("held:test").layers[0].records()
        assert engine.contents(BASE).layers[0].records()
        assert len(saves) == 2

    def test_unknown(self, engine):
        with pytest.raises(NotFoundError, match="No such object: nope"):
            engine.contents("nope")

    def test_image_that_went(self, engine):
        engine.load(io.BytesIO(legacy(tar(("a", b"1")), name="going:test")))
        contents = engine.contents("going:test")
        engine.remove_image("going:test")
        with pytest.raises(NotFoundError):
            contents.layers[0].records()

    def test_same_layer_twice(self, engine, saves):
        layer, other = tar(("a", b"1")), tar(("a", b"22"))
        engine.load(io.BytesIO(legacy(layer, other, layer, name="twice:test")))
        layers = engine.contents("twice:test").layers
        assert [x.records()[0][0].size for x in layers] == [1, 2, 1]
        assert layers[0] is not layers[2]
        assert len(saves) == 1

    def test_empty_layer(self, engine):
        engine.load(io.BytesIO(legacy(bytes(1024), tar(("a", b"1")), name="empty:test")))
        first, second = engine.contents("empty:test").layers
        assert (list(first.records()), first.size) == ([], 0)
        assert second.size == 1


class TestOpen:
    def test_visible_needs_no_archive(self, engine, image, saves):
        _, first, second = engine.contents("held:test").layers
        first.records()
        del saves[:]
        before = container_ids(engine)
        with second.open("d/f") as file:
            assert file.read() == b"upper!\n"
        with first.open("d/empty") as file:
            assert file.read() == b""
        assert saves == []
        assert container_ids(engine) == before

    @pytest.mark.parametrize(
        ("path", "content"),
        [("f", b"lower\n"), ("gone", b"gone\n"), ("again/a", b"a\n"), ("n\udcffme", b"x")],
    )
    def test_what_no_container_gives_comes_from_the_archive(
        self, engine, image, saves, path, content
    ):
        first = engine.contents("held:test").layers[1]
        assert first.digest(f"d/{path}") == digest(content)
        del saves[:]
        before = container_ids(engine)
        with first.open(f"d/{path}") as file:
            assert file.read() == content
        assert len(saves) == 1
        assert container_ids(engine) == before

    def test_hard_links_have_the_place_of_their_file(self, engine, image):
        layers = engine.contents("held:test").layers
        node = Tree().apply(layers[1], layers[1].records()).lookup("d/hard")
        with node.layer.open(node.place) as file:
            assert digest(file.read()) == node.layer.digest(node.place)

    @pytest.mark.parametrize("path", ["d", "d/sym", "d/pipe", "nope", "d/.wh.gone", "/d/f", ""])
    def test_no_regular_file(self, engine, image, path):
        for layer in engine.contents("held:test").layers[1:]:
            with pytest.raises(NotFoundError, match="no regular file"):
                layer.open(path)
            with pytest.raises(NotFoundError, match="no regular file"):
                layer.digest(path)

    def test_overwritten_within_a_layer(self, engine, monkeypatch):
        # Docker's own storage takes no such layer; others may.
        link = tarfile.TarInfo("b")
        link.type, link.linkname = tarfile.LNKTYPE, "a"
        layer = tar(("a", b"first"), link, ("a", b"second"))
        base = engine.image(BASE)
        changed = replace(base, layers=(Layer(f"sha256:{digest(layer)}", 11),))
        monkeypatch.setattr(DockerEngine, "image", lambda self, name: changed)
        saving(monkeypatch, legacy(layer))
        for _ in range(2):
            contents = engine.contents(BASE).layers[0]
            assert [place for _, place in contents.records()] == [f"{SUPERSEDED}0", "", ""]
            tree = Tree().apply(0, contents.records())
            for path, content in (("a", b"second"), ("b", b"first")):
                place = tree.lookup(path).place
                assert contents.digest(place) == digest(content)
                with contents.open(place) as file:
                    assert file.read() == content

    def test_large_one_lies_on_disk(self, engine):
        content = random.Random(1).randbytes(9 << 20)
        engine.load(io.BytesIO(legacy(tar(("large", content)), name="large:test")))
        with engine.contents("large:test").layers[0].open("large") as file:
            assert not isinstance(file, io.BytesIO)
            assert file.read() == content

    def test_image_that_gives_no_such_content(self, engine, image, monkeypatch):
        layer = engine.contents("held:test").layers[1]
        layer.records()
        saving(monkeypatch, legacy(tar(("d/gone", b"GONE\n"))))
        with pytest.raises(StoreError, match="/d/gone"):
            layer.open("d/gone")


class TestTransfer:
    @pytest.mark.parametrize("kind", ["text", "random", "mixed", "small"])
    def test_estimate_is_near(self, engine, kind):
        chance = random.Random(kind)
        words = [chance.randbytes(chance.randrange(2, 9)).hex().encode() for _ in range(3000)]
        files = {
            "text": [b" ".join(chance.choices(words, k=3000)) for _ in range(800)],
            "random": [chance.randbytes(300_000) for _ in range(40)],
            "small": [b"some text\n" * 20],
        }
        files["mixed"] = [
            f for pair in zip(files["text"], files["random"] * 20, strict=True) for f in pair
        ]
        layer = tar(*((f"f{number}", data) for number, data in enumerate(files[kind])))
        engine.load(io.BytesIO(legacy(layer, name=f"{kind}:test")))
        size, measured = engine.contents(f"{kind}:test").layers[0].transfer_size()
        assert not measured
        assert size == pytest.approx(len(gzip.compress(layer, 6)), rel=0.15)


# --- archives and indexes -----------------------------------------------------------------------


class TestArchive:
    LAYERS = (tar(("a", b"lower"), ("b", b"1" * 70_000)), tar((".wh.b", b""), ("c", b"3")))

    @pytest.fixture
    def made(self, engine) -> Image:
        engine.load(io.BytesIO(legacy(*self.LAYERS)))
        return engine.image("made:test")

    @pytest.mark.parametrize(
        "compress",
        [bytes, gzip.compress, zstandard.compress, lambda layer: gzip.compress(layer) + bytes(700)],
        ids=["plain", "gzip", "zstd", "padded"],
    )
    def test_image_layout(self, engine, made, monkeypatch, compress):
        saving(monkeypatch, layout(*self.LAYERS, compress=compress))
        layers = engine.contents("made:test").layers
        assert [held(layer) for layer in layers] == [compared(layer) for layer in self.LAYERS]
        with layers[0].open("b") as file:
            assert file.read() == b"1" * 70_000

    def test_known_layers_of_a_layout_are_not_read_again(self, engine, made, monkeypatch, cache):
        saving(monkeypatch, layout(*self.LAYERS, compress=bytes))
        for layer in engine.contents("made:test").layers:
            layer.records()
        (cache / digest(self.LAYERS[1]) / "split").unlink()
        monkeypatch.setattr(
            "container_magics.engines.docker.contents.index_layer", lambda *_: pytest.fail("read")
        )
        first = engine.contents("made:test").layers[0]
        with pytest.raises(pytest.fail.Exception):
            first.records()

    @pytest.mark.parametrize("form", [legacy, lambda *x: layout(*x, compress=bytes)])
    @pytest.mark.parametrize("part", [0.01, 0.1, 0.3])
    def test_truncated(self, engine, made, monkeypatch, cache, form, part):
        data = form(*self.LAYERS)
        saving(monkeypatch, data[: int(len(data) * part)])
        with pytest.raises(CorruptArchiveError, match="archive of made:test"):
            engine.contents("made:test").layers[1].records()
        assert list(cache.iterdir()) == []

    def test_truncated_says_in_which_layer(self, engine, made, monkeypatch):
        saving(monkeypatch, legacy(*self.LAYERS)[:30_000])
        with pytest.raises(CorruptArchiveError, match=f"{digest(self.LAYERS[0])}/layer.tar"):
            engine.contents("made:test").layers[1].records()

    def test_other_bytes_than_the_digest(self, engine, made, monkeypatch, cache):
        data = legacy(*self.LAYERS).replace(b"11111", b"11211", 1)
        saving(monkeypatch, data)
        with pytest.raises(CorruptArchiveError, match=made.layers[0].diff_id):
            engine.contents("made:test").layers[1].records()
        assert list(cache.iterdir()) == []

    @pytest.mark.parametrize("data", [b"", b"{}" * 1000, b"\x1f\x8b\x08" * 400, bytes(2048)])
    def test_no_archive(self, engine, made, monkeypatch, data):
        saving(monkeypatch, data)
        with pytest.raises(CorruptArchiveError, match="made:test"):
            engine.contents("made:test").layers[0].records()


@pytest.fixture(scope="module")
def two(engine) -> Image:
    engine.load(io.BytesIO(legacy(tar(("a", b"1")), tar(("b", b"22")), name="two:test")))
    return engine.image("two:test")


class TestCache:
    @pytest.mark.parametrize("file", ["split", "digests", "facts.json"])
    @pytest.mark.parametrize("damage", ["missing", "empty", "flipped", "short"])
    def test_damaged_index_is_made_again(self, engine, two, cache, saves, file, damage):
        expected = [held(layer) for layer in engine.contents("two:test").layers]
        path = next(cache.iterdir()) / file
        data = path.read_bytes()
        middle = len(data) // 2
        path.write_bytes(
            {
                "missing": b"",
                "empty": b"",
                "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
                "short": data[:-1],
            }[damage]
        )
        if damage == "missing":
            path.unlink()
        assert [held(layer) for layer in engine.contents("two:test").layers] == expected
        assert len(saves) == 2
        assert [held(layer) for layer in engine.contents("two:test").layers] == expected
        assert len(saves) == 2

    def test_oldest_are_evicted(self, engine, image, two, cache, saves, monkeypatch):
        monkeypatch.setattr(layer_cache, "_MAX_LAYERS", 3)
        for name in ("two:test", "held:test"):
            assert engine.contents(name).layers[0].records()
        assert {path.name for path in cache.iterdir()} == {
            layer.diff_id.removeprefix("sha256:") for layer in image.layers
        }

    def test_what_a_killed_process_left_is_deleted(self, engine, two, cache):
        (cache / ".left" / "0").mkdir(parents=True)
        (cache / ".in-use").mkdir()
        os.utime(cache / ".left", (0, 0))
        engine.contents("two:test").layers[0].records()
        assert len(list(cache.iterdir())) == 3
        assert (cache / ".in-use").is_dir()

    def test_cache_that_cannot_be_written(self, engine, two, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        monkeypatch.setenv("CONTAINER_MAGICS_CACHE", str(tmp_path / "file"))
        with pytest.raises(StoreError, match="CONTAINER_MAGICS_CACHE"):
            engine.contents("two:test").layers[0].records()


# --- containers ---------------------------------------------------------------------------------


CHANGES = """
    cd /d; echo more >> f; rm random; rm n*; rm -r again; mkdir again; echo c > again/c
    mkdir -p /new/sub; cd /new; head -c 9000 /dev/zero > zero; ln zero link; ln -s zero sym
    printf y > "$(printf 'm\\377')"; chmod 600 /d/empty
"""


@pytest.fixture(scope="module")
def changed(engine, image) -> str:
    return run(engine, CHANGES)


class TestContainer:
    def test_changes(self, engine, image, changed):
        contents = engine.contents(changed[:12])
        with engine.calling() as api:
            name = api.inspect_container(changed)["Name"]
        assert f"/{contents.container}" == name
        assert contents.image == image
        assert len(contents.layers) == len(image.layers) + 1
        layer = contents.layers[-1]
        assert layer.diff_id == ""
        entries = {entry.path: entry for entry, _ in layer.records()}
        assert {"d/f", "d/empty", "new/sub", "new/m\udcff", "d/again/c"} <= set(entries)
        assert {"d/.wh.random", "d/.wh.n\udcffme"} <= set(entries)
        assert entries["d/.wh.random"].mode == stat.S_IFREG
        assert entries["d/empty"].mode == stat.S_IFREG | 0o600
        assert (entries["d/f"].uid, entries["d/f"].gid, entries["d/f"].size) == (7, 8, 12)
        assert entries["new/sym"].link == "zero"
        assert {entries["new/link"].kind, entries["new/zero"].kind} == {0, stat.S_IFREG}
        assert "etc/passwd" not in entries
        assert layer.size == sum(entry.size for entry in entries.values())

    def test_tree_is_that_of_the_container(self, engine, changed):
        tree = Tree()
        for layer in engine.contents(changed).layers:
            tree = tree.apply(layer, layer.records())
        output = io.BytesIO()
        engine.export(changed, output)
        output.seek(0)
        with tarfile.open(fileobj=output) as archive:
            exported = {member.name for member in archive}
        # What Docker itself puts into each container is no change of it.
        own = {".dockerenv", "dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/mtab"}
        own |= {"etc/resolv.conf", "dev/console", "dev/pts", "dev/shm"}
        assert {path for path, _ in tree.walk()} - own == exported - own

    def test_content(self, engine, changed):
        layer = engine.contents(changed).layers[-1]
        for path, content in (
            ("d/f", b"upper!\nmore\n"),
            ("new/m\udcff", b"y"),
            ("d/empty", b""),
        ):
            with layer.open(path) as file:
                assert file.read() == content
            assert layer.digest(path) == digest(content)
        for path in ("d/sym", "d/again", "etc/passwd", "d/.wh.random", "nope"):
            with pytest.raises(NotFoundError, match="no regular file"):
                layer.open(path)

    def test_is_not_stored(self, engine, image, changed, cache):
        for layer in engine.contents(changed).layers:
            layer.records()
        assert len(list(cache.iterdir())) == len(image.layers)

    def test_transfer(self, engine, changed):
        size, measured = engine.contents(changed).layers[-1].transfer_size()
        assert 0 < size < 9000
        assert not measured

    def test_unchanged_and_image_not_read(self, engine, image, saves):
        with engine.calling() as api:
            identifier = api.create_container("held:test", command=["sh"], name="unchanged")["Id"]
        contents = engine.contents("unchanged")
        assert contents.container == "unchanged"
        assert list(contents.layers[-1].records()) == []
        assert contents.layers[-1].size == 0
        assert saves == []
        with engine.calling() as api:
            api.remove_container(identifier)

    def test_image_deleted(self, engine):
        engine.load(io.BytesIO(legacy(tar(("a", b"1")), name="lost:test")))
        with engine.calling() as api:
            api.create_container("lost:test", command=["sh"], name="orphan")
        engine.remove_image(engine.image("lost:test").id, force=True)
        with pytest.raises(NotFoundError, match="which the container orphan was made of"):
            engine.contents("orphan")


def test_remove_image_without_pruning(engine):
    def intermediate() -> int:
        with engine.calling() as api:
            return len(api.images(all=True))

    text = "FROM busybox:test\nENV A=1\nENV A=2\nENV A=3\n"
    before = intermediate()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_BUILDKIT", "0")
        request = BuildRequest(text, tags=("parents:test",))
        engine.build(request, lambda _: None, Cancellation())
    assert intermediate() == before + 3
    engine.remove_image("parents:test", prune=False)
    assert intermediate() == before + 2
