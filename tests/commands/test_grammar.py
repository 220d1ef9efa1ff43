"""Docker's command line grammar, and its words for what is wrong."""

from __future__ import annotations

import pytest

from container_magics.commands.grammar import Flag, Grammar, refuse
from container_magics.errors import UnsupportedError, UsageError

GRAMMAR = Grammar(
    "try",
    "[OPTIONS] A [B...]",
    "Try things",
    least=1,
    most=2,
    flags=(
        Flag("all", "everything", "a"),
        Flag("quiet", "nothing", "q"),
        Flag("human", "for people", "H", default="true"),
        Flag("tag", "a name", "t", "NAME"),
        Flag("env", "a variable", "e", "NAME"),
    ),
    refused=refuse("publish/p init", "Leave it out."),
)
STOPPING = Grammar("run", "IMAGE [ARG...]", "Run", 1, None, GRAMMAR.flags, interspersed=False)


@pytest.mark.parametrize(
    ("words", "operands", "tag", "on"),
    [
        (["x"], ("x",), "", ""),
        (["x", "-a"], ("x",), "", "all"),
        (["-aq", "x"], ("x",), "", "all quiet"),
        (["-aqt", "n", "x"], ("x",), "n", "all quiet"),
        (["-tn", "x"], ("x",), "n", ""),
        (["-t=n", "x"], ("x",), "n", ""),
        (["--tag=n", "x"], ("x",), "n", ""),
        (["--tag", "n", "x"], ("x",), "n", ""),
        (["--tag", "-a", "x"], ("x",), "-a", ""),
        (["--tag=", "x"], ("x",), "", ""),
        (["-t", "a", "x", "-t", "b"], ("x",), "b", ""),
        (["--all=false", "x"], ("x",), "", ""),
        (["-a=true", "x"], ("x",), "", "all"),
        (["--", "-a"], ("-a",), "", ""),
        (["-", "x"], ("-", "x"), "", ""),
    ],
)
def test_reads(words: list[str], operands: tuple[str, ...], tag: str, on: str) -> None:
    arguments = GRAMMAR.parse(words)
    assert arguments.operands == operands
    assert arguments.one("tag") == tag
    assert [name for name in ("all", "quiet") if arguments.on(name)] == on.split()
    assert arguments.on("human")


def test_a_list_flag_keeps_its_order() -> None:
    assert GRAMMAR.parse(["-e", "A=1", "x", "--env=B=2", "-eC"]).all("env") == ("A=1", "B=2", "C")


def test_a_default_can_be_switched_off() -> None:
    assert not GRAMMAR.parse(["x", "-H=false"]).on("human")


def test_run_leaves_the_command_its_flags() -> None:
    arguments = STOPPING.parse(["-a", "image", "-q", "--tag", "x", "--", "-p"])
    assert arguments.operands == ("image", "-q", "--tag", "x", "--", "-p")
    assert arguments.on("all")
    assert not arguments.on("quiet")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x", "--foo"], "unknown flag: --foo"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["-ax"], "unknown shorthand flag: 'x' in -ax"),
        (["x", "--tag"], "flag needs an argument: --tag"),
        (["x", "-at"], "flag needs an argument: 't' in -at"),
        (
            ["--all=maybe", "x"],
            'invalid argument "maybe" for "--all" flag: strconv.ParseBool: '
            'parsing "maybe": invalid syntax',
        ),
        (["--=x"], "bad flag syntax: --=x"),
        ([], '"docker try" requires at least 1 and at most 2 arguments.'),
        (["1", "2", "3"], '"docker try" requires at least 1 and at most 2 arguments.'),
    ],
)
def test_complains_in_dockers_words(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        GRAMMAR.parse(words)
    assert raised.value.message == message
    assert raised.value.exit_code == 125


@pytest.mark.parametrize(
    ("least", "most", "words", "message"),
    [
        (2, 2, ["a"], '"docker x" requires exactly 2 arguments.'),
        (1, 1, [], '"docker x" requires exactly 1 argument.'),
        (1, None, [], '"docker x" requires at least 1 argument.'),
        (0, 1, ["a", "b"], '"docker x" requires at most 1 argument.'),
        (0, 0, ["a"], '"docker x" accepts no arguments.'),
    ],
)
def test_counts_operands(least: int, most: int | None, words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        Grammar("x", "", "", least, most).parse(words)
    assert raised.value.message == message


def test_offers_the_nearest_flag() -> None:
    with pytest.raises(UsageError) as raised:
        GRAMMAR.parse(["--quite", "x"])
    assert raised.value.hint == "Did you mean --quiet?"


@pytest.mark.parametrize("word", ["-p", "-ap", "--publish", "--publish=80:80", "--init"])
def test_refuses_known_flags_by_name(word: str) -> None:
    with pytest.raises(UnsupportedError) as raised:
        GRAMMAR.parse([word, "x"])
    assert ("--init" if word == "--init" else "--publish") in raised.value.message
    assert raised.value.hint == "Leave it out."


def test_help_needs_no_operands_and_names_every_flag() -> None:
    arguments = GRAMMAR.parse(["--help"])
    assert arguments.help
    text = GRAMMAR.help()
    assert all(f"--{flag.name}" in text for flag in GRAMMAR.flags)
    assert text.startswith("Usage:  docker try [OPTIONS] A [B...]")
