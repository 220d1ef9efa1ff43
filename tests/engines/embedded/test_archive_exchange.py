"""Archives to and from docker, podman and skopeo: the same images, names, layers and content.

Both ways, in each form that a program has, with several images and tags, and packed from outside
with gzip and zstd. Of the other programs, dockerd 20.10 unpacks no zstd, and Debian 12's podman and
skopeo lose the beginning of a docker archive in gzip, whoever wrote it.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import zstandard

from container_magics.engines.build_request import BuildOutput
from container_magics.engines.embedded.archives import load, save
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.embedded.storage.store import Store
from container_magics.errors import CorruptArchiveError
from container_magics.oci.models import Platform
from tests.engines.embedded.material import (
    contents,
    digest,
    docker_archive,
    encoded,
    image_config,
    layer_tar,
    opened,
)
from tests.fixtures.embedding import build
from tests.fixtures.engines import typed
from tests.fixtures.podman import Podman
from tests.fixtures.skopeo import skopeo

BASE = layer_tar({"etc": None, "etc/os-release": b"ID=test\n", "bin": "usr/bin", "usr": None})
LONG = layer_tar({"d" * 90: None, f"{'d' * 90}/{'é' * 90}": b"\x1f\x8b" * 1500, "n" * 150: b"x"})
TOP = layer_tar({"etc/.wh.os-release": b"", "app": b"hello"})

APP_CONFIG = image_config(BASE, TOP, Cmd=["/app"])
TOOL_CONFIG = image_config(BASE, LONG, Env=["A=é"])
BARE_CONFIG = image_config(TOP, User="me")
APP, TOOL, BARE = (digest(encoded(config)) for config in (APP_CONFIG, TOOL_CONFIG, BARE_CONFIG))
V1, V2, LATEST = "exchange/app:v1", "exchange/app:v2", "ghcr.io/exchange/tool:latest"
NAMED = {V1: APP, V2: APP, LATEST: TOOL}
DIFF_IDS = {
    APP: [digest(BASE), digest(TOP)],
    TOOL: [digest(BASE), digest(LONG)],
    BARE: [digest(TOP)],
}

PACKS: Mapping[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}


@pytest.fixture(params=PACKS)
def pack(request: pytest.FixtureRequest) -> str:
    """How an archive is packed from outside."""
    return str(request.param)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[Store]:
    """A store with an image of two names, another, and one without a name."""
    with opened(tmp_path_factory.mktemp("store") / "store") as store:
        for config, layers, names in (
            (APP_CONFIG, (BASE, TOP), (V1, V2)),
            (TOOL_CONFIG, (BASE, LONG), (LATEST,)),
            (BARE_CONFIG, (TOP,), ()),
        ):
            load(store, io.BytesIO(docker_archive(config, layers, names)))
        yield store


@pytest.fixture
def other(tmp_path) -> Iterator[Store]:
    """Another store, to load into."""
    with opened(tmp_path / "other") as store:
        yield store


def saved(store: Store, *names: str, pack: str = "plain") -> bytes:
    """An archive of ours."""
    buffer = io.BytesIO()
    save(store, names, buffer)
    return PACKS[pack](buffer.getvalue())


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# --- docker -------------------------------------------------------------------------------------


class Docker:
    """The docker command line on the tests' dockerd, which may have other images as well."""

    def __init__(self, socket: Path) -> None:
        self._command = ["docker", "--host", f"unix://{socket}"]
        self.version = self("version", "--format", "{{.Server.Version}}").strip()

    def attempt(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._command, *words], check=False, capture_output=True, text=True)

    def __call__(self, *words: str | Path) -> str:
        done = self.attempt(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def forget(self) -> None:
        """Remove the images of these tests."""
        for name in (*NAMED, BARE):
            self.attempt("rmi", "--force", name)


@pytest.fixture(scope="module")
def dockers(docker_socket) -> Iterator[Docker]:
    docker = Docker(docker_socket)
    docker.forget()
    yield docker
    docker.forget()


@pytest.fixture
def docker(dockers) -> Iterator[Docker]:
    """Docker without our images."""
    dockers.forget()
    yield dockers
    dockers.forget()


@pytest.mark.docker
def test_docker_loads_what_is_saved(store, docker, tmp_path, pack):
    path = written(tmp_path / "saved", saved(store, "exchange/app", LATEST, BARE, pack=pack))
    done = docker.attempt("load", "-i", path)
    if pack == "zstd" and int(docker.version.partition(".")[0]) < 23:
        assert "invalid tar header" in done.stdout + done.stderr
        assert docker.attempt("image", "inspect", APP).returncode
        return
    assert done.returncode == 0, done.stderr
    for name, image in {**NAMED, BARE: BARE}.items():
        (found,) = json.loads(docker("image", "inspect", name))
        assert found["Id"] == image
        assert found["RootFS"]["Layers"] == DIFF_IDS[image]
    (found,) = json.loads(docker("image", "inspect", BARE))
    assert found["RepoTags"] == []


@pytest.fixture(params=["embedded", "docker"])
def ours(request, docker_socket, tmp_path):
    """`container-magics WORDS…` on an engine, which its attribute `engine` names."""
    home = tmp_path / "home"
    home.mkdir()
    choice = {"CONTAINER_MAGICS_ROOT": str(home / "root"), "DOCKER_CONTEXT": "embedded"}
    if request.param == "docker":
        choice = {"DOCKER_HOST": f"unix://{docker_socket}"}
    run = typed(
        [sys.executable, "-m", "container_magics.cli"],
        {"DOCKER_CONFIG": str(home), **choice},
        home,
    )
    run.engine = request.param
    return run


@pytest.mark.docker
@pytest.mark.parametrize(
    ("names", "packed"),
    [((LATEST, V2, V1), "zstd"), ((BARE,), "plain")],
    ids=["names", "bare"],
)
def test_load_says_what_docker_says(store, docker, ours, tmp_path, names, packed):
    """In the same words and order; also where a name means another image from now on."""
    moved = docker_archive(BARE_CONFIG, [TOP], [V2])
    for_docker = "gzip" if packed == "zstd" else packed
    told = ""
    for data in (PACKS[for_docker](moved), saved(store, *names, pack=for_docker)):
        told += docker("load", "-i", written(tmp_path / "archive", data))
    docker.forget()
    packed = for_docker if ours.engine == "docker" else packed
    said = ""
    for data in (PACKS[packed](moved), saved(store, *names, pack=packed)):
        path = written(tmp_path / "archive", data)
        said += ours("load", "-q", "-i", str(path)).stdout.decode()
    assert said == told
    lines = said.splitlines()
    assert lines[0] == f"Loaded image: {V2}"
    already = f"The image {V2} already exists, renaming the old one with ID {BARE} to empty string"
    assert (already in lines) == (V2 in names)
    shown = [f"Loaded image{' ID' if name == BARE else ''}: {name}" for name in names]
    assert [line for line in lines[1:] if line != already] == shown


# --- podman -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def podmans() -> Iterator[Podman]:
    # Podman takes no path of more than 50 characters for what it keeps while it runs.
    with tempfile.TemporaryDirectory(prefix="cm-podman-", dir="/tmp") as folder:
        yield Podman(Path(folder, "podman"))


@pytest.fixture
def podman(podmans) -> Podman:
    """Podman without images."""
    podmans("rmi", "--all", "--force")
    return podmans


@pytest.mark.podman
@pytest.mark.parametrize(
    ("name", "shown"),
    [(V1, f"docker.io/{V1}"), (LATEST, LATEST), (BARE, BARE)],
    ids=["tag", "latest", "bare"],
)
def test_podman_loads_an_image(store, podman, tmp_path, pack, name, shown):
    """It reads the OCI layout that an archive of one name is as well."""
    archive = saved(store, name, pack=pack)
    assert podman("load", "-q", stdin=archive).decode() == f"Loaded image: {shown}\n"
    image = NAMED.get(name, BARE)
    assert podman.images() == {image: [shown] if name in NAMED else []}
    (found,) = json.loads(podman("image", "inspect", image))
    assert found["RootFS"]["Layers"] == DIFF_IDS[image]


@pytest.mark.podman
def test_podman_loads_several_images(store, podman, tmp_path, pack):
    """It reads docker's form then, in which a short name is one of localhost for it."""
    shown = [f"localhost/{V1}", f"localhost/{V2}", LATEST]
    expected = {APP: shown[:2], TOOL: shown[2:], BARE: []}
    podman("load", stdin=saved(store, "exchange/app", LATEST))
    podman("load", stdin=saved(store, BARE))
    assert podman.images() == expected
    own = podman("save", "-q", "-m", *shown, BARE)
    path = written(tmp_path / "own", PACKS[pack](own))
    reads_its_own = not podman.attempt("load", "-i", path).returncode
    assert reads_its_own or pack == "gzip"

    podman("rmi", "--all", "--force")
    path = written(tmp_path / "ours", saved(store, "exchange/app", LATEST, BARE, pack=pack))
    done = podman.attempt("load", "-q", "-i", path)
    if not reads_its_own:
        assert b"unexpected EOF" in done.stderr
        assert podman.images() == {}
        return
    names = [*shown, BARE]
    assert done.stdout.decode().splitlines() == [f"Loaded image: {name}" for name in names]
    assert podman.images() == expected


@pytest.mark.podman
@pytest.mark.parametrize("compression", ["uncompressed", "gzip", "zstd"])
def test_podman_loads_a_built_layout(podman, other, tmp_path, compression):
    path = tmp_path / "out.tar"
    output = BuildOutput("oci", path, {"compression": compression})
    engine = EmbeddedEngine(tmp_path / "engine")
    try:
        dockerfile = "FROM scratch\nCOPY <<E /etc/file\ncontent\nE\nENV A=b\n"
        made = build(engine, dockerfile, tags=("exchange/built:1",), outputs=(output,)).made
    finally:
        engine.close()
    podman("load", "-i", path)
    assert podman.images() == {made.id: ["docker.io/exchange/built:1"]}
    archive = podman("save", "-q", "--format", "oci-archive", made.id)
    assert load(other, io.BytesIO(archive)) == [made.id]
    assert contents(other, made.id) == {"etc": None, "etc/file": b"content\n"}


# --- skopeo -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "name", "image"),
    [
        ("docker-archive", V1, APP),
        ("docker-archive", V2, APP),
        ("docker-archive", LATEST, TOOL),
        ("oci-archive", "v2", APP),
        ("oci-archive", "latest", TOOL),
    ],
)
def test_skopeo_finds_each_image(store, tmp_path, pack, form, name, image):
    path = written(tmp_path / "saved", saved(store, "exchange/app", LATEST, pack=pack))
    if form == "docker-archive" and pack == "gzip" and not reads_gzip(store, tmp_path):
        with pytest.raises(AssertionError, match="unexpected EOF"):
            skopeo("inspect", f"{form}:{path}:{name}")
        return
    target = tmp_path / "out"
    skopeo("copy", f"{form}:{path}:{name}", f"dir:{target}")
    manifest = json.loads((target / "manifest.json").read_text())
    assert manifest["config"]["digest"] == image
    assert digest((target / image[7:]).read_bytes()) == image
    layers = [(target / layer["digest"][7:]).read_bytes() for layer in manifest["layers"]]
    assert [digest(layer) for layer in layers] == DIFF_IDS[image]


def reads_gzip(store: Store, folder: Path) -> bool:
    """Whether skopeo reads an archive of its own that was packed with gzip."""
    source = written(folder / "source", saved(store, V1))
    skopeo("copy", f"docker-archive:{source}:{V1}", f"docker-archive:{folder / 'own'}:{V1}")
    packed = written(folder / "own.gz", gzip.compress((folder / "own").read_bytes()))
    try:
        skopeo("inspect", f"docker-archive:{packed}:{V1}")
    except AssertionError as error:
        assert "unexpected EOF" in str(error)
        return False
    return True


# --- what they write ----------------------------------------------------------------------------


class Written(NamedTuple):
    """An archive of another program: the image of each name, or ID, that loading it gives."""

    archive: bytes
    images: Mapping[str, str]


def tarred(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(folder, ".")
    return buffer.getvalue()


def docker_save(docker: Docker, store: Store, folder: Path) -> Written:
    docker.forget()
    docker("load", "-i", written(folder / "in", saved(store, "exchange/app", LATEST, BARE)))
    docker("save", "-o", folder / "out", V2, V1, LATEST, BARE)
    docker.forget()
    return Written((folder / "out").read_bytes(), {**NAMED, BARE: BARE})


def podman_save(*options: str, several: bool = False, directory: bool = False):
    """A writer: of one image, or of several ones and names."""

    def write(podman: Podman, store: Store, folder: Path) -> Written:
        for name in (V1, LATEST, BARE):
            podman("load", stdin=saved(store, name))
        podman("tag", f"docker.io/{V1}", f"docker.io/{V2}")
        names = (f"docker.io/{V1}", f"docker.io/{V2}", LATEST, BARE)
        podman("save", "-q", *options, "-o", folder / "out", *(names if several else names[:1]))
        archive = tarred(folder / "out") if directory else (folder / "out").read_bytes()
        return Written(archive, {**NAMED, BARE: BARE} if several else {V1: APP})

    return write


def skopeo_copy(form: str, *options: str, several: bool = False):
    """A writer, likewise; a layout takes one image after the other."""

    def write(_: None, store: Store, folder: Path) -> Written:
        copies = [(V1, V1), (V1, V2), (LATEST, LATEST)] if several else [(V1, V1)]
        for source, name in copies:
            path = written(folder / "in", saved(store, source))
            skopeo("copy", *options, f"oci-archive:{path}", f"{form}:{folder / 'out'}:{name}")
        archive = tarred(folder / "out") if form == "oci" else (folder / "out").read_bytes()
        images = {name: NAMED[source] for source, name in copies}
        if "--additional-tag" in options:
            images[V2] = APP
        return Written(archive, images)

    return write


ZSTD = ("--dest-compress-format", "zstd")
WRITERS = {
    "docker": docker_save,
    "podman-docker": podman_save(),
    "podman-several": podman_save("-m", several=True),
    "podman-oci": podman_save("--format", "oci-archive"),
    "podman-oci-dir": podman_save("--format", "oci-dir", directory=True),
    "skopeo-docker": skopeo_copy("docker-archive", "--additional-tag", V2),
    "skopeo-oci": skopeo_copy("oci-archive"),
    "skopeo-oci-zstd": skopeo_copy("oci-archive", *ZSTD),
    "skopeo-layout": skopeo_copy("oci", several=True),
    "skopeo-layout-zstd": skopeo_copy("oci", *ZSTD, several=True),
}
MARKS = {"docker": pytest.mark.docker, "podman": pytest.mark.podman, "skopeo": ()}
PROGRAMS = {"docker": "dockers", "podman": "podmans"}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=MARKS[name.partition("-")[0]]) for name in WRITERS],
)
def theirs(request, store, tmp_path_factory) -> Written:
    """An archive in each form of each program."""
    fixture = PROGRAMS.get(request.param.partition("-")[0])
    program = request.getfixturevalue(fixture) if fixture else None
    return WRITERS[request.param](program, store, tmp_path_factory.mktemp("theirs"))


def test_loads_what_they_write(store, other, theirs, pack):
    loaded = load(other, io.BytesIO(PACKS[pack](theirs.archive)))
    assert sorted(loaded) == sorted(theirs.images)
    assert sorted(other.images.ids()) == sorted(set(theirs.images.values()))
    for name, image in theirs.images.items():
        row = other.images.row(image)
        assert row.config == store.images.row(image).config
        assert row.config["rootfs"]["diff_ids"] == DIFF_IDS[image]
        assert contents(other, image) == contents(store, image)
        if name != BARE:
            assert other.images.named(f"docker.io/{name}" if name in (V1, V2) else name) == image


@pytest.mark.podman
@pytest.mark.parametrize("options", [(), ("--compress",)], ids=["plain", "compressed"])
def test_podmans_docker_directory_is_no_archive(store, podman, other, tmp_path, options):
    podman("load", stdin=saved(store, V1))
    podman("save", "-q", "--format", "docker-dir", *options, "-o", tmp_path / "out", APP)
    with pytest.raises(CorruptArchiveError, match="docker-dir") as caught:
        load(other, io.BytesIO(tarred(tmp_path / "out")))
    assert "oci-archive" in caught.value.hint


# --- several platforms --------------------------------------------------------------------------


@pytest.mark.podman
@pytest.mark.parametrize("form", ["podman", "skopeo"])
def test_loads_this_machines_image_of_a_manifest_list(podman, other, tmp_path, form):
    """One that podman put together, as it and skopeo write it: an index within the index."""
    here = {**APP_CONFIG, "architecture": Platform.host().architecture}
    there = {**TOOL_CONFIG, "architecture": "s390x"}
    for name, config, layers in (("there", there, (BASE, LONG)), ("here", here, (BASE, TOP))):
        podman("load", stdin=docker_archive(config, layers, [f"docker.io/exchange/{name}:1"]))
    podman("manifest", "create", "exchange/list:1")
    for name in ("there", "here"):
        image = f"containers-storage:docker.io/exchange/{name}:1"
        podman("manifest", "add", "exchange/list:1", image)
    path = tmp_path / "list.tar"
    podman("manifest", "push", "--all", "exchange/list:1", f"oci-archive:{path}:{V1}")
    if form == "skopeo":
        skopeo("copy", "--all", f"oci-archive:{path}:{V1}", f"oci:{tmp_path / 'layout'}:{V1}")
        written(path, tarred(tmp_path / "layout"))
    with path.open("rb") as file:
        assert load(other, file) == [V1]
    (image,) = other.images.ids()
    assert other.images.row(image).config["rootfs"]["diff_ids"] == DIFF_IDS[APP]
