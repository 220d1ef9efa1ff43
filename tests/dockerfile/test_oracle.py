"""The same text through our parser and through BuildKit's: written, generated, and thousands."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from container_magics.errors import DockerfileError

from .reading import more_behind_json, oracle, oracles, our_own
from .texts import dockerfiles

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
    'FROM a\nRUN --mount=target=/x,\\"source=a,b\\" -- --foo\n',
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


BEGINNINGS = (
    "ADD --checksum=sha256:0 u ", "ADD a ", "ARG v=1 ", "CMD ", "COPY --chown=1:2 --chmod=755 a ",
    "COPY --from=b a ", "COPY --link a ", "COPY a ", "ENTRYPOINT ", "ENV x=", "Env x=1 y=",
    "EXPOSE 1 ", "FROM --platform=linux/amd64 a:1 AS b", "HEALTHCHECK --interval=3s CMD a ",
    "HEALTHCHECK NONE", "LABEL l=", "MAINTAINER m ", "ONBUILD RUN ", "RUN ", "RUN ",
    "RUN --mount=type=cache,target=/c ", "RUN --network=none ", "SHELL ", "STOPSIGNAL 9", "USER u",
    "VOLUME /v ", "WORKDIR /w", "# note", "", "  \t", "# escape=`", "# syntax=x", "run x ",
)  # fmt: skip
PIECES = (
    " ", "  ", "\t", "\\\n", " \\\n", "`\n", " \\\n  # c\n", " \\\n\n", "\\ ", "\\\\", "#", "a",
    " x=1", " y='2 3'", ' z="4 \\" 5"', "é", "日本", "😀", "\u00a0", "$v", "${v:-w}", "${v#p}",
    "'q'", '"q"', '["a", "b c"]', '["\\u00e9"]', "[", "]", ",", " <<E", " <<-E", " <<'E F'",
    ' <<"E"', "\nE\n", "\n\tE\n", "\nE F\n", "1<<2", " -- ", " --x", "=", " && ", "|", ";", "\v",
    "'", '"', "b/c",
)  # fmt: skip
"""What lines are put together from: each means something to a step of one of the parsers."""


@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_texts_are_read_alike(seed: int) -> None:
    generator = random.Random(seed)
    accepted = 0
    for _ in range(2000):
        lines = [generator.choice(["FROM a", "# escape=`\nFROM a", "\ufeffFROM a"])]
        for _ in range(generator.randint(1, 3)):
            pieces = generator.choices(PIECES, k=generator.randint(0, 4))
            lines.append(generator.choice(BEGINNINGS) + "".join(pieces))
        text = generator.choice(["\n", "\n", "\r\n"]).join(lines)
        if not text.isascii() and "--" in text:  # the oracle takes flags for Latin-1
            continue
        try:
            mine = our_own(text)
        except DockerfileError:
            continue
        if not any(more_behind_json(instruction.words) for instruction in mine):
            assert mine == oracles(text), text
            accepted += 1
    assert accepted > 500
