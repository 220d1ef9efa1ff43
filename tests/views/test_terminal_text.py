import unicodedata
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from container_magics.views.terminal_text import LineReader, LogBuffer


def lines_of(*chunks: bytes, width: int = 400) -> list[str]:
    lines: list[str] = []
    reader = LineReader(lines.append, width)
    for chunk in chunks:
        reader.feed(chunk)
    reader.end()
    return lines


def test_a_carriage_return_overwrites_the_line():
    assert lines_of(b"  0%\r 50%\r100%\nnext\r\n") == ["100%", "next"]
    assert lines_of(b"long line\rshort\n") == ["shortline"]
    assert lines_of(b"long line\r\x1b[Kshort\n") == ["short"]
    assert lines_of(b"long line\x1b[2K\rshort\n") == ["short"]
    assert lines_of(b"ab\bc\n") == ["ac"]


def test_escape_sequences_are_dropped():
    assert lines_of(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b]8;;u\x1b\\y\x1b(B\n") == ["red xy"]


def test_what_is_left_of_control_characters_is_visible():
    assert lines_of("a\x07\x00\u202eb\n".encode()) == ["a␇␀<U+202E>b"]


def test_bytes_that_are_no_text_are_marked():
    assert lines_of(b"caf\xe9 \xff\n") == ["caf\ufffd \ufffd"]


def test_a_line_beyond_the_width_says_how_much_is_missing():
    assert lines_of(b"x" * 500 + b"\n", width=100) == ["x" * 100 + " … (400 more characters)"]
    assert lines_of(b"x" * 500 + b"\rok" + b"\n", width=5) == ["okxxx"]


TEXT = "é\x1b[31mred\x1b[0m\r\x1b]0;t\x07日\b\x1b[Kend\nnext line\x1b[1mb".encode()


@given(st.lists(st.integers(0, len(TEXT)), max_size=8))
def test_lines_do_not_depend_on_where_the_bytes_are_cut(cuts):
    bounds = [0, *sorted(cuts), len(TEXT)]
    chunks = [TEXT[a:b] for a, b in pairwise(bounds)]
    assert lines_of(*chunks) == lines_of(TEXT)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_give_bounded_lines_with_nothing_hidden(first, second):
    for line in lines_of(first, second, width=50):
        assert all(
            c.isprintable() or unicodedata.category(c) == "Zs" or c in "\u200c\u200d" for c in line
        )
        assert len(line) < 150


def test_a_log_keeps_its_head_and_tail_and_counts_the_rest():
    log = LogBuffer(head=2, tail=3)
    for number in range(10):
        log.feed(1, f"line {number}\n".encode())
    assert log.head == ["line 0", "line 1"]
    assert log.tail == ["line 7", "line 8", "line 9"]
    assert log.left_out == 5
    assert log.last(2) == ["line 8", "line 9"]
    assert log.last(0) == []


def test_streams_do_not_break_each_others_lines():
    log = LogBuffer()
    log.feed(1, b"out")
    log.feed(2, b"error\n")
    log.feed(1, b"put\nunfinished")
    assert log.head == ["error", "output"]
    assert log.tail == ["unfinished"]


def test_a_log_without_line_ends_stays_small():
    log = LogBuffer(width=100)
    for _ in range(1000):
        log.feed(1, b"y" * 1000)
        log.feed(2, b"\x1b]" + b"z" * 1000)
    assert sum(map(len, log.tail)) < 1000
