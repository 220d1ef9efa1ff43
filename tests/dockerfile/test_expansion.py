"""Words of instructions: variables, quotes, escapes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_magics.dockerfile import expand, expand_heredoc, expand_words, used_names
from container_magics.errors import DockerfileError

ENV = {"PWD": "/home", "SHELL": "bash", "KOREAN": "한국어", "NULL": ""}

PLAIN = [
    ("hello", "hello"),
    ("he'll'o", "hello"),
    ('a""b', "ab"),
    ("''", ""),
    ('""', ""),
    ("a'b\\'c", "ab\\c"),
    ("he\\'llo", "he'llo"),
    ('a\\"b', 'a"b'),
    ("x\\ y", "x y"),
    ("abc\\tdef", "abctdef"),
    ('"abc\\tdef"', "abc\\tdef"),
    ('"abc\\\\tdef"', "abc\\tdef"),
    ("'abc\\tdef'", "abc\\tdef"),
    ("hello\\", "hello"),
    ("hello\\\\", "hello\\"),
    ('"hel\'lo"', "hel'lo"),
    ("'hello\\'", "hello\\"),
    ('"a\\"b"', 'a"b'),
    ('"a\\b"', "a\\b"),
]
VARIABLES = [
    ("$PWD", "/home"),
    ("${PWD}", "/home"),
    ("he$PWD", "he/home"),
    ("he${PWD}xx", "he/homexx"),
    ("he${XXX}xx", "hexx"),
    ("he$xx", "he"),
    ("$PWD}", "/home}"),
    ("${PWD}$PWD", "/home/home"),
    ("'$PWD'", "$PWD"),
    ('"$PWD"', "/home"),
    ('"${PWD}"\\\'', "/home'"),
    ('"\\$PWD"', "$PWD"),
    ("'\\$PWD'", "\\$PWD"),
    ("\\$PWD", "$PWD"),
    ("\\${PWD}", "${PWD}"),
    ("\\\\$PWD", "\\/home"),
    ("\\\\\\$PWD", "\\$PWD"),
    ('"\\\\$PWD"', "\\/home"),
    ("한국어$KOREAN", "한국어한국어"),
    ("$한국어", ""),
    ("$", "$"),
    ('"$"', "$"),
    ('"$ "', "$ "),
    ("$$PWD", "PWD"),
    ("$1a", "a"),
    ("$12a", "a"),
    ("$*a", "a"),
    ("$#", ""),
    ("$?", ""),
    ("$@x", "x"),
    ("$-x", "x"),
    ("$!x", "x"),
    ("${1}", ""),
    ("${*}", ""),
]
WITH_COLON = [
    ("${XXX:-000}", "000"),
    ("${PWD:-000}", "/home"),
    ("${NULL:-a}", "a"),
    ("${XXX:-}", ""),
    ("${XXX:-$PWD}", "/home"),
    ("${XXX:-${PWD:-yyy}}", "/home"),
    ("${XXX:-${YYY:-yyy}}", "yyy"),
    ('${XXX:-"a b"}', "a b"),
    ("${XXX:-'a b'}", "a b"),
    ('"${XXX:-"a"}"', "a"),
    ("${XXX:-a'}'b}", "a}b"),
    ("${XXX:-a\\}b}", "a}b"),
    ("${XXX:-\\$PWD}", "$PWD"),
    ("${PWD:-a}}", "/home}"),
    ("${KOREAN:-x}y", "한국어y"),
    ("${PWD:+a}", "a"),
    ("${PWD:+}", ""),
    ("${NULL:+a}", ""),
    ("${XXX:+a}", ""),
    ("${PWD:?a}b", "/homeb"),
]
WITHOUT_COLON = [
    ("${NULL-a}", ""),
    ("${XXX-a}", "a"),
    ("${NULL+a}", "a"),
    ("${XXX+a}", ""),
    ("${PWD+a}", "a"),
    ("${NULL?x}", ""),
]

PATTERNS = [
    ("foobarbaz", "${v#f*b}", "arbaz"),
    ("foobarbaz", "${v##f*b}", "az"),
    ("foobarbaz", "${v%b*}", "foobar"),
    ("foobarbaz", "${v%%b*}", "foo"),
    ("foobarbaz", "${v/ba/fo}", "fooforbaz"),
    ("foobarbaz", "${v//ba/fo}", "fooforfoz"),
    ("foobarbaz", "${v#bar}", "foobarbaz"),
    ("foobarbaz", "${v%bar}", "foobarbaz"),
    ("foobarbaz", "${v#?oo}", "barbaz"),
    ("foobarbaz", "${v#*}", "foobarbaz"),
    ("foobarbaz", "${v##*}", ""),
    ("foobarbaz", "${v%*}", "foobarbaz"),
    ("foobarbaz", "${v%%*}", ""),
    ("foobarbaz", "${v#}", "foobarbaz"),
    ("foobarbaz", "${v##}", "foobarbaz"),
    ("foobarbaz", "${v%$w}", "foobarba"),
    ("foobarbaz", "${v//*/x}", "x"),
    ("foobarbaz", "${v//o*a/$w}", "fzz"),
    ("a.b.c", "${v%%.*}", "a"),
    ("a.b.c", "${v%.*}", "a.b"),
    ("a+b(c)[d]^$|", "${v#a+b(c)[d]^$|}", ""),
    ("x**", "${v%%\\**}", "x"),
    ("a***y*", "${v%%\\**\\*}", "a"),
    ("???y", "${v#?\\?}", "?y"),
    ("a\\b", "${v#a\\\\}", "b"),
    ("a}b", "${v#a\\}}", "b"),
    ("/tmp/x", "${v//\\//\\/}", "\\/tmp\\/x"),
    ("/tmp/tmp/x", "${v/$s/}", "/tmp/x"),
    ("/tmp/tmp/x", "${v//$s/}", "/x"),
    ("xy", "${v///-}", "-x-y-"),
    ("", "${v//a/b}", ""),
]

ERRORS = [
    ("he'llo", "unexpected end of statement while looking for matching single-quote"),
    ("he\\\\'llo", "unexpected end of statement while looking for matching single-quote"),
    ('"hello', "unexpected end of statement while looking for matching double-quote"),
    ('"hello\\"', "unexpected end of statement while looking for matching double-quote"),
    ("he${}xx", "syntax error: bad substitution"),
    ("${{PWD}}", "syntax error: bad substitution"),
    ("${:PWD}", "syntax error: bad substitution"),
    ("he${", "syntax error: missing '}'"),
    ("he${PWD", "syntax error: missing '}'"),
    ("${XX-$", "syntax error: missing '}'"),
    ("${XX:-${PWD}", "syntax error: missing '}'"),
    ('"${XX', "syntax error: missing '}'"),
    ("${XX:", "syntax error: missing '}'"),
    ("${PWD//a}", "syntax error: missing '/' in ${}"),
    ("${PWD/a/b", "syntax error: missing '}'"),
    ("${XXX:YYY}", "unsupported modifier (:Y) in substitution"),
    ("${PWD=a}", "unsupported modifier (=) in substitution"),
    ("${XXX:?oops $PWD}", "XXX: oops /home"),
    ("${XXX?}", "XXX: is not allowed to be unset"),
    ("${NULL:?}", "NULL: is not allowed to be empty"),
    ("${PWD#\\x}", "invalid pattern (\\x) in substitution: invalid escape '\\x'"),
]


@pytest.mark.parametrize(("word", "expected"), PLAIN + VARIABLES + WITH_COLON + WITHOUT_COLON)
def test_a_word_expands_as_the_reference_says(word: str, expected: str) -> None:
    assert expand(word, ENV) == expected


@pytest.mark.parametrize(("value", "word", "expected"), PATTERNS)
def test_patterns_cut_and_replace(value: str, word: str, expected: str) -> None:
    assert expand(word, {"v": value, "w": "z", "s": "/tmp"}) == expected


@pytest.mark.parametrize(("word", "reason"), ERRORS)
def test_a_bad_word_is_refused_in_dockers_words(word: str, reason: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        expand(word, ENV)
    assert caught.value.reason.endswith(": " + reason)
    assert caught.value.reason.startswith("failed to process ")
    assert caught.value.line == 0


def test_a_backtick_escapes_where_the_directive_says_so() -> None:
    assert expand("c:\\win`$PWD", ENV, "`") == "c:\\win$PWD"
    assert expand('"`"c:\\x`""', ENV, "`") == '"c:\\x"'
    assert expand("${XXX:-a`}b}", ENV, "`") == "a}b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80 443/tcp", ["80", "443/tcp"]),
        ("  a \t b  ", ["a", "b"]),
        ("$LIST", ["1", "2"]),
        ("x$LIST", ["x1", "2"]),
        ('"$LIST"', ["1 2"]),
        ("a\\ b c", ["a b", "c"]),
        ("'a b'c d", ["a bc", "d"]),
        ("$NONE", []),
        ('""', []),
        ("a$NONE b", ["a", "b"]),
        ("${NONE:-x y}", ["x", "y"]),
    ],
)
def test_a_text_splits_after_expansion(text: str, expected: list[str]) -> None:
    assert expand_words(text, {"LIST": "1 2"}) == expected


def test_a_heredoc_keeps_its_quotes_and_loses_its_escapes() -> None:
    body = "it's \"$PWD\" \\$PWD ${XXX:-'d'}\n"
    assert expand_heredoc(body, ENV) == "it's \"/home\" $PWD 'd'\n"


def test_every_name_that_is_looked_up_is_known() -> None:
    text = "$A ${B:-${C}} ${D:+x$E} '$F' \\$G ${H#$I}"
    assert used_names(text, {"A": "1"}) == set("ABCDEHI")


@given(st.text(alphabet="ab \\\"'${}:-+?/#%*", max_size=20))
def test_any_text_expands_or_is_refused(text: str) -> None:
    try:
        expand(text, {"a": "x y", "b": ""})
    except DockerfileError:
        return
    expand_words(text, {"a": "x y", "b": ""})


@given(st.text(max_size=30))
def test_a_single_quoted_text_stays_as_it_is(text: str) -> None:
    text = text.replace("'", "")
    assert expand(f"'{text}'", {}) == text
    assert "".join(expand_words(f"'{text}'", {})) == text


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(DockerfileError, match="nested too deeply"):
        expand("${a:-" * 5000, {})


@pytest.mark.docker
def test_a_real_dockerd_expands_alike(docker_socket: Path) -> None:
    import docker

    words = [pair for pair in PLAIN + VARIABLES + WITH_COLON if pair[0] != "hello\\"]
    lines = ["FROM scratch", *(f"ENV {name}={value}" for name, value in ENV.items())]
    lines += [f"LABEL w{index}={word}" for index, (word, _) in enumerate(words)]
    client = docker.APIClient(base_url=f"unix://{docker_socket}")
    try:
        text = "\n".join(lines).encode()
        log = list(client.build(fileobj=io.BytesIO(text), tag="cm-words", decode=True))
        assert any("Successfully built" in entry.get("stream", "") for entry in log), log[-1]
        labels = client.inspect_image("cm-words")["Config"]["Labels"]
        client.remove_image("cm-words")
    finally:
        client.close()
    assert {words[int(key[1:])][0]: value for key, value in labels.items()} == dict(words)
