from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from container_magics.engines.base import Engine
from container_magics.engines.build_request import BuildRequest
from container_magics.engines.docker import DockerEngine
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation, Message, Output
from container_magics.engines.run_request import RunRequest
from container_magics.errors import FetchError, NotFoundError, RunError, UsageError
from container_magics.lab.aliases import BASE, STAND_IN_FOR_LABEL, stood_in_for
from container_magics.lab.prepare import prepare
from tests.fixtures.dockerd import temporary_dockerd

ALPINE, DISTROLESS = "alpine:3.18.0", "gcr.io/distroless/base:latest"
NAMES = {
    ALPINE: "stand-in.invalid/alpine:3.18.0",
    DISTROLESS: "stand-in.invalid/distroless/base:latest",
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("embedded", marks=pytest.mark.root),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """An engine with no image."""
    with ExitStack() as stack:
        engine: Engine
        if request.param == "docker":
            socket = stack.enter_context(temporary_dockerd())
            engine = DockerEngine("default", f"unix://{socket}")
        else:
            engine = EmbeddedEngine(tmp_path_factory.mktemp("store"))
        stack.callback(engine.close)
        yield engine


def shell(engine: Engine, image: str, script: str) -> str:
    events: list[Output] = []
    request = RunRequest(image, ("-c", script), entrypoint="sh", network="host", remove=True)
    result = engine.run(
        request,
        lambda event: events.append(event) if isinstance(event, Output) else None,
        Cancellation(),
    )
    text = b"".join(event.data for event in events).decode()
    assert result.returncode == 0, text
    return text


def imported(engine: Engine, name: str) -> str:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("hello"))
    buffer.seek(0)
    return engine.import_image(buffer, name)


def test_an_image_that_is_present_is_left_alone(engine):
    image_id = imported(engine, "golang:1.20.5")
    try:
        said: list[object] = []
        (prepared,) = prepare(engine, ["golang:1.20.5"], said.append)
        assert (prepared.how, prepared.name, said) == ("present", "golang:1.20.5", [])
        assert engine.image("golang:1.20.5").id == image_id
        assert stood_in_for(prepared.image.names, prepared.image.labels) == ""
        with pytest.raises(NotFoundError):
            engine.image("stand-in.invalid/golang:1.20.5")
    finally:
        engine.remove_image("golang:1.20.5")


def test_a_name_without_a_stand_in_is_refused_before_anything_is_done(engine):
    before = engine.images()
    with pytest.raises(UsageError, match=r"golong:1\.20\.5") as raised:
        prepare(engine, [ALPINE, "golong:1.20.5"])
    assert raised.value.hint == "Did you mean golang:1.20.5?"
    assert engine.images() == before


def test_a_cache_that_cannot_be_written_is_named(engine, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(FetchError, match=f"cannot be kept in {blocked}"):
        prepare(engine, [ALPINE], cache=blocked)


@pytest.fixture(scope="module")
def stood_in(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[list, list[str]]:
    """Two stand-ins, and what was said while they were made; the machine has no registry."""
    said: list[str] = []
    prepared = prepare(
        engine,
        [ALPINE, "gcr.io/distroless/base"],
        lambda event: said.append(event.text) if isinstance(event, Message) else None,
        cache=tmp_path_factory.mktemp("cache"),
    )
    if any(each.how == "pulled" for each in prepared):
        pytest.skip("a registry answers here, so nothing is stood in for")
    return prepared, said


@pytest.mark.slow
def test_stand_ins_are_built_where_no_registry_answers_and_say_so(engine, stood_in):
    prepared, said = stood_in
    assert [each.how for each in prepared] == ["built", "built"]
    assert any(f"cannot pull {ALPINE}" in text for text in said)
    assert any("building stand-in.invalid/alpine:3.18.0, a stand-in" in text for text in said)
    for each in prepared:
        assert each.name == (NAMES[each.upstream] if engine.name == "embedded" else each.upstream)
        assert stood_in_for(each.image.names, each.image.labels) == each.upstream
    assert engine.image(BASE.name).summary.labels[STAND_IN_FOR_LABEL] == BASE.upstream
    assert [each.how for each in prepare(engine, [ALPINE, DISTROLESS])] == ["present"] * 2


@pytest.mark.slow
def test_a_dockerfile_keeps_the_upstream_name(engine, stood_in):
    request = BuildRequest(f"FROM {ALPINE}\nRUN echo built > /built", tags=("lab-test:kept",))
    image = engine.build(request, lambda _: None, Cancellation()).image
    try:
        assert image.layers[:-1] == engine.image(NAMES[ALPINE]).layers
        assert image.summary.stand_in_for == ""
    finally:
        engine.remove_image("lab-test:kept")


@pytest.mark.slow
def test_the_base_has_working_packages_and_true_owners(engine, stood_in):
    assert shell(engine, BASE.name, "dpkg --audit; ls /bootstrap 2>/dev/null || true") == ""
    listing = shell(engine, BASE.name, "stat -c '%a %G' /usr/bin/passwd /etc/shadow /tmp /var/mail")
    assert listing.splitlines() == ["4755 root", "640 shadow", "1777 root", "2775 mail"]
    assert "curl" in shell(
        engine, BASE.name, "apt-get update -qq && apt-get install -qq -s curl | grep '^Inst curl'"
    )


@pytest.mark.slow
def test_the_one_for_alpine_is_small_and_has_a_shell(engine, stood_in):
    image = engine.image(NAMES[ALPINE])
    assert image.size < 10e6
    assert shell(engine, ALPINE, "id -un; echo one two | awk '{print $2}'") == "root\ntwo\n"
    assert image.config["Cmd"] == ["/bin/sh"]


@pytest.mark.slow
def test_the_one_for_distroless_has_certificates_but_no_shell(engine, stood_in):
    image = engine.image(NAMES[DISTROLESS])
    assert 10e6 < image.size < 40e6
    assert "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt" in image.config["Env"]
    with pytest.raises(RunError) as raised:
        shell(engine, DISTROLESS, "true")
    assert raised.value.returncode == 127
    archive = io.BytesIO()
    engine.save([NAMES[DISTROLESS]], archive)
    files = dict(layer_files(archive))
    assert files["etc/ssl/certs/ca-certificates.crt"].size > 100_000
    assert (files["home/nonroot"].uid, files["home/nonroot"].mode & 0o7777) == (65532, 0o700)
    assert not {"bin/sh", "usr/bin/dpkg", "usr/bin/apt"} & set(files)


def layer_files(archive: io.BytesIO) -> Iterator[tuple[str, tarfile.TarInfo]]:
    archive.seek(0)
    with tarfile.open(fileobj=archive) as saved:
        manifest = json.load(saved.extractfile("manifest.json"))
        for layer in manifest[0]["Layers"]:
            with tarfile.open(fileobj=saved.extractfile(layer)) as files:
                yield from ((each.name, each) for each in files)
