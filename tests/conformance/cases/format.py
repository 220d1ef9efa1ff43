"""Format: comments, white space, upper and lower case."""

from ..model import REFERENCE, Case, section
from .material import HEAD, SMALL

CASES = [
    *section(
        "Format",
        Case("empty", "", error="DockerfileError"),
        Case(
            "typo",
            HEAD + "\nRNU true\n",
            error="DockerfileError",
            words="unknown instruction: RNU",
            line=3,
        ),
        Case(
            "lower",
            'from busybox:test as X\nrun echo 1 > /1\nfrom x\ncopy --from=x /1 /2\ncmd ["a"]\n',
        ),
        Case(
            "crlf",
            (HEAD + "ENV A=1 \\\n  B=2\nRUN echo $A \\\n  > /a\nCOPY top /t\nCMD echo x\n").replace(
                "\n", "\r\n"
            ),
            SMALL,
        ),
        Case("bom", "\ufeff" + HEAD + "ENV A=1\n"),
        Case(
            "comments",
            "# first\n"
            + HEAD
            + "  # indented\nRUN echo 'some # of' \\\n# comment\n  things > /o # kept\n#RUN exit 1\n",
        ),
        Case(
            "leading_white_space",
            "   FROM busybox:test\n\t RUN echo a > /a\n      # c\n    CMD x\n",
        ),
        Case("white_space_in_arguments", HEAD + 'RUN echo "\\\n     hello\\\n     world" > /o\n'),
        Case("blank_lines_in_a_continuation", HEAD + "RUN echo a \\\n\n  b \\\n   \n  > /o\n"),
        Case("continuation_at_the_end", HEAD + "RUN echo a > /o \\\n"),
        Case("no_newline_at_the_end", HEAD + "RUN echo a > /o"),
        Case(
            "run_before_from",
            "RUN echo\n" + HEAD,
            error="DockerfileError",
            words="no build stage in current context",
            line=1,
        ),
        # It is the end of dockerd 20.10.
        Case("only_args", "ARG A=1\n", oracle=REFERENCE, error="DockerfileError"),
        Case("instruction_alone", HEAD + "USER\n", error="DockerfileError", line=2),
    ),
]
