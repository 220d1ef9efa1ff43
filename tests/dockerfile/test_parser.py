"""Whole Dockerfiles: lines, directives, comments, continuations, here-documents."""

from __future__ import annotations

import pytest

from container_magics.dockerfile import (
    Add,
    Arg,
    Cmd,
    Command,
    Copy,
    Env,
    From,
    Heredoc,
    Instruction,
    Run,
    Workdir,
    parse,
    parse_instruction,
)
from container_magics.errors import DockerfileError


def second(text: str) -> Instruction:
    return parse(f"FROM scratch\n{text}").instructions[1]


def run(text: str) -> Run:
    instruction = second(text)
    assert isinstance(instruction, Run)
    return instruction


def test_the_course_example_is_read() -> None:
    text = (
        "# syntax=docker/dockerfile:1\n"
        "ARG GO=1.20.5\n"
        "FROM golang:$GO AS Build\n"
        "WORKDIR /src\n"
        "COPY app.go .\n"
        "RUN go build -o app app.go\n"
        "\n"
        "FROM alpine:3.18.0\n"
        "COPY --from=build /src/app /\n"
        'CMD ["/app"]\n'
    )
    parsed = parse(text)
    assert parsed.syntax == "docker/dockerfile:1"
    assert parsed.escape == "\\"
    assert parsed.text == text
    assert parsed.empty_continuations == ()
    assert parsed.instructions == (
        Arg(2, 2, "ARG GO=1.20.5", (("GO", "1.20.5"),)),
        From(3, 3, "FROM golang:$GO AS Build", "golang:$GO", "build"),
        Workdir(4, 4, "WORKDIR /src", "/src"),
        Copy(5, 5, "COPY app.go .", ("app.go",), "."),
        Run(6, 6, "RUN go build -o app app.go", Command(True, ("go build -o app app.go",))),
        From(8, 8, "FROM alpine:3.18.0", "alpine:3.18.0"),
        Copy(
            9, 9, "COPY --from=build /src/app /", ("/src/app",), "/", "build",
            flags=(("from", "build"),),
        ),
        Cmd(10, 10, 'CMD ["/app"]', Command(False, ("/app",))),
    )  # fmt: skip
    assert [instruction.keyword for instruction in parsed.instructions[:2]] == ["ARG", "FROM"]


@pytest.mark.parametrize(
    ("text", "command", "shown", "end_line"),
    [
        ("RUN a \\\n  b", "a   b", "RUN a b", 3),
        ("RUN a\\\nb", "ab", "RUN ab", 3),
        ("RUN a \\  \t\n  b \\\n\tc", "a   b \tc", "RUN a b c", 4),
        ("RUN a && \\\n# comment\n    # another\n  b", "a &&   b", "RUN a && b", 5),
        ("RUN a \\\n\n\n  b", "a   b", "RUN a b", 5),
        ("RUN a \\\n # only a comment follows", "a", "RUN a", 3),
        ("RUN a \\", "a", "RUN a", 2),
        ("RUN a \\\\\n", "a \\\\", "RUN a \\\\", 2),
        ("   run   a  b  ", "a  b", "RUN a  b", 2),
        ("RUN a # b", "a # b", "RUN a # b", 2),
        ("RUN a \\\r\n  b\r\n", "a   b", "RUN a b", 3),
        ("\\\nRUN a", "a", "RUN a", 3),
        ("RUN\ta", "a", "RUN a", 2),
    ],
)
def test_lines_join(text: str, command: str, shown: str, end_line: int) -> None:
    instruction = run(text)
    assert instruction.command == Command(True, (command,))
    assert instruction.text == shown
    assert (instruction.line, instruction.end_line) == (2, end_line)


def test_an_empty_line_in_a_continuation_warns() -> None:
    parsed = parse("FROM a\nRUN b \\\n\n  c\n")
    assert parsed.empty_continuations == (2,)


def test_a_byte_order_mark_and_leading_blanks_are_skipped() -> None:
    assert parse("\ufeffFROM a").instructions == (From(1, 1, "FROM a", "a"),)
    assert parse("\n\n   FROM a\n\n").instructions == (From(3, 3, "FROM a", "a"),)


def test_the_escape_directive_changes_continuations_and_words() -> None:
    parsed = parse("# Escape = ` \nFROM a\nCOPY x c:\\\nRUN b `\n  c\nENV p=a` b\n")
    assert parsed.escape == "`"
    copied, ran, env = parsed.instructions[1:]
    assert isinstance(copied, Copy)
    assert copied.destination == "c:\\"
    assert isinstance(ran, Run)
    assert ran.command.words == ("b   c",)
    assert isinstance(env, Env)
    assert env.pairs == (("p", "a` b"),)


@pytest.mark.parametrize(
    "text",
    [
        "\n# escape=`\nFROM a\n",
        "# note\n# escape=`\nFROM a\n",
        "# unknown=x\n# escape=`\nFROM a\n",
        "FROM a\n# escape=`\n",
    ],
)
def test_directives_end_at_the_first_other_line(text: str) -> None:
    assert parse(text).escape == "\\"


def test_directives_follow_each_other() -> None:
    parsed = parse("#syntax=x/y:1\n# check=skip=all\n#\tESCAPE=`\nFROM a\n")
    assert (parsed.syntax, parsed.escape) == ("x/y:1", "`")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("# escape=x\nFROM a", 1, "invalid escape token 'x' does not match ` or \\"),
        ("# escape=`\n# escape=`\nFROM a", 2, "only one escape parser directive can be used"),
        ("# syntax=a\n#syntax=b\nFROM a", 2, "only one syntax parser directive can be used"),
    ],
)
def test_bad_directives_are_refused(text: str, line: int, reason: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.reason) == (line, reason)


class TestHeredocs:
    def test_a_script(self) -> None:
        instruction = run("RUN <<EOF\necho $a\n  b\nEOF\nRUN c")
        assert instruction.heredocs == (Heredoc("EOF", "echo $a\n  b\n", True, False),)
        assert instruction.heredoc_is_script
        assert instruction.script == "echo $a\n  b\n"
        assert instruction.text == "RUN <<EOF"
        assert (instruction.line, instruction.end_line) == (2, 5)

    def test_tabs_are_chomped_where_written_so(self) -> None:
        instruction = run("RUN <<-EOF\n\techo a\n\t\tb\n  c\n\t\tEOF\n")
        assert instruction.heredocs == (Heredoc("EOF", "\techo a\n\t\tb\n  c\n", True, True),)
        assert instruction.script == "echo a\nb\n  c\n"

    @pytest.mark.parametrize("word", ["<<'EOF'", '<<"EOF"', "<<E'O'F"])
    def test_a_quoted_name_is_not_expanded(self, word: str) -> None:
        assert run(f"RUN {word}\na\nEOF").heredocs == (Heredoc("EOF", "a\n", False, False),)

    def test_several_are_read_in_order(self) -> None:
        instruction = run('RUN cat <<A 3<<-"B" > x\n1\nA\n2\n\tB\n')
        assert instruction.heredocs == (
            Heredoc("A", "1\n", True, False),
            Heredoc("B", "2\n", False, True),
        )
        assert not instruction.heredoc_is_script
        assert instruction.script == 'cat <<A 3<<-"B" > x\n1\nA\n2\nB'

    def test_comments_continuations_and_empty_lines_are_text_in_them(self) -> None:
        body = "# a\n\nb \\\nc\nFROM x\n"
        assert run(f"RUN <<EOF\n{body}EOF").heredocs[0].body == body

    def test_files_of_copy_and_add(self) -> None:
        copied = second("COPY --chmod=644 a <<x.txt <<'y' /d/\n1\nx.txt\n2\ny\n")
        assert isinstance(copied, Copy)
        assert copied.sources == ("a",)
        assert copied.destination == "/d/"
        assert copied.chmod == "644"
        assert [(file.name, file.body, file.expand) for file in copied.heredocs] == [
            ("x.txt", "1\n", True),
            ("y", "2\n", False),
        ]
        added = second("ADD <<x /x\nx\n")
        assert isinstance(added, Add)
        assert added.heredocs == (Heredoc("x", "", True, False),)

    def test_line_endings_stay(self) -> None:
        assert run("RUN <<EOF\r\na\r\nEOF\r\n").heredocs[0].body == "a\r\n"

    @pytest.mark.parametrize(
        "text",
        [
            "RUN echo $((1<<3))",
            "RUN cat <<<word",
            "RUN cat << EOF",
            "RUN echo '<<EOF'",
            "RUN echo \\<<EOF",
            'RUN ["<<EOF"]',
            'RUN "never closed <<EOF',
            "RUN ${ <<EOF",
            "CMD cat <<EOF",
        ],
    )
    def test_what_is_none(self, text: str) -> None:
        assert second(text).end_line == 2

    def test_an_unfinished_one_is_refused(self) -> None:
        with pytest.raises(DockerfileError, match="unterminated heredoc") as caught:
            parse("FROM a\nRUN <<EOF\nb\n EOF\n")
        assert caught.value.line == 2
        assert "EOF" in caught.value.hint


class TestWhole:
    @pytest.mark.parametrize("text", ["", "\n\n", "  "])
    def test_an_empty_file(self, text: str) -> None:
        with pytest.raises(DockerfileError, match="the Dockerfile cannot be empty"):
            parse(text)

    def test_only_comments(self) -> None:
        with pytest.raises(DockerfileError, match="file with no instructions"):
            parse("# a\n#b\n")

    def test_only_arg_may_precede_from(self) -> None:
        with pytest.raises(DockerfileError, match="no build stage in current context") as caught:
            parse("ARG a\nRUN b\nFROM c\n")
        assert (caught.value.line, caught.value.text) == (2, "RUN b")
        assert "before the first FROM" in caught.value.hint

    def test_the_error_shows_the_line_as_written(self) -> None:
        with pytest.raises(DockerfileError) as caught:
            parse("FROM a\r\n  FORM  b \\\r\n  c\r\n")
        assert caught.value.line == 2
        assert caught.value.text == "  FORM  b \\"
        assert str(caught.value) == (
            "Dockerfile line 2: unknown instruction: FORM\n  2 |   FORM  b \\\nDid you mean FROM?"
        )


class TestOneInstruction:
    def test_a_change_of_import(self) -> None:
        assert parse_instruction('CMD ["a", "b"]') == Cmd(
            1, 1, 'CMD ["a", "b"]', Command(False, ("a", "b"))
        )

    def test_with_heredoc_and_escape(self) -> None:
        instruction = parse_instruction("RUN `\n <<A\nx\nA\n", escape="`")
        assert isinstance(instruction, Run)
        assert instruction.script == "x\n"

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "no instruction in the text"),
            ("# a", "no instruction in the text"),
            ("CMD a\nCMD b", "more than one instruction where one is expected"),
            ("FOO", "unknown instruction: FOO"),
        ],
    )
    def test_none_or_several_are_refused(self, text: str, reason: str) -> None:
        with pytest.raises(DockerfileError) as caught:
            parse_instruction(text)
        assert caught.value.reason == reason
