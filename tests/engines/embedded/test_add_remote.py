"""ADD from elsewhere: URLs, archives and git repositories, from real servers."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import stat
import tarfile
import threading
from pathlib import Path

import pytest

from container_magics.errors import BuildError, DockerfileError
from tests.conftest import missing
from tests.engines.embedded.copied import again, entries, entries_of, files, made, put
from tests.fixtures.embedding import build
from tests.fixtures.git import commit, git, missing_for_git, serving

SCRATCH = "FROM scratch\n"
BASE = "FROM busybox:test\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    path = tmp_path / "context"
    path.mkdir()
    return path


# --- URLs ---------------------------------------------------------------------------------------


class _Files(http.server.SimpleHTTPRequestHandler):
    """Serves files with an ETag of their content, and remembers what was asked."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        self.server.asked.append((self.path, self.headers.get("If-None-Match")))
        if self.path.startswith("/loop"):
            self.send_response(302)
            self.send_header("Location", "/loop")
            self.end_headers()
            return
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(content)))
        if path.suffix == ".gz":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder and the server of it; `asked` has the requests."""
    monkeypatch.setenv("NO_PROXY", "*")
    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Files, directory=str(folder))
    )
    server.asked, server.folder = [], folder
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def archive(path: Path, mode: str = "w") -> bytes:
    """A tar of `inner/file`."""
    with tarfile.open(path, mode) as tar:
        info = tarfile.TarInfo("inner/file")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"in\n"))
    return path.read_bytes()


def test_a_checksum_that_fits_and_one_that_does_not(engine, served):
    (served.folder / "f").write_text("x\n")
    right = hashlib.sha256(b"x\n").hexdigest()
    text = f"{SCRATCH}ARG SUM\nADD --checksum=sha256:$SUM {served.url}/f /\n"
    found = build(engine, text, build_args={"SUM": right}).image.id
    assert files(engine, found) == {"f": "x"}
    wrong = right[::-1]
    with pytest.raises(BuildError, match=f"digest mismatch sha256:{right}: sha256:{wrong}"):
        build(engine, text, build_args={"SUM": wrong})


def test_a_checksum_needs_no_server_where_the_layer_is_known(engine, served):
    (served.folder / "f").write_text("known\n")
    right = hashlib.sha256(b"known\n").hexdigest()
    text = f"{SCRATCH}ADD --checksum=sha256:{right} {served.url}/f /\n"
    build(engine, text)
    del served.asked[:]
    assert again(engine, text)[1] == []
    assert served.asked == []


@pytest.mark.parametrize(
    ("checksum", "source", "message"),
    [
        ("nonsense", "http://localhost/a", "invalid checksum digest format"),
        ("sha256:xyz", "http://localhost/a", "invalid checksum digest format"),
        ("sha256:abc", "http://localhost/a", "invalid checksum digest length"),
        ("md5:" + "0" * 32, "http://localhost/a", "unsupported digest algorithm"),
        ("sha256:" + "0" * 64, "a", "checksum requires HTTP\\(S\\) or Git sources"),
        ("sha256:" + "0" * 64, "a b", "checksum can't be specified for multiple sources"),
        ("sha256:" + "0" * 64, "http://localhost/a http://localhost/b", "for multiple sources"),
    ],
)
def test_a_checksum_that_makes_no_sense(engine, context, checksum, source, message):
    put(context, "a", "b")
    with pytest.raises(DockerfileError, match=message) as caught:
        build(engine, f"{SCRATCH}ADD --checksum={checksum} {source} /d/\n", context=context)
    assert caught.value.line == 2


def test_an_unchanged_url_is_not_sent_again(engine, served):
    (served.folder / "f").write_text("one\n")
    text = f"{SCRATCH}ADD {served.url}/f /\n"
    first = build(engine, text)
    del served.asked[:]
    second, missed = again(engine, text)
    assert (missed, second.image.id) == ([], first.image.id)
    assert [bool(etag) for _, etag in served.asked] == [True]
    other = f"{SCRATCH}ADD --chown=3 {served.url}/f /\n"
    found = entries(engine, build(engine, other).image.id)
    assert (found["f"].uid, found["f"].size) == (3, 4)
    (served.folder / "f").write_text("two\n")
    assert again(engine, text)[1] == [f"ADD {served.url}/f /"]


def test_archives_of_urls_and_of_the_context(engine, context, served):
    archive(served.folder / "r.tar")
    archive(served.folder / "z.tar.gz", "w:gz")
    packed = archive(context / "l.tar")
    put(context, "plain")
    text = f"{SCRATCH}ADD {served.url}/r.tar l.tar /default/\n"
    text += f"ADD --unpack=true {served.url}/r.tar {served.url}/z.tar.gz l.tar plain /true/\n"
    text += f"ADD --unpack=false {served.url}/r.tar l.tar /false/\n"
    found = entries_of(engine, text, context)
    paths = {path for path, entry in found.items() if entry.kind == stat.S_IFREG}
    assert paths == {
        *("default/r.tar", "default/inner/file", "true/inner/file", "true/plain"),
        *("false/r.tar", "false/l.tar"),
    }
    assert found["false/l.tar"].size == len(packed)


def test_a_url_s_bytes_are_kept_whatever_encoding_the_server_claims(engine, served):
    packed = archive(served.folder / "z.tar.gz", "w:gz")
    found = entries(engine, build(engine, f"{SCRATCH}ADD {served.url}/z.tar.gz /\n").image.id)
    assert found["z.tar.gz"].size == len(packed)


@pytest.mark.parametrize(("path", "message"), [("/none", "404"), ("/loop", "redirects")])
def test_a_url_that_gives_nothing(engine, served, path, message):
    with pytest.raises(BuildError, match=message) as caught:
        build(engine, f"{SCRATCH}ADD {served.url}{path} /\n")
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("http://localhost/a", "source can't be a URL for COPY"),
        ("https://localhost/a.git", "source can't be a git ref for COPY"),
        ("git@localhost:a.git", "source can't be a git ref for COPY"),
    ],
)
def test_copy_takes_nothing_from_elsewhere(engine, context, source, message):
    with pytest.raises(DockerfileError, match=message):
        build(engine, f"{SCRATCH}COPY {source} /\n", context=context)


# --- git ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    """A repository `r`: README, run (executable), docs/page; a tag v1 and a later commit."""
    if reason := missing_for_git():
        missing(reason)
    root = tmp_path_factory.mktemp("repositories")
    directory = root / "r.git"
    directory.mkdir()
    git(directory, "init", "--quiet")
    (directory / "run").write_text("#!/bin/sh\n")
    (directory / "run").chmod(0o755)
    commit(directory, {"README": "read\n", "docs/page": "page\n"})
    git(directory, "tag", "v1")
    commit(directory, {"late": "late\n"})
    with serving(root) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "*")
        server.repository = f"{server.url}/r.git/.git"
        yield server


def test_add_of_a_repository(engine, repositories):
    text = f"{SCRATCH}ADD {repositories.repository}#v1 /mydir/\n"
    found = entries(engine, build(engine, text).image.id)
    assert {path: entry.mode & 0o777 for path, entry in found.items()} == {
        "mydir": 0o755,
        "mydir/README": 0o644,
        "mydir/docs": 0o755,
        "mydir/docs/page": 0o644,
        "mydir/run": 0o755,
    }
    assert {(entry.uid, entry.gid) for entry in found.values()} == {(0, 0)}


def test_a_directory_of_a_repository_with_flags(engine, repositories, context):
    put(context, "local")
    url = repositories.repository
    text = f"{BASE}ADD --chown=5:6 --exclude=*.md {url}#v1:docs local /d/\nADD --link {url} /all\n"
    result = build(engine, text, context=context)
    found = entries(engine, result.image.id)
    assert {p for p in found if p.startswith("d/")} == {"d/page", "d/local"}
    assert (found["d/page"].uid, found["d/local"].gid) == (5, 6)
    assert "all/late" in found
    assert result.image.history[-1].created_by == f"ADD {url} /all # buildkit"


@pytest.mark.parametrize(
    ("flag", "query", "kept"),
    [
        ("", "", False),
        ("--keep-git-dir", "", True),
        ("--keep-git-dir=true", "", True),
        ("--keep-git-dir=false", "", False),
        ("", "?keep-git-dir=1", True),
        ("--keep-git-dir", "?branch=main&keep-git-dir", True),
    ],
)
def test_keeping_the_git_directory(engine, repositories, flag, query, kept):
    found = entries_of(engine, f"{SCRATCH}ADD {flag} {repositories.repository}{query} /r\n")
    assert ("r/.git/HEAD" in found) == kept
    assert "r/late" in found


def test_an_unchanged_repository_is_not_cloned_again(engine, repositories):
    text = f"{SCRATCH}ADD {repositories.repository}#main /cached\n"
    first = build(engine, text)
    del repositories.requests[:]
    second, missed = again(engine, text)
    assert (missed, second.image.id) == ([], first.image.id)
    asked = len(repositories.requests)
    directory = repositories.root / "r.git"
    git(directory, "checkout", "--quiet", "main")
    commit(directory, {"more": "more\n"})
    third, missed = again(engine, text)
    assert missed == [f"ADD {repositories.repository}#main /cached"]
    assert files(engine, third.image.id)["cached/more"] == "more"
    assert asked < 3


def test_other_patterns_or_another_directory_of_a_repository_are_another_layer(
    engine, repositories
):
    url = f"{repositories.repository}#v1"
    every = {"README", "run", "docs/page"}
    for source, wanted in (
        (f"--exclude=run {url}", every - {"run"}),
        (f"--exclude=docs {url}", every - {"docs/page"}),
        (url, every),
        (f"{url}:docs", {"page"}),
    ):
        assert set(made(engine, f"{SCRATCH}ADD {source} /\n")) == wanted


def test_a_repository_s_checksum(engine, repositories):
    url, head = repositories.repository, git(repositories.root / "r.git", "rev-parse", "v1")
    assert "README" in entries_of(engine, f"{SCRATCH}ADD --checksum={head[:7]} {url}#v1 /\n")
    assert "README" in entries_of(engine, f"{SCRATCH}ADD {url}?tag=v1&commit={head} /\n")
    with pytest.raises(BuildError, match=f"expected checksum to match beef, got {head}"):
        build(engine, f"{SCRATCH}ADD --checksum=beef {url}#v1 /\n")
    with pytest.raises(DockerfileError, match='checksum mismatch "abc" != "def"'):
        build(engine, f"{SCRATCH}ADD --checksum=abc {url}?checksum=def /\n")


def test_what_is_wrong_with_a_repository_has_the_line(engine, repositories):
    url = repositories.repository
    for source, error, message in (
        (f"{url}#none", BuildError, "repository does not contain ref none"),
        (f"{url}#v1:none", BuildError, "failed to open subdir none"),
        (f"{url}?colour=red", DockerfileError, 'unexpected query "colour"'),
        (f"--keep-git-dir=false {url}?keep-git-dir=1", DockerfileError, "inconsistent"),
    ):
        with pytest.raises(error, match=message) as caught:
            build(engine, f"{SCRATCH}ADD {source} /\n")
        assert caught.value.line == 2
