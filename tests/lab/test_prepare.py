from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.base import Cancellation, Engine, Message, Output, RunRequest
from container_magics.engines.docker import DockerEngine
from container_magics.errors import FetchError, NotFoundError, RunError, UsageError
from container_magics.lab.aliases import BASE, STAND_IN_FOR_LABEL, stood_in_for
from container_magics.lab.command import main
from container_magics.lab.prepare import find, prepare

pytestmark = [pytest.mark.docker]

ALPINE, DISTROLESS = "alpine:3.18.0", "gcr.io/distroless/base:latest"


@pytest.fixture(scope="module")
def engine(docker_socket: Path) -> Iterator[Engine]:
    engine = DockerEngine("default", f"unix://{docker_socket}")
    yield engine
    engine.close()


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


def test_ls_says_what_is_there(engine, capsys):
    imported(engine, "golang:1.20.5")
    try:
        assert main(["ls"], lambda _: engine) == 0
    finally:
        engine.remove_image("golang:1.20.5")
    rows = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()}
    assert rows["golang:1.20.5"] == "present"
    assert set(rows) == {"UPSTREAM", "ubuntu:bionic", "golang:1.20.5", ALPINE, DISTROLESS}


def test_errors_are_told_on_standard_error(engine, capsys):
    assert main(["prepare", "python:3.12"], lambda _: engine) == UsageError.exit_code
    assert '"python:3.12" has no stand-in' in capsys.readouterr().err
    assert main(["repair"], lambda _: engine) == 2
    assert "repair" in capsys.readouterr().err


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
        assert each.name == each.upstream
        assert stood_in_for(each.image.names, each.image.labels) == each.upstream
    assert engine.image(BASE.name).summary.labels[STAND_IN_FOR_LABEL] == BASE.upstream
    assert find(engine, BASE) is None
    assert [each.how for each in prepare(engine, [ALPINE, DISTROLESS])] == ["present"] * 2


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
    assert engine.image(ALPINE).size < 10e6
    assert shell(engine, ALPINE, "id -un; echo one two | awk '{print $2}'") == "root\ntwo\n"
    assert engine.image(ALPINE).config["Cmd"] == ["/bin/sh"]


@pytest.mark.slow
def test_the_one_for_distroless_has_certificates_but_no_shell(engine, stood_in):
    image = engine.image(DISTROLESS)
    assert 10e6 < image.size < 40e6
    assert "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt" in image.config["Env"]
    with pytest.raises(RunError) as raised:
        shell(engine, DISTROLESS, "true")
    assert raised.value.returncode == 127
    archive = io.BytesIO()
    engine.save([DISTROLESS], archive)
    files = dict(layer_files(archive))
    assert files["etc/ssl/certs/ca-certificates.crt"].size > 100_000
    assert (files["home/nonroot"].uid, files["home/nonroot"].mode & 0o7777) == (65532, 0o700)
    assert not {"bin/sh", "usr/bin/dpkg", "usr/bin/apt"} & set(files)


def layer_files(archive: io.BytesIO) -> Iterator[tuple[str, tarfile.TarInfo]]:
    archive.seek(0)
    with tarfile.open(fileobj=archive) as saved:
        for member in saved:
            if member.name.endswith("layer.tar"):
                with tarfile.open(fileobj=saved.extractfile(member)) as layer:
                    yield from ((each.name, each) for each in layer)
