"""How the text of an instruction is split into words, as the Dockerfile reference has it."""

from __future__ import annotations

import pytest

from container_magics import dockerfile
from container_magics.errors import DockerfileError

HEAD = "FROM a\n"


def only(text: str) -> dockerfile.Instruction:
    """The instruction of a text that stands below `FROM a`, or below what the text brings."""
    return dockerfile.parse(text if "FROM" in text else HEAD + text).instructions[-1]


ENV = [
    ("MY_NAME=x", (("MY_NAME", "x"),)),
    ("A=1 B=2", (("A", "1"), ("B", "2"))),
    ("A=1  \t B=2", (("A", "1"), ("B", "2"))),
    ('MY_NAME="John Doe"', (("MY_NAME", '"John Doe"'),)),
    ("MY_NAME='John Doe'", (("MY_NAME", "'John Doe'"),)),
    ("MY_DOG=Rex\\ The\\ Dog", (("MY_DOG", "Rex\\ The\\ Dog"),)),
    (
        'MY_NAME="John Doe" MY_DOG=Rex\\ The\\ Dog \\\n    MY_CAT=fluffy',
        (("MY_NAME", '"John Doe"'), ("MY_DOG", "Rex\\ The\\ Dog"), ("MY_CAT", "fluffy")),
    ),
    ("A=b=c", (("A", "b=c"),)),
    ("A=", (("A", ""),)),
    ('A=""', (("A", '""'),)),
    ('A=x"y z"w', (("A", 'x"y z"w'),)),
    ('A="q\\"r s"', (("A", '"q\\"r s"'),)),
    ("A='q\\' B=2", (("A", "'q\\'"), ("B", "2"))),
    ("A=#no B=#comment", (("A", "#no"), ("B", "#comment"))),
    ("MY_VAR my-value", (("MY_VAR", "my-value"),)),
    ("ONE TWO= THREE=world", (("ONE", "TWO= THREE=world"),)),
    ("ONE   two  three", (("ONE", "two  three"),)),
    ("ONE 'two  three'", (("ONE", "'two  three'"),)),
]


@pytest.mark.parametrize(("text", "pairs"), ENV)
def test_pairs_of_env(text: str, pairs: tuple[tuple[str, str], ...]):
    instruction = only(f"ENV {text}")
    assert isinstance(instruction, dockerfile.Env)
    assert instruction.pairs == pairs


LABEL = [
    (
        '"com.example.vendor"="ACME Incorporated"',
        (('"com.example.vendor"', '"ACME Incorporated"'),),
    ),
    ('com.example.label-with-value="foo"', (("com.example.label-with-value", '"foo"'),)),
    (
        'description="This text illustrates \\\nthat label-values can span multiple lines."',
        (("description", '"This text illustrates that label-values can span multiple lines."'),),
    ),
    (
        'multi.label1="value1" \\\n      multi.label2="value2" \\\n      other="value3"',
        (("multi.label1", '"value1"'), ("multi.label2", '"value2"'), ("other", '"value3"')),
    ),
]


@pytest.mark.parametrize(("text", "pairs"), LABEL)
def test_pairs_of_label(text: str, pairs: tuple[tuple[str, str], ...]):
    instruction = only(f"LABEL {text}")
    assert isinstance(instruction, dockerfile.Label)
    assert instruction.pairs == pairs


PATHS = [
    ("a b", ("a",), "b"),
    ("a  b\t c/", ("a", "b"), "c/"),
    ('["a b", "c d"]', ("a b",), "c d"),
    ('[ "a" , "b" , "/c/" ]', ("a", "b"), "/c/"),
    ("['a', 'b']", ("['a',",), "'b']"),
    ("arr[[]0].txt /dest/", ("arr[[]0].txt",), "/dest/"),
    ("hom* \\\n  /mydir/", ("hom*",), "/mydir/"),
]


@pytest.mark.parametrize("keyword", ["COPY", "ADD"])
@pytest.mark.parametrize(("text", "sources", "destination"), PATHS)
def test_paths(keyword: str, text: str, sources: tuple[str, ...], destination: str):
    instruction = only(f"{keyword} {text}")
    assert isinstance(instruction, dockerfile.Copy | dockerfile.Add)
    assert (instruction.sources, instruction.destination) == (sources, destination)


COMMANDS = [
    ('["executable","param1","param2"]', False, ("executable", "param1", "param2")),
    ("command param1 param2", True, ("command param1 param2",)),
    ("  echo  'a  b'  ", True, ("echo  'a  b'",)),
    ("['echo', 'a']", True, ("['echo', 'a']",)),
    ('["echo" "a"]', True, ('["echo" "a"]',)),
    ('["c:\\windows\\system32"]', True, ('["c:\\windows\\system32"]',)),
    ('["c:\\\\windows\\\\system32"]', False, ("c:\\windows\\system32",)),
    ('["\\u00e9", "\\n", "\\"", "$HOME"]', False, ("é", "\n", '"', "$HOME")),
    ('[ "a",\\\n "b" ]', False, ("a", "b")),
    ("echo hello \\\n# comment\nworld", True, ("echo hello world",)),
    ("echo 'some # of'", True, ("echo 'some # of'",)),
    ('echo "\\\n     hello\\\n     world"', True, ('echo "     hello     world"',)),
    ("source $HOME/.bashrc && \\\necho $HOME", True, ("source $HOME/.bashrc && echo $HOME",)),
]


@pytest.mark.parametrize("keyword", ["RUN", "CMD", "ENTRYPOINT"])
@pytest.mark.parametrize(("text", "shell", "words"), COMMANDS)
def test_commands(keyword: str, text: str, shell: bool, words: tuple[str, ...]):
    instruction = only(f"{keyword} {text}")
    assert isinstance(instruction, dockerfile.Run | dockerfile.Cmd | dockerfile.Entrypoint)
    assert (instruction.command.shell, instruction.command.words) == (shell, words)


FLAGS = [
    ("COPY --from=b a c", {"from": "b"}),
    (
        "COPY --chown=55:mygroup --chmod=644 files* /somedir/",
        {"chown": "55:mygroup", "chmod": "644"},
    ),
    ('COPY --from="x y" a b', {"from": "x y"}),
    ("COPY --chown='1':2 a b", {"chown": "1:2"}),
    ("COPY --from=a\\ b c d", {"from": "a b"}),
    ("COPY --from=a \\\n --chown=1 c d", {"from": "a", "chown": "1"}),
    ("COPY --from=a -- --chown=1 d", {"from": "a"}),
    ("RUN --network=none echo --foo", {"network": "none"}),
]


@pytest.mark.parametrize(("text", "flags"), FLAGS)
def test_flags_stand_before_everything_else(text: str, flags: dict[str, str]):
    instruction = only(text)
    assert isinstance(instruction, dockerfile.Copy | dockerfile.Run)
    assert dict(instruction.flags) == flags


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("VOLUME /var/log /var/db", ("/var/log", "/var/db")),
        ('VOLUME ["/var/log/"]', ("/var/log/",)),
        ("EXPOSE 80/tcp  80/udp", ("80/tcp", "80/udp")),
        ('SHELL ["powershell", "-command"]', ("powershell", "-command")),
        ("# escape=`\nFROM a\nENV A=a` b `\n  B=c:\\", ("a` b", "c:\\")),
    ],
)
def test_lists(text: str, words: tuple[str, ...]):
    instruction = only(text)
    match instruction:
        case dockerfile.Volume(paths=found) | dockerfile.Expose(ports=found):
            assert found == words
        case dockerfile.Shell(words=found):
            assert found == words
        case dockerfile.Env(pairs=pairs):
            assert tuple(value for _, value in pairs) == words


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ENV A=1 b", "can't find = in"),
        ("LABEL a", "LABEL"),
        ('CMD ["a", 1]', "arrays must be comprised of strings only"),
        ("SHELL /bin/sh -c", "SHELL requires the arguments to be in JSON form"),
        ("COPY a", "COPY requires at least two arguments"),
    ],
)
def test_words_that_make_no_instruction(text: str, message: str):
    with pytest.raises(DockerfileError, match="line 2") as caught:
        only(text)
    assert message in str(caught.value)
