from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

import pytest

from container_magics.engines.events import Cancellation
from container_magics.errors import CorruptArchiveError
from container_magics.lab.bootstrap import bootstrap, write_root
from container_magics.lab.packages import Packages
from container_magics.lab.sources import AptSource
from tests.lab.debs import entry, write_package

ORDINARY_USER = 1000
SOURCE = AptSource("http://mirror.invalid/debian", "bookworm", ("main",), "/host/keyring.gpg")

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg-deb here")


def packages(*files: Path, architecture: str = "amd64", settings: tuple[str, ...] = ()) -> Packages:
    return Packages(tuple(files), architecture, (SOURCE,), settings)


def root_of(chosen: Packages) -> dict[str, tarfile.TarInfo]:
    return {member.name: member for member in archive_of(chosen).getmembers()}


def archive_of(chosen: Packages) -> tarfile.TarFile:
    buffer = io.BytesIO()
    write_root(chosen, buffer)
    buffer.seek(0)
    return tarfile.open(fileobj=buffer)


def text_of(chosen: Packages, name: str) -> str:
    file = archive_of(chosen).extractfile(name)
    assert file is not None
    return file.read().decode()


@needs_dpkg
def test_usr_is_merged_before_any_file(tmp_path):
    package = write_package(
        tmp_path,
        "shell",
        [
            entry("./", tarfile.DIRTYPE),
            entry("./bin/", tarfile.DIRTYPE),
            entry("./bin/dash", content=b"dash"),
            entry("./bin/sh", tarfile.SYMTYPE, linkname="dash"),
            entry("./lib64/", tarfile.DIRTYPE),
            entry("./lib64/ld.so", tarfile.LNKTYPE, linkname="./bin/dash"),
        ],
    )
    names = list(root := root_of(packages(package)))
    for link in ("bin", "sbin", "lib", "lib64"):
        assert root[link].issym()
        assert root[link].linkname == f"usr/{link}"
        assert names.index(link) < names.index("usr/bin/dash")
    assert root["usr/bin/sh"].linkname == "dash"
    assert root["usr/lib64/ld.so"].linkname == "usr/bin/dash"
    assert not any(name.startswith(("bin/", "lib64/", "./")) for name in names)


@needs_dpkg
def test_lib64_is_merged_only_where_the_architecture_has_it(tmp_path):
    package = write_package(tmp_path, "a", [entry("./etc/a", content=b"a")])
    assert "lib64" not in root_of(packages(package, architecture="arm64"))


@needs_dpkg
def test_owners_modes_and_times_are_the_packages_own(tmp_path):
    package = write_package(
        tmp_path,
        "a",
        [
            entry("./usr/bin/su", content=b"su", mode=0o4755, mtime=1700000000),
            entry("./etc/shadow", content=b"x", mode=0o640, gid=42, gname="shadow"),
            entry("./var/mail/", tarfile.DIRTYPE, mode=0o2775, gid=8),
        ],
    )
    root = root_of(packages(package))
    assert (root["usr/bin/su"].mode, root["usr/bin/su"].mtime) == (0o4755, 1700000000)
    assert (root["etc/shadow"].gid, root["etc/shadow"].mode) == (42, 0o640)
    assert (root["var/mail"].gid, root["var/mail"].mode) == (8, 0o2775)


@needs_dpkg
def test_base_files_decides_on_the_modes_of_directories(tmp_path):
    other = write_package(tmp_path, "aaa", [entry("./tmp/", tarfile.DIRTYPE)])
    base = write_package(tmp_path, "base-files", [entry("./tmp/", tarfile.DIRTYPE, mode=0o1777)])
    archive = archive_of(packages(other, base))
    assert [member.mode for member in archive if member.name == "tmp"] == [0o1777]


@needs_dpkg
def test_the_same_packages_give_the_same_bytes(tmp_path):
    first = write_package(tmp_path, "a", [entry("./etc/a", content=b"a")])
    second = write_package(tmp_path, "b", [entry("./etc/b", content=b"b")])
    written = [io.BytesIO(), io.BytesIO()]
    write_root(packages(first, second), written[0])
    os.utime(first)
    write_root(packages(second, first), written[1])
    assert written[0].getvalue() == written[1].getvalue()


@needs_dpkg
def test_a_device_node_is_refused(tmp_path):
    package = write_package(tmp_path, "odd", [entry("./dev/sda", tarfile.BLKTYPE)])
    with pytest.raises(CorruptArchiveError, match=r"odd_1_all\.deb holds \./dev/sda"):
        root_of(packages(package))


@needs_dpkg
@pytest.mark.parametrize(
    "odd",
    [
        entry("./../../etc/cron.d/x", content=b"x"),
        entry("./etc/x", tarfile.LNKTYPE, linkname="./../../etc/passwd"),
    ],
    ids=["file", "hard link"],
)
def test_a_path_out_of_the_root_is_refused(tmp_path, odd):
    package = write_package(tmp_path, "odd", [odd])
    with pytest.raises(CorruptArchiveError, match="leaves the root"):
        root_of(packages(package))


@needs_dpkg
@pytest.mark.parametrize("kept", [9, -1000], ids=["no member", "half a member"])
def test_a_damaged_package_is_refused(tmp_path, kept):
    package = write_package(tmp_path, "odd", [entry("./etc/a", content=b"a" * 9000)])
    package.write_bytes(package.read_bytes()[:kept])
    with pytest.raises(CorruptArchiveError, match=r"odd_1_all\.deb cannot be read: dpkg-deb"):
        root_of(packages(package))


@needs_dpkg
def test_the_image_gets_the_hosts_archives_and_the_images_keyring(tmp_path):
    keyring = "usr/share/keyrings/debian-archive-keyring.pgp"
    package = write_package(tmp_path, "debian-archive-keyring", [entry(f"./{keyring}")])
    chosen = packages(package, settings=('Acquire::Check-Date "false";',))
    stanza = text_of(chosen, "etc/apt/sources.list.d/debian.sources")
    assert "URIs: http://mirror.invalid/debian\n" in stanza
    assert f"Signed-By: /{keyring}\n" in stanza
    assert "/host/keyring.gpg" not in stanza
    conf = text_of(chosen, "etc/apt/apt.conf.d/90container-magics")
    assert 'APT::Sandbox::User "root";' in conf
    assert 'Acquire::Check-Date "false";' in conf


def bootstrap_as_ordinary_user(folder: Path) -> None:
    """In a child process, since there is no way back from setuid."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(ORDINARY_USER)
            os.setuid(ORDINARY_USER)
            bootstrap(folder / "context", folder / "cache", lambda _: None, Cancellation())
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.slow
@pytest.mark.unprivileged
@needs_dpkg
def test_root_and_an_ordinary_user_make_the_same_root_file_system(tmp_path):
    bootstrap(tmp_path / "context", tmp_path / "cache", lambda _: None, Cancellation())
    as_root = tmp_path / "context" / "rootfs.tar"
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        os.chown(folder, ORDINARY_USER, ORDINARY_USER)
        bootstrap_as_ordinary_user(folder)
        assert (folder / "context" / "rootfs.tar").read_bytes() == as_root.read_bytes()
    finally:
        shutil.rmtree(folder)
    with tarfile.open(as_root) as archive:
        root = {member.name: member for member in archive}
    assert root["bin"].linkname == "usr/bin"
    assert root["usr/bin/su"].mode == 0o4755
    assert root["usr/bin/chage"].gname == "shadow"
    assert root["tmp"].mode == 0o1777
    assert root["usr/bin/sh"].issym()
    assert not any(member.isdev() for member in root.values())
    assert {name.partition("/")[0] for name in root} >= {"bootstrap", "etc", "usr", "var"}
    debs = [name for name in root if name.endswith(".deb")]
    for package in ("apt", "base-files", "dpkg", "libc6", "perl-base", "usr-is-merged"):
        assert any(name.startswith(f"bootstrap/{package}_") for name in debs)
