"""ENV."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "ENV",
        Case(
            "env",
            "FROM busybox:test\nENV A=1 B=\"two words\" C='$A' D=x\\ y\nENV OLD form with $A\n"
            "ENV A=2 B=$A${B:+set}${N:-unset} PATH=/x:$PATH\nRUN env > /out\n",
        ),
        Case("env_dup", HEAD + "ENV A=1 A=2 B=$A\nENV C=$A\n"),
        Case("env_override_path", HEAD + "ENV PATH=\nENV X=$PATH\n"),
        Case("env_bare", HEAD + "ENV A\n", error="DockerfileError", line=2),
        Case("empty_env", HEAD + "ENV =x\n", error="DockerfileError", line=2),
        Case(
            "env_quotes_and_backslashes",
            HEAD + 'ENV MY_NAME="John Doe" MY_DOG=Rex\\ The\\ Dog \\\n    MY_CAT=fluffy\n',
        ),
        Case("env_old_form", HEAD + "ENV ONE TWO= THREE=world\n"),
        Case(
            "env_odd_names", HEAD + "ENV a.b=1 a-b=2 1a=3 é=4\nRUN env | grep -v ^P | sort > /e\n"
        ),
        Case("env_quotes_kept", HEAD + 'ENV A=\\"x\\" B=\'"y"\' C="\'z\'" D=a"b c"d E=\\\'\n'),
        Case("env_not_for_one_command", HEAD + "RUN A=1 env | grep ^A > /o\nRUN ! env | grep ^A\n"),
    ),
]
