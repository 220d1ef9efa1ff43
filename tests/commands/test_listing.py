"""`images`, `history`, `inspect`, `version`, `info`: tables, JSON, templates."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from container_magics.commands.results import Document, Lines, Record
from container_magics.errors import NotFoundError, UsageError
from container_magics.views import Table

from .engine import summary

A, B, C, D = (
    summary(1, "app:1", "app:2", team="red"),
    summary(2, "ghcr.io/me/app:1", team="blue"),
    summary(3),
    replace(summary(4), digests=("base@sha256:" + "d" * 64,)),
)


@pytest.fixture(autouse=True)
def _listed(engine):
    engine.listed = [A, B, C, D]


def ids(value: object) -> list[str]:
    assert isinstance(value, Lines)
    return list(value)


def test_images_is_a_table(docker):
    table = docker("images")
    assert isinstance(table, Table)
    assert [(row["repository"], row["tag"]) for row in table] == [
        ("app", "1"), ("app", "2"), ("ghcr.io/me/app", "1"), ("<none>", "<none>"),
        ("base", "<none>"),
    ]  # fmt: skip
    assert "IMAGE ID" in str(table).splitlines()[0]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["app"], "AA"),
        (["app:2"], "A"),
        (["*/me/*"], "B"),
        (["ghcr.io/me/app"], "B"),
        (["nothing"], ""),
        (["-f", "dangling=true"], "CD"),
        (["-f", "dangling=false"], "AAB"),
        (["--filter", "label=team"], "AAB"),
        (["--filter", "label=team=blue"], "B"),
        (["-f", "reference=app:*"], "AA"),
        (["-f", "before=ghcr.io/me/app:1"], "CD"),
        (["-f", "since=ghcr.io/me/app:1"], "AA"),
        (["-f", "label=team", "-f", "reference=app"], "AA"),
    ],
)
def test_images_filters(docker, words, kept):
    known = {"A": A, "B": B, "C": C, "D": D}
    found = ids(docker("images", "-q", "--no-trunc", *words))
    assert found == [known[letter].id for letter in kept]


def test_short_ids_have_twelve_digits(docker):
    assert ids(docker("images", "-q"))[0] == "010101010101"


def test_image_templates(docker):
    form = "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}"
    assert ids(docker("images", "--format", form))[0] == "app:1 010101010101 1MB"
    row = json.loads(ids(docker("images", "--format", "json"))[3])
    assert (row["Repository"], row["Size"]) == ("<none>", "3MB")
    lines = ids(docker("images", "--format", "table {{.ID}}\\t{{.Repository}}", "app"))
    assert lines == ["IMAGE ID       REPOSITORY", *["010101010101   app"] * 2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "{{.Repo}}"], "Repository"),
        (["-f", "danglin=true"], "dangling="),
        (["-f", "dangling=perhaps"], "dangling=perhaps"),
        (["-f", "dangling"], "name=value"),
        (["prune"], "docker image prune"),
        (["a", "b"], "at most 1 argument"),
    ],
)
def test_images_says_what_is_wrong(docker, words, said):
    with pytest.raises(UsageError) as raised:
        docker("images", *words)
    assert said in str(raised.value)


def test_history(docker):
    table = docker("history", "app:1")
    assert [row["created_by"][:3] for row in table] == ["ENV", "ADD"]
    by = ids(docker("history", "--format", "{{.ID}} {{.CreatedBy}} {{.Size}}", "app:1"))
    assert by == [f"010101010101 ENV X={'y' * 38}… 0B", "<missing> ADD file:abc in / 5.57MB"]
    full = ids(docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", "app:1"))
    assert full[0] == "ENV X=" + "y" * 60
    exact = ids(docker("history", "-H=false", "--format", "{{.Size}} {{.CreatedAt}}", "app:1"))
    assert exact[1] == "5570000 2020-01-02T03:04:05+00:00"
    assert ids(docker("history", "-q", "app:1")) == ["010101010101", "<missing>"]


def test_inspect(docker):
    document = docker("inspect", "app:1", "ghcr.io/me/app:1")
    assert isinstance(document, Document)
    assert [each["Id"] for each in document] == [A.id, B.id]
    assert json.loads(str(document)) == list(document)
    found = docker("image", "inspect", "-f", "{{json .RepoTags}} {{.Id}}", "app:1")
    assert ids(found) == [f'["app:1","app:2"] {A.id}']


def test_inspect_names_what_is_not_there(docker):
    with pytest.raises(NotFoundError, match="nothing"):
        docker("inspect", "app:1", "nothing")


def test_version_and_info(docker):
    version = docker("version")
    assert isinstance(version, Record)
    assert version["Server"]["Version"] == "2"
    assert "Server:\n Version: 2\n Engine: memory" in str(version)
    assert ids(docker("version", "--format", "{{.Server.Version}}")) == ["2"]
    assert json.loads(ids(docker("info", "-f", "json"))[0]) == {"Images": 4, "Driver": "memory"}


def test_text_from_an_image_cannot_steer_a_terminal(docker, engine):
    engine.listed = [summary(1, "a:1", evil="\x1b]0;title\x07\u202egpj")]
    engine.inspect = lambda _: {"Label": "\x1b[2J\u202e"}
    shown = str(docker("inspect", "-f", "{{.Label}}", "a:1"))
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_inspect_escapes_what_would_steer_a_terminal_or_hide(docker, engine):
    said = "\x1b[2J\x7f\x9b31m \u202egpj\u2066\u2028\ud800\U000e0041 \u00e9\u00a0\u65e5\U0001f40b\n"
    engine.inspect = lambda _: {"Label": said}
    document = docker("inspect", "app:1")
    shown = str(document)
    escaped = r"\u001b[2J\u007f\u009b31m \u202egpj\u2066\u2028\ud800\udb40\udc41 "
    assert f'"{escaped}\u00e9\u00a0\u65e5\U0001f40b\\n"' in shown
    assert json.loads(shown) == list(document)
