"""Where a build's context comes from: folders, archives on standard input, and the network."""

from __future__ import annotations

import functools
import http.server
import io
import os
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.commands.building.build import build_cell
from container_magics.commands.call import Call
from container_magics.commands.session import Session
from container_magics.errors import BuildError, CorruptArchiveError, UsageError

from .engine import MemoryEngine


def content(path: Path) -> str | None:
    """A link's target, a file's text, or None for a directory."""
    if path.is_symlink():
        return os.fspath(path.readlink())
    return path.read_text(errors="replace") if path.is_file() else None


class LookingEngine(MemoryEngine):
    """An engine that looks at the context while the build lasts."""

    def build(self, request, emit, cancel):
        root = request.context
        found = root.rglob("*") if root is not None else ()
        self.seen = {os.fspath(path.relative_to(root)): content(path) for path in found}
        return super().build(request, emit, cancel)


@pytest.fixture
def engine() -> MemoryEngine:
    return LookingEngine()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a place for temporary files beside it."""
    temporary, folder = tmp_path / "temporary", tmp_path / "folder"
    temporary.mkdir()
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(temporary))
    monkeypatch.chdir(folder)
    return folder


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def archive(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode=mode) as tar:  # type: ignore[call-overload]
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return output.getvalue()


PLAIN = (
    member("./", type=tarfile.DIRTYPE, mode=0o755),
    member("./Dockerfile", b"FROM tar\n"),
    member("sub/other", b"FROM other\n", uid=1000, gid=100),
    member("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    member("same", type=tarfile.LNKTYPE, linkname="sub/other"),
    member(".dockerignore", b"sub\n"),
)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_an_archive_on_standard_input(docker, engine, tmp_path, mode):
    docker("build", "-t", "x", "-", stdin=archive(*PLAIN, mode=mode))
    (request,) = engine.requests
    assert (request.dockerfile, request.origin) == ("FROM tar\n", "Dockerfile")
    assert engine.seen == {
        ".dockerignore": "sub\n",
        "Dockerfile": "FROM tar\n",
        "link": "/etc/passwd",
        "same": "FROM other\n",
        "sub": None,
        "sub/other": "FROM other\n",
    }
    assert request.ignored_by == Path(os.devnull)
    assert request.context_owners["sub/other"] == (1000, 100)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_zstd_archive(docker, engine):
    import zstandard

    docker("build", "-", stdin=zstandard.ZstdCompressor().compress(archive(*PLAIN)))
    assert engine.requests[0].dockerfile == "FROM tar\n"


def test_the_file_flag_names_a_dockerfile_in_the_archive(docker, engine):
    docker("build", "-f", "sub/other", "-", stdin=archive(*PLAIN))
    assert (engine.requests[0].dockerfile, engine.requests[0].origin) == (
        "FROM other\n",
        "sub/other",
    )
    with pytest.raises(UsageError, match="open nowhere: no such file"):
        docker("build", "-f", "nowhere", "-", stdin=archive(*PLAIN))


def test_modes_and_times_are_the_archives(docker, engine):
    seen = {}

    class Engine(LookingEngine):
        def build(self, request, emit, cancel):
            status = (request.context / "run").stat()
            seen.update(mode=status.st_mode & 0o7777, mtime=status.st_mtime)
            return super().build(request, emit, cancel)

    engine.__class__ = Engine
    docker(
        "build", "-",
        stdin=archive(*PLAIN, member("run", b"x", mode=0o4755, mtime=86400)),
    )  # fmt: skip
    assert seen == {"mode": 0o4755, "mtime": 86400.0}


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([member("../out", b"x")], "climbs out of the root"),
        (
            [member("d", type=tarfile.SYMTYPE, linkname="/tmp"), member("d/out", b"x")],
            "below something else",
        ),
        (
            [member("d", type=tarfile.SYMTYPE, linkname="."), member("d/d/out", b"x")],
            "below something else",
        ),
        ([member("h", type=tarfile.LNKTYPE, linkname="../../etc/passwd")], "climbs out"),
        ([member("h", type=tarfile.LNKTYPE, linkname="nowhere")], "which the archive doesn't have"),
        ([member("n", type=tarfile.CHRTYPE, devmajor=1, devminor=3)], "a device"),
        ([member("x", b""), member("x/y", b"")], "below something else"),
        ([member("x/y", b""), member("x", b"")], "a directory and something else"),
    ],
)
def test_an_unsafe_archive(docker, engine, tmp_path, members, said):
    with pytest.raises(CorruptArchiveError, match=said):
        docker("build", "-", stdin=archive(*PLAIN, *members))
    assert engine.requests == []
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not Path("/tmp/out").exists()


def test_a_damaged_archive(docker, engine):
    data = archive(*PLAIN, mode="w:gz")
    with pytest.raises(CorruptArchiveError, match="truncated"):
        docker("build", "-", stdin=data[: len(data) // 2])
    assert engine.requests == []


def test_a_dockerfile_that_leads_out_of_the_archive(docker, engine, folder):
    (folder / "mine").write_text("FROM mine\n")
    link = member("Dockerfile", type=tarfile.SYMTYPE, linkname=os.fspath(folder / "mine"))
    with pytest.raises(BuildError, match="leads out of the build context"):
        docker("build", "-", stdin=archive(link))


def test_a_text_on_standard_input_has_no_file(docker):
    with pytest.raises(UsageError, match="ambiguous Dockerfile source"):
        docker("build", "-f", "x", "-", stdin=b"FROM a\n")
    with pytest.raises(UsageError, match="failed to read dockerfile: -"):
        docker("build", "-", stdin=b"\xff\xfe\x00")


def test_a_link_replaced_by_a_file_is_not_followed(docker, engine, folder):
    (folder / "mine").write_text("untouched")
    name = os.fspath(folder / "mine")
    twice = (member("l", type=tarfile.SYMTYPE, linkname=name), member("l", b"new"))
    docker("build", "-", stdin=archive(*PLAIN, *twice))
    assert engine.seen["l"] == "new"
    assert (folder / "mine").read_text() == "untouched"


# --- local --------------------------------------------------------------------------------------


def test_the_dockerfiles_own_ignore_file(docker, engine, folder):
    (folder / "a").mkdir()
    for name in ("Dockerfile", "other.Dockerfile", "a/x"):
        (folder / name).write_text("FROM a\n")
    (folder / ".dockerignore").write_text("a\n")
    (folder / "other.Dockerfile.dockerignore").write_text("b\n")
    docker("build", ".")
    docker("build", "-f", "other.Dockerfile", ".")
    docker("build", "-f", "a/x", ".")
    assert [request.ignored_by for request in engine.requests] == [
        folder / ".dockerignore",
        folder / "other.Dockerfile.dockerignore",
        folder / ".dockerignore",
    ]


def test_a_dockerfile_in_lower_case(docker, engine, folder):
    (folder / "dockerfile").write_text("FROM lower\n")
    docker("build", ".")
    (folder / "Dockerfile").write_text("FROM upper\n")
    docker("build", ".")
    assert [r.dockerfile for r in engine.requests] == ["FROM lower\n", "FROM upper\n"]


# --- from the network ---------------------------------------------------------------------------


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the URL that serves it."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "served"
    root.mkdir()
    handler = functools.partial(_Quiet, directory=os.fspath(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield root, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def repository(served: tuple[Path, str], tmp_path: Path) -> str:
    """The URL of a git repository: a Dockerfile, one in docs, and an ignore file."""
    root, url = served
    work = tmp_path / "work"
    (work / "docs").mkdir(parents=True)
    (work / "Dockerfile").write_text("FROM git\n")
    (work / "docs" / "Dockerfile").write_text("FROM docs\n")
    (work / ".dockerignore").write_text("docs\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", os.fspath(work)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "x"], check=True)
    bare = os.fspath(root / "r.git")
    subprocess.run(["git", "clone", "-q", "--bare", os.fspath(work), bare], check=True)
    subprocess.run(["git", "-C", bare, "update-server-info"], check=True)
    return f"{url}/r.git"


def test_a_repository(docker, engine, repository, tmp_path):
    docker("build", repository)
    docker("build", "-f", "docs/Dockerfile", repository)
    docker("build", f"{repository}#main:docs")
    assert [r.dockerfile for r in engine.requests] == ["FROM git\n", "FROM docs\n", "FROM docs\n"]
    assert engine.seen == {"Dockerfile": "FROM docs\n"}
    assert engine.requests[0].ignored_by == Path(os.devnull)
    assert list((tmp_path / "temporary").iterdir()) == []
    with pytest.raises(BuildError, match="does not contain ref nowhere"):
        docker("build", f"{repository}#nowhere")


def test_git_stays_in_the_context_on_demand(docker, engine, repository):
    docker("build", repository)
    assert ".git/HEAD" not in engine.seen
    docker("build", "--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1", repository)
    assert ".git/HEAD" in engine.seen


def test_a_dockerfile_of_here_and_a_context_from_there(docker, engine, repository, surface):
    docker("build", "-f", "-", repository, stdin=b"FROM stdin\n")
    assert (engine.requests[0].dockerfile, engine.seen["Dockerfile"]) == (
        "FROM stdin\n",
        "FROM git\n",
    )
    command = build_cell("FROM cell\n", lambda *_: None)
    call = Call(Session(engine=engine), surface)
    command.action(command.grammar.parse([repository]), call)
    assert (engine.requests[1].dockerfile, engine.requests[1].origin) == ("FROM cell\n", "cell")
    assert engine.seen["Dockerfile"] == "FROM git\n"
    with pytest.raises(UsageError, match="--step needs the build context"):
        command.action(command.grammar.parse([repository, "--step"]), call)


def test_an_archive_and_a_text_from_the_network(docker, engine, served, tmp_path):
    root, url = served
    (root / "context.tar.gz").write_bytes(archive(*PLAIN, mode="w:gz"))
    (root / "Dockerfile").write_text("FROM text\n")
    docker("build", f"{url}/context.tar.gz")
    assert engine.requests[0].dockerfile == "FROM tar\n"
    assert engine.seen["sub/other"] == "FROM other\n"
    docker("build", f"{url}/Dockerfile")
    assert (engine.requests[1].dockerfile, engine.requests[1].context) == ("FROM text\n", None)
    docker("build", "-f", f"{url}/Dockerfile", ".")
    assert engine.requests[2].dockerfile == "FROM text\n"
    with pytest.raises(BuildError, match="404"):
        docker("build", f"{url}/nowhere")
    assert list((tmp_path / "temporary").iterdir()) == []
