"""What an intruder would find, told from the files of made images."""

from __future__ import annotations

import tarfile
from dataclasses import replace

import pytest

from container_magics.analysis.layer_index import LayerIndex
from container_magics.analysis.surface import Packages, Surface, attack_surface
from tests.engines.embedded.material import layer_tar

ELF = b"\x7fELF"


def special(mode: int, *, uid: int = 0, gid: int = 0, link: str = "") -> tarfile.TarInfo:
    """A member with this mode and no content; a hard link where `link` is given."""
    member = tarfile.TarInfo()
    member.mode, member.uid, member.gid = mode, uid, gid
    if link:
        member.type, member.linkname = tarfile.LNKTYPE, link
    return member


def program(mode: int = 0o755) -> tarfile.TarInfo:
    return special(mode)


@pytest.fixture
def surface(contents):
    def seen(*layers: dict, **config: object) -> Surface:
        return attack_surface(LayerIndex(contents(*map(layer_tar, layers), **config)))

    return seen


def test_an_image_of_one_program_has_nothing_to_use(surface):
    found = surface({"app": program()}, User="65532:65532")
    assert found.shells == found.package_managers == found.set_uid == found.set_gid == ()
    assert found.packages == Packages(0, "")
    assert found.user == "65532:65532"


def test_shells_and_package_managers_are_found_by_links_and_the_images_path(surface):
    found = surface(
        {
            "bin": "usr/bin",
            "usr/bin/dash": program(),
            "usr/bin/sh": "dash",
            "etc/alternatives/apt": program(),
            "usr/bin/apt": "/etc/alternatives/apt",
            "usr/bin/dpkg": "missing",
            "opt/tools/npm": program(),
            "srv/pip": program(),
        },
        Env=["HOME=/", "PATH=/usr/bin:/opt/tools:relative"],
    )
    assert [each.path for each in found.shells] == ["/usr/bin/dash", "/usr/bin/sh"]
    assert [(each.name, each.path) for each in found.package_managers] == [
        ("apt", "/usr/bin/apt"),
        ("npm", "/opt/tools/npm"),
    ]


def test_what_cannot_be_executed_or_was_removed_is_none(surface):
    found = surface(
        {
            "bin/bash": program(0o644),
            "bin/zsh": None,
            "bin/ksh": "ksh",
            "bin/sh": program(),
            "sbin/apk": program(),
        },
        {"bin/.wh.sh": b""},
    )
    assert found.shells == ()
    assert [each.name for each in found.package_managers] == ["apk"]


def test_applets_of_busybox_say_so_linked_either_way(surface):
    found = surface(
        {
            "bin/[": program(),
            "bin/busybox": special(0o755, link="bin/["),
            "bin/sh": special(0o755, link="bin/["),
            "usr/bin/dpkg": "/bin/busybox",
        }
    )
    assert [(each.name, each.applet_of) for each in found.shells] == [
        ("busybox", ""),
        ("sh", "busybox"),
    ]
    assert [each.applet_of for each in found.package_managers] == ["busybox"]


def test_set_uid_and_set_gid_files_are_listed_with_their_owner(surface):
    found = surface(
        {
            "usr/bin/su": special(0o4755),
            "usr/bin/wall": special(0o2755, gid=5),
            "usr/bin/both": special(0o6755, uid=7, gid=8),
            "var/mail": None,
        },
        {"usr/bin/su": special(0o755)},
    )
    assert [(each.path, each.uid, each.gid) for each in found.set_uid] == [("/usr/bin/both", 7, 8)]
    assert [each.path for each in found.set_gid] == ["/usr/bin/both", "/usr/bin/wall"]


DPKG = b"""\
Package: bash
Status: install ok installed
Description: a shell
 Package: not this

Package: gone
Status: deinstall ok config-files

Package: libc6
Status: hold ok installed
"""


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"var/lib/dpkg/status": DPKG}, Packages(2, "dpkg")),
        ({"var/lib/dpkg/status": DPKG.replace(b"\n", b"\r\n")}, Packages(2, "dpkg")),
        (
            {
                "var/lib/dpkg/status.d/libc6": b"Package: libc6\nVersion: 1\n",
                "var/lib/dpkg/status.d/libc6.md5sums": b"Package: no\n",
                "var/lib/dpkg/status.d/tzdata": b"Package: tzdata\n",
            },
            Packages(2, "dpkg"),
        ),
        (
            {"lib/apk/db/installed": b"C:Q1\nP:musl\nV:1\n\nP:busybox\nD:so:P:x\n"},
            Packages(2, "apk"),
        ),
        (
            {"var/lib/dpkg/status": b"", "lib/apk/db/installed": b"P:a\n"},
            Packages(1, "dpkg and apk"),
        ),
        ({"var/lib/rpm/rpmdb.sqlite": b"SQLite"}, Packages(None, "rpm")),
        ({"var/lib/dpkg/status": b"\xff\0" * 100 + b"Status"}, Packages(0, "dpkg")),
        ({"var/lib/dpkg/status": "/etc/../../../../etc/hostname"}, Packages(0, "")),
        ({"var/lib/dpkg/status": "status"}, Packages(0, "")),
    ],
    ids=["dpkg", "crlf", "distroless", "apk", "two", "rpm", "rubbish", "outside", "loop"],
)
def test_packages_are_counted_from_the_images_own_databases(surface, files, expected):
    assert surface(files).packages == expected


def test_a_database_beyond_all_bounds_is_not_read(surface):
    found = surface({"lib/apk/db/installed": b"P:a\n" + bytes(64 << 20)})
    assert found.packages == Packages(None, "apk")


@pytest.mark.parametrize(
    ("user", "said"),
    [("", "root"), ("0", "root"), ("0:0", "root"), ("root:adm", "root"), ("app", "app")],
)
def test_the_user_is_root_unless_the_configuration_says_otherwise(surface, user, said):
    assert surface({"a": b""}, User=user).user == said


def test_a_configuration_of_the_wrong_types_is_no_error(contents):
    given = contents(layer_tar({"bin/sh": program()}))
    odd = replace(given, image=replace(given.image, config={"User": None, "Env": "PATH=/x"}))
    found = attack_surface(LayerIndex(odd))
    assert (found.user, len(found.shells)) == ("root", 1)
