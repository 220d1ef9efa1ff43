"""Options of the build that change what comes out; not in the Dockerfile reference."""

from platform import machine

from container_magics.engines.build_request import Ulimit

from ..compare import UNSTATED
from ..contexts import NOW, Plain
from ..model import Case, section, stated
from .material import HEAD

CASES = [
    *section(
        "docker build",
        Case(
            "target",
            "FROM busybox:test AS one\nRUN echo 1 > /1\nFROM busybox:test AS two\nRUN exit 1\n",
            target="one",
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
            "unknown_target",
            HEAD,
            target="nope",
            error="DockerfileError",
            words="could not be found",
        ),
        Case(
            "labels_of_the_request",
            "FROM busybox:test\nLABEL a=1 b=2\n",
            labels={"b": "3", "c": "4"},
        ),
        Case(
            "option_add_host",
            HEAD
            + "RUN grep -E ' (one|two)$' /etc/hosts | tr '\\t' ' ' > /o\nRUN ! ping -c1 -W1 nosuch 2> /dev/null\n",
            options={"add_hosts": {"one": "10.0.0.1", "two": "::1"}},
        ),
        stated(
            "option_shm_size",
            HEAD + "RUN df -k /dev/shm | awk 'NR == 2 {print $2}' > /o\n",
            {},
            {"o": Plain("2048\n", mtime=NOW)},
            "RUN /bin/sh -c df -k /dev/shm | awk 'NR == 2 {print $2}' > /o # buildkit",
            options={"shm_size": 2 << 20},
        ),
        stated(
            "option_ulimit",
            HEAD + "RUN ulimit -Sn > /o && ulimit -Hn >> /o\n",
            {},
            {"o": Plain("100\n200\n", mtime=NOW)},
            "RUN /bin/sh -c ulimit -Sn > /o && ulimit -Hn >> /o # buildkit",
            options={"ulimits": (Ulimit("nofile", 100, 200),)},
        ),
        Case(
            "option_own_platform",
            HEAD + "ARG TARGETPLATFORM\nRUN echo $TARGETPLATFORM > /o\n",
            options={
                "platform": "linux/"
                + {"x86_64": "amd64", "aarch64": "arm64"}.get(machine(), machine())
            },
        ),
        Case(
            "option_unknown_network",
            HEAD + "RUN true\n",
            options={"network": "nope"},
            error="UsageError",
        ),
        Case(
            "option_build_arg_of_the_environment",
            HEAD + "ARG HOME_OF_NOBODY\nRUN echo x$HOME_OF_NOBODY > /o\n",
            build_args={"HOME_OF_NOBODY": None},
        ),
        Case(
            "option_label_over_the_base_s",
            "FROM label:9\n",
            labels={"a": "given"},
            before={"label:9": HEAD + "LABEL a=1 b=2\n"},
        ),
        Case(
            "option_target_with_triggers",
            "FROM busybox:test AS a\nONBUILD RUN echo 1 > /o\nFROM a AS b\nFROM b\n",
            target="b",
        ),
        stated(
            "option_no_cache_of_one_stage",
            "FROM busybox:test AS a\nRUN --mount=type=cache,id=f1,target=/root echo x >> /root/n && wc -l < /root/n > /n\nFROM busybox:test\nRUN --mount=type=cache,id=f2,target=/root echo x >> /root/n && wc -l < /root/n > /m\nCOPY --from=a /n /n\n",
            {},
            {"m": Plain("1\n", mtime=NOW), "n": Plain("1\n", mtime=NOW)},
            UNSTATED,
            "COPY /n /n # buildkit",
            before={
                "f:1": "FROM busybox:test AS a\nRUN --mount=type=cache,id=f1,target=/root echo x >> /root/n && wc -l < /root/n > /n\nFROM busybox:test\nRUN --mount=type=cache,id=f2,target=/root echo x >> /root/n && wc -l < /root/n > /m\nCOPY --from=a /n /n\n"
            },
            options={"no_cache_filter": ("a",)},
        ),
    ),
]
