"""Configuration, arguments and stages at their limits."""

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
    Case("entry_empty", HEAD + "ENTRYPOINT []\nCMD []\n"),
    Case("cmd_empty", HEAD + "CMD\n"),
    Case("shell_cmd_odd", HEAD + "CMD [ 'a' ]\nENTRYPOINT [\"a\", b]\n"),
    Case("volume_empty", HEAD + "VOLUME []\n", error="DockerfileError", line=2),
    Case("shell_empty", HEAD + "SHELL []\n", error="DockerfileError", line=2),
    Case("user_empty", HEAD + "ARG U\nUSER $U\n"),
    Case("expose_empty", HEAD + "ARG U\nEXPOSE $U\n"),
    Case("env_bare", HEAD + "ENV A\n", error="DockerfileError", line=2),
    Case("label_bare", HEAD + "LABEL a\n", error="DockerfileError", line=2),
    Case("label_nokey", HEAD + "LABEL =x\n", error="DockerfileError", line=2),
    Case("stopsignal_bad", HEAD + "STOPSIGNAL BOGUS\n", error="DockerfileError", line=2),
    Case("stopsignal_forms", HEAD + "STOPSIGNAL sigterm\nSTOPSIGNAL KILL\nSTOPSIGNAL 65\n"),
    Case("stopsignal_rt", HEAD + "STOPSIGNAL SIGRTMIN+3\n"),
    Case(
        "arg_env_same",
        HEAD + "ENV A=env\nARG A=arg\nRUN echo $A > /a\nARG B=arg\nENV B=env$B\nRUN echo $B > /b\n",
        build_args={"A": "given", "B": "b2"},
    ),
    Case(
        "arg_order",
        HEAD + "ARG Z=1\nARG A=2\nARG M\nRUN true; env | sort > /e\n",
        build_args={"M": "mm"},
    ),
    Case("arg_twice", HEAD + "ARG A=1\nARG A=2\nRUN echo $A > /a\nARG A\nRUN echo $A > /b\n"),
    Case(
        "arg_spaces", HEAD + 'ARG A="a b"\nARG B=\'c $A\'\nRUN echo $A $B > /a\nLABEL l="$A $B"\n'
    ),
    Case("arg_unused", HEAD + "RUN echo $N > /a\n", build_args={"N": "x"}),
    Case(
        "arg_global_default",
        "ARG G=g\nARG U\n"
        + HEAD
        + "ARG G\nARG U=dflt\nARG X=$G$U\nRUN echo $G $U $X > /a\nLABEL a=$X\n",
        build_args={"U": "given"},
    ),
    Case("arg_global_unused", "ARG G=g\n" + HEAD + "RUN echo $G > /a\nLABEL l=$G\n"),
    Case("onbuild_nested", HEAD + "ONBUILD ONBUILD RUN x\n", error="DockerfileError", line=2),
    Case("onbuild_from", HEAD + "ONBUILD FROM x\n", error="DockerfileError", line=2),
    Case(
        "onbuild_grand",
        "FROM corner:4\nRUN ls / > /l\n",
        before={
            "corner:3": HEAD + "ONBUILD RUN echo 1 > /one\n",
            "corner:4": "FROM corner:3\nENV A=1\n",
        },
    ),
    Case(
        "retries",
        HEAD
        + "HEALTHCHECK --retries=7 CMD a\nHEALTHCHECK --retries=10 CMD a\nHEALTHCHECK --retries=39 CMD a\nHEALTHCHECK --retries=92 CMD a\nHEALTHCHECK --retries=65 CMD a\nHEALTHCHECK --retries=127 CMD a\nHEALTHCHECK --retries=200 CMD a\nHEALTHCHECK --retries=1000 CMD a\nHEALTHCHECK --retries=128 CMD a\nHEALTHCHECK --retries=55296 CMD a\nHEALTHCHECK --retries=2000000 CMD a\n",
    ),
    Case(
        "durations",
        HEAD
        + 'HEALTHCHECK --interval=1.5s --timeout=1h1m --start-period=1500us CMD a\nHEALTHCHECK --interval=90m --timeout=1ms --start-period=100h0.25s CMD a\nHEALTHCHECK --interval=1m0.001s --timeout=59.999s CMD ["a"]\n',
    ),
    Case(
        "duration_bad", HEAD + "HEALTHCHECK --interval=5 CMD a\n", error="DockerfileError", line=2
    ),
    Case(
        "duration_small",
        HEAD + "HEALTHCHECK --interval=1us CMD a\n",
        error="DockerfileError",
        line=2,
    ),
    Case("retries_bad", HEAD + "HEALTHCHECK --retries=-1 CMD a\n", error="DockerfileError", line=2),
    Case("health_nocmd", HEAD + "HEALTHCHECK CMD\n", error="DockerfileError", line=2),
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
    Case(
        "shell_history",
        HEAD
        + 'SHELL ["a b", "c\\"d"]\nVOLUME ["/a b", "/c"]\nLABEL "k e y"="v\\"a l" x=\'y\\z\'\nENV q="a\\"b" w=c\\ d\n',
    ),
    Case("label_multi", HEAD + 'LABEL a=1 a=2\nLABEL a=3\nLABEL b="é日" c="x\\ny" d="<&>"\n'),
    Case("config_html", HEAD + 'CMD ["<a>&\\u2028"]\nENV H="<b>&"\nLABEL x="<c>"\n'),
    Case("env_override_path", HEAD + "ENV PATH=\nENV X=$PATH\n"),
    Case("env_dup", HEAD + "ENV A=1 A=2 B=$A\nENV C=$A\n"),
    Case("expose_forms", HEAD + "EXPOSE 8080/TCP 9000-9003/udp 10/sctp\n"),
    Case("expose_bad1", HEAD + "EXPOSE 70000\n", error="DockerfileError", line=2),
    Case("expose_bad2", HEAD + "EXPOSE 80/xyz\n", error="DockerfileError", line=2),
    Case("expose_bad3", HEAD + "EXPOSE 9-5\n", error="DockerfileError", line=2),
    Case("maint_user", HEAD + "MAINTAINER a\nMAINTAINER $PATH b\n"),
    Case(
        "crlf",
        (HEAD + "ENV A=1 \\\n  B=2\nRUN echo $A \\\n  > /a\nCOPY top /t\nCMD echo x\n").replace(
            "\n", "\r\n"
        ),
        SMALL,
    ),
    Case("bom", "\ufeff" + HEAD + "ENV A=1\n"),
    Case(
        "lower", 'from busybox:test as X\nrun echo 1 > /1\nfrom x\ncopy --from=x /1 /2\ncmd ["a"]\n'
    ),
    Case(
        "target_number",
        "FROM busybox:test\nRUN echo 1 > /1\nFROM busybox:test\nRUN exit 1\n",
        target="0",
        error="DockerfileError",
    ),
    Case(
        "target_case",
        "FROM busybox:test AS Abc\nRUN echo 1 > /1\nFROM busybox:test\nRUN exit 1\n",
        target="ABC",
    ),
    Case(
        "dup_stage",
        "FROM busybox:test AS a\nRUN echo 1 > /1\nFROM busybox:test AS a\nRUN echo 2 > /1\nFROM a\nCOPY --from=a /1 /2\n",
    ),
    Case(
        "same_layers",
        "FROM busybox:test AS a\nRUN echo 1 > /1\nFROM busybox:test AS b\nCOPY --from=a /1 /1\nFROM a\nCOPY --from=b /1 /3\nCOPY --from=b /1 /1\n",
    ),
    Case(
        "arg_stage_inherits",
        "FROM busybox:test AS a\nARG X=1\nFROM a\nRUN echo ${X:-none} > /x\nLABEL l=${X:-none}\nARG X\nLABEL m=${X:-none}\nRUN echo ${X:-none} > /y\nENV E=$X\n",
    ),
    Case(
        "env_arg_label",
        HEAD
        + "ENV A=env\nARG A=arg\nLABEL a=$A\nENV B=$A\nRUN echo $A > /a\nENV A=again\nRUN echo $A > /b\nARG A=last\nRUN echo $A > /c\nCOPY $A* /d/\nWORKDIR /$A\n",
        {"arg": "arg", "again": "again", "last": "l", "env": "e"},
    ),
    Case("arg_bare_after_env", HEAD + "ENV A=env\nARG A\nRUN echo $A > /a\nLABEL a=$A\n"),
    Case(
        "arg_bare_given_after_env",
        HEAD + "ENV A=env\nARG A\nRUN echo $A > /a\nLABEL a=$A\n",
        build_args={"A": "given"},
    ),
    Case("stopsignals", HEAD + "STOPSIGNAL rtmin+15\nSTOPSIGNAL SIGRTMAX-14\nSTOPSIGNAL cld\n"),
    Case("stopsignal_rt_bad", HEAD + "STOPSIGNAL RTMIN+16\n", error="DockerfileError", line=2),
    Case("stopsignal_zero", HEAD + "STOPSIGNAL 0\n", error="DockerfileError", line=2),
    Case("stopsignal_999", HEAD + "STOPSIGNAL 999\n"),
    Case(
        "onbuild_of_a_stage",
        "FROM busybox:test AS other\nRUN echo o > /o\nFROM corner:5\nRUN cat /p > /q\n",
        before={"corner:5": HEAD + "ONBUILD COPY --from=other /o /p\n"},
        differs=("Docker raised SourceNotFoundError",),
    ),
    Case(
        "expose_mapping",
        HEAD + "EXPOSE 8080:80\n",
        error="DockerfileError",
        line=2,
        differs=("Docker built it",),
    ),
]
