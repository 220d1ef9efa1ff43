"""RUN and WORKDIR."""

from ..model import Case

CASES = [
    Case("run_shell", "FROM busybox:test\nRUN echo a > /a && \\\n    echo b > /b\n"),
    Case("run_exec", 'FROM busybox:test\nRUN ["/bin/sh", "-c", "echo \\"$0\\" > /out", "a b"]\n'),
    Case("run_changes_nothing", "FROM busybox:test\nRUN true\nRUN echo out; echo err >&2\n"),
    Case(
        "run_removes",
        "FROM busybox:test\nRUN mkdir -p /d/e && echo 1 > /d/e/f && echo 2 > /d/g\n"
        "RUN rm /d/g /bin/yes\nRUN rm -r /d/e && mkdir /d/e && echo 3 > /d/e/h\nRUN rm -r /root\n",
    ),
    Case(
        "run_types",
        "FROM busybox:test\nRUN umask 027; mkdir /t /t/dir && echo x > /t/file && ln -s file /t/link"
        " && ln /t/file /t/hard && mkfifo /t/fifo && chmod 6755 /t/file && chmod 1777 /t/dir"
        " && ln -s /nowhere /t/dangling\n",
    ),
    Case("run_device", "FROM busybox:test\nRUN mknod /null c 1 3 && mknod /disk b 7 9\n"),
    Case(
        "run_owner",
        "FROM busybox:test\nRUN echo 1 > /a && chown 1000:5 /a && chown -h me /bin/yes\n",
    ),
    Case(
        "run_links_of_the_base",
        "FROM busybox:test\nRUN echo x > /1 && ln /1 /2 && ln /1 /3\nRUN echo y >> /2\nRUN rm /1\n",
    ),
    Case(
        "run_metadata_of_the_base",
        "FROM busybox:test\nRUN chmod 700 /etc && chown me /etc/passwd\n",
    ),
    Case(
        "run_replaces",
        "FROM busybox:test\nRUN rm -r /root && echo file > /root\nRUN rm /root && ln -s tmp /root\n"
        "RUN rm /root && mkdir /root && echo 1 > /root/1\n",
    ),
    Case(
        "run_old_times",
        "FROM busybox:test\nRUN touch -d '2001-02-03 04:05:06' /old && mkdir /d "
        "&& touch -d '1999-01-01 00:00:00' /d\n",
    ),
    Case(
        "run_names",
        "FROM busybox:test\nRUN touch '/a b' /ü /-x '/q\"uote'\n",
    ),
    Case(
        "run_long_name",
        "FROM busybox:test\nRUN d=$(printf '%0120d' 1) && mkdir -p /$d/$d && echo x > /$d/$d/$d\n",
    ),
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
        "workdir",
        "FROM busybox:test\nWORKDIR /a/b\nRUN pwd > p\nWORKDIR c\nRUN pwd > p\nWORKDIR /etc\n",
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
    Case("workdir_user", "FROM busybox:test\nUSER me\nWORKDIR /home/me\n"),
    Case(
        "workdir_symlink",
        "FROM busybox:test\nRUN ln -s /tmp /t && ln -s gone/deep /g\nWORKDIR /t/w\nWORKDIR /g\nRUN pwd > p\n",
    ),
    Case(
        "workdir_variable",
        "FROM busybox:test\nARG D=dir\nENV E=/env\nWORKDIR $E/$D/\nWORKDIR ./x/../y\n",
    ),
    Case("workdir_scratch", "FROM scratch\nWORKDIR /\nWORKDIR /w\n"),
    Case(
        "run_heredoc",
        "FROM busybox:test\nRUN <<EOF\necho one > /1\ncd /tmp\npwd > /2\nEOF\n"
        "RUN cat <<A > /3 && cat <<B >> /3\na\nA\nb\nB\nRUN <<X\n#!/bin/cat\nX\n",
        files={"1": "one\n", "2": "/tmp\n", "3": "a\nb\n"},
    ),
]
