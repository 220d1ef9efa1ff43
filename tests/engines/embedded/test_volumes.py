"""Volumes that images and `-v` ask for, on every rung: how they begin, and when they go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.embedded.sandbox.rungs import FORCE
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import Mount, RunRequest, Tmpfs, Volume
from container_magics.errors import ConflictError, RunError
from tests.engines.embedded.living import ended, logged
from tests.fixtures.embedding import Heard, build, embedded, run
from tests.fixtures.sandbox import RUNGS

IMAGE = """\
FROM busybox:test
RUN mkdir -p /data/sub && echo text > /data/file && chown 70:71 /data /data/file \
 && chmod 1770 /data && chown 5 /data/sub && mkdir -m 700 /empty && chown 33:44 /empty
VOLUME /data /empty
"""
LOOK = "stat -c '%n %u:%g %a' /data /data/* /empty; cat /data/file"
BEGINNING = """\
/data 70:71 1770
/data/file 70:71 644
/data/sub 5:0 755
/empty 33:44 700
text
"""


@pytest.fixture
def image(on: EmbeddedEngine):
    """An image with two volumes, full and empty; on `chroot` there are none."""
    build(on, IMAGE, tag="volumes:1")
    yield "volumes:1"
    for container in on.containers(every=True):
        on.remove_container(container.id, force=True)
    for volume in on.volumes():
        on.remove_volume(volume.name)
    on.remove_image("volumes:1")


def created(engine: EmbeddedEngine, *command: str, **more) -> str:
    request = RunRequest("volumes:1", command or ("true",), **more)
    return engine.create(request, Heard(), Cancellation())


def names_of(engine: EmbeddedEngine, container: str) -> dict[str, str]:
    mounts = engine.inspect(container)["Mounts"]
    return {each["Destination"]: each["Name"] for each in mounts if each["Type"] == "volume"}


def test_what_an_image_declares_begins_as_it_is_there(on, image):
    container = created(on, "sh", "-c", LOOK)
    on.start(container)
    on.wait(container, Cancellation())
    assert logged(on, container) == BEGINNING
    if on.rung.name == "chroot":
        assert on.volumes() == []
        return
    names = names_of(on, container)
    assert set(names) == {"/data", "/empty"}
    assert {each.name for each in on.volumes()} == set(names.values())
    on.remove_container(container)
    assert {each.name for each in on.volumes()} == set(names.values())
    assert set(on.prune_volumes()[0]) == set(names.values())


def test_an_empty_volume_with_a_name_begins_so_too_and_is_not_filled_again(on, image):
    if on.rung.name == "chroot":
        return
    volumes = (Volume("full", "/data"), Volume("none", "/empty", copy=False))
    assert run(on, image, "sh", "-c", LOOK, volumes=volumes)[1] == BEGINNING.replace(
        "33:44 700", "0:0 755"
    )
    run(on, image, "sh", "-c", "rm -r /data/sub /data/file; echo mine > /data/new", volumes=volumes)
    said = run(on, image, "sh", "-c", "ls /data; stat -c %u:%g /data", volumes=volumes)[1]
    assert said == "new\n70:71\n"
    assert [each.name for each in on.volumes()] == ["full", "none"]


def test_owners_in_a_volume_are_seen_by_the_next_container(on, image):
    if on.rung.name == "chroot":
        return
    volumes = (Volume("kept", "/kept"),)
    script = "cd /kept; mkdir d; echo x > d/f; chown 8:9 d d/f; chmod 2711 d; chmod 4755 d/f"
    assert run(on, image, "sh", "-c", script, volumes=volumes)[0] == 0
    script = "touch /kept/d/own 2>/dev/null; stat -c '%n %u:%g %a' /kept/d /kept/d/*"
    said = run(on, image, "sh", "-c", script, volumes=volumes, user="8:9")[1]
    assert said == "/kept/d 8:9 2711\n/kept/d/f 8:9 4755\n/kept/d/own 8:9 644\n"


def test_those_without_a_name_go_with_who_asked_for_them(on, image):
    if on.rung.name == "chroot":
        return
    assert run(on, image, "sh", "-c", "echo x > /v/x", volumes=(Volume("", "/v"),))[0] == 0
    assert on.volumes() == []
    container = created(on, volumes=(Volume("", "/v"),))
    assert on.inspect(container)["Config"]["Volumes"] == {"/data": {}, "/empty": {}, "/v": {}}
    names = names_of(on, container)
    on.remove_container(container)
    # Whoever names one has not made it.
    run(on, image, "true", volumes=(Volume(names["/data"], "/data"), Volume("", "/empty")))
    assert {each.name for each in on.volumes()} == set(names.values())
    container = created(on, volumes=(Volume(names["/data"], "/data"), Volume("", "/empty")))
    on.remove_container(container, volumes=True)
    assert {each.name for each in on.volumes()} == set(names.values())


def test_what_is_mounted_there_takes_the_place_of_a_volume(on, image, tmp_path):
    if on.rung.name == "chroot":
        return
    container = created(on, mounts=(Mount(tmp_path, "/data"),), tmpfs=(Tmpfs("/empty"),))
    assert names_of(on, container) == {}
    assert on.volumes() == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "cannot mount volume over existing file, file exists /etc/passwd"),
        ("named", "source /etc/passwd is not directory"),
    ],
)
def test_what_cannot_be_made_leaves_no_volume(on, image, name, words):
    if on.rung.name == "chroot":
        return
    with pytest.raises(RunError) as caught:
        created(on, volumes=(Volume("", "/v"), Volume(name, "/etc/passwd")))
    assert (caught.value.message, caught.value.returncode) == (words, 125)
    created(on, name="taken")
    there = on.volumes()
    with pytest.raises(ConflictError):
        created(on, name="taken")
    assert on.volumes() == there


KILLED = """
import sys
from pathlib import Path
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RunRequest, Volume
engine = EmbeddedEngine(Path(sys.argv[1]))
command = ("sh", "-c", "echo up; sleep 1000")
volumes = (Volume("", "/v"), Volume("named", "/n"))
request = RunRequest("busybox:test", command, volumes=volumes, remove=True)
engine.run(request, lambda event: print("up", flush=True), Cancellation())
"""


def test_those_of_an_engine_that_was_killed_are_gone(tmp_path: Path, monkeypatch):
    monkeypatch.setenv(FORCE, next(rung for rung in RUNGS if rung != "chroot"))
    with embedded(tmp_path / "store"):
        pass
    command = [sys.executable, "-c", KILLED, str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as engine:
        try:
            assert engine.stdout is not None
            assert engine.stdout.readline() == b"up\n"
            assert len(list((tmp_path / "store" / "volumes").iterdir())) == 2
        finally:
            engine.kill()
    with embedded(tmp_path / "store") as other:
        assert [each.name for each in other.volumes()] == ["named"]
        assert ended(other, "true") in {each.id for each in other.containers(every=True)}
