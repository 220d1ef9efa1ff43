"""Shell and exec form."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "Exec form",
        Case(
            "run_exec", 'FROM busybox:test\nRUN ["/bin/sh", "-c", "echo \\"$0\\" > /out", "a b"]\n'
        ),
        Case("shell_cmd_odd", HEAD + "CMD [ 'a' ]\nENTRYPOINT [\"a\", b]\n"),
        Case(
            "quotes",
            HEAD
            + 'CMD ["\\u200b", "\\u007f", "é", "\\ud83d\\ude00", "\\"", "\\\\", "\\t\\u0001", "$A", "\\u00ad", "\\u2028", "`"]\nENTRYPOINT ["a\\u0000b"]\n',
        ),
        Case(
            "quotes2",
            HEAD
            + 'CMD ["\\u00a0", "\\u3000", "\\ufeff", "\\ue000", "\\u0378", "\\u0085", "\\uffff", "\\ufffd", "日本", "\\ud800"]\n',
        ),
        Case("config_html", HEAD + 'CMD ["<a>&\\u2028"]\nENV H="<b>&"\nLABEL x="<c>"\n'),
        Case("exec_not_of_strings", HEAD + 'CMD ["a", 1]\n', error="DockerfileError", line=2),
        Case(
            "exec_over_lines",
            HEAD + 'RUN ["/bin/sh", \\\n  "-c", \\\n  "echo a > /o"]\nCMD [ "a" , "b" ]\n',
        ),
    ),
    *section(
        "Variable substitution",
        Case(
            "run_exec_env",
            HEAD + 'ENV PATH=/bin A=1\nRUN ["env"]\nRUN ["/bin/sh", "-c", "env | sort > /e"]\n',
        ),
        Case(
            "exec_no_substitution",
            HEAD
            + 'ENV V=1\nRUN ["/bin/sh", "-c", "echo \\"$0\\" > /o", "$V"]\nRUN ["sh", "-c", "echo $V > /p"]\n',
        ),
    ),
    *section(
        "Shell form",
        Case("run_shell", "FROM busybox:test\nRUN echo a > /a && \\\n    echo b > /b\n"),
        Case(
            "shell_form_quotes_stay",
            HEAD + 'RUN echo "a  \'b\'" \'c "d"\' \\\\ "\\$HOME" > /o\nENTRYPOINT  echo   "x"  \n',
        ),
    ),
    *section(
        "Backslashes",
        Case("backslashes_escaped", HEAD + 'CMD ["c:\\\\windows\\\\system32\\\\tasklist.exe"]\n'),
        Case(
            "backslashes_make_it_shell_form", HEAD + 'CMD ["c:\\windows\\system32\\tasklist.exe"]\n'
        ),
    ),
    *section(
        "Use a different shell",
        Case(
            "another_shell",
            HEAD
            + 'SHELL ["/bin/busybox", "ash", "-xc"]\nRUN echo $0 > /o\nSHELL ["/bin/sh", "-c"]\nRUN echo $0 > /p\n',
        ),
    ),
]
