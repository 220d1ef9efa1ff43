"""Other platforms: what can be built for them here, and what is refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from container_magics.engines.embedded.building.emulation import is_emulated
from container_magics.errors import BuildError, DockerfileError, PullError, UsageError
from container_magics.oci.models import OCI_LAYER
from container_magics.oci.platforms import Platform
from tests.engines.embedded.material import image_config, layer_tar
from tests.fixtures.embedding import Heard, build, output_of
from tests.fixtures.registry import push_image, push_manifest, running_registry

FOREIGN = "s390x" if Platform.host().architecture != "s390x" else "ppc64le"
HANDLER = """\
enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: POCF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
"""


def test_a_build_for_another_platform_without_run(engine, tmp_path):
    (tmp_path / "f").write_text("f")
    text = "FROM scratch\nARG TARGETPLATFORM\nCOPY f /\nENV FOR=$TARGETPLATFORM\n"
    built = build(engine, text, context=tmp_path, platform="linux/arm/v6")
    document = engine.inspect(built.image.id)
    assert (document["Architecture"], document["Os"]) == ("arm", "linux")
    assert "FOR=linux/arm/v6" in document["Config"]["Env"]


def test_a_run_for_it_is_refused_before_anything_is_built(engine):
    text = (
        "FROM --platform=$BUILDPLATFORM busybox:test AS here\nRUN true\n"
        "FROM scratch\nCOPY --from=here /bin/busybox /bin/busybox\n"
        'RUN ["/bin/busybox", \\\n  "true"]\n'
    )
    heard = Heard()
    with pytest.raises(BuildError, match=f"RUN for the platform linux/{FOREIGN}") as raised:
        build(engine, text, heard, platform=f"linux/{FOREIGN}")
    assert heard.vertices == []
    assert raised.value.line == 5
    hint = "A stage without RUN" if engine.rung.name == "proot" else "qemu-user-static"
    assert hint in raised.value.hint
    assert "   5 | >>> RUN" in raised.value.excerpt
    assert '   6 | >>>   "true"]' in raised.value.excerpt


def test_compiling_on_this_machine_for_another(engine):
    text = (
        "FROM --platform=$BUILDPLATFORM busybox:test AS build\n"
        "ARG TARGETARCH BUILDARCH TARGETSTAGE\n"
        "RUN echo $BUILDARCH $TARGETARCH $TARGETSTAGE > /made\n"
        "FROM scratch AS final\nCOPY --from=build /made /made\n"
    )
    built = build(engine, text, platform=f"linux/{FOREIGN}")
    assert engine.inspect(built.image.id)["Architecture"] == FOREIGN
    again = build(
        engine, f"FROM busybox:test\nCOPY --from={built.image.id} /made /\nRUN cat /made\n"
    )
    assert again.image is not None
    heard = Heard()
    build(
        engine, f"FROM busybox:test\nCOPY --from={built.image.id} /made /\nRUN cat /made # again\n",
        heard,
    )  # fmt: skip
    assert heard.log == f"{Platform.host().architecture} {FOREIGN} final\n"


def test_a_base_of_this_machine_does_not_stand_in_for_another_platforms(engine):
    with pytest.raises(PullError, match="busybox:test") as raised:
        build(engine, "FROM busybox:test\nENV A=1\n", platform=f"linux/{FOREIGN}")
    assert raised.value.line == 1
    assert ">>> FROM busybox:test" in raised.value.excerpt
    assert f"There is busybox:test for {Platform.host()} here" in raised.value.hint


INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.mark.registry
def test_a_base_for_another_platform_comes_from_the_registry(engine, tmp_path):
    with running_registry(tmp_path) as host:
        manifests = []
        for architecture in (Platform.host().architecture, FOREIGN):
            layer = layer_tar({"arch": architecture.encode()})
            config = {**image_config(layer), "architecture": architecture, "os": "linux"}
            descriptor = push_image(host, "both", architecture, [(OCI_LAYER, layer)], config)
            platform = {"os": "linux", "architecture": architecture}
            manifests.append({**descriptor, "platform": platform})
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        push_manifest(host, "both", "v1", document)
        name = f"{host}/both:v1"
        build(engine, f"FROM {name}\nENV A=1\n")
        here = engine.image(name).id
        text = (
            f"FROM --platform=$BUILDPLATFORM {name} AS native\n"
            f"FROM {name}\nCOPY --from=native /arch /native\nCOPY --from={name} /arch /target\n"
        )
        built = build(engine, text, platform=f"linux/{FOREIGN}").image
    assert engine.image(name).id == here
    assert engine.inspect(built.id)["Architecture"] == FOREIGN
    shown = build(engine, f"FROM busybox:test\nCOPY --from={built.id} / /image/\n").image
    assert output_of(engine, shown.id, "sh", "-c", "cd /image; cat arch native target") == (
        f"{FOREIGN}{Platform.host().architecture}{FOREIGN}"
    )


def test_what_is_no_platform(engine):
    with pytest.raises(UsageError, match="invalid platform"):
        build(engine, "FROM scratch\nENV A=1\n", platform="a/b/c/d")
    with pytest.raises(DockerfileError, match="failed to parse platform a/b/c/d") as raised:
        build(engine, "FROM --platform=a/b/c/d scratch\nENV A=1\n")
    assert raised.value.line == 1


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (HANDLER, True),
        (HANDLER.replace("enabled", "disabled"), False),
        (HANDLER.replace("POCF", "POC"), False),
        (HANDLER.replace("b700", "1600"), False),
        (HANDLER.replace("magic 7f", "magic zz"), False),
        ("enabled\ninterpreter /x\nflags: F\nextension .py\n", False),
        ("", False),
    ],
)
def test_a_handler_is_known_by_the_programs_it_takes(tmp_path: Path, text: str, taken: bool):
    if Platform.host().architecture == "arm64":
        pytest.skip("arm64 is not foreign here")
    (tmp_path / "some-name").write_text(text)
    (tmp_path / "register").write_text("")
    (tmp_path / "status").write_text("enabled\n")
    assert is_emulated(Platform("linux", "arm64"), tmp_path) is taken


def test_this_machines_programs_need_no_handler(tmp_path):
    assert is_emulated(Platform.host(), tmp_path / "nowhere")
    assert not is_emulated(Platform("linux", FOREIGN), tmp_path / "nowhere")
    assert not is_emulated(Platform("windows", "amd64"), tmp_path)
