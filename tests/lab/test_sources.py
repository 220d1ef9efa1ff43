from __future__ import annotations

from pathlib import Path

import pytest

from container_magics.lab.sources import AptSource, host_sources

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_reads_one_line_style(etc):
    (etc / "sources.list").write_text(
        "# the archive\n"
        "deb http://mirror.invalid/debian bookworm main contrib # why not\n"
        f"deb [arch=amd64 signed-by={KEYRING}] https://mirror.invalid/debian-security "
        "bookworm-security main\n"
        "deb-src http://mirror.invalid/debian bookworm main\n"
        "# deb http://mirror.invalid/off bookworm main\n"
    )
    assert host_sources(etc) == [
        AptSource("http://mirror.invalid/debian", "bookworm", ("main", "contrib")),
        AptSource(
            "https://mirror.invalid/debian-security", "bookworm-security", ("main",), KEYRING
        ),
    ]


def test_reads_deb822_style(etc):
    (etc / "sources.list.d" / "debian.sources").write_text(
        "Types: deb deb-src\n"
        "# a comment: inside\n"
        "URIs: http://mirror.invalid/debian\n"
        "Suites: bookworm\n bookworm-updates\n"
        "Components: main\n"
        f"signed-by: {KEYRING}\n"
        "\n"
        "Types: deb\nURIs: http://mirror.invalid/off\nSuites: bookworm\nComponents: main\n"
        "Enabled: No\n"
        "\n \n"
        "Types: deb-src\nURIs: http://mirror.invalid/debian\nSuites: bookworm\nComponents: main\n"
    )
    assert host_sources(etc) == [
        AptSource("http://mirror.invalid/debian", "bookworm", ("main",), KEYRING),
        AptSource("http://mirror.invalid/debian", "bookworm-updates", ("main",), KEYRING),
    ]


def test_follows_a_mirror_list_of_a_cloud_image(etc, tmp_path):
    mirrors = tmp_path / "mirrors.list"
    mirrors.write_text("# region\nhttps://mirror.invalid/debian\tpriority:1\n\n")
    (etc / "sources.list.d" / "debian.sources").write_text(
        f"Types: deb\nURIs: mirror+file://{mirrors}\nSuites: bookworm\nComponents: main\n"
    )
    assert [source.uri for source in host_sources(etc)] == ["https://mirror.invalid/debian"]


@pytest.mark.parametrize(
    "line",
    [
        "deb cdrom:[Debian 12]/ bookworm main",
        "deb file:/srv/debian bookworm main",
        "deb http://user:secret@mirror.invalid/debian bookworm main",
        "deb http://packages.invalid/tool stable tool",
        "deb [signed-by=/etc/apt/keyrings/tool.gpg] http://packages.invalid/tool stable main",
    ],
)
def test_leaves_out_what_an_image_cannot_use_or_must_not_hold(etc, line):
    (etc / "sources.list").write_text(line + "\n")
    assert host_sources(etc) == []


def test_the_same_source_twice_counts_once(etc):
    line = "deb http://mirror.invalid/debian bookworm main\n"
    (etc / "sources.list").write_text(line)
    (etc / "sources.list.d" / "again.list").write_text(line)
    (etc / "sources.list.d" / "old.list.save").write_text(line.replace("debian", "saved"))
    assert len(host_sources(etc)) == 1


def test_no_sources_at_all(etc):
    assert host_sources(etc) == []


def test_a_stanza_reads_back_as_itself(etc):
    source = AptSource("http://mirror.invalid/debian", "bookworm", ("main", "contrib"), KEYRING)
    (etc / "sources.list.d" / "a.sources").write_text(source.stanza())
    assert host_sources(etc) == [source]
