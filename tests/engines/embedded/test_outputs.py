"""--output: what docker and skopeo read of it, and directories that are never half-written."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest
import zstandard

from container_magics.engines.build_request import BuildOutput
from container_magics.engines.docker.building.buildkit import find_cli
from container_magics.engines.events import Cancellation, Vertex
from container_magics.errors import (
    BuildError,
    CorruptArchiveError,
    NotFoundError,
    UnsupportedError,
    UsageError,
)
from tests.conftest import missing
from tests.fixtures.embedding import Heard, build, embedded
from tests.fixtures.ordinary import ordinary_user
from tests.fixtures.skopeo import skopeo

DOCKERFILE = """\
FROM busybox:test AS made
RUN mkdir -p /out/sub/empty && echo content > /out/file && ln /out/file /out/sub/name \\
 && ln -s /etc/passwd /out/absolute && ln -s ../file /out/sub/link && chmod 4750 /out/file \\
 && chmod 1777 /out/sub && touch -d '2001-02-03 04:05:06' /out/old /out/sub \\
 && echo old > /out/gone && chmod 555 /out/sub/empty
RUN rm /out/gone
FROM scratch
COPY --from=made /out /
COPY --from=made --chown=12:13 /out/old /owned
LABEL a=b
"""
MOMENT = 981_173_106


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with embedded(tmp_path_factory.mktemp("outputs")) as engine:
        yield engine


def output(kind: str, destination: Path | None = None, **attributes: str) -> BuildOutput:
    given = {name.replace("_", "-"): value for name, value in attributes.items()}
    return BuildOutput(kind, destination, given)


def export(engine, *outputs: BuildOutput, dockerfile: str = DOCKERFILE, **more):
    return build(engine, dockerfile, outputs=outputs, **more).made


def inspected(*words: str) -> dict:
    return json.loads(skopeo("inspect", *words))


# --- local --------------------------------------------------------------------------------------


def test_local_is_the_merged_tree_owned_by_the_caller(engine, tmp_path):
    out = tmp_path / "new/out"
    export(engine, output("local", out))
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*"))
    assert names == [
        *("absolute", "file", "old", "owned"),
        *("sub", "sub/empty", "sub/link", "sub/name"),
    ]
    assert (out / "file").read_text() == "content\n"
    assert (out / "file").samefile(out / "sub/name")
    assert stat.S_IMODE((out / "file").stat().st_mode) == 0o4750
    assert stat.S_IMODE((out / "sub").stat().st_mode) == 0o1777
    assert stat.S_IMODE((out / "sub/empty").stat().st_mode) == 0o555
    assert str((out / "absolute").readlink()) == "/etc/passwd"
    assert str((out / "sub/link").readlink()) == "../file"
    assert (out / "old").stat().st_mtime == (out / "sub").stat().st_mtime == MOMENT
    assert {path.lstat().st_uid for path in out.rglob("*")} == {os.geteuid()}
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_local_has_pipes_and_devices(engine, tmp_path):
    export(engine, output("local", tmp_path), dockerfile="FROM busybox:test\nRUN mkfifo /pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert (tmp_path / "bin/busybox").stat().st_mode & 0o111


def test_local_has_deep_directories(engine, tmp_path):
    deep = "/".join("d" * 300)
    dockerfile = f"FROM busybox:test\nRUN mkdir -p /{deep}\nFROM scratch\nCOPY --from=0 /d /d\n"
    for _ in range(2):
        export(engine, output("local", tmp_path), dockerfile=dockerfile)
    assert (tmp_path / deep).is_dir()


def test_local_overwrites_and_keeps_the_rest(engine, tmp_path):
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "file").mkdir()
    (tmp_path / "file/in the way").write_text("x")
    (tmp_path / "old").write_text("other")
    (tmp_path / "sub").mkdir(mode=0o700)
    (tmp_path / "sub/kept").write_text("kept")
    export(engine, output("local", tmp_path))
    export(engine, output("local", tmp_path))
    assert (tmp_path / "kept").read_text() == (tmp_path / "sub/kept").read_text() == "kept"
    assert (tmp_path / "file").read_text() == "content\n"
    assert (tmp_path / "old").read_text() == ""
    assert stat.S_IMODE((tmp_path / "sub").stat().st_mode) == 0o1777
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_local_writes_through_no_symlink(engine, tmp_path):
    out, outside = tmp_path / "out", tmp_path / "outside"
    outside.mkdir()
    out.mkdir()
    (out / "sub").symlink_to(outside)
    (out / "file").symlink_to(outside / "file")
    (outside / "file").write_text("safe")
    export(engine, output("local", out))
    assert not (out / "sub").is_symlink()
    assert not (out / "file").is_symlink()
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "safe"
    # A directory of the result where the image of the last build had a symlink.
    export(engine, output("local", out), dockerfile="FROM busybox:test\nRUN ln -s ../outside /s")
    export(engine, output("local", out), dockerfile="FROM scratch\nCOPY <<E /s/file\nnew\nE\n")
    assert (out / "s/file").read_text() == "new\n"
    assert (outside / "file").read_text() == "safe"


def test_no_image_is_kept_but_where_an_output_says_so(engine, tmp_path):
    before = {image.id for image in engine.images()}
    heard = Heard()
    dockerfile = DOCKERFILE.replace("a=b", "kept=not")
    image = build(
        engine, dockerfile, heard, tag="not:kept", outputs=(output("local", tmp_path / "out"),)
    ).made
    assert {each.id for each in engine.images()} == before
    assert image.names == ()
    assert len(image.layers) == 2
    with pytest.raises(NotFoundError):
        engine.image("not:kept")
    assert "exporting to client directory" in {vertex.name for vertex in heard.vertices}
    both = build(
        engine,
        dockerfile,
        tag="kept:1",
        outputs=(output("image"), output("tar", tmp_path / "out.tar")),
    ).made
    assert both.names == ("kept:1",)
    assert both.id == image.id
    named = export(engine, output("docker", name="x:1,y"), dockerfile=dockerfile)
    assert set(named.names) == {"kept:1", "x:1", "y:latest"}
    nothing = export(engine, output("cacheonly"), dockerfile="FROM scratch\nLABEL only=cache")
    assert nothing.id not in {each.id for each in engine.images()}


# --- archives -----------------------------------------------------------------------------------


def test_tar_has_owners_links_and_no_whiteouts(engine, tmp_path):
    export(engine, output("tar", tmp_path / "out.tar"))
    with tarfile.open(tmp_path / "out.tar") as archive:
        members = {member.name: member for member in archive}
    assert sorted(members) == [
        *("absolute", "file", "old", "owned"),
        *("sub", "sub/empty", "sub/link", "sub/name"),
    ]
    assert (members["owned"].uid, members["owned"].gid) == (12, 13)
    assert members["sub/name"].islnk()
    assert members["old"].mtime == MOMENT


def test_standard_output_is_a_stream(engine, tmp_path):
    stream = io.BytesIO()
    export(engine, BuildOutput("tar", Path("-"), stream=stream))
    export(engine, output("tar", tmp_path / "out.tar"))
    assert stream.getvalue() == (tmp_path / "out.tar").read_bytes()
    assert not stream.closed


def test_oci_is_read_by_skopeo(engine, tmp_path):
    image = export(engine, output("oci", tmp_path / "out.tar"), tags=("named:1",))
    seen = inspected(f"oci-archive:{tmp_path / 'out.tar'}:1")
    config = inspected("--config", f"oci-archive:{tmp_path / 'out.tar'}:1")
    assert config["rootfs"]["diff_ids"] == [layer.diff_id for layer in image.layers]
    raw = inspected("--raw", f"oci-archive:{tmp_path / 'out.tar'}:1")
    assert raw["config"]["digest"] == image.id
    assert seen["Labels"] == {"a": "b"}
    assert {layer["mediaType"] for layer in raw["layers"]} == {
        "application/vnd.oci.image.layer.v1.tar+gzip"
    }


@pytest.mark.parametrize(
    ("attributes", "kind", "opened"),
    [
        ({"compression": "uncompressed"}, "tar", lambda data: data),
        ({"compression": "gzip", "compression_level": "9"}, "tar+gzip", gzip.decompress),
        (
            {"compression": "zstd", "compression_level": "19", "oci_mediatypes": "false"},
            "tar+zstd",
            lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
        ),
    ],
)
def test_a_layout_as_a_directory(engine, tmp_path, attributes, kind, opened):
    out = tmp_path / "layout"
    image = export(engine, output("oci", out, tar="false", name="one:1", **attributes))
    raw = inspected("--raw", f"oci:{out}:1")
    assert {layer["mediaType"] for layer in raw["layers"]} == {
        f"application/vnd.oci.image.layer.v1.{kind}"
    }
    data = (out / "blobs/sha256" / raw["layers"][0]["digest"][7:]).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(opened(data))) as layer:
        assert "old" in layer.getnames()
    other = export(
        engine,
        output("oci", out, tar="0", name="two:2", **attributes),
        dockerfile=f"{DOCKERFILE}ENV OTHER=1",
    )
    again = export(
        engine,
        output("oci", out, tar="0", name="one:1", **attributes),
        dockerfile=f"{DOCKERFILE}ENV AGAIN=1",
    )
    assert len({image.id, other.id, again.id}) == 3
    index = json.loads((out / "index.json").read_text())
    assert len(index["manifests"]) == 2
    assert inspected("--raw", f"oci:{out}:2")["config"]["digest"] == other.id
    assert inspected("--raw", f"oci:{out}:1")["config"]["digest"] == again.id


@pytest.mark.docker
@pytest.mark.parametrize("compression", ["gzip", "uncompressed"])
def test_docker_is_loaded_by_docker(engine, tmp_path, docker_engine, compression):
    archive = tmp_path / "out.tar"
    image = export(
        engine,
        output("docker", archive, compression=compression),
        tags=("from-output:1", "from-output:2"),
    )
    with archive.open("rb") as file:
        assert set(docker_engine.load(file)) == {"from-output:1", "from-output:2"}
    try:
        loaded = docker_engine.image("from-output:1")
        assert loaded.id == image.id
        assert [layer.diff_id for layer in loaded.layers] == [
            layer.diff_id for layer in image.layers
        ]
    finally:
        docker_engine.remove_image(image.id, force=True)
    raw = inspected("--raw", f"docker-archive:{archive}:from-output:1")
    assert raw["config"]["digest"] == image.id


def shown(path: Path) -> dict[str, tuple]:
    """What a tar says of each member, times apart."""
    with tarfile.open(path) as archive:
        return {
            m.name: (m.type, m.mode, m.uid, m.gid, m.size, m.linkname, m.isfile() and m.mtime)
            for m in archive
            if m.name not in (".", "")
        }


def on_disk(folder: Path) -> dict[str, tuple]:
    """The same of files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        link = str(path.readlink()) if path.is_symlink() else ""
        times = int(status.st_mtime) if path.name == "old" else 0
        links = 0 if path.is_dir() else status.st_nlink
        name = str(path.relative_to(folder))
        found[name] = (status.st_mode, status.st_uid, status.st_gid, links, link, times)
    return found


@pytest.mark.docker
def test_docker_writes_the_same(engine, tmp_path, docker_engine):
    """Docker's own BuildKit, asked for a tar and a directory of the same Dockerfile."""
    if find_cli() is None:
        missing("no docker CLI that builds with BuildKit: apt-get install docker.io")
    dockerfile = DOCKERFILE.replace("FROM scratch", "FROM busybox:test")
    outputs = [output("tar", tmp_path / "their.tar"), output("local", tmp_path / "theirs")]
    for each in outputs:
        build(docker_engine, dockerfile, outputs=(each,))
    outputs = [output("tar", tmp_path / "our.tar"), output("local", tmp_path / "ours")]
    export(engine, *outputs, dockerfile=dockerfile)
    ours, theirs = shown(tmp_path / "our.tar"), shown(tmp_path / "their.tar")
    for name in ("file", "sub/name"):  # made by the build itself
        assert ours.pop(name)[:-1] == theirs.pop(name)[:-1]
    assert ours == theirs
    assert on_disk(tmp_path / "ours") == on_disk(tmp_path / "theirs")


def test_what_it_writes_it_can_load(engine, tmp_path):
    for kind in ("oci", "docker"):
        image = export(engine, output(kind, tmp_path / kind), tags=(f"{kind}:again",))
        with (tmp_path / kind).open("rb") as file:
            assert engine.load(file) == [f"{kind}:again"]
        assert engine.image(f"{kind}:again").id == image.id


def test_the_same_bytes_again(engine, tmp_path):
    args = {"SOURCE_DATE_EPOCH": "1000000000"}
    for number in (1, 2):
        outputs = [output("oci", tmp_path / f"{number}.oci", rewrite_timestamp="true")]
        outputs += [output("tar", tmp_path / f"{number}.tar")]
        export(engine, *outputs, build_args=args, no_cache=number == 2)
    for kind in ("oci", "tar"):
        one, two = (tmp_path / f"{number}.{kind}" for number in (1, 2))
        assert one.read_bytes() == two.read_bytes()
    with tarfile.open(tmp_path / "1.tar") as archive:
        assert {member.mtime for member in archive} == {1_000_000_000}


# --- failures -----------------------------------------------------------------------------------


class CancelAt(Heard):
    """Cancels the build when a step of a name begins."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.cancel = Cancellation()

    def __call__(self, event) -> None:
        super().__call__(event)
        if isinstance(event, Vertex) and event.name == self.name:
            self.cancel.cancel()


@pytest.mark.parametrize("kind", ["local", "tar", "oci", "docker"])
def test_a_cancelled_build_leaves_what_was_there(engine, tmp_path, kind):
    out = tmp_path / "out"
    if kind == "local":
        out.mkdir()
        (out / "old").write_text("before")
    else:
        out.write_text("before")
    title = {"local": "client directory", "tar": "client tarball"}.get(kind, f"{kind} image format")
    heard = CancelAt(f"exporting to {title}")
    with pytest.raises(BuildError, match="cancelled"):
        build(
            engine, DOCKERFILE, heard, heard.cancel, outputs=(output(kind, out),), tag="cancelled"
        )
    assert heard.vertices[-1].error
    assert [path.name for path in tmp_path.rglob("*") if path != out] == (
        ["old"] if kind == "local" else []
    )
    assert (out / "old" if kind == "local" else out).read_text() == "before"


@pytest.mark.parametrize("kind", ["local", "oci"])
def test_a_place_that_cannot_be_written(engine, tmp_path, kind):
    heard = Heard()
    with pytest.raises(BuildError, match=r"exporting to .*: cannot write /proc/nothing"):
        build(engine, DOCKERFILE, heard, outputs=(output(kind, Path("/proc/nothing/out")),))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (output("oci", Path("x"), compression="lzma"), "unsupported compression type lzma"),
        (output("oci", Path("x"), compression="estargz"), "estargz"),
        (output("oci", Path("x"), compression_level="10"), "invalid compression level: 10"),
        (output("oci", Path("x"), compression_level="high"), "non-integer value high"),
        (output("oci", Path("x"), tar="perhaps"), "non-bool value perhaps specified for tar"),
        (output("oci", Path("x"), unknown="1"), "unknown is not available"),
        (output("local", Path("x"), compression="gzip"), "compression is not available"),
        (output("image", push="true"), "pushing is not available"),
        (output("registry", name="x"), "pushing is not available"),
        (output("moby"), "unsupported output type moby"),
        (output("local"), "dest is required for local output"),
        (output("tar", Path("-")), "refusing to write to console"),
        (BuildOutput("oci", None, {"tar": "f"}, io.BytesIO()), "cannot be stdout"),
        (output("docker", Path("x"), name="NOT A NAME"), "invalid reference format"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(engine, given, words):
    heard = Heard()
    with pytest.raises(UsageError, match=words):
        build(engine, DOCKERFILE, heard, outputs=(given,), no_cache=True)
    assert not heard.vertices


def test_times_that_are_not_rewritten_cannot_be_had(engine):
    with pytest.raises(UnsupportedError, match="rewrite-timestamp"):
        build(
            engine,
            DOCKERFILE,
            outputs=(output("oci", Path("x"), rewrite_timestamp="false"),),
            build_args={"SOURCE_DATE_EPOCH": "1"},
        )


def test_a_directory_in_place_of_a_file(engine, tmp_path):
    with pytest.raises(UsageError, match="is a directory"):
        export(engine, output("tar", tmp_path))
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        export(engine, output("local", tmp_path / "file"))
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(CorruptArchiveError, match=r"index\.json"):
        export(engine, output("oci", tmp_path, tar="false"))


@pytest.mark.unprivileged
@pytest.mark.slow
def test_for_an_ordinary_user():
    with ordinary_user() as user:
        done = user.pytest(["tests/engines/embedded/test_outputs.py"], {})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
