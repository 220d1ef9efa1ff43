"""`docker cp` into containers, and out of what is mounted in them, on every rung."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from container_magics.engines.containers import CommitRequest
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.embedded.sandbox.launcher.supervisor import descendants_of
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import Mount, RunRequest, Volume
from container_magics.errors import (
    ContainerMagicsError,
    CorruptArchiveError,
    NotFoundError,
    SandboxError,
)
from tests.engines.embedded.copied import entries
from tests.engines.embedded.living import FOREVER, executed, pid_of, started
from tests.fixtures.embedding import Heard, output_of
from tests.fixtures.processes import processes_with, wait_until

FILE, FOLDER, LINK = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE
MOMENT = 1_600_000_000


def member(name: str, kind: bytes = FILE, link: str = "", mode: int = 0o644, uid: int = 0):
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode, made.mtime = kind, link, mode, MOMENT
    made.uid, made.gid = uid, uid + 1 if uid else 0
    return made


def tar(*members: tarfile.TarInfo, content: bytes = b"text\n") -> io.BytesIO:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for each in members:
            each.size = len(content) if each.isreg() else 0
            archive.addfile(each, io.BytesIO(content))
    output.seek(0)
    return output


def tree() -> io.BytesIO:
    return tar(
        member("top", FOLDER, mode=0o2750, uid=7),
        member("top/file", mode=0o4640, uid=8),
        member("top/locked", mode=0, uid=10),
        member("top/other", tarfile.LNKTYPE, "top/file"),
        member("top/link", LINK, "file", uid=9),
        member("top/caf\udce9", uid=5),
        member("top/pipe", tarfile.FIFOTYPE, mode=0o600, uid=5),
        member("missing/file"),
    )


TREE = {
    "top": ("755", 0o2750, 7, 8),
    "top/file": ("file", 0o4640, 8, 9),
    "top/locked": ("file", 0, 10, 11),
    "top/link": ("-> file", 0o777, 9, 10),
    "top/caf\udce9": ("file", 0o644, 5, 6),
    "top/pipe": ("pipe", 0o600, 5, 6),
}


def out_of(engine: EmbeddedEngine, container: str, path: str) -> dict[str, tarfile.TarInfo]:
    output = io.BytesIO()
    engine.copy_from(container, path, output)
    output.seek(0)
    with tarfile.open(fileobj=output) as archive:
        return {each.name: each for each in archive}


def facts_of(found: dict[str, tarfile.TarInfo]) -> dict[str, tuple[int, int, int, int]]:
    return {
        name: (each.mode, each.uid, each.gid, int(each.mtime))
        for name, each in found.items()
        if not each.islnk()
    }


def created(engine: EmbeddedEngine, **more) -> str:
    request = RunRequest("busybox:test", ("sh", "-c", FOREVER), **more)
    return engine.create(request, Heard(), Cancellation())


def refused(engine: EmbeddedEngine, container: str, path: str, *members, content: bytes = b"x"):
    with pytest.raises(ContainerMagicsError) as caught:
        engine.copy_to(container, path, tar(*members, content=content))
    return caught.value


# --- what goes in -------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["created", "running", "paused", "exited"])
def test_all_that_a_tar_holds_goes_in(on, state):
    if state == "paused" and on.rung.name == "proot":
        state = "running"
    container = created(on)
    if state != "created":
        on.start(container)
    if state == "exited":
        on.stop(container, 0)
    if state == "paused":
        on.pause(container)
    on.copy_to(container, "/tmp", tree())
    assert on.container(container).state == state
    found = out_of(on, container, "/tmp/top")
    expected = {name: (*each[1:], MOMENT) for name, each in TREE.items()}
    assert facts_of(found) == expected
    links = {name: each.linkname for name, each in found.items() if each.linkname}
    assert links == {"top/link": "file", "top/other": "top/file"}
    if state == "paused":
        on.unpause(container)
    on.start(container)
    script = "cd /tmp; cat top/other; stat -c '%u:%g %a' top top/locked top/link missing"
    said = executed(on, container, "sh", "-c", script)
    assert said == (0, "text\n7:8 2750\n10:11 0\n9:10 777\n0:0 755\n")
    changes = {(change.kind, change.path) for change in on.changes(container)}
    assert {("A", "/tmp/top"), ("A", "/tmp/top/pipe"), ("C", "/tmp")} <= changes
    # Whoever has looked has changed nothing.
    assert facts_of(out_of(on, container, "/tmp/top/file"))["file"][:3] == (0o4640, 8, 9)


def test_what_went_in_is_in_an_image_made_of_it(on):
    container = created(on)
    on.copy_to(container, "/", tar(member("a", mode=0o4711, uid=7), member("b", LINK, "a", uid=9)))
    image = on.commit(container, CommitRequest("copied:1"))
    assert output_of(on, "copied:1", "stat", "-c", "%u:%g %a", "/a") == "7:8 4711\n"
    assert entries(on, image)["b"].uid == 9
    on.remove_image("copied:1")


def test_a_compressed_tar_goes_in(on):
    container = created(on)
    on.copy_to(container, "/tmp", io.BytesIO(gzip.compress(tar(member("a")).getvalue())))
    assert on.path_status(container, "/tmp/a").size == 5


def test_what_is_there_gives_way_as_with_docker(on):
    script = (
        "cd /tmp; mkdir -m 700 d; echo stays > d/old; echo old > f; ln d/old d/same; " + FOREVER
    )
    container = started(on, script)
    wait_until(lambda: executed(on, container, "test", "-e", "/tmp/d/same")[0] == 0, "its files")
    more = (member("d", FOLDER, mode=0o711, uid=3), member("d/old"), member("f", LINK, "d/same"))
    on.copy_to(container, "/tmp", tar(*more, content=b"new\n"))
    script = "cd /tmp; cat d/old f; stat -c '%u %a' d; readlink f"
    assert executed(on, container, "sh", "-c", script)[1] == "new\nstays\n3 711\nd/same\n"
    words = 'cannot overwrite directory "/tmp/d" with non-directory "/tmp"'
    assert refused(on, container, "/tmp", member("d")).message == words
    words = 'cannot overwrite non-directory "/tmp/f" with directory "/tmp"'
    assert refused(on, container, "/tmp", member("f", FOLDER)).message == words


def test_where_nothing_can_be_put(on):
    container = created(on, name="web")
    missing = refused(on, container, "/nowhere", member("f"))
    assert isinstance(missing, NotFoundError)
    assert missing.message == "Could not find the file /nowhere in container web"
    words = "extraction point is not a directory"
    assert refused(on, container, "/etc/passwd", member("f")).message == words
    with pytest.raises(NotFoundError):
        on.copy_to(container, "/etc/passwd/x", tar(member("f")))
    with pytest.raises(CorruptArchiveError):
        on.copy_to(container, "/tmp", io.BytesIO(b"no tar" * 200))
    on.start(container)
    if on.rung.name != "chroot":  # It is a copy there.
        words = "unlinkat /etc/hosts: device or resource busy"
        assert refused(on, container, "/etc", member("hosts")).message == words


# --- nothing leads out --------------------------------------------------------------------------


def test_no_symlink_leads_out_of_a_container(on, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    up = "../" * 30
    container = created(on)
    on.copy_to(container, "/", tar(member("up", LINK, up), member("out", LINK, str(outside))))
    on.copy_to(container, "/up/tmp", tar(member("inside")))
    assert on.path_status(container, "/tmp/inside").size == 5
    assert on.path_status(container, "/out").link == str(outside)
    with pytest.raises(NotFoundError):
        on.copy_to(container, "/out", tar(member("f")))
    for running in (False, True):
        on.copy_to(container, "/", tar(member(f"out/new-{running}")))  # What is missing is made.
        assert on.path_status(container, f"{outside}/new-{running}").size == 5
        refused(on, container, "/", member("hard", tarfile.LNKTYPE, "out/file"))
        members = (member("d", FOLDER), member("d/l", LINK, str(outside)), member("d/l/made"))
        on.copy_to(container, "/", tar(*members))
        on.start(container)
    assert [each.name for each in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "mine"
    assert (outside / "file").stat().st_nlink == 1
    with pytest.raises(CorruptArchiveError, match="climbs out"):
        on.copy_to(container, "/tmp", tar(member("../x")))
    words = 'invalid symlink "/tmp/bad" -> "../../x"'
    assert refused(on, container, "/tmp", member("bad", LINK, "../../x")).message == words


# --- what is mounted ----------------------------------------------------------------------------


def test_a_copy_into_a_volume_lands_in_it(on, tmp_path):
    if on.rung.name == "chroot":
        return
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to("/data")
    container = created(
        on, volumes=(Volume("copied", "/data"),), mounts=(Mount(folder, "/deep/folder"),)
    )
    for running in (False, True):
        on.copy_to(container, "/deep/folder/link", tar(member(f"a-{running}", uid=7)))
        on.copy_to(
            container, "/", tar(member(f"data/b-{running}"), member(f"deep/folder/c-{running}"))
        )
        assert on.path_status(container, f"data/b-{running}").size == 5
        found = facts_of(out_of(on, container, "/data"))
        assert found[f"data/a-{running}"][1:3] == (7, 8)
        assert f"folder/c-{running}" in out_of(on, container, "/deep/folder")
        assert (folder / f"c-{running}").read_text() == "text\n"
        on.start(container)
    assert f"deep/folder/c-{running}" in out_of(on, container, "/deep")
    on.remove_container(container, force=True)
    again = created(on, volumes=(Volume("copied", "/there"),))
    names = {"there", "there/a-False", "there/a-True", "there/b-False", "there/b-True"}
    assert set(out_of(on, again, "/there")) == names
    on.remove_container(again)
    on.remove_volume("copied")


def test_what_is_read_only_stays_as_it_is(on, tmp_path):
    if on.rung.name in ("chroot", "proot"):
        return
    container = created(
        on,
        read_only=True,
        mounts=(Mount(tmp_path, "/host", read_only=True),),
        volumes=(Volume("copied", "/data"),),
    )
    for _ in ("created", "running"):
        words = "container rootfs is marked read-only"
        assert refused(on, container, "/tmp", member("f")).message == words
        words = "mounted volume is marked read-only"
        assert refused(on, container, "/host", member("f")).message == words
        on.copy_to(container, "/data", tar(member("f"), member("out", LINK, "/tmp")))
        words = "/data/out/f: read-only file system"
        assert refused(on, container, "/data", member("out/f")).message == words
        on.start(container)
    assert list(tmp_path.iterdir()) == []
    on.remove_container(container, force=True)
    on.remove_volume("copied")


# --- what is not finished -----------------------------------------------------------------------


class Interrupted:
    """A tar that ends as when someone interrupts the cell."""

    def __init__(self) -> None:
        self._data = tar(member("whole"), member("half"), content=bytes(4 << 20))

    def read(self, count: int) -> bytes:
        if self._data.tell() > 7 << 20:
            raise KeyboardInterrupt
        return self._data.read(count)


@pytest.mark.parametrize("running", [False, True])
def test_an_interrupted_copy_leaves_no_process(on, running):
    container = created(on)
    top = os.getpid()
    if running:
        on.start(container)
        pid_of(on, container)
        top = on.inspect(container)["State"]["Supervisor"]["Pid"]
    before = set(descendants_of(top)) & set(processes_with("launcher"))
    with pytest.raises(KeyboardInterrupt):
        on.copy_to(container, "/tmp", Interrupted())
    wait_until(
        lambda: set(descendants_of(top)) & set(processes_with("launcher")) <= before,
        "the process ends",
    )
    assert on.path_status(container, "/tmp/whole").size == 4 << 20
    on.start(container)
    assert executed(on, container, "rm", "/tmp/half") == (0, "")


def test_a_container_that_ends_meanwhile_is_said_to(on):
    container = started(on)
    pid_of(on, container)

    class Ending(io.BytesIO):
        def read(self, count: int | None = -1) -> bytes:
            on.stop(container, 0)
            return super().read(count)

    with pytest.raises(SandboxError, match="could not be copied"):
        on.copy_to(container, "/tmp", Ending(tar(member("f")).getvalue()))
    assert on.container(container).state == "exited"


def test_a_file_that_cannot_be_made_leaves_those_before_it(on):
    container = created(on)
    words = refused(on, container, "/tmp", member("first"), member("n" * 300)).message
    assert words == f"/tmp/{'n' * 300}: file name too long"
    status = on.path_status(container, "/tmp/first")
    assert (status.size, stat.S_IMODE(status.mode)) == (1, 0o644)
    assert Path(on.inspect(container)["LogPath"]).parent.is_dir()


def test_no_command_begins_before_there_is_a_root(on, tmp_path):
    (tmp_path / "mark").touch()
    row = on.containers_of_store.find(created(on))
    shim, _ = on.containers_of_store.shim_to_attach(row)
    argv = ["sh", "-c", f"test -e {tmp_path}/mark && echo outside; echo said"]
    command = {"argv": argv, "env": {}, "cwd": "/", "user": "", "tty": False}
    source, target = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    with shim:
        shim.ask("start")
        shim.ask("exec", (nothing, target, nothing), command=command, detach=False)
        os.close(target)
        os.close(nothing)
        with os.fdopen(source) as output:
            assert output.read() == "said\n"
