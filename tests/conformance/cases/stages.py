"""FROM, ARG, ONBUILD: what a stage starts with."""

from ..model import Case

CASES = [
    Case("base_alone", "FROM busybox:test\n"),
    Case("from_scratch_copy", "FROM scratch\nCOPY a /\n", {"a": "a\n"}),
    Case("from_scratch_label", "FROM scratch\nLABEL a=b\nCOPY a /b\n", {"a": "a"}),
    Case(
        "arg_before_from",
        "ARG TAG=nope\nARG BASE=busybox:$TAG\nFROM ${BASE}\nARG TAG\nRUN echo $TAG > /t\n",
        build_args={"TAG": "test"},
    ),
    Case("from_digest_of_args", "ARG B=busybox\nFROM --platform=$BUILDPLATFORM $B:test\nENV A=1\n"),
    Case(
        "stages",
        "FROM busybox:test AS build\nWORKDIR /src\nCOPY app.sh .\nRUN sh app.sh > out\n"
        'FROM busybox:test\nCOPY --from=build /src/out /bin/out\nCMD ["/bin/out"]\n',
        {"app.sh": "echo hello\n"},
    ),
    Case(
        "stage_on_stage",
        'FROM busybox:test AS one\nENV A=1\nARG X=2\nRUN echo $A$X > /one\nCMD ["one"]\n'
        'FROM one\nARG X\nRUN echo $A$X > /two\nENTRYPOINT ["two"]\n',
    ),
    Case(
        "target",
        "FROM busybox:test AS one\nRUN echo 1 > /1\nFROM busybox:test AS two\nRUN exit 1\n",
        target="one",
    ),
    Case(
        "stage_by_number_and_case",
        "FROM busybox:test AS Build\nRUN echo 1 > /1\nFROM busybox:test\n"
        "COPY --from=0 /1 /a\nCOPY --from=build /1 /b\nCOPY --from=BUILD /1 /c\n",
    ),
    Case(
        "copy_from_image",
        "FROM scratch\nCOPY --from=busybox:test /etc/passwd /etc/group /accounts/\n",
    ),
    Case(
        "arguments",
        "FROM busybox:test\nARG A\nARG B=b\nARG C=c$B\nARG D=d E\nENV C=env\n"
        "RUN echo $A $B $C $D > /out\nLABEL l=$A$B$C$D\n",
        build_args={"A": "a value", "D": "x"},
    ),
    Case(
        "predefined_arguments",
        "FROM busybox:test\nARG TARGETARCH\nARG TARGETPLATFORM\nARG http_proxy\n"
        "RUN echo $TARGETARCH $TARGETPLATFORM $http_proxy > /out\n",
        build_args={"http_proxy": "http://proxy:1"},
    ),
    Case(
        "onbuild",
        "FROM onbuild:1\nRUN cat /trigger/a > /after\n",
        {"a": "a\n"},
        before={
            "onbuild:1": "FROM busybox:test\nONBUILD COPY a /trigger/\nONBUILD ENV A=1\n"
            "ONBUILD RUN echo $A > /ran\nONBUILD LABEL who=trigger\n"
        },
    ),
    Case("onbuild_kept", 'FROM busybox:test\nONBUILD RUN echo  hello\nONBUILD CMD ["a", "b"]\n'),
    Case(
        "labels_of_the_request", "FROM busybox:test\nLABEL a=1 b=2\n", labels={"b": "3", "c": "4"}
    ),
]
