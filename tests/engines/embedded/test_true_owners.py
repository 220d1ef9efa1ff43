"""Where owners are real, a layer holds owners, modes and capabilities as rung `root` has them."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
from collections.abc import Iterator

import pytest

from container_magics.engines.embedded.storage.content import layer_tar as stored_tar
from container_magics.engines.embedded.storage.content import open_content
from container_magics.engines.embedded.storage.store import LayerRow
from tests.conftest import missing
from tests.engines.embedded.material import layer_tar
from tests.fixtures.busybox import busybox_tar, missing_for_busybox
from tests.fixtures.sandbox import BENCHES, Bench, open_bench

REAL = [bench for bench in BENCHES if bench.values[0][0] in ("root", "chroot", "subuid")]
CAPABILITY = "security.capability"
# capability(7): revision 2, effective, CAP_NET_RAW permitted.
NET_RAW = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)


@pytest.fixture(scope="module", params=REAL)
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    if reason := missing_for_busybox():
        missing(reason)
    rung, overlay = request.param
    with open_bench(tmp_path_factory.mktemp("store"), rung, overlay=overlay) as opened:
        opened.base = [opened.layer(busybox_tar())]
        yield opened


def described(bench: Bench, layer: LayerRow) -> dict[str, tuple[str, int, int]]:
    """Mode, as ls shows it, and owner of everything in a layer."""
    return {
        entry.path: (stat.filemode(entry.mode), entry.uid, entry.gid)
        for entry, _ in bench.store.entries(layer)
    }


def member(name: str, content: bytes | None, mode: int, uid: int, gid: int) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.mode, made.uid, made.gid = mode, uid, gid
    if content is None:
        made.type = tarfile.DIRTYPE
    else:
        made.size = len(content)
    return made


def owned_layer(bench: Bench) -> LayerRow:
    """A home that is its owner's alone, with a secret in it, and programs with a capability."""
    files = [
        (member("home", None, 0o755, 0, 0), b""),
        (member("home/me", None, 0o700, 1000, 1000), b""),
        (member("home/me/secret", b"secret", 0o600, 1000, 1000), b"secret"),
        (member("home/me/closed", None, 0o000, 1000, 1000), b""),
        (member("home/me/closed/in", b"in", 0o400, 1000, 1000), b"in"),
        (member("plain", b"plain", 0o640, 0, 42), b"plain"),
        (member("ping", b"ping", 0o755, 0, 0), b"ping"),
        (member("theirs", b"theirs", 0o4755, 1000, 1000), b"theirs"),
    ]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for made, content in files:
            if made.name in ("ping", "theirs"):
                value = NET_RAW.decode("utf-8", "surrogateescape")
                made.pax_headers = {f"SCHILY.xattr.{CAPABILITY}": value}
            archive.addfile(made, io.BytesIO(content))
    return bench.layer(buffer.getvalue())


def test_what_a_run_makes_has_its_owner_and_mode(bench: Bench):
    script = """
    echo joe:x:1234:1234::/home/joe:/bin/sh >> /etc/passwd; echo joe:x:1234: >> /etc/group
    mkdir -p /srv/app/deep && echo x > /srv/app/deep/file
    ln -s deep /srv/app/link && chown -Rh joe:joe /srv/app && chown 7:42 /srv
    chmod 4750 /srv/app/deep/file; mkfifo -m 620 /srv/pipe; chown 1:2 /srv/pipe
    mkdir /shared; chgrp 1234 /shared; chmod 2770 /shared; touch /shared/inherits
    mkdir -m 0 /srv/app/locked
    """
    first = bench.build(bench.base, script)
    made = described(bench, first)
    assert {path: made[path] for path in made if path.startswith(("srv", "shared"))} == {
        "srv": ("drwxr-xr-x", 7, 42),
        "srv/app": ("drwxr-xr-x", 1234, 1234),
        "srv/app/deep": ("drwxr-xr-x", 1234, 1234),
        "srv/app/deep/file": ("-rwsr-x---", 1234, 1234),
        "srv/app/link": ("lrwxrwxrwx", 1234, 1234),
        "srv/app/locked": ("d---------", 0, 0),
        "srv/pipe": ("prw--w----", 1, 2),
        "shared": ("drwxrws---", 0, 1234),
        "shared/inherits": ("-rw-r--r--", 0, 1234),
    }
    layers = [*bench.base, first]
    seen = bench.shell(layers, "cd /srv/app; stat -c '%n %a %u:%g' deep/file locked . ../pipe")
    assert seen.output.splitlines() == [
        "deep/file 4750 1234:1234", "locked 0 0:0", ". 755 1234:1234", "../pipe 620 1:2",
    ]  # fmt: skip
    script = "id -u; touch /srv/app/mine /shared/no; cat /srv/app/deep/file; rm /srv/app/link"
    second = bench.build(layers, f"{script}; true", user="joe")
    made = described(bench, second)
    assert made.pop("srv/app/.wh.link")
    assert made == {
        "srv": ("drwxr-xr-x", 7, 42),
        "srv/app": ("drwxr-xr-x", 1234, 1234),
        "srv/app/mine": ("-rw-r--r--", 1234, 1234),
        "shared": ("drwxrws---", 0, 1234),
        "shared/no": ("-rw-r--r--", 1234, 1234),
    }


def test_a_container_sees_an_image_s_owners(bench: Bench):
    layers = [*bench.base, owned_layer(bench)]
    command = "stat -c '%n %a %u:%g' /home/me /home/me/secret /plain /theirs; cat /home/me/secret"
    expected = ["/home/me 700 1000:1000", "/home/me/secret 600 1000:1000", "/plain 640 0:42"]
    for user in ("", "me"):
        outcome = bench.shell(layers, command, user=user)
        assert outcome.output.splitlines() == [*expected, "/theirs 4755 1000:1000", "secret"]
    other = bench.shell(layers, "cat /plain /home/me/secret; id -u; id -G", user="1001:7")
    assert other.output == "1001\n7\n"
    assert other.errors.count("Permission denied") == 2


def test_what_nobody_changed_makes_no_layer(bench: Bench):
    layers = [*bench.base, owned_layer(bench)]
    workspace = bench.snapshotter.prepare(layers)
    script = (
        "cat /home/me/secret /home/me/closed/in > /dev/null; chown 1000 /home/me /home/me/secret"
    )
    assert bench.run(workspace, "sh", "-c", script).code == 0
    assert list(workspace.changes()) == []
    workspace.discard()


def test_changed_files_keep_owner_and_mode_and_capability_is_as_root_writes_it(bench: Bench):
    layers = [*bench.base, owned_layer(bench)]
    script = "touch -d @1000000000 /ping /theirs; echo more >> /home/me/closed/in; mv /plain /moved"
    layer = bench.build(layers, script)
    assert described(bench, layer) == {
        ".wh.plain": ("-" * 10, 0, 0),
        "home": ("drwxr-xr-x", 0, 0),
        "home/me": ("drwx------", 1000, 1000),
        "home/me/closed": ("d---------", 1000, 1000),
        "home/me/closed/in": ("-r--------", 1000, 1000),
        "moved": ("-rw-r-----", 0, 42),
        "ping": ("-rwxr-xr-x", 0, 0),
        "theirs": ("-rwsr-xr-x", 1000, 1000),
    }
    attributes = {entry.path: entry.xattrs for entry, _ in bench.store.entries(layer)}
    assert attributes["ping"] == attributes["theirs"] == {CAPABILITY: NET_RAW}
    assert attributes["moved"] == {}
    node = bench.store.tree([*layers, layer]).lookup("home/me/closed/in")
    with open_content(bench.store, node) as file:
        assert file.read() == b"inmore\n"
    assert bench.shell([*layers, layer], "cat /home/me/closed/in").output == "inmore\n"


def test_a_layer_s_bytes_can_be_given_again(bench: Bench):
    layer = owned_layer(bench)
    with tarfile.open(fileobj=io.BytesIO(b"".join(stored_tar(bench.store, layer)))) as archive:
        content = archive.extractfile("home/me/closed/in")
        assert content is not None
        assert content.read() == b"in"


def test_layers_and_workspaces_can_be_removed(bench: Bench):
    script = "mkdir -p /d/e; touch /d/e/f; chown -R 1000:1000 /d; chmod 0 /d/e; chmod 700 /d"
    workspace = bench.snapshotter.prepare(bench.base)
    assert bench.run(workspace, "sh", "-c", script).code == 0
    workspace.discard()
    layer = bench.build(bench.base, script)
    directory = bench.store.directory(layer)
    bench.store.prune_cache(every=True)
    assert not directory.exists()
    bench.base = [bench.layer(busybox_tar())]


def test_a_path_of_the_image_may_lead_anywhere(bench: Bench):
    """Owners are set on files of the layer, never on what a symlink in it points to."""
    link = tarfile.TarInfo()
    link.uid = link.gid = 1000
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    layer = bench.layer(layer_tar({"etc": None, "etc/link": link}))
    script = "stat -c '%u %N' /etc/link; stat -c %u /etc/passwd; touch -h /etc/link"
    assert bench.shell([*bench.base, layer], script).output.splitlines() == [
        "1000 '/etc/link' -> '/etc/passwd'",
        "0",
    ]
