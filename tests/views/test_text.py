import pytest

from container_magics.views.html import escape
from container_magics.views.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 日本 👩‍🚀", "plain ünïcode 日本 👩‍🚀"),
        ("tab\there\nand there", "tab here and there"),
        ("\x1b[31mred\x07\x00\x7f", "␛[31mred␇␀␡"),
        ("safe\u202eexe.txt", "safe<U+202E>exe.txt"),
        ("\u2066a\u2069\u200b\ufeff", "<U+2066>a<U+2069><U+200B><U+FEFF>"),
        ("\x9b31m", "<U+009B>31m"),
        ("byte \udcff", "byte \ufffd"),
        ("hard\u00a0space", "hard\u00a0space"),
    ],
)
def test_nothing_hides_in_a_shown_text(text, shown):
    assert visible(text) == shown
    visible(text).encode()


def test_long_texts_are_cut_at_the_limit_even_when_codes_make_them_longer():
    assert visible("x" * 10_000, 20) == "x" * 19 + "…"
    assert visible("x" * 20, 20) == "x" * 20
    assert len(visible("\u202e" * 20, 20)) == 20


def test_html_is_escaped_after_it_is_cut_so_that_no_entity_is_torn():
    assert escape("<" * 10, 4) == "&lt;&lt;&lt;…"
    assert escape("\"'&") == "&quot;&#x27;&amp;"
