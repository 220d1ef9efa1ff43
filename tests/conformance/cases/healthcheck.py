"""HEALTHCHECK."""

from ..compare import UNSTATED
from ..model import Case, section, stated
from .material import HEAD

CASES = [
    *section(
        "HEALTHCHECK",
        Case(
            "healthcheck",
            "FROM busybox:test\n"
            "HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=2h --retries=3 "
            'CMD ["probe", "-x"]\n',
        ),
        Case(
            "healthcheck_shell",
            "FROM busybox:test\nHEALTHCHECK --retries=12 CMD wget -q localhost\n",
        ),
        Case("healthcheck_none", "FROM busybox:test\nHEALTHCHECK NONE\n"),
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
            "duration_bad",
            HEAD + "HEALTHCHECK --interval=5 CMD a\n",
            error="DockerfileError",
            line=2,
        ),
        Case(
            "duration_small",
            HEAD + "HEALTHCHECK --interval=1us CMD a\n",
            error="DockerfileError",
            line=2,
        ),
        Case(
            "retries_bad",
            HEAD + "HEALTHCHECK --retries=-1 CMD a\n",
            error="DockerfileError",
            line=2,
        ),
        Case("health_nocmd", HEAD + "HEALTHCHECK CMD\n", error="DockerfileError", line=2),
        Case(
            "healthcheck_reference_example",
            HEAD
            + "HEALTHCHECK --interval=5m --timeout=3s \\\n  CMD curl -f http://localhost/ || exit 1\n",
        ),
        Case(
            "healthcheck_last_counts",
            HEAD + 'HEALTHCHECK --retries=2 CMD a\nHEALTHCHECK CMD ["b"]\n',
        ),
        Case(
            "healthcheck_none_over_the_base_s",
            "FROM health:1\nHEALTHCHECK NONE\n",
            before={"health:1": HEAD + "HEALTHCHECK CMD a\n"},
        ),
        Case(
            "healthcheck_unknown_form",
            HEAD + "HEALTHCHECK RUN a\n",
            error="DockerfileError",
            line=2,
        ),
        Case(
            "healthcheck_none_with_more",
            HEAD + "HEALTHCHECK NONE a\n",
            error="DockerfileError",
            line=2,
        ),
        Case(
            "healthcheck_unknown_flag",
            HEAD + "HEALTHCHECK --nope=1 CMD a\n",
            error="DockerfileError",
            line=2,
        ),
        stated(
            "healthcheck_start_interval",
            HEAD + "HEALTHCHECK --start-interval=2s CMD a\n",
            {},
            {},
            UNSTATED,
            config={"Healthcheck": {"Test": ["CMD-SHELL", "a"], "StartInterval": 2_000_000_000}},
        ),
    ),
]
