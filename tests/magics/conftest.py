"""A real engine, a real IPython shell, and a build context that needs no registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from tests.fixtures.engines import context, environment

__all__ = ["context", "environment"]


@dataclass
class Ran:
    """What a cell did: its output by kind, and the exception it ended with."""

    out: str
    err: str
    displays: list[dict[str, Any]]
    error: BaseException | None
    value: object


@dataclass
class Notebook:
    """Cells in a real IPython shell."""

    shell: InteractiveShell

    def __call__(self, cell: str) -> Ran:
        with capture_output() as captured:
            result = self.shell.run_cell(cell, store_history=True)
        displays = [output.data for output in captured.outputs]
        error = result.error_before_exec or result.error_in_exec
        return Ran(captured.stdout, captured.stderr, displays, error, result.result)

    def __getitem__(self, name: str) -> Any:
        return self.shell.user_ns[name]


@pytest.fixture(scope="session")
def session_shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(session_shell: InteractiveShell) -> Iterator[InteractiveShell]:
    """The shell with the extension loaded and an empty namespace."""
    session_shell.reset()
    session_shell.run_line_magic("load_ext", "container_magics")
    yield session_shell
    session_shell.run_line_magic("unload_ext", "container_magics")


@pytest.fixture
def notebook(
    shell: InteractiveShell,
    environment: dict[str, str],
    context: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Notebook:
    """Cells on a real engine, in the build context's folder; the image box:1 is there."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(context)
    notebook = Notebook(shell)
    built = notebook("%docker build -q -t box:1 .")
    assert built.error is None, built.err
    return notebook
