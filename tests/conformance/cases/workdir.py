"""WORKDIR."""

from ..model import Case, section
from .material import HEAD, SMALL

CASES = [
    *section(
        "WORKDIR",
        Case(
            "workdir",
            "FROM busybox:test\nWORKDIR /a/b\nRUN pwd > p\nWORKDIR c\nRUN pwd > p\nWORKDIR /etc\n",
        ),
        Case(
            "workdir_variable",
            "FROM busybox:test\nARG D=dir\nENV E=/env\nWORKDIR $E/$D/\nWORKDIR ./x/../y\n",
        ),
        Case("workdir_existing", "FROM busybox:test\nWORKDIR /tmp\nWORKDIR /\nWORKDIR bin\n"),
        Case(
            "workdir_repeated",
            "FROM busybox:test\nWORKDIR /etc\nWORKDIR /tmp\nRUN echo 1 > a\nWORKDIR /etc\nRUN echo 2 > b\n",
        ),
        Case(
            "workdir_made_in_parts",
            "FROM busybox:test\nRUN mkdir -m 700 /p\nWORKDIR /p/q/r\nWORKDIR ../s\n",
        ),
        Case(
            "workdir_trailing",
            HEAD + "WORKDIR /a/b/\nWORKDIR .\nWORKDIR ..\nWORKDIR ../..\nWORKDIR x//y\n",
        ),
        Case("workdir_empty", HEAD + "ARG U\nWORKDIR $U\n"),
        Case("workdir_scratch", "FROM scratch\nWORKDIR /\nWORKDIR /w\n"),
        Case("workdir_user", "FROM busybox:test\nUSER me\nWORKDIR /home/me\n"),
        Case(
            "workdir_uid",
            HEAD + "USER 12:13\nWORKDIR /a\nUSER 14\nWORKDIR b\nUSER me:0\nWORKDIR c\n",
        ),
        Case("workdir_exists_user", HEAD + "USER me\nWORKDIR /etc\nWORKDIR /tmp/x\n"),
        Case(
            "workdir_nouser",
            HEAD + "USER nobodyhere\nWORKDIR /a\n",
            error="BuildError",
            line=3,
            differs=("the oracle built it",),
            why="a wrong owner found late is worse",
        ),
        Case(
            "workdir_symlink",
            "FROM busybox:test\nRUN ln -s /tmp /t && ln -s gone/deep /g\nWORKDIR /t/w\nWORKDIR /g\nRUN pwd > p\n",
        ),
        Case("workdir_over_file", HEAD + "WORKDIR /etc/passwd\n", error="BuildError", line=2),
        Case(
            "run_loop_workdir",
            HEAD + "RUN ln -s l /l\nWORKDIR /l/x\n",
            SMALL,
            error="BuildError",
            line=3,
        ),
        Case(
            "workdir_missing_run",
            HEAD + "RUN mkdir /gone\nWORKDIR /gone\nRUN rmdir /gone && true\nRUN pwd > /p\n",
        ),
        Case(
            "workdir_unset_variable",
            HEAD + "ENV DIRPATH=/path\nWORKDIR $DIRPATH/$DIRNAME\nRUN pwd > /p\n",
            differs=("config WorkingDir",),
            why="20.10 keeps the slash at the end; current BuildKit does not",
        ),
        Case(
            "workdir_of_a_base",
            "FROM workdir:1\nRUN pwd > /p\nWORKDIR b\nCOPY a .\n",
            {"a": "a"},
            before={"workdir:1": HEAD + "WORKDIR /tmp/a\n"},
        ),
        Case("workdir_default_is_the_root", HEAD + "RUN pwd > /p\nWORKDIR x\nRUN pwd >> /p\n"),
        Case("workdir_spaces", HEAD + 'WORKDIR /a b\nRUN pwd > p\nWORKDIR "q r"\n'),
        Case("workdir_nothing", HEAD + "WORKDIR\n", error="DockerfileError", line=2),
    ),
]
