"""A program's output in a cell: all of a little, the two ends of too much."""

from __future__ import annotations

from container_magics.views.run_output import RunOutputView


def test_a_little_is_printed_as_it_comes(capsys, cell):
    view = RunOutputView()
    view.write("one\ntw")
    view.write("o\n")
    view.write("bad\n", 2)
    view.flush()
    assert capsys.readouterr() == ("one\ntwo\n", "bad\n")
    assert cell.outputs == []


def test_of_many_lines_the_first_and_the_last_are_shown(capsys, cell):
    view = RunOutputView()
    text = "".join(f"line {number}\n" for number in range(100_000))
    for start in range(0, len(text), 65_536):
        view.write(text[start : start + 65_536])
    view.flush()
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"line {number}" for number in range(2_000)]
    (last,) = cell.outputs
    assert last["text/plain"].startswith("… 97,900 lines not shown. `r = %docker run …` keeps all")
    assert last["text/plain"].splitlines()[1:] == [f"line {n}" for n in range(99_900, 100_000)]
    assert "line 99999" in last["text/html"]


def test_one_endless_line_is_cut(capsys, cell):
    view = RunOutputView()
    for _ in range(100):
        view.write("\0" * 100_000)
    view.flush()
    assert len(capsys.readouterr().out) == 200_000
    assert len(cell.outputs[-1]["text/html"]) < 10_000
    assert "9,799,600 more characters" in cell.outputs[-1]["text/plain"]


def test_what_is_shown_of_it_is_escaped(capsys, cell):
    view = RunOutputView()
    view.write("\n" * 2_000)
    view.write("<script>alert(1)</script>\x1b[31mred\n", 2)
    view.flush()
    html = cell.outputs[-1]["text/html"]
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;red" in html
