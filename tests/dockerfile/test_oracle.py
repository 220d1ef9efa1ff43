"""The same text through our parser and through BuildKit's, which the `dockerfile` package holds.

The oracle stops at words, flags and lines, so what we check beyond them is left out of the
generated texts here and has its own tests. It is older than three things we know: the `check`
directive, some flags, and that a JSON array with more behind it is no JSON form (it drops the
rest, as Docker did once).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from container_magics import dockerfile as ours
from container_magics.errors import DockerfileError

oracle = pytest.importorskip(
    "dockerfile", reason="the oracle, PyPI's dockerfile, has no wheel for this platform"
)

HEREDOC_WORD = re.compile(r"[0-9]*<<-?[^<]+")


@dataclass(frozen=True)
class Seen:
    """What both parsers tell of an instruction, in one shape.

    `json` is False for lists of paths, where the words alone tell it.
    """

    keyword: str
    trigger: str
    lines: tuple[int, int]
    json: bool
    flags: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    heredocs: tuple[tuple[str, str], ...]


def oracles(text: str) -> list[Seen]:
    seen = []
    for command in oracle.parse_string(text):
        keyword = command.cmd.upper()
        trigger = (command.sub_cmd or "").upper()
        kind = trigger or keyword
        words = tuple(command.value)
        if kind == "FROM":
            words = (words[0], *(word.lower() for word in words[1:]))
        elif kind == "HEALTHCHECK":
            words = (words[0].upper(), *words[1:])
        elif kind == "VOLUME":
            words = tuple(word.strip() for word in words)
        elif kind in ("ADD", "COPY") and command.heredocs:
            words = tuple(word for word in words if not HEREDOC_WORD.fullmatch(word))
        flags = tuple(flag[2:].partition("=")[::2] for flag in command.flags)
        if kind == "HEALTHCHECK":
            flags = tuple((name, str(duration(value))) for name, value in flags)
        seen.append(
            Seen(
                keyword=keyword,
                trigger=trigger,
                lines=(command.start_line, command.end_line),
                json=command.json and kind not in ("ADD", "COPY", "VOLUME"),
                flags=flags,
                words=tuple(word for word in words if word),
                heredocs=tuple((heredoc.name, heredoc.content) for heredoc in command.heredocs),
            )
        )
    return seen


def duration(text: str) -> int:
    """Seconds as nanoseconds; the texts here have no other unit."""
    return int(text.removesuffix("s")) * (10**9 if text.endswith("s") else 1)


def our_own(text: str) -> list[Seen]:
    seen = []
    for instruction in ours.parse(text).instructions:
        # Of a trigger the oracle tells neither flags nor here-documents.
        inner = instruction.parsed if isinstance(instruction, ours.Onbuild) else instruction
        is_trigger = inner is not instruction
        is_json, words = words_of(inner)
        seen.append(
            Seen(
                keyword=instruction.keyword,
                trigger=inner.keyword if is_trigger else "",
                lines=(instruction.line, instruction.end_line),
                json=is_json,
                flags=() if is_trigger else flags_of(inner),
                words=tuple(word for word in words if word),
                heredocs=() if is_trigger else heredocs_of(inner),
            )
        )
    return seen


def flags_of(instruction: ours.Instruction) -> tuple[tuple[str, str], ...]:
    match instruction:
        case ours.From(platform=platform) if platform:
            return (("platform", platform),)
        case ours.Run(flags=flags) | ours.Copy(flags=flags) | ours.Add(flags=flags):
            return tuple((name, "" if value == "true" else value) for name, value in flags)
        case ours.Healthcheck():
            numbers = {
                "interval": instruction.interval,
                "timeout": instruction.timeout,
                "retries": instruction.retries,
            }
            return tuple((name, str(number)) for name, number in numbers.items() if number)
    return ()


def heredocs_of(instruction: ours.Instruction) -> tuple[tuple[str, str], ...]:
    match instruction:
        case (
            ours.Run(heredocs=heredocs) | ours.Copy(heredocs=heredocs) | ours.Add(heredocs=heredocs)
        ):
            return tuple((heredoc.name, heredoc.body) for heredoc in heredocs)
    return ()


def words_of(instruction: ours.Instruction) -> tuple[bool, tuple[str, ...]]:
    match instruction:
        case ours.From(image=image, alias=alias):
            return False, (image, "as", alias) if alias else (image,)
        case (
            ours.Run(command=command) | ours.Cmd(command=command) | ours.Entrypoint(command=command)
        ):
            return not command.shell, command.words
        case ours.Healthcheck(command=None):
            return False, ("NONE",)
        case ours.Healthcheck(command=ours.Command() as command):
            return not command.shell, ("CMD", *command.words)
        case ours.Copy() | ours.Add():
            words = (*instruction.sources, instruction.destination)
            return False, words
        case ours.Volume(paths=paths):
            return False, paths
        case ours.Shell(words=words):
            return True, words
        case ours.Env(pairs=pairs) | ours.Label(pairs=pairs):
            return False, tuple(word for pair in pairs for word in pair)
        case ours.Arg(pairs=defaults):
            return False, tuple(
                name if value is None else f"{name}={value}" for name, value in defaults
            )
        case ours.Expose(ports=ports):
            return False, ports
        case ours.Workdir(path=one) | ours.User(user=one) | ours.Maintainer(name=one):
            return False, (one,)
        case ours.Stopsignal(signal=signal):
            return False, (signal,)
    raise AssertionError(instruction)


WRITTEN = [
    "FROM a\nRUN x \\\n # c\n\n  y\n",
    "FROM a\r\nRUN x \\\r\n y\r\nRUN <<E\r\nb\r\nE\r\n",
    "\ufeffFROM a\n",
    "# escape=`\nFROM a\nCOPY a c:\\\nRUN x `\n y\nENV a=b` c\n",
    "# x=y\n# escape=`\nFROM a\nCMD a \\\n b\n",
    "FROM a\nRUN a \\\\\nCMD b\n",
    "FROM a\n\\\nRUN x",
    "FROM a\nRUN x\\\n",
    "FROM a\nRUN x \\\n# end",
    "FROM a\nCOPY --from=\"x y\" --chown='1':2 a b\n",
    'FROM a\nRUN --mount=type=bind,a=\\"x -- --foo\n',
    "FROM a\nRUN cat <<-'E F' <<B\n\tx\n\tE F\ny\nB\n",
    "FROM a\nRUN <<E\\ F\nx\nE F\n",
    "FROM a\nRUN $E <<$E\nx\n$E\n",
    "FROM a\nRUN echo '<<E' \\<<E \"<<E\" a<<E <<<E\n",
    "FROM a\nRUN echo $((1 << 3))\n",
    "FROM a\nONBUILD COPY a b\nONBUILD RUN c\n",
    'FROM a\nCMD ["\\ud800", "\\u00e9"]\nCMD ["a"\nCMD [ ]\n',
    "FROM a\nENV a  b  'c'\nENV a='b \\' d=\"e \\\" f\" g=h\\ i\nARG a b=c d='e f'\n",
    "FROM a\nRUN x\u00a0\nRUN\vy\n",
    "from a as B\nrun x\n",
    'FROM a\nHEALTHCHECK --interval=3s --retries=2 CMD ["a"]\nHEALTHCHECK none\n',
    "FROM a\nENV a=b\\",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_hard_cases_are_read_alike(text: str) -> None:
    assert our_own(text) == oracles(text)


NAMES = st.sampled_from(["a", "b-c", "D_1", "x/y:1", "$v", "${v:-w}", "é", "/p", "."])
TEXT = st.text(alphabet="ab1-=/.,;&|#$é\"'[]{}<>()*? \t", min_size=1, max_size=20)
PLAIN = st.text(alphabet="ab1-=/.,;&|$é{}()*?", min_size=1, max_size=12)
SAFE = st.text(alphabet="ab1/.,;&|é()*?", min_size=1, max_size=12)
STRING = st.text(alphabet='ab \\"\t\u00e9😀$[', max_size=8)
QUOTED = st.one_of(
    SAFE,
    SAFE.map(lambda text: f'"{text} x"'),
    SAFE.map(lambda text: f"'{text} \"x'"),
    SAFE.map(lambda text: f"{text}\\ y"),
)


@st.composite
def json_arrays(draw: st.DrawFn, least: int = 1) -> str:
    strings = draw(st.lists(STRING, min_size=least, max_size=3))
    return json.dumps(strings, ensure_ascii=draw(st.booleans()))


@st.composite
def flagged(draw: st.DrawFn, keyword: str, flags: dict[str, list[str]]) -> str:
    chosen = draw(st.lists(st.sampled_from(sorted(flags)), unique=True, max_size=2))
    words = [keyword]
    for flag in chosen:
        value = draw(st.sampled_from(flags[flag]))
        words.append(f"--{flag}={value}" if value else f"--{flag}")
    return " ".join(words)


def pairs(keyword: str) -> st.SearchStrategy[str]:
    name = st.sampled_from(["a", "B_1", "c.d"])
    pair = st.builds(lambda key, value: f"{key}={value}", name, QUOTED)
    return st.one_of(
        st.lists(pair, min_size=1, max_size=3).map(lambda some: f"{keyword} {' '.join(some)}"),
        st.builds(lambda key, value: f"{keyword} {key} {value}", name, SAFE),
    )


RUN_FLAGS = {
    "mount": ["type=cache,target=/x", '"type=bind,source=a b"'],
    "network": ["none"],
    "security": ["insecure"],
}
COPY_FLAGS = {"from": ["a", "0", "'b c'"], "chown": ["1:2"], "chmod": ["755"], "link": [""]}
ADD_FLAGS = {"chown": ["1:2"], "checksum": ["sha256:0"], "keep-git-dir": [""]}

RUN = st.builds(
    "{} {}".format, flagged("RUN", RUN_FLAGS), st.one_of(SAFE.filter(str.strip), json_arrays())
)
PATHS = st.one_of(
    st.lists(PLAIN.filter(lambda path: path[:1] not in "-["), min_size=2, max_size=3).map(" ".join),
    json_arrays(2),
)
COPY = st.builds("{} {}".format, flagged("COPY", COPY_FLAGS), PATHS)
ADD = st.builds("{} {}".format, flagged("ADD", ADD_FLAGS), PATHS)
SIMPLE = st.one_of(
    RUN,
    COPY,
    ADD,
    pairs("ENV"),
    pairs("LABEL"),
    st.builds("CMD {}".format, st.one_of(SAFE, json_arrays())),
    st.builds("ENTRYPOINT {}".format, st.one_of(SAFE, json_arrays())),
    st.builds("SHELL {}".format, json_arrays()),
    st.builds("WORKDIR {}".format, SAFE),
    st.builds("USER {}".format, NAMES),
    st.builds("STOPSIGNAL {}".format, NAMES),
    st.builds("EXPOSE {}".format, st.lists(NAMES, min_size=1, max_size=3).map("  ".join)),
    st.builds("VOLUME {}".format, st.lists(NAMES, min_size=1, max_size=3).map("\t".join)),
    st.builds("ARG {}".format, st.sampled_from(["a", "a=b", "a b='c d'", "a="])),
    st.builds("MAINTAINER {}".format, SAFE),
    st.sampled_from(["HEALTHCHECK NONE", "HEALTHCHECK --interval=3s --timeout=1s CMD a  b"]),
)
INSTRUCTION = st.one_of(
    SIMPLE,
    st.builds("ONBUILD {}".format, st.one_of(RUN, COPY, pairs("ENV"))),
    st.builds("FROM {}{}".format, NAMES, st.sampled_from(["", " AS x", "  as  Y-1"])),
    st.just("FROM --platform=linux/amd64 a"),
)


@st.composite
def continued(draw: st.DrawFn, instruction: str, escape: str) -> str:
    """The instruction with some blanks made line breaks, with comments and gaps in between."""
    pieces = instruction.split(" ")
    text = pieces[0]
    for piece in pieces[1:]:
        joint = draw(st.sampled_from([" "] * 5 + ["\n"]))
        if joint == "\n":
            gap = draw(st.sampled_from(["", "", "# note\n", "  # \\\n", "\n", " \t\n"]))
            blank = draw(st.sampled_from(["", " ", "\t"]))
            indent = draw(st.sampled_from(["", "  "]))
            joint = f" {escape}{blank}\n{gap}{indent}"
        text += joint + piece
    return text


@st.composite
def with_heredocs(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(["EOF", "a.txt", "X"]), min_size=1, max_size=2))
    words = []
    bodies = []
    for name in names:
        dash = draw(st.sampled_from(["", "-"]))
        quote = draw(st.sampled_from(["", "'", '"']))
        words.append(f"<<{dash}{quote}{name}{quote}")
        body = draw(st.lists(TEXT, max_size=3))
        end = "\t" * draw(st.integers(0, 2)) if dash else ""
        bodies.append("".join(f"{line}\n" for line in body) + f"{end}{name}\n")
    command = draw(st.sampled_from(["RUN {}", "RUN cat {} > x", "COPY {} /d/", "ADD a {} /d"]))
    return command.format(" ".join(words)) + "\n" + "".join(bodies).removesuffix("\n")


@st.composite
def dockerfiles(draw: st.DrawFn) -> str:
    escape = draw(st.sampled_from(["\\", "\\", "`"]))
    lines = []
    if escape == "`" or draw(st.booleans()):
        lines.append(
            draw(st.sampled_from(["# escape={}", "#escape = {} ", "# EsCaPe={}"])).format(escape)
        )
    lines.append(
        draw(st.sampled_from(["FROM a", "ARG v=1\nFROM a:$v AS b", "\n# c\nfrom scratch"]))
    )
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["simple"] * 5 + ["heredoc", "comment", "blank"]))
        if kind == "heredoc":
            lines.append(draw(with_heredocs()))
        elif kind == "comment":
            lines.append(draw(st.sampled_from(["# note", "   # RUN x \\", "#", "# escape=`"])))
        elif kind == "blank":
            lines.append(draw(st.sampled_from(["", "   ", "\t"])))
        else:
            instruction = draw(INSTRUCTION)
            if escape == "`":
                instruction = instruction.replace("\\ y", "` y")
            if draw(st.booleans()):
                instruction = instruction[:3].lower() + instruction[3:]
            lines.append(
                draw(st.sampled_from(["", "", "  "])) + draw(continued(instruction, escape))
            )
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@given(dockerfiles())
@settings(max_examples=400, deadline=None)
def test_generated_dockerfiles_are_read_alike(text: str) -> None:
    try:
        mine = our_own(text)
    except DockerfileError:
        event("refused by both")
        with pytest.raises(oracle.GoParseError):
            oracles(text)
        return
    assert mine == oracles(text)


KEYWORDS = st.sampled_from(
    ["RUN", "RUN", "CMD", "COPY a", "ENV", "ENV a=", "ARG", "LABEL", "ONBUILD RUN", "SHELL",
     "VOLUME", "EXPOSE", "HEALTHCHECK CMD", "USER", "#", "# escape=`", ""]
)  # fmt: skip
FRAGMENTS = st.sampled_from(
    [
        " ", " ", "\t", "\\", "\\\n", "`\n", "#", "\n#", "--", "--mount=x", "=", "a", "b", "a=b",
        '"', "'", "[", "]", '["a"]', '["a", "b"]', ",", "<<", "<<E", "<<-E", "<<'E'", "\nE\n",
        "\n\tE\n", "$", "${", "}", ":-", "é", "\u00a0", "\v", "1",
    ]
)  # fmt: skip
LINES = st.builds("{} {}".format, KEYWORDS, st.lists(FRAGMENTS, max_size=6).map("".join))


@given(st.lists(LINES, min_size=1, max_size=3), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=1500, deadline=None)
def test_what_we_accept_of_any_text_we_read_alike(lines: list[str], end: str) -> None:
    """We refuse more than the oracle, which checks no arguments, and nothing less."""
    text = "".join(f"{line}{end}" for line in ["FROM a", *lines])
    assume(text.isascii() or "--" not in text)  # the oracle takes flags for Latin-1
    try:
        mine = our_own(text)
    except DockerfileError:
        event("refused")
        return
    event("accepted")
    if any(more_behind_json(instruction.words) for instruction in mine):
        event("more behind a JSON array")
    else:
        assert mine == oracles(text)


def more_behind_json(words: tuple[str, ...]) -> bool:
    text = " ".join(words).removeprefix("CMD ").lstrip()
    try:
        array, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return False
    return isinstance(array, list) and end < len(text)
