"""Rows of the engine's listing of containers, whose times are in words."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from container_magics.engines.docker.containers.listing import listed

NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)


def row(**values: Any) -> dict[str, Any]:
    usual = {
        "Id": "01" * 32,
        "Names": ["/other/alias", "/box"],
        "Image": "busybox:test",
        "ImageID": "sha256:" + "02" * 32,
        "Command": "sh",
        "Created": 1_700_000_000,
        "State": "exited",
        "Status": "Created",
    }
    return {**usual, **values}


@pytest.mark.parametrize(
    ("words", "span"),
    [
        ("Less than a second", timedelta()),
        ("1 second", timedelta(seconds=1)),
        ("59 seconds", timedelta(seconds=59)),
        ("About a minute", timedelta(minutes=1)),
        ("3 minutes", timedelta(minutes=3)),
        ("About an hour", timedelta(hours=1)),
        ("47 hours", timedelta(hours=47)),
        ("5 days", timedelta(days=5)),
        ("3 weeks", timedelta(weeks=3)),
        ("2 months", timedelta(days=60)),
        ("4 years", timedelta(days=4 * 365)),
    ],
)
@pytest.mark.parametrize(
    ("status", "started", "code", "health"),
    [
        ("Up {}", True, 0, ""),
        ("Up {} (Paused)", True, 0, ""),
        ("Up {} (healthy)", True, 0, "healthy"),
        ("Up {} (unhealthy)", True, 0, "unhealthy"),
        ("Up {} (health: starting)", True, 0, "starting"),
        ("Exited (0) {} ago", False, 0, ""),
        ("Exited (137) {} ago", False, 137, ""),
        ("Restarting (3) {} ago", False, 3, ""),
    ],
)
def test_status(words, span, status, started, code, health):
    found = listed(row(Status=status.format(words)), NOW)
    assert (found.started, found.finished) == (
        (NOW - span, None) if started else (None, NOW - span)
    )
    assert (found.exit_code, found.health) == (code, health)


@pytest.mark.parametrize("status", ["Created", "Dead", "Removal In Progress", ""])
def test_status_without_a_time(status):
    found = listed(row(Status=status), NOW)
    assert (found.started, found.finished, found.exit_code) == (None, None, 0)


def test_name_is_its_own_and_not_that_of_a_link():
    assert listed(row(), NOW).name == "box"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("sh -c 'echo a; echo b' x", ("sh", "-c", "echo a; echo b", "x")),
        ("echo it's", ("echo", "it's")),
        ("", ()),
    ],
)
def test_command(text, command):
    assert listed(row(Command=text), NOW).command == command


def test_command_with_quotes_reads_the_same():
    text = "sh -c 'trap 'exit 3' TERM; sleep 9' x"
    words = listed(row(Command=text), NOW).command
    assert " ".join(f"'{word}'" if " " in word else word for word in words) == text
