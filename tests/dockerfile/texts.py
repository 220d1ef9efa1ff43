"""Strategies for Dockerfiles that both parsers take, of all that the syntax has."""

from __future__ import annotations

import json

from hypothesis import strategies as st

__all__ = ["dockerfiles"]

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
COPY_FLAGS = {
    "from": ["a", "0", "'b c'"],
    "chown": ["1:2"],
    "chmod": ["755", "u=rwX,go=rX"],
    "link": [""],
    "parents": [""],
    "exclude": ["*.txt", "'a b'", "!x"],
}
ADD_FLAGS = {
    "chown": ["1:2"],
    "checksum": ["sha256:0"],
    "keep-git-dir": [""],
    "unpack": [""],
    "exclude": ["**/x"],
}

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
