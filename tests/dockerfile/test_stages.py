"""Stages, their bases and dependencies."""

from __future__ import annotations

import pytest

from container_magics.dockerfile import StageGraph, parse, stage_graph
from container_magics.errors import DockerfileError


def graph(text: str, target: str = "", /, **build_args: str) -> StageGraph:
    return stage_graph(
        parse(text),
        build_args=build_args,
        platform_args={"TARGETARCH": "amd64", "BUILDPLATFORM": "linux/amd64"},
        target=target,
    )


def refused(text: str, target: str = "", /, **build_args: str) -> DockerfileError:
    with pytest.raises(DockerfileError) as caught:
        graph(text, target, **build_args)
    return caught.value


FOUR = """\
FROM a AS base
RUN x
FROM base AS tools
COPY --from=image:1 /y /
FROM c AS docs
COPY --from=0 /z /
FROM scratch
COPY --from=Tools /y /
RUN --mount=type=bind,from=docs,target=/d --mount=type=cache,target=/c z
"""


def test_stages_know_their_base_and_needs() -> None:
    result = graph(FOUR)
    assert [
        (stage.index, stage.name, stage.base, stage.base_stage, stage.needs, stage.line)
        for stage in result.stages
    ] == [
        (0, "base", "a", None, (), 1),
        (1, "tools", "base", 0, (0,), 3),
        (2, "docs", "c", None, (0,), 5),
        (3, "", "scratch", None, (1, 2), 7),
    ]
    assert [len(stage.instructions) for stage in result.stages] == [1, 1, 1, 2]
    assert result.target == 3
    assert result.needed == (0, 1, 2, 3)


def test_only_what_the_target_needs_is_needed() -> None:
    assert graph(FOUR, "docs").needed == (0, 2)
    assert graph(FOUR, "BASE").needed == (0,)
    assert graph("FROM a\nFROM b\n").needed == (1,)


def test_a_later_stage_can_be_named_and_comes_first() -> None:
    assert graph("FROM a AS x\nCOPY --from=y f f\nFROM b AS y\n", "x").needed == (1, 0)


def test_names_are_case_insensitive() -> None:
    result = graph("FROM a AS Build\nFROM BUILD\nCOPY --from=bUiLd a b\n")
    assert result.stages[1].base == "build"
    assert result.stages[1].needs == (0,)


def test_arguments_before_from_count_in_from_only() -> None:
    text = "ARG V=1 W=${V}2 X\nARG Y=$X-$TARGETARCH\nFROM a:$W-${X:-none}-$Y AS b\nARG V=9\n"
    result = graph(text + "FROM --platform=$BUILDPLATFORM c:$V\n")
    assert result.stages[0].base == "a:12-none--amd64"
    assert (result.stages[1].base, result.stages[1].platform) == ("c:1", "linux/amd64")
    assert result.global_args == {
        "TARGETARCH": "amd64", "BUILDPLATFORM": "linux/amd64", "V": "1", "W": "12", "Y": "-amd64",
    }  # fmt: skip


def test_build_arguments_override_defaults() -> None:
    result = graph(
        "ARG V=1\nARG W=$V\nARG U\nFROM a:$V-$W-$U\n", V="2", U="3", Z="4", TARGETARCH="x"
    )
    assert result.stages[0].base == "a:2-2-3"
    assert result.global_args["TARGETARCH"] == "x"
    assert "Z" not in result.global_args


def test_a_default_that_a_build_argument_replaces_is_not_expanded() -> None:
    text = "ARG V=${NOT:?given}\nFROM a:$V\n"
    assert graph(text, V="1").stages[0].base == "a:1"
    assert refused(text).line == 1


def test_onbuild_triggers_of_a_base_stage_count() -> None:
    text = "FROM a AS x\nFROM b AS y\nONBUILD COPY --from=x /f /\nFROM y\n"
    result = graph(text)
    assert result.stages[1].needs == ()
    assert result.stages[2].needs == (0, 1)
    assert result.needed == (0, 1, 2)


def test_a_name_used_twice_means_the_last() -> None:
    result = graph("FROM a AS x\nFROM x AS x\nFROM x\n")
    assert [stage.base_stage for stage in result.stages] == [None, 0, 1]


def test_a_quoted_image_name_loses_its_quotes() -> None:
    assert graph('FROM "a"\n').stages[0].base == "a"


def test_sources_are_found_or_are_images() -> None:
    result = graph(FOUR)
    assert result.find("TOOLS", index=3) == 1
    assert result.find("0", index=3) == 0
    assert result.find("alpine:3.18.0", index=3) is None


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("tool", "Did you mean tools?"),
        ("zzz", "The Dockerfile has: base, tools, docs."),
        ("0", "The Dockerfile has: base, tools, docs."),
    ],
)
def test_an_unknown_target_is_refused(target: str, hint: str) -> None:
    error = refused(FOUR, target)
    assert error.reason == f'target stage "{target}" could not be found'
    assert error.hint == hint


def test_a_target_without_any_name_says_how_to_give_one() -> None:
    assert "AS name" in refused("FROM a\n", "b").hint


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("ARG a\n", 0, "dockerfile contains no stages to build"),
        ("FROM a\nCOPY --from=0 a b\n", 2, "invalid from flag value 0: refers to the current"),
        ("FROM a\nCOPY --from=1 a b\nFROM b\n", 2, "invalid from flag value 1: that stage is lat"),
        ("FROM a\nCOPY --from=7 a b\n", 2, "invalid from flag value 7: there is no such stage"),
        ("FROM a AS b\nCOPY --from=b a b\n", 1, "circular dependency detected on stage: b"),
        (
            "FROM a AS x\nCOPY --from=y f f\nFROM x AS y\n",
            1,
            "circular dependency detected on stage: x",
        ),
        ("FROM a\nCOPY --from=$X a b\n", 2, "variable expansion is not supported for --from"),
        ("FROM a\nRUN --mount=from=$X b\n", 2, "'from' doesn't support variable expansion"),
        ("FROM $A\n", 1, "base name ($A) should not be blank"),
        ("FROM --platform=$A b\n", 1, "empty platform value from expression $A"),
        ("FROM a${\n", 1, "failed to process \"a${\": syntax error: missing '}'"),
    ],
)
def test_what_is_refused(text: str, line: int, reason: str) -> None:
    error = refused(text)
    assert error.reason.startswith(reason)
    assert error.line == line


def test_a_blank_base_says_which_argument_is_missing() -> None:
    hint = refused("ARG VERSION=1\nFROM $VERSOIN\n").hint
    assert "No value for VERSOIN" in hint
    assert "Did you mean $VERSION?" in hint
