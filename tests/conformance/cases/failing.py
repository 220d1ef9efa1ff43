"""What must fail, and how."""

from ..model import Case, Link

HEAD = "FROM busybox:test\n"

CASES = [
    Case(
        "typo",
        HEAD + "\nRNU true\n",
        error="DockerfileError",
        words="unknown instruction: RNU",
        line=3,
    ),
    Case(
        "unknown_flag",
        HEAD + "COPY --form=x a /\n",
        {"a": ""},
        error="DockerfileError",
        words="nknown flag: form",
        line=2,
    ),
    Case(
        "unknown_stage_number",
        HEAD + "COPY --from=3 /a /\n",
        error="DockerfileError",
        words="",
        line=2,
    ),
    Case(
        "unknown_target",
        HEAD,
        target="nope",
        error="DockerfileError",
        words="target stage nope could not be found",
    ),
    Case(
        "missing_source",
        HEAD + "COPY nope /\n",
        {"a": ""},
        error="SourceNotFoundError",
        words='"/nope"',
        line=2,
    ),
    Case(
        "missing_source_in_stage",
        HEAD.replace("\n", " AS s\n") + HEAD + "COPY --from=s /nope /\n",
        error="SourceNotFoundError",
        words='"/nope"',
        line=3,
    ),
    Case(
        "missing_wildcard", HEAD + "COPY *.nope /\n", {"a": ""}, error="SourceNotFoundError", line=2
    ),
    Case(
        "escaping_source",
        HEAD + "COPY ../../etc/hostname /\n",
        {"a": ""},
        error="SourceNotFoundError",
        words='"/etc/hostname"',
        line=2,
    ),
    Case(
        "escaping_symlink",
        HEAD + "COPY out /\n",
        {"out": Link("/etc/hostname")},
        error="SourceNotFoundError",
        line=2,
    ),
    Case(
        "ignored_source",
        HEAD + "COPY a /\n",
        {"a": "", ".dockerignore": "a\n"},
        error="SourceNotFoundError",
        words='"/a"',
        line=2,
    ),
    Case(
        "run_fails",
        HEAD + "RUN echo before; exit 3\nRUN echo after\n",
        error="StepFailedError",
        words="3",
        line=2,
    ),
    Case("run_not_found", HEAD + 'RUN ["/nope"]\n', error="StepFailedError", line=2),
    Case("run_killed", HEAD + "RUN kill -9 $$\n", error="StepFailedError", words="137", line=2),
    Case("unknown_base", "FROM localhost:1/nope:1\n", error="PullError", words="localhost:1"),
    Case(
        "directory_over_file",
        HEAD + "COPY d /etc/passwd\n",
        {"d/a": ""},
        error="BuildError",
        line=2,
    ),
    Case("file_over_directory", HEAD + "COPY x /n/\n", {"x": "", "d/a": ""}, error=""),
    Case("into_file", HEAD + "COPY a /etc/passwd/x\n", {"a": ""}, error="BuildError", line=2),
    Case(
        "several_to_file",
        HEAD + "COPY a b /n\n",
        {"a": "", "b": ""},
        error="DockerfileError",
        line=2,
    ),
    Case("workdir_over_file", HEAD + "WORKDIR /etc/passwd\n", error="BuildError", line=2),
    Case("unknown_user", HEAD + "USER nobody-here\nRUN true\n", error="BuildError", line=3),
    Case(
        "chown_unknown",
        HEAD + "COPY --chown=nobody-here a /\n",
        {"a": ""},
        error="BuildError",
        line=2,
    ),
    Case("bad_port", HEAD + "EXPOSE port\n", error="DockerfileError", words="port", line=2),
    Case("empty_env", HEAD + "ENV =x\n", error="DockerfileError", line=2),
    Case("empty", "", error="DockerfileError"),
]
