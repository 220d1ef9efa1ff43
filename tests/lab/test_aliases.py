from __future__ import annotations

import pytest

from container_magics.lab.aliases import (
    BASE,
    STAND_IN_FOR_LABEL,
    in_short,
    stand_in,
    stand_ins,
    stood_in_for,
)
from container_magics.reference import parse


@pytest.mark.parametrize(
    ("written", "upstream"),
    [
        ("golang:1.20.5", "docker.io/library/golang:1.20.5"),
        ("docker.io/library/golang:1.20.5", "docker.io/library/golang:1.20.5"),
        ("alpine:3.18.0", "docker.io/library/alpine:3.18.0"),
        ("ubuntu:bionic", "docker.io/library/ubuntu:bionic"),
        ("gcr.io/distroless/base", "gcr.io/distroless/base:latest"),
        ("gcr.io/distroless/base:latest", "gcr.io/distroless/base:latest"),
    ],
)
def test_every_spelling_of_an_upstream_name_finds_its_stand_in(written, upstream):
    found = stand_in(parse(written))
    assert found is not None
    assert found.upstream == upstream


@pytest.mark.parametrize(
    "written",
    [
        "golang",
        "golang:1.20.6",
        "alpine:latest",
        "someone/golang:1.20.5",
        "ghcr.io/library/golang:1.20.5",
        "gcr.io/distroless/base:debug",
        "golang:1.20.5@sha256:" + "0" * 64,
        "scratch",
    ],
)
def test_other_images_have_none(written):
    assert stand_in(parse(written)) is None


def test_no_registry_can_have_the_name_of_a_stand_in():
    for image in stand_ins():
        assert parse(image.name).registry.endswith(".invalid")
        assert parse(image.name).with_default_tag().tag == parse(image.upstream).tag


def test_each_has_a_dockerfile_that_begins_with_nothing_or_another_stand_in():
    names = {image.name for image in stand_ins()}
    for image in stand_ins():
        bases = [
            line.split()[1] for line in image.dockerfile.splitlines() if line.startswith("FROM ")
        ]
        assert bases
        assert set(bases) <= {"scratch", *names}


def test_labels_say_what_it_is():
    for image in stand_ins():
        assert image.labels == {
            "io.container-magics.stand-in-for": image.upstream,
            "io.container-magics.stand-in": image.summary,
        }
        assert "\n" not in image.summary


def test_an_image_is_a_stand_in_by_its_own_or_the_upstream_name():
    assert stood_in_for([BASE.name], BASE.labels) == "ubuntu:bionic"
    assert stood_in_for(["other:1", "ubuntu:bionic"], BASE.labels) == "ubuntu:bionic"


def test_an_image_built_from_a_stand_in_is_none():
    assert stood_in_for(["go-hello-world:single_stage"], BASE.labels) == ""
    assert stood_in_for([], BASE.labels) == ""


def test_a_label_that_names_no_upstream_of_ours_is_ignored():
    labels = {STAND_IN_FOR_LABEL: "<b>anything</b>"}
    assert stood_in_for(["ubuntu:bionic"], labels) == ""
    assert stood_in_for(["ubuntu:bionic"], {}) == ""


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            {"a.test": 'Get "https://a.test/v2/": dial tcp: no such host', "b.test": "i/o timeout"},
            "no answer from a.test, b.test",
        ),
        (
            {"a.test": "429 Too Many Requests: toomanyrequests: pull rate limit"},
            "a.test: 429 Too Many Requests",
        ),
        (
            {"a.test": "i/o timeout", "b.test": "503 Service Unavailable", "c.test": "1.2 is odd"},
            "b.test: 503 Service Unavailable; no answer from a.test, c.test",
        ),
    ],
)
def test_why_there_is_a_stand_in_is_said_in_a_line(answers, said):
    assert in_short(answers.items()) == said
