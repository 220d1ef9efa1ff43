"""STOPSIGNAL."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "STOPSIGNAL",
        Case("stopsignal", "FROM busybox:test\nENV S=SIGUSR1\nSTOPSIGNAL 9\nSTOPSIGNAL $S\n"),
        Case("stopsignal_forms", HEAD + "STOPSIGNAL sigterm\nSTOPSIGNAL KILL\nSTOPSIGNAL 65\n"),
        Case("stopsignals", HEAD + "STOPSIGNAL rtmin+15\nSTOPSIGNAL SIGRTMAX-14\nSTOPSIGNAL cld\n"),
        Case("stopsignal_999", HEAD + "STOPSIGNAL 999\n"),
        Case("stopsignal_bad", HEAD + "STOPSIGNAL BOGUS\n", error="DockerfileError", line=2),
        Case("stopsignal_zero", HEAD + "STOPSIGNAL 0\n", error="DockerfileError", line=2),
        Case("stopsignal_rt_bad", HEAD + "STOPSIGNAL RTMIN+16\n", error="DockerfileError", line=2),
    ),
]
