"""ONBUILD."""

from ..contexts import NOW, Plain
from ..model import Case, section, stated
from .material import HEAD

CASES = [
    *section(
        "ONBUILD",
        Case(
            "onbuild",
            "FROM onbuild:1\nRUN cat /trigger/a > /after\n",
            {"a": "a\n"},
            before={
                "onbuild:1": "FROM busybox:test\nONBUILD COPY a /trigger/\nONBUILD ENV A=1\n"
                "ONBUILD RUN echo $A > /ran\nONBUILD LABEL who=trigger\n"
            },
        ),
        Case(
            "onbuild_kept", 'FROM busybox:test\nONBUILD RUN echo  hello\nONBUILD CMD ["a", "b"]\n'
        ),
        Case(
            "onbuild_grand",
            "FROM corner:4\nRUN ls / > /l\n",
            before={
                "corner:3": HEAD + "ONBUILD RUN echo 1 > /one\n",
                "corner:4": "FROM corner:3\nENV A=1\n",
            },
        ),
        Case(
            "onbuild_reference_example",
            "FROM onbuild:2\nCMD go\n",
            {"main.py": "m"},
            before={"onbuild:2": HEAD + "ONBUILD ADD . /app/src\nONBUILD RUN ls /app/src > /ran\n"},
        ),
        Case(
            "onbuild_in_order_of_registration",
            "FROM onbuild:3\nRUN echo own >> /o\n",
            before={
                "onbuild:3": HEAD
                + "ONBUILD RUN echo 1 >> /o\nONBUILD WORKDIR /tmp\nONBUILD USER me\nONBUILD ENV A=1\nONBUILD USER root\nONBUILD RUN echo 2 $A >> /o\n"
            },
        ),
        Case(
            "onbuild_trigger_fails",
            "FROM onbuild:4\nRUN true\n",
            before={"onbuild:4": HEAD + "ONBUILD RUN exit 9\n"},
            error="StepFailedError",
            line=1,
            differs=("the oracle names line",),
            why="our Docker engine counts no triggers",
        ),
        Case(
            "onbuild_of_a_stage_s_base",
            "FROM onbuild:5 AS a\nFROM busybox:test\nCOPY --from=a /o /o\n",
            before={"onbuild:5": HEAD + "ONBUILD RUN echo 1 > /o\n"},
        ),
        Case(
            "onbuild_sees_no_arg_of_the_child",
            "FROM onbuild:6\nARG A=1\nRUN echo $A > /b\n",
            before={"onbuild:6": HEAD + "ONBUILD RUN echo x$A > /a\n"},
            build_args={"A": "2"},
        ),
        Case(
            "onbuild_with_its_own_arg",
            "FROM onbuild:7\nRUN echo y$A > /b\n",
            before={"onbuild:7": HEAD + "ONBUILD ARG A=1\nONBUILD RUN echo x$A > /a\n"},
            build_args={"A": "2"},
        ),
        Case(
            "onbuild_all_configuration",
            "FROM onbuild:8\n",
            before={
                "onbuild:8": HEAD
                + 'ONBUILD CMD ["c"]\nONBUILD ENTRYPOINT ["e"]\nONBUILD EXPOSE 80\nONBUILD VOLUME /v\nONBUILD STOPSIGNAL SIGINT\nONBUILD HEALTHCHECK CMD x\nONBUILD SHELL ["/bin/ash", "-c"]\nONBUILD LABEL a=1\n'
            },
        ),
        Case(
            "onbuild_not_in_its_own_stage",
            "FROM busybox:test AS a\nONBUILD RUN echo 1 > /o\nFROM a\nRUN test ! -e /o || echo ran > /p\n",
        ),
    ),
    *section(
        "Copy or mount from stage, image, or context",
        Case(
            "onbuild_of_a_stage",
            "FROM busybox:test AS other\nRUN echo o > /o\nFROM corner:5\nRUN cat /p > /q\n",
            before={"corner:5": HEAD + "ONBUILD COPY --from=other /o /p\n"},
            differs=("the oracle raised SourceNotFoundError",),
            why="the reference: the stage is of the Dockerfile where the trigger runs",
        ),
        stated(
            "onbuild_mounts_a_stage",
            "FROM busybox:test AS config\nRUN echo c > /c\nFROM onbuild:9\n",
            {},
            {"o": Plain("c\n", mtime=NOW)},
            "RUN /bin/sh -c cat /tmp/c > /o # buildkit",
            before={
                "onbuild:9": HEAD + "ONBUILD RUN --mount=from=config,target=/tmp cat /tmp/c > /o\n"
            },
        ),
        stated(
            "onbuild_copies_of_a_named_context",
            "FROM onbuild:10\n",
            {},
            {"a": "named"},
            "COPY a /a # buildkit",
            before={"onbuild:10": HEAD + "ONBUILD COPY --from=more a /a\n"},
            contexts={"more": {"a": "named"}},
        ),
    ),
    *section(
        "ONBUILD limitations",
        Case("onbuild_nested", HEAD + "ONBUILD ONBUILD RUN x\n", error="DockerfileError", line=2),
        Case("onbuild_from", HEAD + "ONBUILD FROM x\n", error="DockerfileError", line=2),
        Case(
            "onbuild_maintainer", HEAD + "ONBUILD MAINTAINER x\n", error="DockerfileError", line=2
        ),
        Case("onbuild_nothing", HEAD + "ONBUILD\n", error="DockerfileError", line=2),
    ),
]
