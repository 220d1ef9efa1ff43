"""EXPOSE."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "EXPOSE",
        Case(
            "expose",
            "FROM busybox:test\nARG P=9000\nEXPOSE 80 443/TCP 53/udp 80/tcp\nEXPOSE $P-9002\n",
        ),
        Case("expose_forms", HEAD + "EXPOSE 8080/TCP 9000-9003/udp 10/sctp\n"),
        Case("expose_empty", HEAD + "ARG U\nEXPOSE $U\n"),
        Case("expose_bad1", HEAD + "EXPOSE 70000\n", error="DockerfileError", line=2),
        Case("expose_bad2", HEAD + "EXPOSE 80/xyz\n", error="DockerfileError", line=2),
        Case("expose_bad3", HEAD + "EXPOSE 9-5\n", error="DockerfileError", line=2),
        Case("bad_port", HEAD + "EXPOSE port\n", error="DockerfileError", words="port", line=2),
        Case(
            "expose_mapping",
            HEAD + "EXPOSE 8080:80\n",
            error="DockerfileError",
            line=2,
            differs=("the oracle built it",),
            why="the reference has no such form",
        ),
        Case("expose_both_protocols", HEAD + "EXPOSE 80/tcp\nEXPOSE 80/udp\n"),
        Case(
            "expose_added_to_the_base_s",
            "FROM expose:1\nEXPOSE 81\n",
            before={"expose:1": HEAD + "EXPOSE 80\n"},
        ),
        Case("expose_nothing", HEAD + "EXPOSE\n", error="DockerfileError", line=2),
    ),
]
