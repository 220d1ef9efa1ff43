"""`docker build` and the Dockerfile in a cell: from flags to a request."""

from __future__ import annotations

import io

import pytest

from container_magics.commands.build import build_cell
from container_magics.commands.call import Call
from container_magics.commands.session import Session
from container_magics.engines.base import Vertex, VertexWarning
from container_magics.errors import BuildError, UnsupportedError, UsageError

from .engine import summary


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "other").write_text("FROM b\n")
    return tmp_path


@pytest.fixture
def cell(engine, surface):
    """Run `%%dockerfile LINE` with a cell; what it binds is in `cell.bound`."""

    def run(text, *words):
        command = build_cell(text, lambda name, image: run.bound.append((name, image)))
        call = Call(Session(engine=engine), surface)
        return command.action(command.grammar.parse(words), call)

    run.bound = []
    return run


def test_every_flag_reaches_the_request(docker, engine, folder):
    image = docker(
        "build", "-t", "x:1", "--tag=x:2", "--target", "run", "--build-arg", "A=1=2",
        "--build-arg", "B", "--label", "l=v", "--label", "bare", "--no-cache", "--pull",
        "--network", "none", "--platform", "linux/arm64", ".",
    )  # fmt: skip
    (request,) = engine.requests
    assert (request.dockerfile, request.context) == ("FROM a\n", folder)
    assert request.tags == ("x:1", "x:2")
    assert (request.target, request.network, request.platform) == ("run", "none", "linux/arm64")
    assert request.build_args == {"A": "1=2", "B": None}
    assert request.labels == {"l": "v", "bare": ""}
    assert (request.no_cache, request.pull) == (True, True)
    assert image.names == ("x:1", "x:2")


def test_where_the_dockerfile_comes_from(docker, engine, folder):
    (folder / "sub").mkdir()
    docker("build", "-f", "other", "sub")
    docker("build", "-", stdin=b"FROM c\n")
    docker("build", "-f", "-", "sub", stdin=b"FROM d\n")
    assert [(r.dockerfile, r.context, r.origin) for r in engine.requests] == [
        ("FROM b\n", folder / "sub", "other"),
        ("FROM c\n", None, "-"),
        ("FROM d\n", folder / "sub", "-"),
    ]


def test_the_progress_and_what_the_tag_bore_before(docker, engine, surface, folder):
    engine.listed = [summary(3, "x:1")]
    engine.events = [
        Vertex("d", "[1/1] FROM a", started=1.0),
        VertexWarning("d", "changed since: book.ipynb", "*.ipynb in .dockerignore"),
    ]
    docker("build", "-t", "x:1", ".")
    assert "[1/1] FROM a" in surface.err
    assert "*.ipynb in .dockerignore" in surface.err
    assert "larger than" in surface.err
    assert surface.out == ""


def test_quiet_prints_the_id_alone(docker, engine, surface, folder):
    engine.events = [Vertex("d", "[1/1] FROM a", started=1.0)]
    image = docker("build", "-q", "--iidfile", "id", ".")
    assert surface.out == f"{image.id}\n"
    assert surface.err == ""
    assert (folder / "id").read_text() == image.id


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ([], UsageError, '"docker build" requires exactly 1 argument.'),
        ([], UsageError, "docker build ."),
        (["nowhere"], UsageError, 'path "nowhere" not found'),
        (["other"], UsageError, "must be a directory"),
        (["-f", "nowhere", "."], UsageError, "open nowhere: no such file"),
        (["https://github.com/a/b.git"], UnsupportedError, "Fetch it first"),
        (["--secret", "id=x", "."], UnsupportedError, "--secret"),
        (["--progress=plain", "."], UnsupportedError, "--progress"),
        (["--squash", "."], UnsupportedError, "import x.tar"),
        (["--network", "mine", "."], UnsupportedError, "--network mine"),
        (["--build-arg", "=x", "."], UsageError, "=x"),
        (["-"], UsageError, "standard input"),
        (["--tga", "x", "."], UsageError, "--tag"),
    ],
)
def test_refusals_say_what_to_do(docker, engine, folder, words, kind, said):
    with pytest.raises(kind) as raised:
        docker("build", *words)
    assert said in str(raised.value)
    assert engine.requests == []


def test_a_failure_is_shown_and_raised(docker, engine, surface, folder):
    engine.events = [Vertex("d", "[1/1] RUN x", started=1.0, completed=2.0, error="exit code: 1")]
    engine.failure = BuildError("it failed", step="[1/1] RUN x", line=2)
    with pytest.raises(BuildError, match="it failed"):
        docker("build", ".")
    assert "exit code: 1" in surface.err


def test_a_cell_is_the_dockerfile(cell, engine, folder):
    image = cell("FROM z", "-t", "x:1", "--as", "mine", "--write", "written")
    (request,) = engine.requests
    assert (request.dockerfile, request.context, request.origin) == ("FROM z", folder, "cell")
    assert (folder / "written").read_text() == "FROM z\n"
    assert cell.bound == [("mine", None), ("mine", image)]


def test_a_failing_cell_leaves_no_stale_image(cell, engine, folder):
    engine.failure = BuildError("no")
    with pytest.raises(BuildError):
        cell("FROM z", "--as", "mine")
    assert cell.bound == [("mine", None)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-f", "x", "."], "the cell is the Dockerfile"),
        (["-"], "the cell is the Dockerfile"),
        (["--as", "a b"], "--as a b"),
        (["--write", "nowhere/x"], "nowhere/x"),
        (["--break", "2"], "--break is for --step"),
        (["--step", "--break", "two"], 'invalid argument "two" for "--break"'),
        (["--step", "--stages"], "exclude each other"),
        (["--stages", "-q"], "--quiet and --stages exclude each other"),
        (["a", "b"], '"%%dockerfile" requires at most 1 argument.'),
    ],
)
def test_what_a_cell_refuses(cell, engine, folder, words, said):
    with pytest.raises(UsageError) as raised:
        cell("FROM z", *words)
    assert said in str(raised.value)
    assert engine.requests == []


def test_an_empty_cell_is_no_dockerfile(cell):
    with pytest.raises(UsageError, match="holds no Dockerfile"):
        cell(" \n")


def test_a_context_archive_on_standard_input_is_refused(docker, engine):
    with pytest.raises(UnsupportedError, match="Unpack it"):
        docker("build", "-", stdin=io.BytesIO(b"\x1f\x8b\x00\xff").read())
