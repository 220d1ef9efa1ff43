"""Build checks: what each rule finds, what it leaves alone, and which rules count."""

from __future__ import annotations

import pytest

from container_magics.dockerfile import IgnoreRules, parse
from container_magics.dockerfile.checks import CheckOptions, Surroundings, Violation, check
from container_magics.dockerfile.checks.rules import DESCRIPTIONS
from container_magics.errors import DockerfileError

ALL = CheckOptions(experimental=frozenset(["all"]))
PLATFORM = {"TARGETPLATFORM": "linux/amd64", "BUILDPLATFORM": "linux/amd64", "TARGETARCH": "amd64"}
KNOWN = {"alpine": ["FROM_BASE"]}


def found(text: str, options: CheckOptions = ALL, **given: object) -> list[Violation]:
    around = Surroundings(
        given.get("build_args", {}),
        PLATFORM,
        given.get("ignore"),
        KNOWN.get,
    )
    return check(parse(text), options, around)


BROKEN = [
    ("StageNameCasing", "FROM alpine AS BuilderBase\n", 1, "Stage name 'BuilderBase'"),
    ("FromAsCasing", "FROM alpine as base\n", 1, "'as' and 'FROM' keywords' casing"),
    ("FromAsCasing", "from alpine AS base\n", 1, "'AS' and 'from' keywords' casing"),
    ("NoEmptyContinuation", "FROM alpine\nRUN a \\\n\n  b\n", 2, "Empty continuation line"),
    ("ConsistentInstructionCasing", "From alpine\nRUN a\n", 1, "'From' should match"),
    ("ConsistentInstructionCasing", "FROM alpine\nRUN a\nrun b\n", 3, "majority (uppercase)"),
    ("ConsistentInstructionCasing", "from alpine\nrun a\nRUN b\n", 3, "majority (lowercase)"),
    ("DuplicateStageName", "FROM alpine AS a\nFROM alpine AS a\n", 2, 'stage name "a"'),
    ("ReservedStageName", "FROM alpine AS scratch\n", 1, 'reserved stage "scratch"'),
    ("JSONArgsRecommended", "FROM alpine\nCMD a b\n", 2, "recommended for CMD"),
    ("JSONArgsRecommended", "FROM alpine\nENTRYPOINT a\n", 2, "recommended for ENTRYPOINT"),
    ("MaintainerDeprecated", "FROM alpine\nMAINTAINER me\n", 2, "in favor of using label"),
    ("UndefinedArgInFrom", "FROM alpine$VER\n", 1, "'VER' is not declared"),
    (
        "UndefinedArgInFrom",
        "FROM --platform=$BUILDPLATFROM alpine\n",
        1,
        "(did you mean BUILDPLATFORM?)",
    ),
    ("WorkdirRelativePath", "FROM alpine\nWORKDIR app\n", 2, 'workdir "app"'),
    ("UndefinedVar", "FROM alpine\nCOPY $foo .\n", 2, "variable '$foo'"),
    ("UndefinedVar", "FROM alpine\nENV PATH=$PAHT:/app\n", 2, "(did you mean $PATH?)"),
    ("UndefinedVar", "ARG V=1\nFROM alpine\nLABEL v=$V\n", 3, "variable '$V'"),
    (
        "UndefinedVar",
        "FROM alpine AS a\nARG B=1\nFROM a\nEXPOSE $B\n",
        4,
        "variable '$B'",
    ),
    (
        "MultipleInstructionsDisallowed",
        'FROM alpine\nCMD ["a"]\nRUN b\nCMD ["c"]\n',
        2,
        "Multiple CMD instructions",
    ),
    ("LegacyKeyValueFormat", "FROM alpine\nENV a b\n", 2, '"ENV key=value" should be used'),
    ("LegacyKeyValueFormat", "FROM alpine\nLABEL a b\n", 2, '"LABEL key value" format'),
    (
        "RedundantTargetPlatform",
        "FROM --platform=$TARGETPLATFORM alpine\n",
        1,
        "predefined $TARGETPLATFORM in FROM",
    ),
    ("SecretsUsedInArgOrEnv", "FROM alpine\nARG AWS_SECRET_ACCESS_KEY\n", 2, '(ARG "AWS_'),
    ("SecretsUsedInArgOrEnv", "FROM alpine\nENV api_token=x\n", 2, '(ENV "api_token")'),
    ("InvalidDefaultArgInFrom", "ARG TAG\nFROM alpine:${TAG}\n", 2, "alpine:${TAG} results in"),
    (
        "FromPlatformFlagConstDisallowed",
        "FROM --platform=linux/amd64 alpine AS base\n",
        1,
        'constant value "linux/amd64"',
    ),
    (
        "InvalidDefinitionDescription",
        "FROM alpine\n# the version\nARG VERSION\n",
        3,
        "`# VERSION <description>`",
    ),
    ("ExposeProtoCasing", "FROM alpine\nEXPOSE 80/TcP\n", 2, "'80/TcP' in EXPOSE"),
    ("ExposeInvalidFormat", "FROM alpine\nEXPOSE 127.0.0.1:80:80\n", 2, "'127.0.0.1:80:80'"),
]

SOUND = [
    "FROM alpine AS builder-base\nRUN a\n",
    "from alpine as base\nrun a\n",
    'FROM alpine\nCMD ["a", "b"]\nENTRYPOINT ["a"]\n',
    'FROM alpine\nSHELL ["/bin/ash", "-c"]\nCMD a b\n',
    'FROM alpine AS a\nSHELL ["/bin/ash", "-c"]\nFROM a\nENTRYPOINT a\n',
    "FROM alpine\nWORKDIR /app\nWORKDIR src\n",
    "FROM alpine AS a\nWORKDIR /app\nFROM a\nWORKDIR src\n",
    "FROM alpine\nARG foo\nCOPY $foo .\n",
    "FROM alpine\nCOPY ${foo:-x} ${foo:+y} ${foo-z} .\n",
    "FROM alpine\nENV a=$FROM_BASE b=$PATH\n",
    "FROM unknown\nENV a=$WHATEVER\n",
    "FROM alpine\nRUN echo $ANYTHING\n",
    "FROM alpine AS a\nENV B=1\nFROM a\nEXPOSE $B\n",
    "ARG TAG=3\nFROM alpine:${TAG}\n",
    "FROM --platform=$BUILDPLATFORM alpine\n",
    "FROM --platform=linux/amd64 alpine AS build_amd64\n",
    "FROM alpine\nARG PUBLIC_KEY\nARG TOKEN_FILE\nENV KEYBOARD=x monkey=y\n",
    "FROM alpine\n# VERSION of it\nARG VERSION\n",
    "FROM alpine\n# about something else\n\nARG VERSION\n",
    "FROM alpine\nEXPOSE 80/tcp 53/udp\n",
    'FROM alpine\nLABEL a="b c" d=e\n',
    "FROM alpine AS a\nFROM scratch\nCOPY --from=a /x /y\n",
]


@pytest.mark.parametrize(("rule", "text", "line", "words"), BROKEN)
def test_a_rule_that_is_broken_is_found_alone(rule: str, text: str, line: int, words: str) -> None:
    (violation,) = found(text)
    assert (violation.rule, violation.line) == (rule, line)
    assert words in violation.message


def test_every_rule_but_the_one_that_needs_a_context_is_above() -> None:
    assert {rule for rule, *_ in BROKEN} == DESCRIPTIONS.keys() - {"CopyIgnoredFile"}


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_dockerfile_breaks_nothing(text: str) -> None:
    assert found(text) == []


def test_a_copied_file_that_is_ignored() -> None:
    ignore = IgnoreRules.parse("*.log\nbuild\n!build/keep\n")
    text = "FROM scratch\nCOPY a.log /\nADD ./b.log c.txt /x/\nCOPY build/keep build /\n"
    lines = [(v.rule, v.line, v.message) for v in found(text, ignore=ignore)]
    assert lines == [
        (
            "CopyIgnoredFile",
            2,
            'Attempting to Copy file "a.log" that is excluded by .dockerignore',
        ),
        ("CopyIgnoredFile", 3, 'Attempting to Add file "b.log" that is excluded by .dockerignore'),
    ]
    assert found(text, CheckOptions(), ignore=ignore) == []
    from_image = "FROM scratch\nCOPY --from=alpine a.log /\n"
    assert found(from_image, ignore=ignore) == []


def test_a_build_argument_does_not_make_a_default_valid() -> None:
    text = "ARG TAG\nFROM alpine:${TAG}\n"
    (violation,) = found(text, build_args={"TAG": "3"})
    assert violation.rule == "InvalidDefaultArgInFrom"


def test_the_directive_skips_and_asks_for_rules() -> None:
    text = "# check=skip=JSONArgsRecommended, StageNameCasing;error=true\nFROM a AS B\nCMD c\n"
    dockerfile = parse(text)
    options = CheckOptions.parse(dockerfile.check)
    assert options.error
    assert check(dockerfile, options, Surroundings()) == []
    assert found(text, CheckOptions.parse("skip=all")) == []
    described = "FROM alpine\n# x\nARG A\n"
    assert found(described, CheckOptions()) == []
    wanted = CheckOptions.parse("experimental=InvalidDefinitionDescription")
    assert [v.rule for v in found(described, wanted)] == ["InvalidDefinitionDescription"]


@pytest.mark.parametrize("text", ["nonsense", "skip", "error=perhaps", "what=ever"])
def test_a_directive_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(DockerfileError, match="check option"):
        CheckOptions.parse(text)


def test_a_violation_names_dockers_page() -> None:
    violation = Violation("JSONArgsRecommended", "m", 3, 4)
    assert violation.url == "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/"
    assert str(violation) == "JSONArgsRecommended: m (line 3)"
    last = Violation("SecretsUsedInArgOrEnv", "m", 1, 1)
    assert last.url.endswith("/secrets-used-in-arg-or-env/")
