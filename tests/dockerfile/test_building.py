"""The arguments of each instruction, and what is refused. The messages are a dockerd's."""

from __future__ import annotations

import pytest

from container_magics.dockerfile import (
    Add,
    Arg,
    Cmd,
    Command,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
    parse,
    parse_instruction,
)
from container_magics.errors import DockerfileError

SHELL_FORM = Command(True, ("a b",))
EXEC_FORM = Command(False, ("a", "b"))
SECOND = 10**9


def check(expected: type[Instruction], text: str, *fields: object) -> None:
    assert parse_instruction(text) == expected(1, 1, text, *fields)


def test_from() -> None:
    check(From, "FROM a", "a")
    check(From, "FROM a:1 as B_c-d.1", "a:1", "b_c-d.1")
    check(From, "FROM --platform=$BUILDPLATFORM a AS b", "a", "b", "$BUILDPLATFORM")


def test_commands() -> None:
    check(Cmd, "CMD a b", SHELL_FORM)
    check(Cmd, 'CMD ["a", "b"]', EXEC_FORM)
    check(Cmd, "CMD", Command(True, ("",)))
    check(Cmd, "CMD []", Command(False, ()))
    check(Entrypoint, "ENTRYPOINT a b", SHELL_FORM)
    check(Entrypoint, 'ENTRYPOINT ["a","b"]', EXEC_FORM)
    check(Run, "RUN a b", SHELL_FORM)
    check(
        Run,
        "RUN --mount=type=cache,target=/x --mount=type=bind --network=none a b",
        SHELL_FORM,
        (("mount", "type=cache,target=/x"), ("mount", "type=bind"), ("network", "none")),
    )


@pytest.mark.parametrize(
    "text",
    ["['a', 'b']", '["a", "b"', '["a",]', "[a]", '["a"] b', "[NaN]", "[" * 5000, '[["a"]'],
)
def test_what_is_no_json_array_is_a_shell_command(text: str) -> None:
    check(Cmd, f"CMD {text}", Command(True, (text,)))


def test_json_strings_are_decoded() -> None:
    check(Cmd, r'CMD ["\u00fc\t\"", "\ud83d\ude00"]', Command(False, ('ü\t"', "😀")))
    check(Cmd, r'CMD ["\ud800"]', Command(False, ("\ufffd",)))


def test_copy_and_add() -> None:
    check(Copy, "COPY a b c/", ("a", "b"), "c/")
    check(Copy, 'COPY ["a b", "c d"]', ("a b",), "c d")
    flags = (
        ("from", "x"), ("chown", "1:2"), ("chmod", "755"), ("link", "true"), ("exclude", "*.c"),
        ("exclude", "*.h"),
    )  # fmt: skip
    check(
        Copy,
        "COPY --from=x --chown=1:2 --chmod=755 --link --exclude=*.c --exclude=*.h a /",
        ("a",), "/", "x", "1:2", "755", (), flags, ("*.c", "*.h"), True,
    )  # fmt: skip
    check(
        Add,
        "ADD --chown=u --checksum=sha256:1 --keep-git-dir=FALSE https://x/y /",
        ("https://x/y",), "/", "u", "", (),
        (("chown", "u"), ("checksum", "sha256:1"), ("keep-git-dir", "false")),
        (), False, "sha256:1", False,
    )  # fmt: skip
    check(
        Copy, "COPY --parents --link=false a /",
        ("a",), "/", "", "", "", (), (("parents", "true"), ("link", "false")), (), False, True,
    )  # fmt: skip
    check(
        Add, "ADD --unpack a /", ("a",), "/", "", "", (), (("unpack", "true"),),
        (), False, "", None, True,
    )  # fmt: skip


def test_flags_lose_their_quotes_and_end_at_two_dashes() -> None:
    check(Copy, 'COPY --from="x y" a b', ("a",), "b", "x y", "", "", (), (("from", "x y"),))
    check(Run, "RUN -- --a b", Command(True, ("--a b",)))


def test_pairs() -> None:
    check(Env, "ENV a=b", (("a", "b"),))
    check(Env, "ENV a='b c' d=e\\ f g=", (("a", "'b c'"), ("d", "e\\ f"), ("g", "")))
    check(Env, 'ENV a  b="c"  d', (("a", 'b="c"  d'),))
    check(Label, 'LABEL a.b="c" "d e"=f', (("a.b", '"c"'), ('"d e"', "f")))
    check(Arg, "ARG a b=c d= e='f g'", (("a", None), ("b", "c"), ("d", ""), ("e", "'f g'")))


def test_the_rest() -> None:
    check(Workdir, "WORKDIR /a b", "/a b")
    check(Expose, "EXPOSE 80 443/tcp", ("80", "443/tcp"))
    check(User, "USER a:b", "a:b")
    check(Volume, "VOLUME /a /b", ("/a", "/b"))
    check(Volume, 'VOLUME ["/a b"]', ("/a b",))
    check(Shell, 'SHELL ["bash", "-c"]', ("bash", "-c"))
    check(Stopsignal, "STOPSIGNAL SIGINT", "SIGINT")
    check(Maintainer, "MAINTAINER A <a@b>", "A <a@b>")


def test_healthcheck() -> None:
    check(Healthcheck, "HEALTHCHECK NONE", True)
    check(Healthcheck, "HEALTHCHECK CMD a b", False, SHELL_FORM)
    check(
        Healthcheck,
        "HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=250ms --start-interval=1h "
        '--retries=3 cmd ["a", "b"]',
        False, EXEC_FORM, 90 * SECOND, 3 * SECOND // 2, SECOND // 4, 3, 3600 * SECOND,
    )  # fmt: skip


def test_onbuild_keeps_the_triggers_text_and_value() -> None:
    instruction = parse("FROM a\nONBUILD run b \\\n  c\n").instructions[1]
    assert instruction == Onbuild(
        2, 3, "ONBUILD run b c", "run b   c", Run(2, 3, "RUN b c", Command(True, ("b   c",)))
    )


def test_an_onbuild_trigger_with_a_heredoc_can_be_read_again() -> None:
    instruction = parse("FROM a\nONBUILD COPY <<E /x\nhi\nE\n").instructions[1]
    assert isinstance(instruction, Onbuild)
    again = parse_instruction(instruction.trigger)
    assert isinstance(again, Copy)
    assert isinstance(instruction.parsed, Copy)
    assert again.heredocs == instruction.parsed.heredocs != ()
    assert again.destination == instruction.parsed.destination


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FROM", "FROM requires either one or three arguments"),
        ("FROM a b", "FROM requires either one or three arguments"),
        ("FROM a AS b c", "FROM requires either one or three arguments"),
        (
            "FROM a AS 1x",
            'invalid name for build stage: "1x", name can\'t start with a number or contain '
            "symbols",
        ),
        ("RUN", "RUN requires at least one argument"),
        ("RUN []", "RUN requires at least one argument"),
        (
            'RUN ["a", 1]',
            "when using JSON array syntax, arrays must be comprised of strings only",
        ),
        (
            "CMD [null]",
            "when using JSON array syntax, arrays must be comprised of strings only",
        ),
        (
            "COPY a",
            "COPY requires at least two arguments, but only one was provided. Destination could "
            "not be determined",
        ),
        ("COPY a <<E\nE", "COPY cannot accept a heredoc as a destination"),
        ('COPY <<E a" /\nE', "COPY has a heredoc in a line whose quotes do not close"),
        ("ENV", "ENV requires at least one argument"),
        ("ENV a", "ENV must have two arguments"),
        ("ENV =a", "ENV names can not be blank"),
        ("LABEL", "LABEL requires at least one argument"),
        (
            "ENV a=b c",
            'Syntax error - can\'t find = in "c". Must be of the form: name=value',
        ),
        ("ARG", "ARG requires at least one argument"),
        ("ARG =a", "ARG names can not be blank"),
        ("EXPOSE", "EXPOSE requires at least one argument"),
        ("VOLUME", "VOLUME requires at least one argument"),
        ('VOLUME [""]', "VOLUME specified can not be an empty string"),
        ("WORKDIR", "WORKDIR requires exactly one argument"),
        ("USER", "USER requires exactly one argument"),
        ("STOPSIGNAL", "STOPSIGNAL requires exactly one argument"),
        ("MAINTAINER", "MAINTAINER requires exactly one argument"),
        ("SHELL", "SHELL requires at least one argument"),
        ("SHELL []", "SHELL requires at least one argument"),
        ("SHELL sh -c", "SHELL requires the arguments to be in JSON form"),
        ("HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
        ("HEALTHCHECK a", 'Unknown type "A" in HEALTHCHECK (try CMD)'),
        ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
        ("HEALTHCHECK NONE a", "HEALTHCHECK NONE takes no arguments"),
        ("HEALTHCHECK --interval=1 CMD a", 'time: missing unit in duration "1"'),
        ("HEALTHCHECK --interval=1y CMD a", 'time: unknown unit "y" in duration "1y"'),
        ("HEALTHCHECK --interval=y CMD a", 'time: invalid duration "y"'),
        ("HEALTHCHECK --timeout=1us CMD a", 'Interval "timeout" cannot be less than 1ms'),
        ("HEALTHCHECK --retries=-1 CMD a", "--retries cannot be negative (-1)"),
        ("HEALTHCHECK --retries=a CMD a", '--retries must be a whole number, not "a"'),
        ("ONBUILD", "ONBUILD requires at least one argument"),
        ("ONBUILD ONBUILD RUN a", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        ("ONBUILD FROM a", "FROM isn't allowed as an ONBUILD trigger"),
        ("ONBUILD MAINTAINER a", "MAINTAINER isn't allowed as an ONBUILD trigger"),
        ("ONBUILD FOO a", "unknown instruction: FOO"),
        ("COPY --from=a --from=b c d", "duplicate flag specified: --from"),
        ("COPY --from a b", "missing a value on flag: --from"),
        ("COPY --link= a b", "missing a value on flag: --link"),
        ("COPY --link=x a b", "expecting boolean value for flag --link, not: x"),
        ("CMD --help", "unknown flag: --help"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(f"FROM scratch\n{text}\n")
    assert caught.value.reason == reason
    assert caught.value.line == 2
    assert caught.value.text == text.split("\n", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("FORM a", "Did you mean FROM?"),
        ("RUNN a", "Did you mean RUN?"),
        ("cpoy a b", "Did you mean COPY?"),
        ("ENTRYPONIT a", "Did you mean ENTRYPOINT?"),
        ("COPY --frm=x a b", "Did you mean --from?"),
        ("COPY --owner=x a b", "Did you mean --chown?"),
        ("RUN --mounts=x a", "Did you mean --mount?"),
        ("FROM --plattform=x a", "Did you mean --platform?"),
    ],
)
def test_the_nearest_name_is_offered(text: str, hint: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(text)
    assert caught.value.hint == hint


def test_what_is_near_to_nothing_gets_the_list() -> None:
    with pytest.raises(DockerfileError) as caught:
        parse("XYZZY a")
    assert "FROM" in caught.value.hint
    with pytest.raises(DockerfileError) as caught:
        parse("FROM --zzz=1 a")
    assert caught.value.hint == "It has: --platform."
