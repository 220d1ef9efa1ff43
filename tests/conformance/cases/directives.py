"""Parser directives."""

from ..contexts import NOW, Directory, Plain
from ..model import REFERENCE, Case, section, stated
from .material import HEAD

CASES = [
    *section(
        "escape",
        Case(
            "escape_directive",
            "# escape=`\nFROM busybox:test\nENV A=c:\\dir `\n  B=2\nRUN echo $A `\n  $B > /out\n",
        ),
        Case("escape_unknown", "# escape=x\n" + HEAD, error="DockerfileError", line=1),
        Case(
            "escape_backquote_in_words",
            "# escape=`\n"
            + HEAD
            + 'ENV A=a` b B="q`"q" C=\'s`s\' D=`$A E=\\$A\nLABEL l=x`\n  m=y\n',
        ),
        Case(
            "escape_at_the_end_of_a_path",
            "# escape=`\n" + HEAD + "COPY a /x\\\nRUN ls / > /o\n",
            {"a": "a"},
        ),
    ),
    *section(
        "Parser directives",
        Case(
            "unknown_directive_is_a_comment",
            "# unknown=value\n# escape=`\n" + HEAD + "RUN echo a \\\n > /o\n",
        ),
        Case(
            "directive_after_a_comment", "# about\n# escape=`\n" + HEAD + "RUN echo a \\\n > /o\n"
        ),
        Case("directive_after_an_empty_line", "\n# escape=`\n" + HEAD + "RUN echo a \\\n > /o\n"),
        Case("directive_after_an_instruction", HEAD + "# escape=`\nRUN echo a \\\n > /o\n"),
        Case(
            "directive_twice", "# escape=\\\n# escape=`\n" + HEAD, error="DockerfileError", line=2
        ),
        Case(
            "directive_with_blanks_and_capitals",
            "#\t  eScApE = ` \n" + HEAD + "RUN echo a `\n > /o\n",
        ),
        Case(
            "directive_over_two_lines", "# esca\\\npe=`\n" + HEAD, error="DockerfileError", line=2
        ),
    ),
    *section(
        "syntax",
        stated(
            "syntax_stable",
            "# syntax=docker/dockerfile:1\n" + HEAD + "RUN echo a > /o\n",
            {},
            {"o": Plain("a\n", mtime=NOW)},
            "RUN /bin/sh -c echo a > /o # buildkit",
        ),
        stated(
            "syntax_version",
            "#syntax = docker.io/docker/dockerfile:1.7-labs\n" + HEAD + "COPY --parents x/a /o/\n",
            {"x/a": "a"},
            {"o": Directory(mtime=None), "o/x": Directory(mtime=None), "o/x/a": "a"},
            "COPY --parents x/a /o/ # buildkit",
        ),
        stated(
            "syntax_and_escape",
            "# syntax=docker/dockerfile:1\n# escape=`\n" + HEAD + "RUN echo a `\n > /o\n",
            {},
            {"o": Plain("a\n", mtime=NOW)},
            "RUN /bin/sh -c echo a  > /o # buildkit",
        ),
        Case(
            "syntax_of_somebody_else",
            "# syntax=example.org/mine/frontend:1\n" + HEAD,
            oracle=REFERENCE,
            error="DockerfileError",
            line=1,
            words="example.org/mine/frontend:1",
        ),
    ),
    *section(
        "check",
        stated(
            "check_skip",
            "# check=skip=JSONArgsRecommended,StageNameCasing;error=true\n"
            + HEAD.replace("\n", " AS Abc\n")
            + "CMD run it\n",
            {},
            {},
            'CMD ["/bin/sh" "-c" "run it"]',
            config={"Cmd": ["/bin/sh", "-c", "run it"], "ArgsEscaped": True},
        ),
        stated(
            "check_warns",
            "# check=error=false\n" + HEAD + "CMD run it\n",
            {},
            {},
            'CMD ["/bin/sh" "-c" "run it"]',
            config={"Cmd": ["/bin/sh", "-c", "run it"], "ArgsEscaped": True},
        ),
        Case(
            "check_error",
            "# check=error=true\n" + HEAD + "MAINTAINER me\n",
            oracle=REFERENCE,
            error="DockerfileError",
            words="lint violation",
            line=3,
        ),
        Case("check_skips_all", "# check=error=true;skip=all\n" + HEAD + "MAINTAINER me\n"),
    ),
]
