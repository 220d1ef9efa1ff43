"""Containers behave alike on every rung: exit codes, files, users, and their end."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.embedded.snapshots.overlay import OverlaySnapshotter
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import Mount
from tests.conftest import missing
from tests.engines.embedded.material import layer_tar
from tests.fixtures.busybox import busybox_tar, missing_for_busybox
from tests.fixtures.sandbox import BENCHES, Bench, open_bench

DEADLINE_SECONDS = 30


@pytest.fixture(scope="module", params=BENCHES)
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    if reason := missing_for_busybox():
        missing(reason)
    rung, overlay = request.param
    with open_bench(tmp_path_factory.mktemp("store"), rung, overlay=overlay) as opened:
        opened.base = [opened.layer(busybox_tar())]
        yield opened


def processes(marker: str) -> list[str]:
    """Command lines of the processes that hold a text, other than this one."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and int(path.name) != os.getpid():
            try:
                line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if marker in line:
                found.append(f"{path.name}: {line}")
    return found


def mounts(place: str) -> list[str]:
    """Mounts of any process in whose description a path is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            found += [line for line in path.read_text().splitlines() if place in line]
        except OSError:
            continue
    return found


def wait_until_gone(marker: str, place: str) -> None:
    """Wait until no process bears the marker, and nothing below a place is mounted."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while left := [*processes(marker), *mounts(place)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


# --- exit codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 0", 0),
        ("exit 3", 3),
        ("exit 255", 255),
        ("sh -c 'kill -9 $$'; exit $?", 137),
        ("sh -c 'kill -TERM $$'; exit 7", 7),
        ("nowhere", 127),
    ],
)
def test_exit_status_is_the_first_process_own(bench: Bench, script: str, code: int):
    outcome = bench.shell(bench.base, script)
    assert outcome[:2] == (code, None)


def test_a_signal_gives_128_and_its_number(bench: Bench):
    # As PID 1 of a namespace a process is deaf to signals that it doesn't handle, from within.
    script = "ulimit -c 0; exec sh -c 'kill -SEGV $$'"
    expected = 139 if bench.rung.name in ("chroot", "proot") else 0
    assert bench.shell(bench.base, script).code == expected


def test_the_container_ends_with_its_first_process(bench: Bench):
    marker = f"4{uuid.uuid4().int % 10**8}"
    outcome = bench.shell(bench.base, f"sleep {marker} & sleep {marker} & exit 4")
    assert outcome.code == 4
    assert processes(marker) == []


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("nowhere", 127, 'exec: "nowhere": executable file not found in $PATH'),
        ("/nowhere", 127, 'exec: "/nowhere": stat /nowhere: no such file or directory'),
        ("/etc/passwd", 126, 'exec: "/etc/passwd": permission denied'),
        ("/etc", 126, 'exec: "/etc": permission denied'),
        ("/text", 126, "exec /text: exec format error"),
        ("/script", 127, "exec /script: no such file or directory"),
    ],
)
def test_what_cannot_be_started_says_so(bench: Bench, command: str, code: int, words: str):
    script = "echo text > /text; printf '#!/nowhere\\n' > /script; chmod +x /text /script"
    layers = [*bench.base, bench.build(bench.base, script)]
    workspace = bench.snapshotter.prepare(layers)
    outcome = bench.run(workspace, command)
    workspace.discard()
    assert outcome == (code, words, "", "")


def test_output_and_errors_are_the_command_s_alone(bench: Bench):
    outcome = bench.shell(bench.base, "echo out; echo err >&2; kill -9 $$; exit 1")
    assert (outcome.output, outcome.errors) == ("out\n", "err\n")


def test_no_descriptor_of_ours_is_left_open(bench: Bench):
    if bench.rung.name == "chroot":  # It has no /proc/self.
        script = "for n in 0 1 2 3 4 5 6 7 8 9; do (: >&$n) 2>/dev/null && echo $n; done; true"
        assert bench.shell(bench.base, script).output.split() == ["0", "1", "2"]
        return
    outcome = bench.shell(bench.base, "ls /proc/self/fd")
    assert outcome.output.split() == ["0", "1", "2", "3"]  # 3 is the directory itself.


# --- what a process sees ------------------------------------------------------------------------


def test_environment_is_what_was_given(bench: Bench):
    workspace = bench.snapshotter.prepare(bench.base)
    # LD_PRELOAD and PROOT_… would act on the tool that runs the container, were they its own.
    given = {"A": "1 2\n3", "LD_PRELOAD": "/nowhere.so", "PROOT_LOADER": "/nowhere", "EMPTY": ""}
    outcome = bench.run(workspace, "env", "-0", env=given)
    workspace.discard()
    shown = dict(item.split("=", 1) for item in outcome.output.split("\0") if item)
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert shown == {"PATH": path, "HOME": "/root", **given}
    assert outcome.errors == ""


def test_user_working_directory_and_argv(bench: Bench):
    workspace = bench.snapshotter.prepare(bench.base)
    outcome = bench.run(
        workspace, "sh", "-c", 'pwd; echo "$0|$1|$2"', "", "a b", workdir="/new/dir"
    )
    assert outcome.output == "/new/dir\n|a b|\n"
    workspace.discard()
    workspace = bench.snapshotter.prepare(bench.base)
    outcome = bench.run(workspace, "sh", "-c", "id -u; echo $HOME", user="me")
    workspace.discard()
    uid, home = outcome.output.split()
    assert home == "/tmp"
    assert uid == "1000"
    workspace = bench.snapshotter.prepare(bench.base)
    assert bench.run(workspace, "true", user="nobody-here").failed == (
        "unable to find user nobody-here: no matching entries in passwd file"
    )
    workspace.discard()


def test_devices_processes_and_network_files_are_there(bench: Bench):
    script = """
    echo x > /dev/null && head -c 4 /dev/urandom | wc -c
    grep -q localhost /etc/hosts && echo hosts
    test -f /etc/resolv.conf && echo resolv
    grep -q processor /proc/cpuinfo && echo cpu
    """
    outcome = bench.shell(bench.base, script)
    assert outcome.output.split() == ["4", "hosts", "resolv", "cpu"], outcome
    script = "test -d /proc/self && test -d /sys/class && echo done > /dev/stdout"
    outcome = bench.shell(bench.base, script)
    assert outcome.output == ("" if bench.rung.name == "chroot" else "done\n"), outcome


def test_changing_network_files_makes_no_layer(bench: Bench):
    workspace = bench.snapshotter.prepare(bench.base)
    outcome = bench.run(
        workspace, "sh", "-c", "echo 10.0.0.1 there >> /etc/hosts && tail -1 /etc/hosts"
    )
    assert outcome.output == "10.0.0.1 there\n"
    assert list(workspace.changes()) == []
    workspace.discard()


def test_binds_show_the_host_s_files(bench: Bench, tmp_path: Path):
    tmp_path.chmod(0o777)
    (tmp_path / "given").write_text("from the host")
    workspace = bench.snapshotter.prepare(bench.base)
    script = "cat /data/deep/given; echo 'from inside' > /data/deep/made"
    mounts = [Mount(tmp_path, "/data/deep", read_only=bench.rung.name == "chroot")]
    outcome = bench.run(workspace, "sh", "-c", script, mounts=mounts, workdir="/data/deep")
    workspace.discard()
    assert outcome.output == "from the host", outcome
    if bench.rung.name == "chroot":  # It was a copy.
        assert [path.name for path in tmp_path.iterdir()] == ["given"]
    else:
        assert (tmp_path / "made").read_text() == "from inside\n"


def test_a_program_behind_a_bind_is_found(bench: Bench, tmp_path: Path):
    (tmp_path / "tool").write_text("#!/bin/sh\necho ran\n")
    (tmp_path / "tool").chmod(0o755)
    workspace = bench.snapshotter.prepare(bench.base)
    mounts = [Mount(tmp_path, "/tools", read_only=bench.rung.name == "chroot")]
    outcome = bench.run(workspace, "/tools/tool", mounts=mounts)
    workspace.discard()
    assert outcome.output == "ran\n", outcome


# --- untrusted images ---------------------------------------------------------------------------


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("the user's own")
    return path


def test_symlinks_of_an_image_do_not_reach_the_host(bench: Bench, secret: Path):
    script = f"""
    for name in hosts hostname resolv.conf; do ln -s {secret} /linked-$name; done
    ln -s {secret.parent} /work; ln -s {secret} /etc/group-link
    rm /etc/passwd; ln -s {secret} /etc/passwd; mkdir /plain
    """
    layers = [*bench.base, bench.build(bench.base, script)]
    workspace = bench.snapshotter.prepare(layers)
    command = "pwd; echo taken > made; cat /etc/passwd; cat /linked-hosts"
    outcome = bench.run(workspace, "sh", "-c", command, workdir="/work", user="0")
    assert "the user's own" not in outcome.output + outcome.errors
    assert sorted(path.name for path in secret.parent.iterdir()) == ["secret"]
    assert bench.run(workspace, "/work/secret").code in (125, 127)
    workspace.discard()


def test_files_shown_in_the_container_do_not_follow_the_image_s_symlinks(
    bench: Bench, secret: Path
):
    # Made by a layer, since a container can't replace what is mounted in it.
    links = {f"etc/{name}": f"{secret}" for name in ("hosts", "hostname", "resolv.conf")}
    layers = [*bench.base, bench.layer(layer_tar(links))]
    workspace = bench.snapshotter.prepare(layers)
    outcome = bench.run(
        workspace, "sh", "-c", "cat /etc/hosts; echo more >> /etc/hosts; cat /etc/hosts"
    )
    assert outcome.code == 0, outcome
    assert "localhost" in outcome.output
    assert outcome.output.endswith("more\n")
    assert [entry.path for entry in workspace.changes()] == []
    workspace.discard()
    assert secret.read_text() == "the user's own"


# --- the end ------------------------------------------------------------------------------------


def test_cancelling_kills_everything_in_the_container(bench: Bench):
    marker = f"5{uuid.uuid4().int % 10**8}"
    cancel = Cancellation()
    workspace = bench.snapshotter.prepare(bench.base)
    script = (
        f"(setsid sleep {marker} &) ; sleep {marker} & trap '' TERM; echo ready; sleep {marker}"
    )
    found: list[int] = []

    def run() -> None:
        found.append(bench.run(workspace, "sh", "-c", script, cancel=cancel).code)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len([line for line in processes(marker) if ": sleep" in line]) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    cancel.cancel()
    thread.join()
    assert found == [137]
    assert processes(marker) == []
    workspace.discard()


def test_a_container_can_start_while_others_run(bench: Bench):
    marker = f"5{uuid.uuid4().int % 10**8}"
    cancel = Cancellation()
    workspace = bench.snapshotter.prepare(bench.base)
    thread = threading.Thread(target=lambda: bench.run(workspace, "sleep", marker, cancel=cancel))
    thread.start()
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not processes(f"sleep {marker}"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for _ in range(3):
            assert bench.shell(bench.base, "echo beside").output == "beside\n"
    finally:
        cancel.cancel()
        thread.join()
        workspace.discard()


_KILLED = """
import sys
from pathlib import Path
from tests.fixtures.busybox import busybox_tar
from tests.fixtures.sandbox import open_bench
root, rung, overlay, marker = sys.argv[1:]
with open_bench(Path(root), rung, overlay=overlay == "True") as bench:
    layers = [bench.layer(busybox_tar())]
    changes = "echo changed > /etc/passwd; rm /bin/env"
    bench.shell(layers, f"{changes}; (setsid sleep {marker} &); sleep {marker}")
"""


@pytest.mark.parametrize("victim", ["kernel", "launcher"])
def test_nothing_is_left_after_kill_9(bench: Bench, tmp_path: Path, victim: str):
    marker = f"6{uuid.uuid4().int % 10**8}"
    overlay = isinstance(bench.snapshotter, OverlaySnapshotter)
    arguments = [str(tmp_path / "store"), bench.rung.name, str(overlay), marker]
    child = subprocess.Popen([sys.executable, "-c", _KILLED, *arguments])
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len([line for line in processes(marker) if ": sleep" in line]) < 2:
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    if victim == "kernel":
        child.kill()
    else:
        launcher = next(
            line for line in processes("launcher.main") if str(child.pid) in line.split()
        )
        os.kill(int(launcher.partition(":")[0]), signal.SIGKILL)
    child.wait()
    wait_until_gone(marker, str(tmp_path / "store"))
    with open_bench(tmp_path / "store", bench.rung.name, overlay=overlay) as again:
        layers = [again.layer(busybox_tar())]
        outcome = again.shell(layers, "head -1 /etc/passwd; test -x /bin/env && echo whole")
        assert outcome.output == "root:x:0:0:root:/root:/bin/sh\nwhole\n"
        sessions = [path for path in (tmp_path / "store" / "session").iterdir() if path.is_dir()]
        assert sessions == [again.store.session]


# --- layers -------------------------------------------------------------------------------------


def test_a_layer_holds_what_changed_and_nothing_else(bench: Bench):
    first = bench.build(
        bench.base,
        "mkdir -p /a/b /gone/deep; echo 1 > /a/file; echo 2 > /a/b/kept; echo 3 > /gone/deep/file;"
        "echo 4 > /mode; chmod 4750 /mode; ln -s a /link; mkfifo /a/fifo;"
        "mkdir /turns; echo 5 > /turns/in; echo 6 > /becomes; mkdir -m 1777 /sticky",
        workdir="/",
    )
    script = """
    echo changed >> /a/file; ln /a/file /a/hard; rm -r /gone; rm -r /turns; echo file > /turns
    rm /becomes; mkdir /becomes; echo in > /becomes/it; chmod 600 /mode
    touch -d @1000000000 /a/b/kept; echo same > /unseen; rm /unseen; rm /etc/group
    mkdir /locked; echo x > /locked/x; chmod 000 /locked
    """
    second = bench.build([*bench.base, first], script)
    entries = {entry.path: entry for entry, _ in bench.store.entries(second)}
    entries.pop("becomes/.wh..wh..opq", None)  # Overlayfs says so of every new directory.
    directories = {path for path, entry in entries.items() if stat.S_ISDIR(entry.mode)}
    assert set(entries) - directories == {
        "a/b/kept", "a/file", "a/hard", "becomes/it", "etc/.wh.group", ".wh.gone", "locked/x",
        "mode", "turns",
    }  # fmt: skip
    assert directories == {"a", "a/b", "becomes", "etc", "locked"} - (
        set() if "a/b" in directories else {"a/b"}
    )
    assert entries["mode"].mode == stat.S_IFREG | 0o600
    assert stat.S_IMODE(entries["locked"].mode) == 0
    assert entries["a/b/kept"].mtime == 1000000000
    assert entries["a/hard"].link == "a/file"
    assert {(entry.uid, entry.gid) for entry in entries.values()} == {(0, 0)}
    outcome = bench.shell(
        [*bench.base, first, second],
        "cat /a/file /a/hard /a/b/kept /turns /becomes/it; ls /gone /etc/group;"
        "ls -l /mode | cut -c-10; cat /locked/x",
    )
    assert outcome.output == "1\nchanged\n1\nchanged\n2\nfile\nin\n-rw-------\nx\n"
    assert outcome.errors.count("No such file") == 2


def test_a_container_on_fewer_layers_sees_those_only(bench: Bench):
    layer = bench.build(bench.base, "echo new > /new; rm /etc/group")
    assert bench.shell([*bench.base, layer], "cat /new; ls /etc").output.startswith("new\n")
    outcome = bench.shell(bench.base, "ls /new; ls /etc")
    assert outcome.output.split() == ["group", "hostname", "hosts", "passwd", "resolv.conf"]


def test_modes_and_owners_of_an_image_survive_a_change_of_content(bench: Bench):
    shadow = tarfile.TarInfo()
    shadow.mode, shadow.uid, shadow.gid, shadow.size = 0o440, 7, 42, 4
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        shadow.name = "etc/shadow"
        archive.addfile(shadow, io.BytesIO(b"old\n"))
    below = [*bench.base, bench.layer(layer_tar({"etc": None})), bench.layer(buffer.getvalue())]
    above = bench.build(below, "echo new >> /etc/shadow")
    (entry,) = [e for e, _ in bench.store.entries(above) if e.path == "etc/shadow"]
    assert (entry.uid, entry.gid, entry.mode, entry.size) == (7, 42, stat.S_IFREG | 0o440, 8)


def test_a_kept_container_leaves_its_changes(bench: Bench, tmp_path: Path):
    directory = bench.store.root / "containers" / uuid.uuid4().hex
    workspace = bench.snapshotter.prepare(bench.base, directory)
    assert bench.run(workspace, "sh", "-c", "echo kept > /file; rm /etc/group").code == 0
    bench.shell(bench.base, "echo other > /file")
    workspace = bench.snapshotter.resume(bench.base, directory)
    changed = {entry.path: entry for entry in workspace.changes()}
    assert set(changed) == {"file", "etc", "etc/.wh.group"}
    assert (workspace.files / "file").read_text() == "kept\n"
    assert {(entry.uid, entry.gid) for entry in changed.values()} == {(0, 0)}
