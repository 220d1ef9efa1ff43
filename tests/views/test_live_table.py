import io

import pytest

from container_magics.views import Column, Table
from container_magics.views.live_table import NotebookTable, TerminalTable

TABLES = [Table([Column("n", "N")], [{"n": number}]) for number in (1, 2)]


def test_a_cell_has_one_display_with_the_last_table(cell):
    view = NotebookTable()
    for table in TABLES:
        view.show(table)
    (output,) = cell.outputs
    assert output["text/plain"] == "N\n2"
    assert ">2</td>" in output["text/html"]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_only_a_terminal_is_cleared(is_terminal):
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal
    view = TerminalTable(stream)
    for table in TABLES:
        view.show(table)
    clear = "\x1b[2J\x1b[H" if is_terminal else ""
    assert stream.getvalue() == f"{clear}N\n1\n{clear}N\n2\n"
