"""The embedded engine's verbs but for build: containers, names, removal, transfer, what it says."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation, Output
from container_magics.engines.run_request import Mount, RunRequest
from container_magics.errors import ConflictError, NotFoundError, RunError, UsageError
from tests.fixtures.embedding import Heard, build, embedded, import_busybox, output_of, run

BASE = "FROM busybox:test\n"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """An engine for tests that look at nothing but what they made."""
    with embedded(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    with embedded(tmp_path / "store") as engine:
        yield engine


# --- run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("exit 255", 255)])
def test_run_gives_the_exit_code(shared, script, code):
    assert run(shared, "busybox:test", "sh", "-c", script)[0] == code


def test_environment_workdir_and_user(shared):
    build(shared, f"{BASE}ENV A=image B=image\nWORKDIR /there\nUSER me\n", tag="env:test")
    show = ("sh", "-c", 'echo "$A $B $PATH"; pwd; id -un')
    _, output, _ = run(shared, "env:test", *show, environment={"B": "given", "C": "x y"})
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert output.splitlines()[:2] == [f"image given {path}", "/there"]
    _, output, _ = run(shared, "env:test", "sh", "-c", "pwd; id -u", workdir="/new/made", user="0")
    assert output == "/new/made\n0\n"
    given = output_of(shared, "env:test", "sh", "-c", "id -u; id -g; echo $HOME")
    assert given == "1000\n1000\n/tmp\n"


def test_entrypoint_and_cmd(shared):
    text = f'{BASE}ENTRYPOINT ["echo", "entry"]\nCMD ["default"]\n'
    build(shared, text, tag="entry:test")
    assert run(shared, "entry:test")[1] == "entry default\n"
    assert run(shared, "entry:test", "given")[1] == "entry given\n"
    assert run(shared, "entry:test", "-n", "x", entrypoint="echo")[1] == "x"
    assert run(shared, "entry:test", entrypoint="echo")[1] == "\n"
    assert run(shared, "entry:test", "echo", "plain", entrypoint="")[1] == "plain\n"
    with pytest.raises(RunError, match="No command specified") as caught:
        run(shared, "entry:test", entrypoint="")
    assert caught.value.returncode == 125


def test_a_program_that_is_not_there(shared):
    with pytest.raises(RunError, match='exec: "bash": executable file not found') as caught:
        run(shared, "busybox:test", "bash")
    assert caught.value.returncode == 127
    with pytest.raises(RunError, match="permission denied") as caught:
        run(shared, "busybox:test", "/etc/passwd")
    assert caught.value.returncode == 126
    assert shared.info()["ContainersRunning"] == 0


def test_standard_input_in_and_out(shared):
    data = os.urandom(10_000_000)
    back = bytearray()

    def emit(event):
        assert isinstance(event, Output)
        back.extend(event.data)

    request = RunRequest("busybox:test", ("cat",), stdin=io.BytesIO(data), remove=True)
    assert shared.run(request, emit, Cancellation()).returncode == 0
    assert bytes(back) == data


def test_a_reader_that_stops_early_ends_the_run(shared):
    code, output, errors = run(
        shared, "busybox:test", "head", "-c", "5", stdin=io.BytesIO(b"x" * 10_000_000)
    )
    assert (code, output, errors) == (0, "xxxxx", "")


def test_input_that_never_ends_does_not_hold_up_a_run(shared):
    read, write = os.pipe()
    with os.fdopen(read, "rb", buffering=0) as source:
        code, output, _ = run(shared, "busybox:test", "echo", "done", stdin=source)
        os.close(write)
    assert (code, output) == (0, "done\n")


def test_no_input_is_an_end_of_file(shared):
    assert run(shared, "busybox:test", "cat") == (0, "", "")


def test_much_output_on_both_streams(shared):
    seen = {1: 0, 2: 0}

    def emit(event):
        seen[event.stream] += len(event.data)

    script = "head -c 50000000 /dev/zero & head -c 50000000 /dev/zero >&2; wait"
    request = RunRequest("busybox:test", ("sh", "-c", script), remove=True)
    assert shared.run(request, emit, Cancellation()).returncode == 0
    assert seen == {1: 50_000_000, 2: 50_000_000}


def test_mounts_are_made_where_missing_and_can_be_read_only(shared, tmp_path: Path):
    made = tmp_path / "not" / "yet"
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "file").write_text("here\n")
    mounts = (Mount(made, "/data"), Mount(tmp_path / "given", "/given", read_only=True))
    script = "echo out > /data/file; cat /given/file; echo x > /given/file; rm /given/file; true"
    code, output, errors = run(shared, "busybox:test", "sh", "-c", script, mounts=mounts)
    assert (code, output) == (0, "here\n")
    assert (made / "file").read_text() == "out\n"
    assert errors.count("Read-only file system") == 2
    assert (tmp_path / "given" / "file").read_text() == "here\n"


def test_a_mount_whose_source_cannot_be_made(shared, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="creating mount source path") as caught:
        run(shared, "busybox:test", "true", mounts=(Mount(tmp_path / "file" / "x", "/x"),))
    assert caught.value.returncode == 125


@pytest.mark.root
def test_without_a_network_there_is_loopback_alone(shared):
    listing = ("ls", "/sys/class/net")
    assert run(shared, "busybox:test", *listing, network="none")[1].split() == ["lo"]
    here = sorted(path.name for path in Path("/sys/class/net").iterdir())
    assert run(shared, "busybox:test", *listing, network="host")[1].split() == here


def test_host_names(shared):
    assert run(shared, "busybox:test", "hostname", hostname="given")[1] == "given\n"
    heard = Heard()
    request = RunRequest("busybox:test", ("hostname",), remove=True)
    container = shared.run(request, heard, Cancellation()).container
    assert heard.output() == f"{container[:12]}\n"


def test_a_name_that_is_taken_is_refused_in_dockers_words(shared):
    first = shared.run(RunRequest("busybox:test", ("true",), name="mine"), Heard(), Cancellation())
    for remove in (True, False):
        with pytest.raises(ConflictError) as caught:
            run(shared, "busybox:test", "true", name="mine", remove=remove)
        assert caught.value.message == (
            'Conflict. The container name "/mine" is already in use by container '
            f'"{first.container}". You have to remove (or rename) that container to be able to '
            "reuse that name."
        )
    assert run(shared, "busybox:test", "true", name="passing")[0] == 0
    assert run(shared, "busybox:test", "true", name="passing")[0] == 0


def test_containers_run_at_the_same_time(shared):
    both = threading.Barrier(2, timeout=30)
    codes = []

    def one(number: int) -> None:
        request = RunRequest("busybox:test", ("sh", "-c", "echo here; cat"), remove=True)
        read, write = os.pipe()

        def emit(_event):
            both.wait()
            os.close(write)

        with os.fdopen(read, "rb", buffering=0) as source:
            request = RunRequest(request.image, request.command, stdin=source, remove=True)
            codes.append((number, shared.run(request, emit, Cancellation()).returncode))

    threads = [threading.Thread(target=one, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [(1, 0), (2, 0)]


def test_an_image_by_id_and_by_its_prefix(shared):
    image = shared.image("busybox:test").id
    for name in (image, image.removeprefix("sha256:"), image.removeprefix("sha256:")[:12]):
        assert output_of(shared, name, "echo", "x") == "x\n"
        assert shared.image(name).id == image


# --- names and removal --------------------------------------------------------------------------


def test_tags_move_and_go_one_by_one(engine):
    image = engine.image("busybox:test").id
    engine.tag("busybox:test", "other")
    engine.tag(image[:19], "registry.example/deep/er:v1")
    assert engine.image("other").names == (
        "busybox:test",
        "other:latest",
        "registry.example/deep/er:v1",
    )
    build(engine, f"{BASE}LABEL x=y\n", tag="other")
    assert engine.image("other:latest").id != image
    assert engine.image(image).names == ("busybox:test", "registry.example/deep/er:v1")
    removed = engine.remove_image("busybox:test")
    assert (removed.untagged, removed.deleted) == (("busybox:test",), ())
    removed = engine.remove_image("registry.example/deep/er:v1")
    assert removed.untagged == ("registry.example/deep/er:v1",)
    assert removed.deleted[0] == image
    assert [each.names for each in engine.images()] == [("other:latest",)]
    assert output_of(engine, "other", "echo", "still") == "still\n"
    with pytest.raises(NotFoundError, match="No such image: busybox:test"):
        engine.remove_image("busybox:test")
    with pytest.raises(UsageError):
        engine.tag("other", f"a@{image}")


def test_an_id_with_names_in_several_repositories_needs_force(engine):
    image = engine.image("busybox:test").id
    short = image.removeprefix("sha256:")[:12]
    engine.tag(image, "busybox:second")
    engine.tag(image, "elsewhere:test")
    with pytest.raises(ConflictError) as caught:
        engine.remove_image(short)
    assert caught.value.message == (
        f"conflict: unable to delete {short} (must be forced) - "
        "image is referenced in multiple repositories"
    )
    removed = engine.remove_image(short, force=True)
    assert set(removed.untagged) == {"busybox:test", "busybox:second", "elsewhere:test"}
    assert engine.images() == []


def test_an_image_of_a_stopped_container_is_refused_in_dockers_words(engine):
    image = engine.image("busybox:test").id
    short = image.removeprefix("sha256:")[:12]
    container = engine.run(
        RunRequest("busybox:test", ("true",)), Heard(), Cancellation()
    ).container[:12]
    with pytest.raises(ConflictError) as caught:
        engine.remove_image("busybox:test")
    assert caught.value.message == (
        'conflict: unable to remove repository reference "busybox:test" (must force) - '
        f"container {container} is using its referenced image {short}"
    )
    with pytest.raises(ConflictError) as caught:
        engine.remove_image(short)
    assert caught.value.message == (
        f"conflict: unable to delete {short} (must be forced) - "
        f"image is being used by stopped container {container}"
    )
    engine.tag("busybox:test", "other:test")
    assert engine.remove_image("other:test").untagged == ("other:test",)
    assert engine.remove_image(short, force=True).deleted[0] == image
    assert engine.images() == []


def test_an_image_of_a_running_container_cannot_be_deleted(engine):
    image = engine.image("busybox:test").id
    short = image.removeprefix("sha256:")[:12]
    messages = []
    untagged = []

    def emit(_event):
        for name, force in (("busybox:test", False), (short, False), (short, True)):
            with pytest.raises(ConflictError) as caught:
                engine.remove_image(name, force=force)
            messages.append(caught.value.message)
        untagged.append(engine.remove_image("busybox:test", force=True))
        cancel.cancel()

    cancel = Cancellation()
    request = RunRequest("busybox:test", ("sh", "-c", "echo x; sleep 98718"), remove=True)
    container = engine.run(request, emit, cancel).container[:12]
    hard = (
        f"conflict: unable to delete {short} (cannot be forced) - "
        f"image is being used by running container {container}"
    )
    assert messages[0].startswith('conflict: unable to remove repository reference "busybox:test"')
    assert messages[1:] == [hard, hard]
    assert (untagged[0].untagged, untagged[0].deleted) == (("busybox:test",), ())
    assert [each.names for each in engine.images()] == [()]


def test_prune_takes_what_nothing_needs(engine):
    build(engine, f"{BASE}RUN head -c 1000 /dev/zero > /a\n", tag="it:test")
    old = engine.image("it:test").id
    build(engine, f"{BASE}RUN head -c 2000 /dev/zero > /a\n", tag="it:test")
    build(engine, f"{BASE}LABEL used=1\n", tag="used:test")
    engine.run(RunRequest("used:test", ("true",)), Heard(), Cancellation())
    report = engine.prune_images()
    assert report.removal.untagged == ()
    assert report.removal.deleted[0] == old
    assert report.reclaimed == 1000
    report = engine.prune_images(every=True)
    assert set(report.removal.untagged) == {"it:test", "busybox:test"}
    assert report.reclaimed == 2000
    assert [each.names for each in engine.images()] == [("used:test",)]
    assert engine.prune_images(every=True).removal == report.removal.__class__()


def test_pruning_the_build_cache_keeps_images_whole(engine, tmp_path: Path):
    text = (
        "FROM busybox:test AS build\nRUN head -c 5000 /dev/zero > /big && echo out > /out\n"
        f"{BASE}COPY --from=build /out /out\n"
    )
    made = build(engine, text, tag="kept:test").image
    layers = len(list((tmp_path / "store" / "layers").iterdir()))
    assert engine.prune_build_cache(every=True).reclaimed == 5004
    assert len(list((tmp_path / "store" / "layers").iterdir())) == layers - 1
    assert output_of(engine, "kept:test", "cat", "/out") == "out\n"
    assert engine.prune_build_cache(every=True).reclaimed == 0
    heard = Heard()
    again = build(engine, text, heard, tag="kept:test")
    assert heard.cached == ["FROM busybox:test"]
    assert again.image.layers[0] == made.layers[0]


# --- what it says -------------------------------------------------------------------------------


def test_an_image_s_size_is_its_layers_and_its_history_says_which(shared):
    text = f"{BASE}RUN head -c 3000 /dev/zero > /a\nENV A=b\nCOPY <<E /e\nfour\nE\n"
    image = build(shared, text, tag="sized:test").image
    assert [row.size for row in image.history][1:] == [3000, 0, 5]
    assert [row.empty_layer for row in image.history][1:] == [False, True, False]
    assert image.size == sum(layer.size for layer in image.layers)
    assert image.size == shared.image("busybox:test").size + 3005
    assert shared.images()[0].size in {each.size for each in shared.images()}


def test_inspecting_images_and_containers(shared):
    text = f'{BASE}ENV A=b\nLABEL l=m\nEXPOSE 80\nWORKDIR /w\nCMD ["true"]\n'
    image = build(shared, text, tag="looked:test").image
    shown = shared.inspect("looked:test")
    assert shown["Id"] == image.id
    assert shown["RepoTags"] == ["looked:test"]
    assert shown["Size"] == image.size
    assert shown["RootFS"]["Layers"] == [layer.diff_id for layer in image.layers]
    assert "A=b" in shown["Config"]["Env"]
    assert shown["Config"]["Labels"] == {"l": "m"}
    assert shown["Config"]["ExposedPorts"] == {"80/tcp": {}}
    request = RunRequest("looked:test", ("sh", "-c", "exit 5"), name="looked-at")
    container = shared.run(request, Heard(), Cancellation()).container
    for name in ("looked-at", container, container[:12]):
        shown = shared.inspect(name)
        assert (shown["Id"], shown["Name"]) == (container, "/looked-at")
        assert shown["Image"] == image.id
        assert shown["State"]["Status"] == "exited"
        assert shown["State"]["ExitCode"] == 5
        assert (shown["Path"], shown["Args"]) == ("sh", ["-c", "exit 5"])
    with pytest.raises(NotFoundError, match="No such object: nowhere"):
        shared.inspect("nowhere")


def test_version_and_info(engine, tmp_path: Path):
    version = engine.version()
    assert version["Client"]["Version"] == version["Server"]["Version"]
    assert version["Server"]["Os"] == "linux"
    engine.run(RunRequest("busybox:test", ("true",)), Heard(), Cancellation())
    info = engine.info()
    assert info["DockerRootDir"] == str(tmp_path / "store")
    assert (info["Containers"], info["ContainersRunning"], info["ContainersStopped"]) == (1, 0, 1)
    assert info["Images"] == 1
    assert info["NCPU"] == os.cpu_count()


# --- from and to elsewhere ----------------------------------------------------------------------


def test_saved_images_load_with_the_same_ids(engine, tmp_path: Path):
    text = (
        f"{BASE}RUN adduser -D u; mkdir -m 1777 /t; ln -s t /l; ln /etc/passwd /h; rm /etc/group\n"
        'ENV A="b c"\nCMD ["cat", "/etc/passwd"]\n'
    )
    image = build(engine, text, tag="one:test").image
    engine.tag("one:test", "two:test")
    archive = io.BytesIO()
    engine.save(["one:test", "two:test", "busybox:test"], archive)
    archive.seek(0)
    with embedded(tmp_path / "second") as other:
        other.remove_image("busybox:test")
        assert sorted(other.load(archive)) == ["busybox:test", "one:test", "two:test"]
        assert {i.id: i.names for i in other.images()} == {i.id: i.names for i in engine.images()}
        assert other.image("two:test") == engine.image(image.id)
        assert run(other, "one:test") == run(engine, "one:test")
        again = io.BytesIO()
        other.save(["one:test", "two:test", "busybox:test"], again)
        assert again.getvalue() == archive.getvalue()


def test_an_exported_container_imports_as_one_layer(engine):
    build(engine, f"{BASE}RUN echo 1 > /one\nRUN echo 2 > /two; rm /etc/group\n", tag="deep:test")
    script = "echo 3 > /three; rm /one; echo more >> /two"
    request = RunRequest("deep:test", ("sh", "-c", script), name="flat")
    engine.run(request, Heard(), Cancellation())
    exported = io.BytesIO()
    engine.export("flat", exported)
    exported.seek(0)
    with tarfile.open(fileobj=exported) as archive:
        names = {member.name for member in archive}
    assert {"two", "three", "bin/busybox"} <= names
    assert not {name for name in names if ".wh." in name}
    exported.seek(0)
    changes = ['CMD ["cat", "/two"]', "ENV A=b", "WORKDIR /w"]
    image = engine.import_image(exported, "flat:test", changes=changes, message="flattened")
    flat = engine.image("flat:test")
    assert flat.id == image
    assert len(flat.layers) == 1
    assert [row.comment for row in flat.history] == ["flattened"]
    assert run(engine, "flat:test")[1] == "2\nmore\n"
    assert output_of(engine, "flat:test", "sh", "-c", "ls /one /etc/group 2>&1 | wc -l") == "2\n"
    exported.seek(0)
    with pytest.raises(UsageError, match="stopsignal is not a valid change command"):
        engine.import_image(exported, "flat:test", changes=["STOPSIGNAL QUIT"])
    with pytest.raises(NotFoundError, match="No such container: nowhere"):
        engine.export("nowhere", io.BytesIO())


def test_importing_the_same_again_makes_no_second_layer(engine, tmp_path: Path):
    layers = len(list((tmp_path / "store" / "layers").iterdir()))
    import_busybox(engine)
    assert len(list((tmp_path / "store" / "layers").iterdir())) == layers
