"""What steers the frontend: the syntax directive, and the build arguments that BuildKit reads."""

from __future__ import annotations

import pytest

from container_magics.errors import DockerfileError, UnsupportedError
from tests.fixtures.embedding import Heard, build

TEXT = "FROM scratch\nENV A=1\n"


@pytest.mark.parametrize(
    "name",
    [
        "docker/dockerfile:1",
        "docker/dockerfile:1.4-labs",
        "docker.io/docker/dockerfile",
        "docker/dockerfile-upstream:master",
        f"docker/dockerfile:1@sha256:{'0' * 64}",
    ],
)
def test_the_built_in_frontend_says_that_it_serves(engine, name):
    heard = Heard()
    build(engine, f"# syntax={name}\n{TEXT}", heard)
    (warning,) = heard.warnings
    assert warning.message == f"# syntax={name} is served by the built-in Dockerfile frontend"


@pytest.mark.parametrize("name", ["me/frontend:1", "ghcr.io/docker/dockerfile:1", "NO NAME"])
def test_another_frontend_is_refused_by_name(engine, name):
    with pytest.raises(
        DockerfileError, match=f"syntax {name.split()[0]}: only the built"
    ) as raised:
        build(engine, f"# escape=`\n#  Syntax = {name}\n{TEXT}", origin="cell")
    assert raised.value.line == 2
    assert raised.value.excerpt.startswith("cell:2\n")
    assert f"   2 | >>> #  Syntax = {name}\n" in raised.value.excerpt


@pytest.mark.parametrize(
    "text",
    ["#!/usr/bin/env x\n# syntax=me/frontend\n{}\n", "// syntax=me/frontend\nno: Dockerfile\n"],
)
def test_what_is_for_another_frontend_need_not_be_a_dockerfile(engine, text):
    with pytest.raises(DockerfileError, match="syntax me/frontend: only the built-in"):
        build(engine, text)


def test_the_build_argument_beats_the_directive(engine):
    heard = Heard()
    arguments = {"BUILDKIT_SYNTAX": "docker/dockerfile:1"}
    build(engine, f"# syntax=me/frontend\n{TEXT}", heard, build_args=arguments)
    assert "docker/dockerfile:1" in heard.warnings[0].message
    with pytest.raises(DockerfileError, match="me/frontend"):
        build(engine, TEXT, build_args={"BUILDKIT_SYNTAX": "me/frontend"})


def test_a_comment_before_ends_the_directives(engine):
    heard = Heard()
    build(engine, f"# comment\n# syntax=me/frontend\n{TEXT}", heard)
    assert heard.warnings == []


def test_an_index_of_images_is_refused(engine):
    with pytest.raises(UnsupportedError, match="no index of images"):
        build(engine, TEXT, build_args={"BUILDKIT_MULTI_PLATFORM": "1"})


def test_the_host_name_of_run(engine):
    heard = Heard()
    arguments = {"BUILDKIT_SANDBOX_HOSTNAME": "my-host"}
    build(
        engine, "FROM busybox:test\nRUN cat /etc/hostname\n", heard, build_args=arguments
    )  # fmt: skip
    assert heard.log == "my-host\n"
    assert heard.warnings == []


def test_a_namespace_for_cache_mounts(engine):
    text = "FROM busybox:test\nARG N\nRUN --mount=type=cache,target=/c echo $N >> /c/f; cat /c/f\n"

    def written(number: str, **arguments: str) -> str:
        heard = Heard()
        build(engine, text, heard, build_args={"N": number, **arguments})
        return heard.log

    assert written("1") == "1\n"
    assert written("2") == "1\n2\n"
    assert written("3", BUILDKIT_CACHE_MOUNT_NS="mine") == "3\n"
    assert written("4", BUILDKIT_CACHE_MOUNT_NS="mine") == "3\n4\n"
