"""`docker build` and the Dockerfile in a cell: from flags to a request."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from container_magics.commands.building.build import build_cell
from container_magics.commands.call import Call
from container_magics.commands.session import Session
from container_magics.engines.build_request import (
    BuildOutput,
    BuildSecret,
    CacheExchange,
    SshAgent,
    Ulimit,
)
from container_magics.engines.events import Vertex, VertexWarning
from container_magics.errors import (
    BuildCheckError,
    BuildError,
    DockerfileError,
    UnsupportedError,
    UsageError,
)

from .engine import summary


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "other").write_text("FROM b\n")
    (tmp_path / "sub").mkdir()
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
        "--network", "none", "--platform", "linux/arm64", "--no-cache-filter", "a,b",
        "--no-cache-filter", "c", "--build-context", "other=sub", "--secret", "id=s,src=other",
        "--ssh", "default=other", "--add-host", "h:10.0.0.1", "--shm-size", "64m",
        "--ulimit", "nofile=1:2", "-o", "out", "--cache-from", "me/app", "--cache-to",
        "type=inline", ".",
    )  # fmt: skip
    (request,) = engine.requests
    assert (request.dockerfile, request.context) == ("FROM a\n", folder)
    assert request.tags == ("x:1", "x:2")
    assert (request.target, request.network, request.platform) == ("run", "none", "linux/arm64")
    assert request.build_args == {"A": "1=2", "B": None}
    assert request.labels == {"l": "v", "bare": ""}
    assert (request.no_cache, request.pull) == (True, True)
    assert request.no_cache_filter == ("a", "b", "c")
    assert request.contexts == {"other": str(folder / "sub")}
    assert request.secrets == (BuildSecret("s", folder / "other"),)
    assert request.ssh == (SshAgent("default", (folder / "other",)),)
    assert request.add_hosts == {"h": "10.0.0.1"}
    assert (request.shm_size, request.ulimits) == (64 << 20, (Ulimit("nofile", 1, 2),))
    assert request.outputs == (BuildOutput("local", folder / "out"),)
    assert request.cache_from == (CacheExchange("registry", {"ref": "me/app"}),)
    assert request.cache_to == (CacheExchange("inline"),)
    assert image.names == ("x:1", "x:2")


def test_where_the_dockerfile_comes_from(docker, engine, folder):
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


def test_flags_that_say_what_happens_anyway(docker, engine, folder):
    docker(
        "build", "--rm", "--force-rm", "--progress=plain", "--load", "--provenance=false",
        "--sbom=false", "--builder", "default", "--compress", "--platform", "local", ".",
    )  # fmt: skip
    (request,) = engine.requests
    assert request.outputs == ()


def test_an_archive_on_standard_output(docker, engine, surface, folder):
    with pytest.raises(UsageError, match="refusing to write to console"):
        docker("build", "-o", "-", ".")
    surface.binary = io.BytesIO()
    docker("build", "-q", "-o", "-", ".")
    assert engine.requests[0].outputs == (BuildOutput("tar", Path("-"), {}, surface.binary),)
    assert surface.out == ""


def test_load_keeps_the_image_beside_other_outputs(docker, engine, folder):
    docker("build", "--load", "-o", "out", ".")
    assert engine.requests[0].outputs == (
        BuildOutput("local", folder / "out"),
        BuildOutput("docker"),
    )


@pytest.mark.parametrize("flag", ["--check", "--call=check"])
def test_a_check_builds_nothing(docker, engine, surface, folder, flag):
    (folder / "Dockerfile").write_text("FROM a AS b\nCMD echo\n")
    with pytest.raises(BuildCheckError, match="1 warning has been found"):
        docker("build", flag, ".")
    assert "JSONArgsRecommended" in surface.out
    assert "   2 | >>> CMD echo" in surface.out
    (folder / "Dockerfile").write_text('FROM a AS b\nCMD ["echo"]\n')
    assert docker("build", flag, ".") == ()
    assert "Check complete, no warnings found." in surface.out
    (folder / "Dockerfile").write_text("FROM a\nRNU x\n")
    with pytest.raises(DockerfileError, match="unknown instruction: RNU") as raised:
        docker("build", flag, ".")
    assert raised.value.excerpt.startswith("Dockerfile:2\n")
    assert engine.requests == []


def test_a_cell_is_checked(cell, engine, surface, folder):
    assert cell('FROM a\nCMD ["echo"]\n', "--check", "--as", "x") == ()
    assert engine.requests == []


def test_quiet_progress(docker, surface, folder):
    image = docker("build", "--progress=quiet", ".")
    assert (surface.out, surface.err) == (f"{image.id}\n", "")


def test_the_metadata_file(docker, folder):
    image = docker("build", "-t", "x:1", "-t", "y", "--metadata-file", "meta.json", ".")
    assert json.loads((folder / "meta.json").read_text()) == {
        "containerimage.config.digest": image.id,
        "containerimage.digest": image.id,
        "image.name": "docker.io/library/x:1,docker.io/library/y:latest",
    }


def test_a_failed_build_leaves_no_id_and_no_metadata(docker, engine, folder):
    for name in ("id", "meta"):
        (folder / name).write_text("of the build before")
    engine.failure = BuildError("no")
    with pytest.raises(BuildError):
        docker("build", "--iidfile", "id", "--metadata-file", "meta", ".")
    assert not (folder / "id").exists()
    assert not (folder / "meta").exists()


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ([], UsageError, '"docker build" requires exactly 1 argument.'),
        ([], UsageError, "docker build ."),
        (["nowhere"], UsageError, 'path "nowhere" not found'),
        (["other"], UsageError, "must be a directory"),
        (["-f", "nowhere", "."], UsageError, "open nowhere: no such file"),
        (["--secret", "id=x", "."], UsageError, "failed to stat x"),
        (["--progress=rawjson", "."], UnsupportedError, "--progress=rawjson"),
        (["--push", "."], UsageError, "tag is needed when pushing to registry"),
        (["-o", "type=registry", "."], UsageError, "-t HOST/REPOSITORY:TAG"),
        (["--builder", "mine", "."], UnsupportedError, "--builder mine"),
        (["--provenance=true", "."], UnsupportedError, "--provenance=true"),
        (["--sbom=true", "."], UnsupportedError, "--sbom=true"),
        (["--rm=false", "."], UnsupportedError, "--rm=false"),
        (["-m", "1g", "."], UnsupportedError, "--memory"),
        (["--platform", "linux/amd64,linux/arm64", "."], UnsupportedError, "index of images"),
        (["--call=outline", "."], UnsupportedError, "--call=outline"),
        (["--platform", "a/b/c/d", "."], UsageError, "invalid platform"),
        (["--add-host", "a:1.1.1.1", "--add-host", "a:1.1.1.2", "."], UnsupportedError, "two"),
        (["-f", "-", "-"], UsageError, "can't use stdin for both"),
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
