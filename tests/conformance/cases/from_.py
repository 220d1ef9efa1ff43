"""FROM: the base of a stage, and where its ARG come from."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "FROM",
        Case("base_alone", "FROM busybox:test\n"),
        Case(
            "from_digest_of_args",
            "ARG B=busybox\nFROM --platform=$BUILDPLATFORM $B:test\nENV A=1\n",
        ),
        Case(
            "stage_on_stage",
            'FROM busybox:test AS one\nENV A=1\nARG X=2\nRUN echo $A$X > /one\nCMD ["one"]\n'
            'FROM one\nARG X\nRUN echo $A$X > /two\nENTRYPOINT ["two"]\n',
        ),
        Case(
            "dup_stage",
            "FROM busybox:test AS a\nRUN echo 1 > /1\nFROM busybox:test AS a\nRUN echo 2 > /1\nFROM a\nCOPY --from=a /1 /2\n",
        ),
        Case(
            "same_layers",
            "FROM busybox:test AS a\nRUN echo 1 > /1\nFROM busybox:test AS b\nCOPY --from=a /1 /1\nFROM a\nCOPY --from=b /1 /3\nCOPY --from=b /1 /1\n",
        ),
        Case("from_scratch_label", "FROM scratch\nLABEL a=b\nCOPY a /b\n", {"a": "a"}),
        Case("unknown_base", "FROM localhost:1/nope:1\n", error="PullError", words="localhost:1"),
        Case(
            "from_scratch_alone",
            "FROM scratch\n",
            differs=("the oracle raised ContainerMagicsError",),
            why="not implemented in 20.10; the reference has no such limit",
        ),
        Case(
            "from_clears_state",
            "FROM busybox:test AS a\nENV A=1\nUSER me\nWORKDIR /tmp\nLABEL l=1\nFROM busybox:test\nRUN env | sort > /e; pwd >> /e\n",
        ),
        Case(
            "from_unused_stage_is_not_built",
            "FROM busybox:test AS bad\nRUN exit 1\nFROM busybox:test\nRUN echo 1 > /1\n",
        ),
        Case(
            "from_unknown_tag", "FROM localhost:1/busybox\n", error="PullError", words="localhost:1"
        ),
        Case(
            "from_unknown_digest",
            "FROM localhost:1/b@sha256:" + "0" * 64 + "\n",
            error="PullError",
            words="localhost:1",
        ),
        Case("from_three_words", "FROM busybox:test x y\n", error="DockerfileError", line=1),
        Case("from_nothing", "FROM\n", error="DockerfileError", line=1),
        Case("from_bad_name", "FROM Busybox:test\n", error="DockerfileError", line=1),
        Case("from_stage_name_bad", "FROM busybox:test AS 1x\n", error="DockerfileError", line=1),
        Case(
            "from_bad_platform",
            "FROM --platform=a/b/c/d busybox:test\n",
            error="DockerfileError",
            line=1,
        ),
        Case(
            "from_base_with_everything",
            "FROM full:1\nRUN echo $A > /tmp/a\n",
            before={
                "full:1": HEAD
                + 'ENV A=1\nLABEL l=1\nEXPOSE 80\nVOLUME /v\nUSER me\nWORKDIR /tmp\nSTOPSIGNAL SIGINT\nHEALTHCHECK CMD x\nSHELL ["/bin/ash", "-c"]\nENTRYPOINT ["e"]\nCMD ["c"]\n'
            },
        ),
        Case(
            "from_a_stage_with_a_tag_s_name",
            "FROM busybox:test AS busybox\nRUN echo 1 > /1\nFROM busybox\nRUN test -e /1\n",
        ),
    ),
    *section(
        "Understand how ARG and FROM interact",
        Case(
            "arg_before_from",
            "ARG TAG=nope\nARG BASE=busybox:$TAG\nFROM ${BASE}\nARG TAG\nRUN echo $TAG > /t\n",
            build_args={"TAG": "test"},
        ),
        Case(
            "arg_global_default",
            "ARG G=g\nARG U\n"
            + HEAD
            + "ARG G\nARG U=dflt\nARG X=$G$U\nRUN echo $G $U $X > /a\nLABEL a=$X\n",
            build_args={"U": "given"},
        ),
        Case("arg_global_unused", "ARG G=g\n" + HEAD + "RUN echo $G > /a\nLABEL l=$G\n"),
        Case(
            "arg_in_each_from",
            "ARG V=test\nFROM busybox:${V} AS a\nRUN echo 1 > /1\nFROM busybox:${V}\nCOPY --from=a /1 /2\nRUN echo x$V > /v\n",
        ),
        Case(
            "arg_of_a_stage_is_none_of_from",
            "FROM busybox:test AS a\nARG T=test\nFROM busybox:$T\n",
            error="DockerfileError",
            line=3,
        ),
        Case("arg_empty_in_from", "ARG B\nFROM $B\n", error="DockerfileError", line=2),
        Case(
            "arg_of_global_args",
            "ARG A=te\nARG B=${A}st\nFROM busybox:${B:-none}\nARG B\nLABEL b=$B\n",
        ),
        Case(
            "arg_of_args_names_a_stage",
            "ARG WHICH=two\nFROM busybox:test AS one\nRUN echo 1 > /x\nFROM busybox:test AS two\nRUN echo 2 > /x\nFROM $WHICH\nRUN cat /x > /y\n",
            build_args={"WHICH": "one"},
        ),
    ),
]
