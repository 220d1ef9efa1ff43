"""Commands as statements: `%docker images` shows its table, `x = %docker images` keeps it.

IPython shows a magic's value only where it is the last expression of a cell, and then as an
output of its own. A command line is expected to print wherever it stands, once, as `!ls` does:
so a statement that is nothing but one of our magics is handed to `DockerMagics.show`.
"""

from __future__ import annotations

import ast

__all__ = ["NAMES", "ShowStatements"]

NAMES = ("docker", "dockerfile", "layers", "compare", "containers")
"""Our magics."""

_SHOWING = "get_ipython().magics_manager.registry['DockerMagics'].show(None)"


class ShowStatements(ast.NodeTransformer):
    """An `ast_transformers` entry of the shell."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Wrap the call of a magic that is a statement."""
        if not _is_ours(node.value):
            return node
        showing = ast.parse(_SHOWING, mode="eval").body
        assert isinstance(showing, ast.Call)  # noqa: S101 - the text is above
        showing.args = [node.value]
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(showing), node))


def _is_ours(value: ast.expr) -> bool:
    """Whether it is `get_ipython().run_line_magic('docker', …)`, as IPython writes `%docker …`."""
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr in ("run_line_magic", "run_cell_magic")
        and isinstance(value.func.value, ast.Call)
        and isinstance(value.func.value.func, ast.Name)
        and value.func.value.func.id == "get_ipython"
        and bool(value.args)
        and isinstance(value.args[0], ast.Constant)
        and value.args[0].value in NAMES
    )
