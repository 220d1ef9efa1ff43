"""Owners, modes, devices and capabilities in a layer are the same on every rung.

What is expected here is what the rung `root` gives, where the kernel itself keeps it; as root these
tests run on that as well.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from container_magics.engines.embedded.storage.store import LayerRow
from container_magics.engines.run_request import Mount
from container_magics.oci.entries import Entry
from tests.conftest import missing
from tests.engines.embedded.material import layer_tar
from tests.fixtures.busybox import busybox_tar, missing_for_busybox
from tests.fixtures.sandbox import BENCHES, Bench, open_bench
from tests.fixtures.sandbox import RUNGS as POSSIBLE

RUNGS = ("root", "oneuid", "proot")
NET_RAW = bytes.fromhex("0100000200200000000000000000000000000000")


@pytest.fixture(scope="module", params=[p for p in BENCHES if p.values[0][0] in RUNGS])
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    if reason := missing_for_busybox():
        missing(reason)
    rung, overlay = request.param
    with open_bench(tmp_path_factory.mktemp("store"), rung, overlay=overlay) as opened:
        assert opened.rung.holding.listened == (rung != "root"), opened.rung.why
        opened.base = [opened.layer(busybox_tar())]
        yield opened


def entries(bench: Bench, layer: LayerRow) -> dict[str, Entry]:
    return {entry.path: entry for entry, _ in bench.store.entries(layer)}


def owned(found: dict[str, Entry], *paths: str) -> list[tuple[str, int, int]]:
    """Mode as `stat %a` writes it, user and group, of each path."""
    return [
        (f"{stat.S_IMODE(found[path].mode):o}", found[path].uid, found[path].gid) for path in paths
    ]


def built(bench: Bench, script: str, *, layers: Sequence[LayerRow] = (), **options: object):
    return entries(bench, bench.build([*bench.base, *layers], f"set -e; {script}", **options))


# --- chown --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "path", "expected"),
    [
        ("touch /a; chown me:me /a", "a", ("644", 1000, 1000)),
        ("touch /a; chown 5 /a; chgrp 6 /a", "a", ("644", 5, 6)),
        ("touch /a; chown 4000000000:3000000 /a", "a", ("644", 4000000000, 3000000)),
        ("mkdir -p /a/b/c; chown -R 5:6 /a", "a/b/c", ("755", 5, 6)),
        ("touch /a; chown 5:6 /a; mv /a /b; mkdir /d; mv /b /d/c", "d/c", ("644", 5, 6)),
        ("touch /a; chown 5:6 /a; rm /a; touch /a", "a", ("644", 0, 0)),
        ("touch /a; chown 5:6 /a; rm /a; touch /b; mv /b /a", "a", ("644", 0, 0)),
        ("ln -s x /a; chown -h 5:6 /a; mv /a /b", "b", ("777", 5, 6)),
        ("touch /a; ln -s a /l; chown 5:6 /l", "a", ("644", 5, 6)),
        ("touch /a; ln -s a /l; chown 5:6 /l; chown -h 7:8 /l", "l", ("777", 7, 8)),
        ("mkfifo /a; chown 5:6 /a", "a", ("644", 5, 6)),
        ("touch /a; ln /a /b; chown 5:6 /b", "a", ("644", 5, 6)),
        ("chown 5:6 /etc/group", "etc/group", ("644", 5, 6)),
        ("chmod 4755 /bin/busybox", "bin/busybox", ("4755", 0, 0)),
        ("touch /a; chmod 6755 /a; chown 5:6 /a", "a", ("755", 5, 6)),
        ("touch /a; chmod 2644 /a; chown 5:6 /a", "a", ("2644", 5, 6)),
        ("mkdir /a; chmod 2755 /a; chown 5:6 /a", "a", ("2755", 5, 6)),
        ("touch /a; chown 5:6 /a; chmod 4711 /a", "a", ("4711", 5, 6)),
        ("touch /a; chown 5:6 /a; chmod 0 /a; echo x > /a; cat /a", "a", ("0", 5, 6)),
        ("umask 777; touch /a; chown 5:6 /a; cat /a; echo x > /a; cat /a", "a", ("0", 5, 6)),
        ("umask 777; mkdir /a; chown 5:6 /a; touch /a/b; cat /a/b", "a", ("0", 5, 6)),
        ("mkdir -m 500 /a; chown 5:6 /a; touch /a/b", "a", ("500", 5, 6)),
        ("mkdir -m 500 /a; chmod 700 /a; chown 5:6 /a", "a", ("700", 5, 6)),
        ("mkdir /x; cd /x; touch a; chroot /x /bin/true || chown 5:6 a", "x/a", ("644", 5, 6)),
        ("mkdir /x; cp -r /bin /x; touch /x/a; chroot /x /bin/chown 5:6 /a", "x/a", ("644", 5, 6)),
        ("touch /a; chown 5:6 /a; cp -a /a /b", "b", ("644", 5, 6)),
        ("touch /a; chown 5:6 /a; cp /a /b", "b", ("644", 0, 0)),
        ("touch /a; chown 5:6 /a; tar cf /t a; rm /a; tar xf /t", "a", ("644", 5, 6)),
        ("touch /a; chown 5:6 /a; sed -i s/x/y/ /a", "a", ("644", 5, 6)),
    ],
)
def test_an_owner_is_in_the_layer(
    bench: Bench, script: str, path: str, expected: tuple[str, int, int]
):
    if script.startswith("mkdir /x; cp") and bench.rung.name == "proot":
        pytest.skip("PRoot has no other root")
    assert owned(built(bench, script, workdir="/"), path) == [expected]


def test_what_was_only_chowned_is_in_the_layer_with_its_content(bench: Bench):
    below = bench.build(bench.base, "echo text > /file; mkdir /empty")
    found = built(bench, "chown 5:6 /file /empty", layers=[below])
    assert owned(found, "file", "empty") == [("644", 5, 6), ("755", 5, 6)]
    assert found["file"].size == 5
    assert "etc/group" not in found


def test_owners_last_over_layers(bench: Bench):
    first = bench.build(bench.base, "echo 1 > /a; echo 1 > /b; echo 1 > /c; chown 5:6 /a /b /c")
    script = "echo 2 >> /a; chgrp 9 /b; mv /c /d; rm /etc/group; touch /etc/group"
    second = bench.build([*bench.base, first], script)
    found = entries(bench, second)
    assert owned(found, "a", "b", "d") == [("644", 5, 6), ("644", 5, 9), ("644", 5, 6)]
    outcome = bench.shell([*bench.base, first, second], "stat -c '%u:%g' /a /b /d /etc/group")
    assert outcome.output.split() == ["5:6", "5:9", "5:6", "0:0"]


def test_a_file_that_takes_another_s_place_is_its_maker_s(bench: Bench):
    below = bench.layer(_tar(("kept", 7, 8, 0o640), ("replaced", 7, 8, 0o640)))
    script = "echo x >> /kept; rm /replaced; echo x > /replaced"
    found = built(bench, script, layers=[below])
    assert owned(found, "kept", "replaced") == [("640", 7, 8), ("644", 0, 0)]


def test_owners_of_an_image_are_shown(bench: Bench):
    below = bench.layer(_tar(("a", 7, 8, 0o440), ("b", 1000, 1000, 0o4755)))
    outcome = bench.shell([*bench.base, below], "cd /; stat -c '%n %u:%g %a' a b; ls -ln a")
    assert outcome.output.startswith("a 7:8 440\nb 1000:1000 4755\n-r--r-----    1 7        8 ")
    found = built(bench, "cp -a /a /c; chown 9 /a", layers=[below])
    assert owned(found, "a", "c") == [("440", 9, 8), ("440", 7, 8)]


def test_a_kept_container_has_owners(bench: Bench, tmp_path: Path):
    directory = bench.store.root / "containers" / "kept"
    workspace = bench.snapshotter.prepare(bench.base, directory)
    script = "touch /a; chown 5:6 /a; ln -s x /l; chown -h 7:8 /l"
    assert bench.run(workspace, "sh", "-c", script).code == 0
    resumed = bench.snapshotter.resume(bench.base, directory)
    found = {entry.path: entry for entry in resumed.changes()}
    assert owned(found, "a", "l") == [("644", 5, 6), ("777", 7, 8)]


def test_files_of_a_volume_keep_no_owners(bench: Bench, tmp_path: Path):
    if bench.rung.name == "root":
        pytest.skip("root gives the host's files away")
    tmp_path.chmod(0o777)
    workspace = bench.snapshotter.prepare(bench.base)
    script = "touch /data/a && chown 5:6 /data/a && stat -c %u:%g /data/a"
    mounts = [Mount(tmp_path, "/data")]
    outcome = bench.run(workspace, "sh", "-c", script, mounts=mounts, user="me")
    workspace.discard()
    assert outcome.output == "1000:1000\n", outcome
    assert os.listxattr(tmp_path / "a") == []
    assert (tmp_path / "a").stat().st_uid == os.geteuid()


def test_nothing_of_the_records_is_in_a_layer(bench: Bench):
    script = "touch /a; chown 5:6 /a; ln -s a /l; chown -h 5:6 /l; chmod 000 /a"
    layer = bench.build(bench.base, script)
    assert {entry.path for entry in entries(bench, layer).values()} == {"a", "l"}
    assert not any(entry.xattrs for entry in entries(bench, layer).values())
    fs = bench.store.directory(layer)
    assert sorted(path.name for path in fs.iterdir()) == ["fs", "split"]


# --- users --------------------------------------------------------------------------------------


def test_what_a_user_makes_is_theirs(bench: Bench):
    script = """
    touch a; mkdir d; ln -s x l; mkfifo f; echo x > d/b; cp a c; mv c e; umask 077; touch private
    mkdir hidden; mktemp -p hidden
    """
    found = built(bench, script, user="1000:44", workdir="/tmp")
    made = {path: owned(found, path)[0] for path in found if path.startswith("tmp/")}
    assert {uid_gid[1:] for uid_gid in made.values()} == {(1000, 44)}
    assert made["tmp/private"][0] == "600"
    assert made["tmp/hidden"][0] == "700"
    assert owned(found, "tmp") == [("1777", 0, 0)]


@pytest.mark.parametrize(
    ("user", "shown"),
    [("me", "1000 1000 1000"), ("me:0", "1000 0 0"), ("7:8", "7 8 8"), ("", "0 0 0")],
)
def test_a_user_sees_themself(bench: Bench, user: str, shown: str):
    script = "echo $(id -u) $(id -g) $(id -G); touch /tmp/a; test -O /tmp/a && stat -c %u:%g /tmp/a"
    workspace = bench.snapshotter.prepare(bench.base)
    outcome = bench.run(workspace, "sh", "-c", script, user=user)
    workspace.discard()
    uid, gid, _ = shown.split()
    assert outcome.output == f"{shown}\n{uid}:{gid}\n", outcome


def test_su_makes_files_of_another_user(bench: Bench):
    script = """
    su me -c 'id -u; touch /tmp/a; (touch /tmp/b; sleep 0.1; touch /tmp/c) & exit'
    touch /d; wait; sleep 0.3; id -u
    su me -s /bin/sh -c 'chown 0 /tmp/a 2>/dev/null || echo refused'
    """
    layer = bench.build(bench.base, script)
    found = entries(bench, layer)
    mine = [("644", 1000, 1000)]
    assert owned(found, "tmp/a", "tmp/b", "tmp/c", "d") == mine * 3 + [("644", 0, 0)]
    assert bench.shell(bench.base, script).output == "1000\n0\nrefused\n"


def test_root_is_given_up_for_good(bench: Bench):
    programs = _programs(bench, "setpriv")
    script = """
    /usr/bin/setpriv --reuid 7 --regid 8 --groups 9,10 sh -c '
        echo $(id -u) $(id -g) $(id -G); /usr/bin/setpriv --reuid 0 true || echo for good'
    /usr/bin/setpriv --reuid 7 --regid 8 --clear-groups touch /tmp/a
    """
    outcome = bench.shell([*bench.base, programs], script)
    assert outcome.output == "7 8 8 9 10\nfor good\n", outcome
    assert "setresuid failed: Operation not permitted" in outcome.errors
    assert owned(built(bench, script, layers=[programs]), "tmp/a") == [("644", 7, 8)]


def test_a_program_takes_its_owner_s_identity(bench: Bench):
    if bench.rung.name == "proot":
        pytest.skip("PRoot starts programs by another name")
    # Not busybox's: it gives up what it does not need.
    below = [*bench.base, _programs(bench, "id", "touch")]
    below.append(
        bench.build(
            below,
            "cd /usr/bin; cp id touch /; cd /; chown 0:50 id; chown 7:8 touch; chmod 6755 id touch",
            workdir="/",
        )
    )
    workspace = bench.snapshotter.prepare(below)
    outcome = bench.run(workspace, "sh", "-c", "/id; /touch /tmp/a; id -u", user="me")
    assert outcome.output.splitlines() == [
        "uid=1000(me) gid=1000(me) euid=0(root) egid=50 groups=50", "1000"
    ]  # fmt: skip
    assert owned(entries(bench, workspace.commit()), "tmp/a") == [("644", 7, 8)]


def test_a_directory_s_group_is_inherited(bench: Bench):
    script = """
    mkdir -m 777 /d; touch /d/before; chown 5:50 /d; chmod 2777 /d; touch /d/a; mkdir /d/b
    touch /d/b/c; su me -c 'touch /d/mine'; cp /d/a /plain
    """
    found = built(bench, script)
    assert owned(found, "d", "d/before", "d/a", "d/b", "d/b/c", "d/mine", "plain") == [
        ("2777", 5, 50), ("644", 0, 0), ("644", 0, 50), ("2755", 0, 50), ("644", 0, 50),
        ("644", 1000, 50), ("644", 0, 0),
    ]  # fmt: skip


# --- devices and capabilities -------------------------------------------------------------------


def test_devices_are_in_the_layer(bench: Bench):
    first = bench.build(
        bench.base,
        "mknod /null c 1 3; mknod -m 600 /disk b 8 17; chown 5:6 /disk; mv /null /zero;"
        "touch /plain; stat -c '%F %t %T' /zero",
    )
    found = entries(bench, first)
    assert owned(found, "zero", "disk", "plain") == [
        ("644", 0, 0), ("600", 5, 6), ("644", 0, 0)
    ]  # fmt: skip
    kinds = {path: (e.kind, e.major, e.minor, e.size) for path, e in found.items()}
    assert kinds["zero"] == (stat.S_IFCHR, 1, 3, 0)
    assert kinds["disk"] == (stat.S_IFBLK, 8, 17, 0)
    second = bench.build([*bench.base, first], "test -b /disk; rm /zero; chmod 640 /disk")
    found = entries(bench, second)
    assert owned(found, "disk") == [("640", 5, 6)]
    assert (found["disk"].kind, found["disk"].major) == (stat.S_IFBLK, 8)
    assert ".wh.zero" in found
    refused = bench.shell(bench.base, "mknod /tmp/x c 1 3", user="me")
    assert refused.code == 1


def test_capabilities_are_in_the_layer(bench: Bench):
    programs = _programs(bench, "setcap", "getcap")
    script = """
    for name in a b c; do cp /bin/busybox /$name; setcap cap_net_raw=ep /$name; done
    mv /a /d; chown 5:6 /b; setcap -r /c; getcap /d /b /c
    """
    found = built(bench, script, layers=[programs])
    assert dict(found["d"].xattrs) == {"security.capability": NET_RAW}
    assert not found["b"].xattrs
    assert not found["c"].xattrs
    assert bench.shell([*bench.base, programs], script).output == "/d cap_net_raw=ep\n"


# --- without a listener -------------------------------------------------------------------------

_ALREADY_LISTENED_TO = """
import sys
from pathlib import Path
from container_magics.engines.embedded.sandbox.launcher import filters, kernel
from tests.fixtures.busybox import busybox_tar
from tests.fixtures.sandbox import open_bench
kernel.no_new_privileges()
kept = filters.install_notifying(filters.pretend_root())  # It notifies of nothing.
with open_bench(Path(sys.argv[1]), sys.argv[2], overlay=False) as bench:
    base = [bench.layer(busybox_tar())]
    layer = bench.build(base, "touch /a; chown 5:6 /a; mknod /null c 1 3; id -u")
    print([(entry.path, entry.uid) for entry, _ in bench.store.entries(layer)])
    print(bench.rung.holding.listened, bench.rung.why)
"""


@pytest.mark.parametrize("rung", [rung for rung in ("oneuid", "proot") if rung in POSSIBLE])
def test_without_a_listener_chown_only_seems_to_succeed(rung: str, tmp_path: Path):
    # A process can have one listener, as it has where a container's runtime listens already.
    arguments = [sys.executable, "-c", _ALREADY_LISTENED_TO, str(tmp_path / "store"), rung]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    entries, why = done.stdout.splitlines()
    assert entries == "[('a', 0)]"
    assert why.startswith("False "), why
    assert "; a RUN leaves no owners (cannot set up the container: " in why
    assert "Device or resource busy" in why


# --- material -----------------------------------------------------------------------------------


def _tar(*files: tuple[str, int, int, int]) -> bytes:
    members = {}
    for name, uid, gid, mode in files:
        member = tarfile.TarInfo(name)
        member.uid, member.gid, member.mode = uid, gid, mode
        members[name] = member
    return layer_tar(members)


def _programs(bench: Bench, *names: str) -> LayerRow:
    """A layer with programs of this machine, and the libraries that they are linked to."""
    paths = []
    for name in names:
        path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if path is None:
            pytest.skip(f"no {name} here")
        path = os.path.realpath(path)
        linked = subprocess.run(["ldd", path], check=True, capture_output=True, text=True).stdout
        paths += [path, *(word for word in linked.split() if word.startswith("/"))]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
        for path in dict.fromkeys(paths):
            archive.add(path)
    return bench.layer(buffer.getvalue())
