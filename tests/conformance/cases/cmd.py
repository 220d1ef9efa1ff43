"""CMD, ENTRYPOINT, and the two together."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "CMD",
        Case("cmd_exec", 'FROM busybox:test\nCMD ["echo", "a b", "<&>", "\\u00e9\\n"]\n'),
        Case("cmd_shell", "FROM busybox:test\nCMD echo $HOME 'a  b' && true\n"),
        Case("cmd_twice", 'FROM busybox:test\nCMD echo a\nCMD ["b"]\n'),
        Case("cmd_empty", HEAD + "CMD\n"),
        Case("cmd_parameters_of_an_entrypoint", HEAD + 'ENTRYPOINT ["top", "-b"]\nCMD ["-c"]\n'),
        Case(
            "cmd_of_a_base_is_replaced",
            "FROM cmd:1\nCMD echo mine\n",
            before={"cmd:1": HEAD + 'CMD ["a", "b"]\n'},
        ),
    ),
    *section(
        "ENTRYPOINT",
        Case("entry_empty", HEAD + "ENTRYPOINT []\nCMD []\n"),
        Case("entrypoint_twice", HEAD + 'ENTRYPOINT ["a"]\nENTRYPOINT exec top -b\n'),
        Case("entrypoint_alone", HEAD + "ENTRYPOINT\n"),
    ),
    *section(
        "Understand how CMD and ENTRYPOINT interact",
        Case("entrypoint_drops_cmd", 'FROM busybox:test\nENTRYPOINT ["/bin/echo"]\n'),
        Case("entrypoint_keeps_cmd", 'FROM busybox:test\nCMD ["x"]\nENTRYPOINT exec top -b\n'),
        Case(
            "entrypoint_shell_and_cmd_shell",
            HEAD + "ENTRYPOINT exec_entry p1_entry\nCMD exec_cmd p1_cmd\n",
        ),
        Case(
            "entrypoint_exec_and_cmd_shell",
            HEAD + 'CMD exec_cmd p1_cmd\nENTRYPOINT ["exec_entry", "p1_entry"]\n',
        ),
        Case(
            "entrypoint_of_a_base_keeps_its_cmd",
            "FROM entry:1\nENV A=1\n",
            before={"entry:1": HEAD + 'ENTRYPOINT ["e"]\nCMD ["c"]\n'},
        ),
        Case(
            "entrypoint_resets_cmd_of_a_stage",
            'FROM busybox:test AS a\nCMD ["c"]\nFROM a\nENTRYPOINT ["e"]\n',
        ),
    ),
]
