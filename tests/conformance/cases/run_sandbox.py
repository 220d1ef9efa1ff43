"""RUN --network, --security and --device."""

from ..contexts import NOW, Plain
from ..model import REFERENCE, SERVER, Case, section, stated
from .material import HEAD

CASES = [
    *section(
        "RUN --network",
        stated(
            "network_default",
            HEAD + "RUN --network=default echo a > /o\n",
            {},
            {"o": Plain("a\n", mtime=NOW)},
            "RUN /bin/sh -c echo a > /o # buildkit",
        ),
        stated(
            "network_none",
            HEAD
            + f"RUN --network=none ! wget -q -T 2 -O /o {SERVER}/x 2> /dev/null && grep -c lo: /proc/net/dev > /o\n",
            {},
            {"o": Plain("1\n", mtime=NOW)},
            f"RUN /bin/sh -c ! wget -q -T 2 -O /o {SERVER}/x 2> /dev/null && grep -c lo: /proc/net/dev > /o # buildkit",
        ),
        stated(
            "network_host",
            HEAD + f"RUN --network=host wget -q -O /o {SERVER}/x\n",
            {},
            {"o": Plain("served\n", mtime=NOW)},
            f"RUN /bin/sh -c wget -q -O /o {SERVER}/x # buildkit",
        ),
        Case(
            "network_unknown",
            HEAD + "RUN --network=nope true\n",
            oracle=REFERENCE,
            error="DockerfileError",
            words="nope",
            line=2,
        ),
        Case(
            "network_of_the_build",
            HEAD
            + f"RUN ! wget -q -T 2 -O /o {SERVER}/x 2> /dev/null; test ! -s /o\nRUN grep -c lo: /proc/net/dev > /o\n",
            options={"network": "none"},
        ),
    ),
    *section(
        "RUN --security",
        stated(
            "security_sandbox",
            HEAD
            + "RUN --security=sandbox grep CapEff /proc/self/status > /o\nRUN grep CapEff /proc/self/status | cmp - /o\n",
            {},
            {"o": Plain("CapEff:\t00000000a80425fb\n", mtime=NOW)},
            "RUN /bin/sh -c grep CapEff /proc/self/status > /o # buildkit",
            "RUN /bin/sh -c grep CapEff /proc/self/status | cmp - /o # buildkit",
        ),
        Case(
            "security_insecure",
            HEAD + "RUN --security=insecure true\n",
            oracle=REFERENCE,
            error="UnsupportedError",
            status=125,
            why="no builder is privileged here",
            words="insecure",
            line=2,
        ),
        Case(
            "security_unknown",
            HEAD + "RUN --security=nope true\n",
            oracle=REFERENCE,
            error="DockerfileError",
            words="nope",
            line=2,
        ),
    ),
    *section(
        "RUN --device",
        Case(
            "device_that_is_not_there",
            HEAD + "RUN --device=vendor1.com/device=foo true\n",
            oracle=REFERENCE,
            error="UnsupportedError",
            status=125,
            why="no devices of CDI here",
            words="device",
            line=2,
        ),
    ),
]
