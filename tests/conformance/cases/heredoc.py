"""Here-documents, which Docker 20.10 does not read: expected as the reference has it."""

from ..contexts import NOW, Directory, Plain
from ..model import REFERENCE, Case, Expected, section
from .material import HEAD

TMP = Directory(0o1777, mtime=NOW)

CASES = [
    *section(
        "Here-Documents",
        Case(
            "heredoc_in_the_default_shell",
            HEAD + "ENV A=env\nRUN <<EOT\n  mkdir -p foo/bar\n  echo $A \\\n > foo/a\nEOT\n",
            oracle=REFERENCE,
            expect=Expected(
                {"foo/bar": Directory(mtime=NOW), "foo/a": Plain("env\n", mtime=NOW)},
                {
                    "Env": [
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "A=env",
                    ]
                },
                (
                    "ENV A=env",
                    "RUN /bin/sh -c   mkdir -p foo/bar\n  echo $A \\\n > foo/a\n # buildkit",
                ),
            ),
        ),
        Case(
            "heredoc_to_a_program",
            HEAD + "RUN <<EOT sh\n  set -ex\n  echo $((1 + 1)) > /name\nEOT\n",
            oracle=REFERENCE,
            expect=Expected(
                {"name": Plain("2\n", mtime=NOW)},
                history=(
                    "RUN /bin/sh -c <<EOT sh\n  set -ex\n  echo $((1 + 1)) > /name\nEOT # buildkit",
                ),
            ),
        ),
        Case(
            "heredoc_shebang",
            HEAD + 'RUN <<EOT\n#!/bin/awk -f\nBEGIN { print ARGV[0] > "/awk" }\nEOT\n',
            oracle=REFERENCE,
            expect=Expected(
                {"awk": Plain("awk\n", mtime=NOW)},
                history=("RUN /bin/sh -c /dev/pipes/EOT # buildkit",),
            ),
        ),
        Case(
            "heredocs_two_of_a_command",
            HEAD
            + "RUN <<FILE1 cat > file1 && <<FILE2 cat > file2\nI am\nfirst\nFILE1\nI am\nsecond\nFILE2\n",
            oracle=REFERENCE,
            expect=Expected(
                {
                    "file1": Plain("I am\nfirst\n", mtime=NOW),
                    "file2": Plain("I am\nsecond\n", mtime=NOW),
                },
                history=(
                    "RUN /bin/sh -c <<FILE1 cat > file1 && <<FILE2 cat > file2\nI am\nfirst\nFILE1"
                    "\nI am\nsecond\nFILE2 # buildkit",
                ),
            ),
        ),
        Case(
            "heredoc_tabs_stripped",
            HEAD + "RUN <<-EOT cat > /o\n\tone\n\t\ttwo\n  three\n\tEOT\n",
            oracle=REFERENCE,
            expect=Expected(
                {"o": Plain("one\ntwo\n  three\n", mtime=NOW)},
                history=(
                    "RUN /bin/sh -c <<-EOT cat > /o\n\tone\n\t\ttwo\n  three\nEOT # buildkit",
                ),
            ),
        ),
        Case(
            "heredoc_shell_expands",
            HEAD + "ARG A=arg\nRUN <<EOT cat > /o && <<'EOQ' cat > /q\n$A\nEOT\n$A\nEOQ\n",
            oracle=REFERENCE,
            expect=Expected(
                {"o": Plain("arg\n", mtime=NOW), "q": Plain("$A\n", mtime=NOW)},
                history=(
                    "ARG A=arg",
                    "RUN |1 A=arg /bin/sh -c <<EOT cat > /o && <<'EOQ' cat > /q\n$A\nEOT\n$A\nEOQ"
                    " # buildkit",
                ),
            ),
        ),
        Case(
            "heredoc_in_another_shell",
            HEAD + 'SHELL ["/bin/ash", "-ec"]\nRUN <<EOT\nfalse || echo $0 > /o\nEOT\n',
            oracle=REFERENCE,
            expect=Expected(
                {"o": Plain("/bin/ash\n", mtime=NOW)},
                {"Shell": ["/bin/ash", "-ec"]},
                ("SHELL [/bin/ash -ec]", "RUN /bin/ash -ec false || echo $0 > /o\n # buildkit"),
            ),
        ),
        Case(
            "heredoc_step_fails",
            HEAD + "RUN <<EOT\nexit 7\nEOT\nRUN true\n",
            oracle=REFERENCE,
            error="StepFailedError",
            status=7,
            words="7",
            line=2,
        ),
        Case(
            "heredoc_without_end",
            HEAD + "RUN <<EOT\necho\n",
            oracle=REFERENCE,
            error="DockerfileError",
            words="unterminated heredoc",
            line=2,
        ),
        Case(
            "heredoc_holds_instructions_and_comments",
            HEAD + "RUN <<EOT cat > /o\n# a comment\nRUN false\n\nEOT\n",
            oracle=REFERENCE,
            expect=Expected(
                {"o": Plain("# a comment\nRUN false\n\n", mtime=NOW)},
                history=(
                    "RUN /bin/sh -c <<EOT cat > /o\n# a comment\nRUN false\n\nEOT # buildkit",
                ),
            ),
        ),
    ),
    *section(
        "Example: Creating inline files",
        Case(
            "inline_file",
            HEAD + "WORKDIR /tmp\nCOPY <<EOF greeting.txt\nhello world\nEOF\n",
            oracle=REFERENCE,
            expect=Expected(
                {"tmp": TMP, "tmp/greeting.txt": Plain("hello world\n", mtime=NOW)},
                {"WorkingDir": "/tmp"},
                ("WORKDIR /tmp", "COPY <<EOF greeting.txt # buildkit"),
            ),
        ),
        Case(
            "inline_file_expanded",
            HEAD + 'ARG FOO=bar\nCOPY <<-EOT /script.sh\n  echo "hello ${FOO}" \\$FOO\nEOT\n'
            "ENTRYPOINT ash /script.sh\n",
            oracle=REFERENCE,
            expect=Expected(
                {"script.sh": Plain('  echo "hello bar" $FOO\n', mtime=NOW)},
                {"Entrypoint": ["/bin/sh", "-c", "ash /script.sh"], "Cmd": None},
                (
                    "ARG FOO=bar",
                    "COPY <<EOT /script.sh # buildkit",
                    'ENTRYPOINT ["/bin/sh" "-c" "ash /script.sh"]',
                ),
            ),
        ),
        Case(
            "inline_file_quoted",
            HEAD + 'ARG FOO=bar\nCOPY <<-"EOT" /script.sh\n\techo "hello ${FOO}"\nEOT\n',
            oracle=REFERENCE,
            expect=Expected(
                {"script.sh": Plain('echo "hello ${FOO}"\n', mtime=NOW)},
                history=("ARG FOO=bar", "COPY <<EOT /script.sh # buildkit"),
            ),
        ),
        Case(
            "inline_files_and_a_source",
            HEAD + "ENV A=1\nCOPY a <<one <<'two' /h/\n$A\none\n$A\ntwo\n",
            {"a": "a\n"},
            oracle=REFERENCE,
            expect=Expected(
                {
                    "h/a": "a\n",
                    "h/one": Plain("1\n", mtime=NOW),
                    "h/two": Plain("$A\n", mtime=NOW),
                },
                {
                    "Env": [
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "A=1",
                    ]
                },
                ("ENV A=1", "COPY a <<one <<two /h/ # buildkit"),
            ),
        ),
        Case(
            "inline_file_mode_and_owner",
            HEAD + "COPY --chmod=750 --chown=me:7 <<EOF /x/run\n#!/bin/sh\nEOF\n",
            oracle=REFERENCE,
            expect=Expected(
                {
                    "x": Directory(mtime=NOW, uid=1000, gid=7),
                    "x/run": Plain("#!/bin/sh\n", mode=0o750, mtime=NOW, uid=1000, gid=7),
                },
                history=("COPY <<EOF /x/run # buildkit",),
            ),
        ),
        Case(
            "inline_file_added",
            HEAD + "ADD <<EOF /f\nx\nEOF\n",
            oracle=REFERENCE,
            expect=Expected({"f": Plain("x\n", mtime=NOW)}, history=("ADD <<EOF /f # buildkit",)),
        ),
        Case(
            "inline_file_empty",
            HEAD + "COPY <<EOF /empty\nEOF\n",
            oracle=REFERENCE,
            expect=Expected(
                {"empty": Plain("", mtime=NOW)}, history=("COPY <<EOF /empty # buildkit",)
            ),
        ),
    ),
]
