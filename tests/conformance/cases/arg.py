"""ARG."""

from ..contexts import NOW, Directory, Plain
from ..model import Case, section, stated
from .material import HEAD

CASES = [
    *section(
        "ARG",
        Case(
            "arguments",
            "FROM busybox:test\nARG A\nARG B=b\nARG C=c$B\nARG D=d E\nENV C=env\n"
            "RUN echo $A $B $C $D > /out\nLABEL l=$A$B$C$D\n",
            build_args={"A": "a value", "D": "x"},
        ),
        Case(
            "arg_order",
            HEAD + "ARG Z=1\nARG A=2\nARG M\nRUN true; env | sort > /e\n",
            build_args={"M": "mm"},
        ),
        Case(
            "arg_spaces",
            HEAD + 'ARG A="a b"\nARG B=\'c $A\'\nRUN echo $A $B > /a\nLABEL l="$A $B"\n',
        ),
        Case(
            "arg_several_on_a_line",
            HEAD + "ARG A B=2 D\nRUN echo x$A-$B-$D > /o\n",
            build_args={"D": "4"},
        ),
        Case("arg_nothing", HEAD + "ARG\n", error="DockerfileError", line=2),
        stated(
            "arg_of_the_one_before_it",
            HEAD + "ARG B=2 C=$B\nRUN echo $C > /o\n",
            {},
            {"o": Plain("2\n", mtime=NOW)},
            "ARG B=2 C=2",
            "RUN |2 B=2 C=2 /bin/sh -c echo $C > /o # buildkit",
        ),
    ),
    *section(
        "Default values",
        Case("arg_twice", HEAD + "ARG A=1\nARG A=2\nRUN echo $A > /a\nARG A\nRUN echo $A > /b\n"),
        Case("arg_unused", HEAD + "RUN echo $N > /a\n", build_args={"N": "x"}),
        Case("arg_given_empty", HEAD + "ARG A=1\nRUN echo x$A > /o\n", build_args={"A": ""}),
    ),
    *section(
        "Scope",
        Case(
            "arg_stage_inherits",
            "FROM busybox:test AS a\nARG X=1\nFROM a\nRUN echo ${X:-none} > /x\nLABEL l=${X:-none}\nARG X\nLABEL m=${X:-none}\nRUN echo ${X:-none} > /y\nENV E=$X\n",
        ),
        Case(
            "arg_from_its_line_on",
            HEAD
            + "USER ${username:-root}\nRUN id -un > /tmp/a\nARG username\nUSER $username\nRUN id -un > /tmp/b\n",
            build_args={"username": "me"},
        ),
        Case(
            "arg_of_unrelated_stages",
            "FROM busybox:test AS a\nARG S=1\nRUN echo $S > /a\nFROM busybox:test\nRUN echo x$S > /b\nARG S\nRUN echo y$S > /c\n",
            build_args={"S": "2"},
        ),
    ),
    *section(
        "Using ARG variables",
        Case(
            "arg_env_same",
            HEAD
            + "ENV A=env\nARG A=arg\nRUN echo $A > /a\nARG B=arg\nENV B=env$B\nRUN echo $B > /b\n",
            build_args={"A": "given", "B": "b2"},
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
        Case(
            "arg_persisted_by_env",
            HEAD
            + "ARG CONT_IMG_VER\nENV CONT_IMG_VER=${CONT_IMG_VER:-v1.0.0}\nRUN echo $CONT_IMG_VER > /o\n",
        ),
        Case(
            "arg_below_an_env_of_the_base",
            "FROM env:1\nARG A=arg\nRUN echo $A > /o\n",
            before={"env:1": HEAD + "ENV A=env\n"},
            build_args={"A": "given"},
        ),
    ),
    *section(
        "Predefined ARGs",
        Case(
            "proxies_reach_run_and_no_history",
            HEAD + "RUN env | grep -i proxy | sort > /o\n",
            build_args={
                "HTTP_PROXY": "http://a:1",
                "https_proxy": "http://b:2",
                "FTP_PROXY": "http://c:3",
                "no_proxy": "d",
            },
        ),
        Case(
            "proxy_declared_is_in_history",
            HEAD + "ARG HTTP_PROXY\nRUN echo $HTTP_PROXY > /o\n",
            build_args={"HTTP_PROXY": "http://a:1"},
        ),
        Case("proxy_without_value", HEAD + "RUN env | grep -ci proxy > /o; true\n"),
        stated(
            "proxy_for_all",
            HEAD + "RUN echo $ALL_PROXY > /o\n",
            {},
            {"o": Plain("http://e:5\n", mtime=NOW)},
            "RUN /bin/sh -c echo $ALL_PROXY > /o # buildkit",
            build_args={"ALL_PROXY": "http://e:5"},
        ),
    ),
    *section(
        "Impact on build caching",
        Case(
            "cache_misses_at_a_changed_arg",
            HEAD
            + "ARG A\nRUN --mount=type=cache,id=c5,target=/root echo x >> /root/n && wc -l < /root/n > /n\n",
            before={
                "warm:5": HEAD
                + "ARG A\nRUN --mount=type=cache,id=c5,target=/root echo x >> /root/n && wc -l < /root/n > /n\n"
            },
            build_args={"A": "2"},
        ),
        Case(
            "cache_keeps_an_arg_that_env_overrides",
            HEAD
            + "ARG A\nENV A=hello\nRUN --mount=type=cache,id=c6,target=/root echo x >> /root/n && wc -l < /root/n > /n\n",
            before={
                "warm:6": HEAD
                + "ARG A\nENV A=hello\nRUN --mount=type=cache,id=c6,target=/root echo x >> /root/n && wc -l < /root/n > /n\n"
            },
            build_args={"A": "2"},
        ),
        Case(
            "cache_misses_at_an_env_of_a_changed_arg",
            HEAD
            + "ARG A\nENV B=$A\nRUN --mount=type=cache,id=c7,target=/root echo x >> /root/n && wc -l < /root/n > /n\n",
            before={
                "warm:7": HEAD
                + "ARG A\nENV B=$A\nRUN --mount=type=cache,id=c7,target=/root echo x >> /root/n && wc -l < /root/n > /n\n"
            },
            build_args={"A": "2"},
        ),
        Case(
            "cache_keeps_steps_before_the_arg",
            HEAD
            + "RUN --mount=type=cache,id=c8,target=/root echo x >> /root/n && wc -l < /root/n > /n\nARG A\nRUN echo $A > /a\n",
            before={
                "warm:8": HEAD
                + "RUN --mount=type=cache,id=c8,target=/root echo x >> /root/n && wc -l < /root/n > /n\nARG A\nRUN echo $A > /a\n"
            },
            build_args={"A": "2"},
        ),
        Case(
            "cache_keeps_with_another_proxy",
            HEAD
            + "RUN --mount=type=cache,id=c9,target=/root echo x >> /root/n && wc -l < /root/n > /n\n",
            before={
                "warm:9": HEAD
                + "RUN --mount=type=cache,id=c9,target=/root echo x >> /root/n && wc -l < /root/n > /n\n"
            },
            build_args={"HTTP_PROXY": "http://proxy:1"},
        ),
        Case(
            "cache_misses_with_another_declared_proxy",
            HEAD
            + "ARG HTTP_PROXY\nRUN --mount=type=cache,id=c10,target=/root echo x >> /root/n && wc -l < /root/n > /n\n",
            before={
                "warm:10": HEAD
                + "ARG HTTP_PROXY\nRUN --mount=type=cache,id=c10,target=/root echo x >> /root/n && wc -l < /root/n > /n\n"
            },
            build_args={"HTTP_PROXY": "http://proxy:1"},
        ),
    ),
    *section(
        "Automatic platform ARGs in the global scope",
        Case(
            "platform_args_redeclared",
            HEAD
            + "ARG TARGETOS\nARG TARGETARCH\nARG TARGETVARIANT\nARG BUILDPLATFORM\nARG BUILDOS\nARG BUILDARCH\nARG BUILDVARIANT\nRUN echo $TARGETOS $TARGETARCH x$TARGETVARIANT $BUILDPLATFORM $BUILDOS $BUILDARCH x$BUILDVARIANT > /o\n",
        ),
        Case(
            "platform_args_are_global_only",
            HEAD + "RUN echo x$TARGETPLATFORM$BUILDPLATFORM$TARGETOS > /o\nLABEL l=x$TARGETARCH\n",
        ),
        Case(
            "platform_arg_with_a_default", HEAD + "ARG TARGETARCH=mine\nRUN echo $TARGETARCH > /o\n"
        ),
        Case(
            "platform_arg_given",
            HEAD + "ARG TARGETARCH\nRUN echo $TARGETARCH > /o\n",
            build_args={"TARGETARCH": "given"},
        ),
    ),
    *section(
        "BuildKit built-in build args",
        stated(
            "builtin_host_name",
            HEAD + "RUN hostname > /o\n",
            {},
            {"o": Plain("box\n", mtime=NOW)},
            "RUN /bin/sh -c hostname > /o # buildkit",
            build_args={"BUILDKIT_SANDBOX_HOSTNAME": "box"},
        ),
        stated(
            "builtin_syntax",
            "# syntax=example.org/mine:1\n" + HEAD,
            {},
            {},
            build_args={"BUILDKIT_SYNTAX": "dockerfile.v0"},
        ),
        Case(
            "builtin_inline_cache",
            HEAD + "RUN echo 1 > /1\n",
            build_args={"BUILDKIT_INLINE_CACHE": "1"},
        ),
        stated(
            "builtin_cache_namespace",
            HEAD + "RUN --mount=type=cache,id=ns,target=/root ls /root > /o\n",
            {},
            {"o": Plain("", mtime=NOW)},
            "RUN /bin/sh -c ls /root > /o # buildkit",
            before={"ns:1": HEAD + "RUN --mount=type=cache,id=ns,target=/root touch /root/x\n"},
            build_args={"BUILDKIT_CACHE_MOUNT_NS": "other"},
        ),
        stated(
            "builtin_source_date_epoch",
            HEAD + "COPY a /o/a\nRUN echo $SOURCE_DATE_EPOCH > /e\n",
            {"a": Plain("a", mtime=1_700_000_000)},
            {
                "o": Directory(mtime=1_600_000_000),
                "o/a": Plain("a", mtime=1_600_000_000),
                "e": Plain("\n", mtime=None),
            },
            "COPY a /o/a # buildkit",
            "RUN /bin/sh -c echo $SOURCE_DATE_EPOCH > /e # buildkit",
            build_args={"SOURCE_DATE_EPOCH": "1600000000"},
        ),
    ),
]
