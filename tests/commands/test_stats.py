"""`docker stats`, `top`, `port`, `diff`, `commit`: what is told of a container."""

from __future__ import annotations

import json

import pytest

from container_magics.commands.containers import stats
from container_magics.engines.containers import (
    Change,
    CommitRequest,
    Port,
    ProcessTable,
    Usage,
)
from container_magics.errors import (
    ContainerMagicsError,
    InvalidReferenceError,
    NotFoundError,
    UsageError,
)

from .engine import container

WEB = container(
    1,
    "web",
    ports=(
        Port(443, "tcp", 8443, "::"),
        Port(80, "tcp", 8080, "0.0.0.0"),
        Port(80, "tcp", 8080, "::"),
        Port(53, "udp", 5353, "127.0.0.1"),
        Port(9000),
    ),
)
FIRST = Usage(100.0, 10.0, 2 << 20, 1 << 30, 3, 2, 1000, 2000, 3000, 4_000_000)
SECOND = Usage(102.0, 13.0, 3 << 20, 1 << 30, 4, 2, 1500, 2500, 3500, 5_000_000)
HEADINGS = ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O"]


@pytest.fixture(autouse=True)
def _made(engine, monkeypatch):
    monkeypatch.setattr(stats, "INTERVAL_SECONDS", 0)
    engine.made = [container(2, "job", "exited"), WEB]
    engine.usages = [FIRST, SECOND]


def test_stats_of_what_runs(docker):
    table = docker("stats", "--no-stream")
    assert [column.heading for column in table.columns] == [*HEADINGS, "PIDS"]
    lines = str(table).splitlines()
    assert lines[1].split("   ")[0].strip() == "010101010101"
    assert "150.00%" in lines[1]
    assert "3MiB / 1GiB" in lines[1]
    assert "0.29%" in lines[1]
    assert "3.5kB / 5MB" in lines[1]
    assert "1.5kB / 2.5kB" in lines[1]
    assert lines[1].endswith("4")
    assert len(table) == 1


def test_stats_of_all_and_of_some(docker):
    table = docker("stats", "--no-stream", "-a", "--no-trunc")
    assert [(row["ID"], row["PIDs"]) for row in table] == [("02" * 32, 0), ("01" * 32, 4)]
    form = "{{.Container}} {{.Name}} {{.CPUPerc}} {{.MemUsage}}"
    assert docker("stats", "--no-stream", "--format", form, "job") == ["job job 0.00% 0B / 0B"]
    with pytest.raises(NotFoundError):
        docker("stats", "--no-stream", "nothing")


def test_stats_as_json(docker, engine):
    engine.usages = [Usage(100.0, 10.0, 0, 1 << 30, 3, 2)]
    (line,) = docker("stats", "--no-stream", "--format", "json")
    row = json.loads(line)
    assert set(row) == {
        *("BlockIO", "CPUPerc", "Container", "ID", "MemPerc", "MemUsage", "Name", "NetIO", "PIDs")
    }
    assert (row["NetIO"], row["BlockIO"], row["CPUPerc"]) == ("--", "--", "0.00%")


def test_stats_go_on_until_interrupted(docker, engine, surface):
    usage, asked = engine.usage, []

    def counted(name):
        asked.append(name)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return usage(name)

    engine.usage = counted
    assert docker("stats") is None
    assert surface.out.count("CONTAINER ID") == 2


def test_top(docker, engine):
    engine.processes = ProcessTable(("PID", "CMD"), (("7", "sleep 60"), ("1234", "sh")))
    table = docker("top", "web", "-o", "pid,cmd")
    assert engine.requests == [("top", "web", ("-o", "pid,cmd"))]
    assert str(table).splitlines() == [
        f"{'PID':20}CMD",
        f"{'7':20}sleep 60",
        f"{'1234':20}sh",
    ]
    assert table[1]["PID"] == "1234"


def test_port(docker):
    assert docker("port", "web") == [
        "53/udp -> 127.0.0.1:5353",
        "80/tcp -> 0.0.0.0:8080",
        "80/tcp -> [::]:8080",
        "443/tcp -> [::]:8443",
    ]
    assert docker("port", "web", "80") == ["0.0.0.0:8080", "[::]:8080"]
    assert docker("port", "web", "53/udp") == ["127.0.0.1:5353"]
    assert docker("port", "job") == []
    with pytest.raises(ContainerMagicsError, match="No public port '53' published for web"):
        docker("port", "web", "53")
    with pytest.raises(UsageError, match="invalid port"):
        docker("port", "web", "http")


def test_diff(docker, engine):
    engine.changed = [Change("C", "/etc"), Change("A", "/etc/new"), Change("D", "/gone")]
    assert docker("diff", "web") == ["C /etc", "A /etc/new", "D /gone"]


def test_commit(docker, engine, surface):
    image = docker(
        "commit",
        "-a",
        "Ada",
        "-m",
        "note",
        "-c",
        "CMD x",
        "-c",
        "ENV A=1",
        "-p=false",
        "web",
        "i:1",
    )
    assert surface.out == f"{image}\n"
    request = CommitRequest("i:1", ("CMD x", "ENV A=1"), "note", "Ada", pause=False)
    assert engine.requests == [("commit", "web", request)]
    docker("container", "commit", "web")
    assert engine.requests[1:] == [("commit", "web", CommitRequest())]
    docker("commit", "--no-pause", "web")
    assert not engine.requests[2][2].pause
    with pytest.raises(InvalidReferenceError):
        docker("commit", "web", "Upper")
