"""RUN, USER and WORKDIR at their limits."""

from ..model import Case, Link

HEAD = "FROM busybox:test\n"
SMALL = {
    "d/a.txt": "a\n",
    "d/sub/b": "b\n",
    "d/l": Link("a.txt"),
    "top": "top\n",
    "x[0].txt": "x",
    "x0.txt": "0",
}

CASES = [
    Case("workdir_empty", HEAD + "ARG U\nWORKDIR $U\n"),
    Case(
        "user_group",
        HEAD
        + "USER me:0\nRUN id > /tmp/a\nUSER 5:6\nRUN id > /tmp/b\nUSER 1000\nRUN id > /tmp/c\nUSER me:7\nRUN id > /tmp/d\n",
    ),
    Case(
        "user_home",
        HEAD
        + "USER me\nRUN echo $HOME > /tmp/a\nUSER 77\nRUN echo $HOME > /tmp/b\nENV HOME=/h\nRUN echo $HOME > /tmp/c\nUSER root\nRUN echo $HOME > /tmp/d\n",
    ),
    Case("user_badgroup", HEAD + "USER me:nogroup\nRUN true\n", error="BuildError", line=3),
    Case(
        "run_shm_tmp",
        HEAD
        + "RUN echo 1 > /dev/shm/x; echo 1 > /tmp/x; echo 1 > /sys/x; echo 1 > /proc/x; true\n",
    ),
    Case("run_dev_write", HEAD + "RUN echo 1 > /dev/newfile; mkdir /dev/newdir; true\n"),
    Case(
        "run_mv_dir",
        HEAD + "RUN mkdir /d && echo 1 > /d/f\nRUN mv /d /e\nRUN mv /root /r2\nRUN mv /e/f /e/g\n",
    ),
    Case(
        "run_opaque",
        HEAD
        + "RUN mkdir -p /d/e && echo 1 > /d/e/f && echo 2 > /d/g\nRUN rm -r /d && mkdir /d && echo 3 > /d/g\nRUN rm -r /d; echo file > /d\nRUN rm /d; mkdir -p /d/e; echo 4 > /d/e/f\n",
    ),
    Case("run_wh_file", HEAD + "RUN touch /.wh.foo /.whx; ls -a / > /l\n"),
    Case(
        "run_odd_names",
        HEAD
        + "RUN touch \"$(printf '/nl\\n.')\" \"$(printf '/t\\tb')\" '/back\\\\slash' '/*' '/[a]'\n",
    ),
    Case("run_bad_utf8", HEAD + "RUN touch \"$(printf '/b\\377d')\"\n"),
    Case(
        "run_sparse",
        HEAD
        + "RUN dd if=/dev/zero of=/s bs=1 count=1 seek=1000000 2>/dev/null; : > /empty; truncate -s 3000000 /t\n",
    ),
    Case(
        "run_modes",
        HEAD
        + "RUN touch /0 /1 && chmod 000 /0 && chmod 7777 /1 && mkdir -m 2770 /g && touch /g/x && mkdir /g/y && mkdir -m 000 /z\n",
    ),
    Case(
        "run_volume_then_write",
        HEAD + "RUN mkdir /v && echo 1 > /v/1\nVOLUME /v\nRUN echo 2 > /v/2\nCOPY top /v/\n",
        SMALL,
    ),
    Case(
        "run_link_times",
        HEAD
        + "RUN ln -s a /l && touch -h -d '2001-02-03 04:05:06' /l\nRUN ln -sf b /l\nRUN chown -h 5:5 /l\n",
    ),
    Case(
        "workdir_trailing",
        HEAD + "WORKDIR /a/b/\nWORKDIR .\nWORKDIR ..\nWORKDIR ../..\nWORKDIR x//y\n",
    ),
    Case(
        "workdir_uid", HEAD + "USER 12:13\nWORKDIR /a\nUSER 14\nWORKDIR b\nUSER me:0\nWORKDIR c\n"
    ),
    Case(
        "workdir_nouser",
        HEAD + "USER nobodyhere\nWORKDIR /a\n",
        error="BuildError",
        line=3,
        differs=("Docker built it",),
    ),
    Case("workdir_exists_user", HEAD + "USER me\nWORKDIR /etc\nWORKDIR /tmp/x\n"),
    Case("run_exec_form_path", HEAD + 'RUN ["echo", "a"]\nRUN ["sh", "-c", "echo $0 > /o"]\n'),
    Case(
        "run_exec_missing",
        HEAD + 'RUN ["nosuch"]\n',
        error="StepFailedError",
        line=2,
        differs=("exit status",),
    ),
    Case(
        "run_exec_noexec",
        HEAD + 'RUN ["/etc/passwd"]\n',
        error="StepFailedError",
        line=2,
        differs=("exit status",),
    ),
    Case(
        "run_exec_dir",
        HEAD + 'RUN ["/etc"]\n',
        error="StepFailedError",
        line=2,
        differs=("exit status",),
    ),
    Case(
        "run_exec_env",
        HEAD + 'ENV PATH=/bin A=1\nRUN ["env"]\nRUN ["/bin/sh", "-c", "env | sort > /e"]\n',
    ),
    Case(
        "run_no_shell",
        "FROM scratch\nCOPY top /t\nRUN echo\n",
        SMALL,
        error="StepFailedError",
        line=3,
        differs=("exit status",),
    ),
    Case("run_exit_255", HEAD + "RUN exit 255\n", error="StepFailedError", line=2),
    Case("run_sigsegv", HEAD + "RUN sh -c 'kill -11 $$'\n"),
    Case(
        "workdir_missing_run",
        HEAD + "RUN mkdir /gone\nWORKDIR /gone\nRUN rmdir /gone && true\nRUN pwd > /p\n",
    ),
    Case(
        "run_loop_workdir",
        HEAD + "RUN ln -s l /l\nWORKDIR /l/x\n",
        SMALL,
        error="BuildError",
        line=3,
    ),
    Case(
        "run_writes_hosts",
        HEAD
        + "RUN echo x > /etc/hosts && echo y >> /etc/resolv.conf && rm /etc/hosts || test -f /etc/hosts\n"
        "RUN echo x > /etc/hosts\n",
        differs=("Docker raised StepFailedError", "exit status None"),
    ),
]
