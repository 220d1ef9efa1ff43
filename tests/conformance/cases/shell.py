"""SHELL."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "SHELL",
        Case(
            "shell",
            'FROM busybox:test\nSHELL ["/bin/sh", "-ec"]\nRUN echo $0 > /out\nCMD run it\n'
            "ENTRYPOINT start\nHEALTHCHECK CMD probe\n",
        ),
        Case(
            "shell_history",
            HEAD
            + 'SHELL ["a b", "c\\"d"]\nVOLUME ["/a b", "/c"]\nLABEL "k e y"="v\\"a l" x=\'y\\z\'\nENV q="a\\"b" w=c\\ d\n',
        ),
        Case("shell_empty", HEAD + "SHELL []\n", error="DockerfileError", line=2),
        Case("shell_is_no_json", HEAD + "SHELL /bin/sh -c\n", error="DockerfileError", line=2),
    ),
]
