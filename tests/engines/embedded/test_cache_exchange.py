"""--cache-to and --cache-from: one store's build cache in another."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.build_request import BuildOutput, CacheExchange
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.errors import BuildError, PushError, UnsupportedError, UsageError
from tests.fixtures.embedding import Heard, build, embedded, output_of
from tests.fixtures.registry import free_port, running_registry
from tests.fixtures.sandbox import RUNGS
from tests.fixtures.skopeo import skopeo

DOCKERFILE = """\
FROM busybox:test AS tools
RUN echo tool > /tool && cat /proc/sys/kernel/random/uuid > /unique
FROM busybox:test
COPY --from=tools /tool /tool
RUN cat /proc/sys/kernel/random/uuid > /random
WORKDIR /there
CMD ["cat", "/random"]
"""
DATED = {"SOURCE_DATE_EPOCH": "1600000000"}
"""So that busybox:test, which each store imports for itself, is one image."""


@pytest.fixture
def one(tmp_path) -> Iterator[EmbeddedEngine]:
    with embedded(tmp_path / "one") as engine:
        yield engine


@pytest.fixture
def other(tmp_path) -> Iterator[EmbeddedEngine]:
    with embedded(tmp_path / "other") as engine:
        yield engine


def to(kind: str, **attributes: object) -> dict[str, tuple[CacheExchange, ...]]:
    return {"cache_to": (exchange(kind, attributes),)}


def source(kind: str, **attributes: object) -> dict[str, tuple[CacheExchange, ...]]:
    return {"cache_from": (exchange(kind, attributes),)}


def exchange(kind: str, attributes: dict[str, object]) -> CacheExchange:
    return CacheExchange(
        kind, {name.replace("_", "-"): str(value) for name, value in attributes.items()}
    )


def steps_cached(heard: Heard) -> set[str]:
    """The steps but FROM that came from the cache."""
    return {name for name in heard.cached if not name.startswith("FROM")}


ALL = {
    "RUN echo tool > /tool && cat /proc/sys/kernel/random/uuid > /unique",
    "COPY --from=tools /tool /tool",
    "RUN cat /proc/sys/kernel/random/uuid > /random",
    "WORKDIR /there",
}
RUN_OF_TOOLS = "RUN echo tool > /tool && cat /proc/sys/kernel/random/uuid > /unique"


@pytest.mark.parametrize("compression", ["gzip", "zstd", "uncompressed"])
def test_everything_is_cached_in_another_store(one, other, tmp_path, compression):
    cache = tmp_path / "cache"
    given = to("local", dest=cache, mode="max", compression=compression)
    made = build(one, DOCKERFILE, build_args=DATED, **given).made
    heard = Heard()
    again = build(other, DOCKERFILE, heard, build_args=DATED, **source("local", src=cache)).made
    assert steps_cached(heard) == ALL
    assert again.id == made.id
    assert output_of(other, again.id, "cat", "/random") == output_of(one, made.id, "cat", "/random")
    heard = Heard()
    build(other, DOCKERFILE, heard, build_args=DATED)
    assert steps_cached(heard) == ALL, "what was imported is known from then on"


def test_min_has_the_layers_of_the_result_only(one, other, tmp_path):
    build(one, DOCKERFILE, **to("local", dest=tmp_path / "cache"))
    heard = Heard()
    build(other, DOCKERFILE, heard, **source("local", src=tmp_path / "cache"))
    assert steps_cached(heard) == ALL - {RUN_OF_TOOLS}


def test_only_layers_that_are_used_are_fetched(one, other, tmp_path):
    cache = tmp_path / "cache"
    build(one, DOCKERFILE, **to("local", dest=cache, mode="max"))
    changed = DOCKERFILE.replace("random/uuid > /random", "random/uuid > /different")
    heard = Heard()
    build(other, changed, heard, **source("local", src=cache))
    assert steps_cached(heard) == {RUN_OF_TOOLS, "COPY --from=tools /tool /tool"}
    info = other.info()
    layers = list((Path(info["DockerRootDir"]) / "layers").iterdir())
    assert len(layers) == 1 + 2 + 2


@pytest.mark.parametrize("rung", RUNGS[1:])
def test_another_rung_takes_it(one, tmp_path, rung):
    build(one, DOCKERFILE, build_args=DATED, **to("local", dest=tmp_path / "cache", mode="max"))
    with embedded(tmp_path / "rung", rung) as other:
        heard = Heard()
        build(other, DOCKERFILE, heard, build_args=DATED, **source("local", src=tmp_path / "cache"))
        assert steps_cached(heard) == ALL


def test_the_second_export_compresses_nothing_again(one, tmp_path):
    cache = tmp_path / "cache"
    build(one, DOCKERFILE, **to("local", dest=cache, mode="max"))
    blobs = {path: path.stat().st_ino for path in (cache / "blobs/sha256").iterdir()}
    build(one, f"{DOCKERFILE}RUN touch /more", **to("local", dest=cache, mode="max"))
    after = {path: path.stat().st_ino for path in (cache / "blobs/sha256").iterdir()}
    assert blobs.items() <= after.items()
    assert len(after) == len(blobs) + 3  # a layer, the document, the manifest
    index = json.loads((cache / "index.json").read_text())
    assert len(index["manifests"]) == 1


def test_caches_have_tags(one, other, tmp_path):
    cache = tmp_path / "cache"
    build(one, "FROM busybox:test\nRUN echo a > /a", **to("local", dest=cache, tag="a"))
    build(one, "FROM busybox:test\nRUN echo b > /b", **to("local", dest=cache, tag="b"))
    heard = Heard()
    build(other, "FROM busybox:test\nRUN echo a > /a", heard, **source("local", src=cache, tag="b"))
    assert not steps_cached(heard)
    heard = Heard()
    build(other, "FROM busybox:test\nRUN echo b > /b", heard, **source("local", src=cache, tag="b"))
    assert steps_cached(heard) == {"RUN echo b > /b"}


def test_no_cache_asks_nobody(one, other, tmp_path):
    build(one, DOCKERFILE, **to("local", dest=tmp_path / "cache", mode="max"))
    heard = Heard()
    build(other, DOCKERFILE, heard, no_cache=True, **source("local", src=tmp_path / "cache"))
    assert not steps_cached(heard)


# --- inline -------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["flag", "argument"])
def test_an_image_brings_its_own_cache(one, other, tmp_path, by):
    given = to("inline") if by == "flag" else {"build_args": {"BUILDKIT_INLINE_CACHE": "1"}}
    heard = Heard()
    made = build(one, DOCKERFILE, heard, tag="cached:1", **given).made
    assert not heard.warnings
    with (tmp_path / "image.tar").open("w+b") as file:
        one.save(["cached:1"], file)
        file.seek(0)
        other.load(file)
    heard = Heard()
    again = build(other, DOCKERFILE, heard, **source("registry", ref="cached:1")).made
    assert steps_cached(heard) == ALL - {RUN_OF_TOOLS}
    assert again.layers == made.layers


def test_an_image_on_top_has_not_the_cache_of_its_base(one):
    base = build(one, DOCKERFILE, tag="base:1", **to("inline")).made
    plain = build(one, DOCKERFILE).made
    assert base.id != plain.id
    on_top = build(one, "FROM base:1\nENV A=1").made
    assert on_top.id == build(one, f"{DOCKERFILE}ENV A=1").made.id


def test_an_image_without_a_cache_is_told_of(one):
    for name in ("busybox:test", "localhost:1/nothing:1"):
        heard = Heard()
        build(one, "FROM busybox:test\nRUN true", heard, **source("registry", ref=name))
        assert any(name in warning.message for warning in heard.warnings)


# --- registry ------------------------------------------------------------------------------------


@pytest.mark.registry
def test_a_cache_in_a_registry(one, other, tmp_path):
    with running_registry(tmp_path / "registry") as host:
        name = f"{host}/cache/app:main"
        heard = Heard()
        made = build(one, DOCKERFILE, heard, **to("registry", ref=name, mode="max")).made
        assert not heard.warnings
        assert "exporting cache to registry" in {vertex.name for vertex in heard.vertices}
        heard = Heard()
        again = build(other, DOCKERFILE, heard, **source("registry", ref=name)).made
        assert not heard.warnings
        assert steps_cached(heard) == ALL
        assert again.layers == made.layers
        told = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{name}"))
        assert len(told["layers"]) == len({layer["digest"] for layer in told["layers"]}) > 0


@pytest.mark.registry
def test_a_cache_in_a_registry_that_was_damaged(one, other, tmp_path):
    with running_registry(tmp_path / "registry") as host:
        name = f"{host}/cache/app:main"
        build(one, DOCKERFILE, **to("registry", ref=name, mode="max"))
        for path in (tmp_path / "registry").rglob("data"):
            if path.is_file() and path.read_bytes().startswith(b"\x1f\x8b"):
                path.write_bytes(bytes(path.stat().st_size))
        heard = Heard()
        build(other, DOCKERFILE, heard, **source("registry", ref=name))
        assert steps_cached(heard) != ALL
        assert "a layer of the imported cache cannot be used" in heard.warnings[0].message


def test_a_cache_that_no_registry_takes(one):
    name = f"127.0.0.1:{free_port()}/cache:1"
    with pytest.raises(PushError, match=f"cannot push {name}: no answer"):
        build(one, DOCKERFILE, tag="never:1", **to("registry", ref=name))
    assert not any("never:1" in image.names for image in one.images())
    heard = Heard()
    build(one, DOCKERFILE, heard, **to("registry", ref=name, ignore_error="true"))
    assert "cannot push" in heard.warnings[0].message


# --- what is wrong with a cache -----------------------------------------------------------------


def spoil_layers(cache: Path) -> None:
    index = json.loads((cache / "index.json").read_text())
    for layer in manifest(cache, index)["layers"]:
        path = blob(cache, layer["digest"])
        data = bytearray(path.read_bytes())
        data[-5] ^= 1
        path.write_bytes(data)


def lengthen_layers(cache: Path) -> None:
    index = json.loads((cache / "index.json").read_text())
    for layer in manifest(cache, index)["layers"]:
        with blob(cache, layer["digest"]).open("ab") as file:
            file.write(b"\0" * 1000)


def remove_layers(cache: Path) -> None:
    index = json.loads((cache / "index.json").read_text())
    for layer in manifest(cache, index)["layers"]:
        blob(cache, layer["digest"]).unlink()


def link_layers(cache: Path) -> None:
    index = json.loads((cache / "index.json").read_text())
    for layer in manifest(cache, index)["layers"]:
        path = blob(cache, layer["digest"])
        path.rename(cache / "aside")
        path.symlink_to(cache / "aside")


def spoil_document(cache: Path) -> None:
    index = json.loads((cache / "index.json").read_text())
    path = blob(cache, manifest(cache, index)["config"]["digest"])
    path.write_bytes(path.read_bytes().replace(b"layer", b"lawyer"))


def spoil_index(cache: Path) -> None:
    (cache / "index.json").write_text("{")


def other_tag(cache: Path) -> None:
    text = (cache / "index.json").read_text()
    (cache / "index.json").write_text(text.replace("latest", "newest"))


def blob(cache: Path, digest: str) -> Path:
    return cache / "blobs/sha256" / digest.removeprefix("sha256:")


def manifest(cache: Path, index: dict) -> dict:
    return json.loads(blob(cache, index["manifests"][0]["digest"]).read_text())


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_layers, "cannot be used"),
        (lengthen_layers, "cannot be used"),
        (remove_layers, "cannot be used"),
        (link_layers, "cannot be used"),
        (spoil_document, "skipped due to err"),
        (spoil_index, "skipped due to err"),
        (other_tag, "not found due to err: no digest for tag latest"),
        (shutil.rmtree, "not found due to err: could not read"),
    ],
)
def test_a_damaged_cache_is_told_of_and_left_out(one, other, tmp_path, spoil, words):
    cache = tmp_path / "cache"
    build(one, "FROM busybox:test\nRUN touch /x", **to("local", dest=cache, mode="max"))
    spoil(cache)
    heard = Heard()
    image = build(
        other, "FROM busybox:test\nRUN touch /x", heard, **source("local", src=cache)
    ).made
    assert not steps_cached(heard)
    assert len(heard.warnings) == 1
    assert words in heard.warnings[0].message
    assert output_of(other, image.id, "ls", "/x") == "/x\n"


def test_the_cache_of_another_tool_is_told_of(one, tmp_path):
    layout = tmp_path / "layout"
    build(
        one,
        "FROM busybox:test\nRUN touch /x",
        outputs=(BuildOutput("oci", layout, {"tar": "false", "name": "x:latest"}),),
    )
    heard = Heard()
    build(one, "FROM busybox:test\nRUN touch /y", heard, **source("local", src=layout))
    assert "not written by this engine" in heard.warnings[0].message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (to("registry"), "registry cache exporter requires ref"),
        (to("registry", ref="NOT A NAME"), "invalid cache-to reference"),
        (to("registry", ref="x", compression="zstd"), "compression than gzip is not available"),
        (to("gha"), "type=gha is not available"),
        (to("local"), "local cache exporter requires dest"),
        (to("local", dest="x", mode="all"), "invalid cache export mode: all"),
        (to("local", dest="x", other="1"), "other is not available"),
        (to("inline", dest="x"), "dest is not available"),
        (source("s3", bucket="x"), "type=s3 is not available"),
        (source("local"), "local cache importer requires src"),
        (source("registry"), "registry cache importer requires ref"),
        (source("registry", ref="NOT A NAME"), "invalid cache-from reference"),
    ],
)
def test_what_makes_no_sense_is_refused(one, given, words):
    heard = Heard()
    with pytest.raises(UsageError, match=words) as caught:
        build(one, DOCKERFILE, heard, **given)
    assert not heard.vertices
    assert isinstance(caught.value, UnsupportedError) == ("not available" in words)


def test_a_cache_that_cannot_be_written(one):
    place = "/proc/nothing/cache"
    with pytest.raises(BuildError, match="exporting cache to client directory: cannot write"):
        build(one, "FROM busybox:test", tag="not:kept", **to("local", dest=place))
    assert not [image for image in one.images() if "not:kept" in image.names]
    heard = Heard()
    build(one, "FROM busybox:test", heard, **to("local", dest=place, ignore_error="true"))
    assert "cannot write" in heard.warnings[0].message
