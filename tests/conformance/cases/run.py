"""RUN: what the process finds, and how it ends."""

from ..model import Case, section
from .material import HEAD, SMALL

CASES = [
    *section(
        "RUN",
        Case("run_exec_form_path", HEAD + 'RUN ["echo", "a"]\nRUN ["sh", "-c", "echo $0 > /o"]\n'),
        Case(
            "run_environment",
            "FROM busybox:test\nENV A=1\nUSER me\nWORKDIR /tmp\nRUN env | sort > /tmp/e\n",
        ),
        Case(
            "run_root_environment",
            "FROM busybox:test\nRUN env | sort > /e; hostname > /dev/null; pwd >> /e\n",
        ),
        Case(
            "run_limits",
            "FROM busybox:test\nRUN (umask; id; grep -E '^(Cap(Prm|Eff|Bnd|Amb|Inh)|NoNewPrivs)' "
            "/proc/self/status) > /out\n",
        ),
        Case(
            "run_shm_tmp",
            HEAD
            + "RUN echo 1 > /dev/shm/x; echo 1 > /tmp/x; echo 1 > /sys/x; echo 1 > /proc/x; true\n",
        ),
        Case("run_dev_write", HEAD + "RUN echo 1 > /dev/newfile; mkdir /dev/newdir; true\n"),
        Case(
            "run_mount_points",
            "FROM scratch\nCOPY --from=busybox:test /bin/busybox /busybox\n"
            'RUN ["/busybox", "ls", "/proc/self/status", "/dev/null", "/sys/class", "/etc/resolv.conf"]\n',
            differs=(
                "layer 1 names",
                "/dev: missing",
                "/etc: missing",
                "/proc: missing",
                "/sys: missing",
            ),
            why="mount points, which no instruction asked for",
        ),
        Case(
            "run_devices",
            "FROM busybox:test\nRUN ls /dev | sort > /out; ls -ld /dev/null /dev/shm | cut -c1-10 >> /out\n",
        ),
        Case(
            "run_resolv_conf",
            "FROM busybox:test\nRUN rm -f /etc/hosts; test -s /etc/hosts\nRUN test -e /etc/resolv.conf\n",
        ),
        Case(
            "run_writes_hosts",
            HEAD
            + "RUN echo x > /etc/hosts && echo y >> /etc/resolv.conf && rm /etc/hosts || test -f /etc/hosts\n"
            "RUN echo x > /etc/hosts\n",
            differs=("the oracle raised StepFailedError",),
            why="as in docker run",
        ),
        Case(
            "run_fails",
            HEAD + "RUN echo before; exit 3\nRUN echo after\n",
            error="StepFailedError",
            words="3",
            line=2,
        ),
        Case("run_exit_255", HEAD + "RUN exit 255\n", error="StepFailedError", line=2),
        Case("run_sigsegv", HEAD + "RUN sh -c 'kill -11 $$'\n"),
        Case("run_killed", HEAD + "RUN kill -9 $$\n"),
        Case(
            "run_not_found",
            HEAD + 'RUN ["/nope"]\n',
            error="StepFailedError",
            line=2,
            differs=("exit status",),
            why="127 and 126, as shells and docker run have it",
        ),
        Case(
            "run_exec_missing",
            HEAD + 'RUN ["nosuch"]\n',
            error="StepFailedError",
            line=2,
            differs=("exit status",),
            why="127 and 126, as shells and docker run have it",
        ),
        Case(
            "run_exec_noexec",
            HEAD + 'RUN ["/etc/passwd"]\n',
            error="StepFailedError",
            line=2,
            differs=("exit status",),
            why="127 and 126, as shells and docker run have it",
        ),
        Case(
            "run_exec_dir",
            HEAD + 'RUN ["/etc"]\n',
            error="StepFailedError",
            line=2,
            differs=("exit status",),
            why="127 and 126, as shells and docker run have it",
        ),
        Case(
            "run_no_shell",
            "FROM scratch\nCOPY top /t\nRUN echo\n",
            SMALL,
            error="StepFailedError",
            line=3,
            differs=("exit status",),
            why="127 and 126, as shells and docker run have it",
        ),
    ),
    *section(
        "Cache invalidation for RUN instructions",
        Case(
            "run_from_the_cache",
            HEAD
            + "RUN --mount=type=cache,id=c1,target=/root echo x >> /root/n && wc -l < /root/n > /n\n",
            before={
                "warm:1": HEAD
                + "RUN --mount=type=cache,id=c1,target=/root echo x >> /root/n && wc -l < /root/n > /n\n"
            },
        ),
        Case(
            "run_without_the_cache",
            HEAD
            + "RUN --mount=type=cache,id=c2,target=/root echo x >> /root/n && wc -l < /root/n > /n\n",
            before={
                "warm:2": HEAD
                + "RUN --mount=type=cache,id=c2,target=/root echo x >> /root/n && wc -l < /root/n > /n\n"
            },
            options={"no_cache": True},
        ),
        Case(
            "run_after_a_changed_copy",
            HEAD
            + "COPY b /a\nRUN --mount=type=cache,id=c3,target=/root echo x >> /root/n && wc -l < /root/n > /n\n",
            {"a": "a", "b": "b"},
            before={
                "warm:3": HEAD
                + "COPY a /a\nRUN --mount=type=cache,id=c3,target=/root echo x >> /root/n && wc -l < /root/n > /n\n"
            },
        ),
    ),
]
