"""`--build-context`: names that FROM, COPY --from and the stages find before any image."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.errors import BuildError, CorruptArchiveError, SourceNotFoundError
from tests.fixtures.embedding import Heard, build, embedded, output_of

BASE = "FROM busybox:test\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder: a, sub/b, and an ignored file."""
    folder = tmp_path / "other"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("a of the context\n")
    (folder / "sub" / "b").write_text("b\n")
    (folder / "hidden").write_text("hidden\n")
    (folder / ".dockerignore").write_text("hidden\n")
    return folder


def cat(engine: EmbeddedEngine, image: str, path: str) -> str:
    return output_of(engine, image, "cat", path)


def test_copy_from_a_folder(engine, folder):
    text = f"{BASE}COPY --from=other a sub/b /into/\n"
    built = build(engine, text, contexts={"other": str(folder)})
    assert cat(engine, built.image.id, "/into/a") == "a of the context\n"
    heard = Heard()
    build(engine, text, heard, contexts={"other": str(folder)})
    assert "COPY --from=other a sub/b /into/" in heard.cached
    (folder / "a").write_text("changed\n")
    built = build(engine, text, contexts={"other": str(folder)})
    assert cat(engine, built.image.id, "/into/a") == "changed\n"


def test_the_folders_own_dockerignore_counts(engine, folder):
    with pytest.raises(SourceNotFoundError, match=r'"/hidden" not found'):
        build(engine, f"{BASE}COPY --from=other hidden /\n", contexts={"other": str(folder)})


def test_a_stage_on_a_folder(engine, folder):
    text = "FROM other\nENV A=1\n"
    built = build(engine, text, contexts={"other": str(folder)})
    image = engine.image(built.image.id)
    assert [layer.size for layer in image.layers] == [len("a of the context\nb\nhidden\n")]
    contents = engine.contents(built.image.id)
    assert contents is not None
    again = build(engine, f"{BASE}COPY --from={built.image.id} /sub/b /b\n")
    assert cat(engine, again.image.id, "/b") == "b\n"


def test_a_context_beats_an_image_and_a_stage_of_its_name(engine, folder):
    contexts = {"busybox:test": str(folder), "made": str(folder)}
    text = f"{BASE}COPY --from=busybox:test a /a\n"
    build(engine, "FROM busybox:test\nRUN true\n", tag="real:test")
    text = (
        "FROM real:test AS made\nRUN false\n"
        "FROM real:test\nCOPY --from=made a /1\nCOPY --from=0 a /2\n"
        "COPY --from=busybox:test a /3\nCOPY --from=docker.io/library/busybox:test a /4\n"
    )
    built = build(engine, text, contexts=contexts)
    assert cat(engine, built.image.id, "/1") == "a of the context\n"
    shown = output_of(engine, built.image.id, "sh", "-c", "cmp /1 /2 && cmp /1 /3 && cmp /1 /4")
    assert shown == ""


def test_scratch_and_context_cannot_be_replaced(engine, folder):
    contexts = {"scratch": str(folder), "context": str(folder)}
    built = build(engine, "FROM scratch\nENV A=1\n", contexts=contexts)
    assert engine.image(built.image.id).layers == ()


def test_an_image_by_another_name(engine):
    build(engine, f"{BASE}RUN echo mine > /mark\n", tag="mine:1")
    contexts = {"alpine:3.19": "docker-image://mine:1", "empty": "docker-image://scratch"}
    built = build(engine, "FROM alpine:3.19\nENV A=1\n", contexts=contexts)
    assert cat(engine, built.image.id, "/mark") == "mine\n"
    built = build(engine, "FROM empty\nENV A=1\n", contexts=contexts)
    assert engine.image(built.image.id).layers == ()


@pytest.fixture
def layout(engine: EmbeddedEngine, tmp_path: Path) -> Path:
    """An OCI layout with the image tagged `one`."""
    build(engine, f"{BASE}ENV FROM_LAYOUT=1\nRUN echo layout > /mark\n", tag="laid:one")
    with (tmp_path / "saved.tar").open("wb") as file:
        engine.save(["laid:one"], file)
    root = tmp_path / "layout"
    with tarfile.open(tmp_path / "saved.tar") as archive:
        archive.extractall(root, filter="data")
    return root


@pytest.mark.parametrize("suffix", ["", ":one", ":other", "@digest"])
def test_an_oci_layout(engine, layout, suffix, tmp_path):
    digest = _digest(layout)
    place = f"oci-layout://{layout}{suffix.replace('digest', digest)}"
    with embedded(tmp_path / "fresh") as fresh:
        before = fresh.images()
        built = build(fresh, "FROM base\nENV B=2\n", contexts={"base": place})
        assert cat(fresh, built.image.id, "/mark") == "layout\n"
        assert "FROM_LAYOUT=1" in fresh.image(built.image.id).config["Env"]
        assert len(fresh.images()) == len(before) + 1


def _digest(layout: Path) -> str:
    import json

    (descriptor,) = json.loads((layout / "index.json").read_text())["manifests"]
    return str(descriptor["digest"])


def test_an_oci_layout_that_does_not_fit(engine, layout, tmp_path):
    def built_from(place: str) -> None:
        build(engine, "FROM base\n", contexts={"base": f"oci-layout://{place}"})

    with pytest.raises(BuildError, match="not an OCI image layout") as raised:
        built_from(str(tmp_path))
    assert raised.value.line == 1
    with pytest.raises(BuildError, match="could not be resolved: not found"):
        built_from(f"{layout}@sha256:{'0' * 64}")
    (layout / "blobs" / "sha256" / _digest(layout).partition(":")[2]).write_text("{}")
    with pytest.raises(CorruptArchiveError, match="other content than its name says"):
        built_from(str(layout))


def test_a_layout_leads_nowhere_else(engine, layout, tmp_path):
    blob = layout / "blobs" / "sha256" / _digest(layout).partition(":")[2]
    outside = tmp_path / "outside"
    blob.rename(outside)
    blob.symlink_to(outside)
    with pytest.raises(CorruptArchiveError, match="has no file"):
        build(engine, "FROM base\n", contexts={"base": f"oci-layout://{layout}"})


def test_a_repository_and_a_file_from_the_network(engine, tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    work = tmp_path / "work"
    work.mkdir()
    (work / "docs").mkdir()
    (work / "docs" / "page").write_text("page\n")
    (work / ".dockerignore").write_text("docs\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", os.fspath(work)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "x"], check=True)
    served = tmp_path / "served"
    subprocess.run(
        ["git", "clone", "-q", "--bare", os.fspath(work), os.fspath(served / "r.git")], check=True
    )
    subprocess.run(["git", "-C", os.fspath(served / "r.git"), "update-server-info"], check=True)
    (served / "file").write_text("file\n")
    handler = functools.partial(_Quiet, directory=os.fspath(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        contexts = {"repo": f"{url}/r.git#main", "one": f"{url}/file"}
        text = f"{BASE}COPY --from=repo docs/page /page\nCOPY --from=one context /file\n"
        built = build(engine, text, contexts=contexts)
        server.shutdown()
    assert cat(engine, built.image.id, "/page") == "page\n"
    assert cat(engine, built.image.id, "/file") == "file\n"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_an_archives_owners_and_times_are_kept(engine, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("f")
    os.utime(tmp_path / "d", (86400, 86400))
    text = f"{BASE}COPY d /copied\nRUN stat -c '%u:%g %Y' /copied /copied/f > /seen\n"
    owners = {"d": (5, 6), "d/f": (1000, 100)}
    built = build(engine, text, context=tmp_path, context_owners=owners)
    modified = int((tmp_path / "d" / "f").stat().st_mtime)
    lines = cat(engine, built.image.id, "/seen").splitlines()
    assert lines[1] == f"1000:100 {modified}"
    assert lines[0].startswith("0:0 ")  # as with Docker: it is made, and not copied


def test_only_the_named_stages_are_built_again(engine):
    text = (
        "FROM busybox:test AS one\nRUN head -c 8 /dev/urandom | md5sum > /a\n"
        "FROM busybox:test AS two\nRUN head -c 8 /dev/urandom | md5sum > /b\n"
        "FROM busybox:test\nCOPY --from=one /a /a\nCOPY --from=two /b /b\n"
    )
    first = build(engine, text).image.id
    heard = Heard()
    second = build(engine, text, heard, no_cache_filter=("ONE",)).image.id
    assert "RUN head -c 8 /dev/urandom | md5sum > /b" in heard.cached
    assert "RUN head -c 8 /dev/urandom | md5sum > /a" not in heard.cached
    assert cat(engine, first, "/b") == cat(engine, second, "/b")
    assert cat(engine, first, "/a") != cat(engine, second, "/a")
