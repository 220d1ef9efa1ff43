from __future__ import annotations

import pytest

from container_magics.engines.events import Message, PullProgress, Vertex
from container_magics.errors import (
    EngineUnavailableError,
    ExhaustedError,
    PullError,
    UnreachableError,
    UsageError,
)
from container_magics.lab.aliases import BASE
from container_magics.lab.command import main
from container_magics.lab.prepare import prepare
from tests.commands.engine import MemoryEngine, summary

OTHERS = ("gcr.io/distroless/base:latest", "registry:2", "registry:2.7.0")
GOLANG = "golang:1.20.5"


def test_where_the_registry_answers_nothing_is_built():
    engine = MemoryEngine()
    (prepared,) = prepare(engine, [GOLANG])
    assert (prepared.how, prepared.name) == ("pulled", GOLANG)
    assert engine.requests == [("pull", GOLANG)]


def test_only_a_registry_that_cannot_give_it_leads_to_a_stand_in():
    engine = MemoryEngine(failure=EngineUnavailableError("the engine is gone"))
    with pytest.raises(EngineUnavailableError):
        prepare(engine, [GOLANG])
    assert engine.requests == [("pull", GOLANG)]


def test_without_names_every_image_is_prepared(capsys):
    engine = MemoryEngine()
    assert main(["prepare"], lambda _: engine) == 0
    assert engine.requests == [
        ("pull", name) for name in ("ubuntu:bionic", GOLANG, "alpine:3.18.0", *OTHERS)
    ]
    assert engine.closed
    assert f"{GOLANG}: pulled, 1 MB" in capsys.readouterr().out.splitlines()


def test_a_stand_in_that_is_there_is_called_one(capsys):
    engine = MemoryEngine(name="embedded", listed=[summary(7, BASE.name, **BASE.labels)])
    assert main(["prepare", "ubuntu:bionic"], lambda _: engine) == 0
    assert capsys.readouterr().out == "ubuntu:bionic: present (a stand-in), 7 MB\n"
    assert engine.requests == []


def test_ls_says_what_is_there(capsys):
    engine = MemoryEngine(
        name="embedded", listed=[summary(7, BASE.name, **BASE.labels), summary(8, GOLANG)]
    )
    assert main(["ls"], lambda _: engine) == 0
    rows = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()}
    assert rows == {
        "UPSTREAM": "STATUS",
        "ubuntu:bionic": "stand-in",
        GOLANG: "present",
        "alpine:3.18.0": "-",
        **dict.fromkeys(OTHERS, "-"),
    }


def test_each_step_is_told_once_as_it_begins_and_ends(capsys):
    running = Vertex("v1", "[1/2] RUN  a \\\n  b", started=10.0)
    done = Vertex("v1", "[1/2] RUN  a \\\n  b", started=10.0, completed=12.5)
    cached = Vertex("v2", "[2/2] RUN c", started=12.5, completed=12.5, cached=True)
    engine = MemoryEngine(events=[running, running, done, done, cached])
    main(["prepare", GOLANG], lambda _: engine)
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")] == [
        "  [1/2] RUN a \\ b",
        "  [1/2] RUN a \\ b: 2.5 s",
        "  [2/2] RUN c: cached",
    ]


def test_what_a_registry_says_cannot_drive_the_terminal(capsys):
    events = [Message("one\ntwo\x1b[2J"), PullProgress("abc", "Waiting\x07")]
    main(["prepare", GOLANG], lambda _: MemoryEngine(events=events))
    out = capsys.readouterr().out
    assert "one\ntwo [2J\n" in out
    assert "abc: Waiting \n" in out


def test_the_engine_is_the_one_that_was_named():
    asked: list[str] = []

    def factory(name: str) -> MemoryEngine:
        asked.append(name)
        return MemoryEngine()

    main(["ls"], factory)
    main(["ls", "--engine", "embedded"], factory)
    assert asked == ["", "embedded"]


def test_errors_are_told_on_standard_error(capsys):
    assert main(["prepare", "python:3.12"], lambda _: MemoryEngine()) == UsageError.exit_code
    assert '"python:3.12" has no stand-in' in capsys.readouterr().err
    assert main(["repair"], lambda _: MemoryEngine()) == 2
    assert "repair" in capsys.readouterr().err
    assert main(["--help"], lambda _: MemoryEngine()) == 0


def test_why_the_registry_did_not_give_it_is_told(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    answers = [("docker.io", "no such host")]
    failure = UnreachableError(f"cannot pull {GOLANG}", answers=answers)
    assert main(["prepare", GOLANG], lambda _: MemoryEngine(failure=failure)) == 1
    said = capsys.readouterr()
    assert f"cannot pull {GOLANG}\n  docker.io: no such host\n" in said.out
    assert "apt-get is not installed" in said.err


def test_a_stand_in_where_the_registry_has_had_enough(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    answers = [("docker.io", "toomanyrequests: you have reached your pull rate limit")]
    failure = ExhaustedError(f"cannot pull {GOLANG}", answers=answers)
    assert main(["prepare", GOLANG], lambda _: MemoryEngine(failure=failure)) == 1
    assert "apt-get is not installed" in capsys.readouterr().err


def test_no_stand_in_where_the_registry_said_no(capsys):
    answers = [("docker.io", "manifest unknown")]
    failure = PullError(f"cannot pull {GOLANG}", answers=answers)
    assert main(["prepare", GOLANG], lambda _: MemoryEngine(failure=failure)) == 1
    said = capsys.readouterr()
    assert "building" not in said.out
    assert "manifest unknown" in said.err
