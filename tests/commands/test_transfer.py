"""`pull`, `import`, `export`, `save`, `load`."""

from __future__ import annotations

import http.server
import io
import threading

import pytest

from container_magics.engines.events import PullProgress
from container_magics.errors import (
    ContainerMagicsError,
    InvalidReferenceError,
    UnsupportedError,
    UsageError,
)
from tests.commands.engine import summary


def test_pull_says_what_docker_says(docker, engine, surface):
    engine.events = [PullProgress("abc", "Pull complete")]
    image = docker("pull", "alpine")
    assert surface.out == (
        "Using default tag: latest\nabc: Pull complete\ndocker.io/library/alpine:latest\n"
    )
    assert image.names == ("alpine:latest",)
    assert engine.requests == [("pull", "alpine:latest")]


def test_a_quiet_pull_and_one_with_a_tag(docker, engine, surface):
    engine.events = [PullProgress("abc", "Pull complete")]
    docker("pull", "-q", "alpine")
    assert surface.out == "docker.io/library/alpine:latest\n"
    docker("image", "pull", "ghcr.io/a/b:1")
    assert "Using default tag" not in surface.out
    with pytest.raises(InvalidReferenceError):
        docker("pull", "A:1")


def test_import_a_file(docker, engine, surface, tmp_path):
    (tmp_path / "x.tar").write_bytes(b"tar")
    docker(
        "import", "-c", "CMD x", str(tmp_path / "x.tar"), "flat:1", "-m", "note", "-c", "ENV a=b"
    )
    assert engine.requests == [("import", b"tar", "flat:1", ("CMD x", "ENV a=b"), "note")]
    assert surface.out == f"sha256:{'1' * 64}\n"


def test_import_standard_input(docker, engine):
    docker("import", "-", stdin=b"tar")
    assert engine.requests == [("import", b"tar", "", (), "")]
    with pytest.raises(UsageError, match="Name the file"):
        docker("import", "-")


def test_import_a_url(docker, engine):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/x.tar" else 404)
            self.end_headers()
            self.wfile.write(b"tar from afar")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        place = f"http://127.0.0.1:{server.server_port}"
        docker("import", f"{place}/x.tar", "x")
        assert engine.requests[0][1] == b"tar from afar"
        with pytest.raises(ContainerMagicsError, match="404"):
            docker("import", f"{place}/y.tar", "x")
    finally:
        server.shutdown()
        server.server_close()


def test_export_and_save_to_files(docker, tmp_path):
    assert docker("export", "-o", str(tmp_path / "x.tar"), "c0ffee") is None
    assert (tmp_path / "x.tar").read_bytes() == b"halfexport of c0ffee"
    docker("save", "a", "b", "-o", str(tmp_path / "y.tar"))
    assert (tmp_path / "y.tar").read_bytes() == b"a b"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.tar", "y.tar"]


def test_a_failed_export_leaves_the_old_file(docker, engine, tmp_path):
    (tmp_path / "x.tar").write_bytes(b"old")
    engine.failure = ContainerMagicsError("disk full")
    with pytest.raises(ContainerMagicsError, match="disk full"):
        docker("export", "-o", str(tmp_path / "x.tar"), "c")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x.tar", b"old")]


@pytest.mark.parametrize("verb", ["save", "export"])
def test_a_full_disk_is_said(docker, verb):
    with pytest.raises(ContainerMagicsError, match="write /dev/full: no space left on device"):
        docker(verb, "-o", "/dev/full", "a")


def test_archives_are_not_shown_to_people(docker, surface):
    for words in (["export", "c"], ["save", "a"]):
        with pytest.raises(UsageError, match="cowardly refusing to save to a terminal"):
            docker(*words)
    surface.binary = io.BytesIO()
    docker("save", "a")
    assert surface.binary.getvalue() == b"a"


def test_an_output_that_cannot_be(docker, tmp_path):
    for words in (["save", "a"], ["export", "c"]):
        said = f"failed to {words[0]} (image|container): invalid output path: "
        with pytest.raises(UsageError, match=f'{said}directory ".*nowhere" does not exist'):
            docker(*words, "-o", str(tmp_path / "nowhere" / "x.tar"))
        with pytest.raises(UsageError, match=f'{said}"{tmp_path}" is a directory'):
            docker(*words, "-o", str(tmp_path))


def test_load(docker, engine, surface, tmp_path):
    (tmp_path / "x.tar").write_bytes(b"archive")
    assert docker("load", "-i", str(tmp_path / "x.tar")) == ["a:1", "sha256:" + "2" * 64]
    assert surface.out == f"Loaded image: a:1\nLoaded image ID: sha256:{'2' * 64}\n"
    docker("load", "-q", stdin=b"piped")
    assert surface.out == f"Loaded image: a:1\nLoaded image ID: sha256:{'2' * 64}\n" * 2
    assert engine.requests == [("load", b"archive"), ("load", b"piped")]
    with pytest.raises(UsageError, match="stdin is empty"):
        docker("load")
    with pytest.raises(UsageError, match="open /nowhere: no such file or directory"):
        docker("load", "-i", "/nowhere")


def test_load_tells_of_names_that_move(docker, engine, surface, monkeypatch):
    def load(source):
        engine.listed = [summary(3, "a:1", "kept:1"), summary(4), summary(5, "new:1")]
        return ["a:1", "kept:1", "new:1"]

    engine.listed = [summary(3, "kept:1"), summary(4, "a:1")]
    monkeypatch.setattr(engine, "load", load)
    docker("load", stdin=b"piped")
    assert surface.out == (
        f"The image a:1 already exists, renaming the old one with ID sha256:{'04' * 32} to empty "
        "string\nLoaded image: a:1\nLoaded image: kept:1\nLoaded image: new:1\n"
    )


def test_platforms_are_the_engines_choice(docker, engine):
    for words in (["save", "a"], ["load", "-i", "x"], ["import", "-"]):
        with pytest.raises(UnsupportedError, match="--platform") as caught:
            docker(*words, "--platform", "linux/arm64")
        assert caught.value.hint
    assert engine.requests == []
