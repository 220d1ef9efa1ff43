"""The work of `scripts/demo`: base images, the notebook, and what is left to look at."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "01-small-images.ipynb"
TARGET = ROOT / "build" / "demo"
TITLE_WIDTH = 64
BASES = ("ubuntu:bionic", "golang:1.20.5", "alpine:3.18.0", "gcr.io/distroless/base")


def main() -> int:
    """Run the demo; the exit code."""
    options = _options()
    from container_magics.engines.discovery import choose, open_engine
    from container_magics.errors import ContainerMagicsError
    from container_magics.lab.command import main as lab

    if options.engine == "embedded":
        os.environ.pop("DOCKER_HOST", None)
        os.environ["DOCKER_CONTEXT"] = "embedded"
    try:
        choice = choose()
        if options.engine == "docker" and choice.context.name == "embedded":
            print(
                "No Docker or Podman engine answers here:", *choice.why, sep="\n  ", file=sys.stderr
            )
            return 1
        print(f"engine: {choice.context.name}\n\nbase images")
        if code := lab(["prepare", *BASES], lambda _: open_engine(choice)):
            return code
        print(f"\n{NOTEBOOK.relative_to(ROOT)}")
        executed = _execute()
        if executed is None:
            return 1
        print(f"\n{_sizes(open_engine(choice))}\n")
    except ContainerMagicsError as error:
        print(f"demo: {error}", file=sys.stderr)
        return error.exit_code
    _hint(executed)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument(
        "--engine",
        choices=("auto", "embedded", "docker"),
        default="auto",
        help="auto: Docker or Podman where one answers, else the embedded engine",
    )
    return parser.parse_args()


def _execute() -> Path | None:
    """The notebook with its outputs, and a page of it; None if a cell failed."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbconvert import HTMLExporter

    work = TARGET / "work"
    work.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    progress = _Progress(cells)
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(work)}},
        on_cell_execute=progress.started,
        on_cell_executed=progress.ended,
    )
    failure: CellExecutionError | None = None
    try:
        client.execute()
    except CellExecutionError as error:
        failure = error
    executed = TARGET / NOTEBOOK.name
    nbformat.write(notebook, executed)
    page, _ = HTMLExporter().from_notebook_node(notebook)
    executed.with_suffix(".html").write_text(page, encoding="utf-8")
    if failure is not None:
        print(f"\n{failure.evalue}", file=sys.stderr)
        print(f"A cell failed; see {executed.with_suffix('.html')}", file=sys.stderr)
        return None
    return executed


class _Progress:
    """A line a cell: what it is while it runs, how long it took."""

    def __init__(self, cells: int) -> None:
        self._cells = cells
        self._number = 0
        self._since = 0.0

    def started(self, cell: Any, cell_index: int) -> None:
        if cell.cell_type != "code":
            return
        self._number += 1
        self._since = time.monotonic()
        title = cell.source.strip().split("\n")[0][:TITLE_WIDTH]
        print(f"  [{self._number:2}/{self._cells}] {title:<{TITLE_WIDTH}}", end="", flush=True)

    def ended(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        if cell.cell_type != "code":
            return
        mark = "ok" if execute_reply["content"]["status"] == "ok" else "FAILED"
        print(f" {mark} {time.monotonic() - self._since:6.1f}s", flush=True)


def _sizes(engine: Any) -> str:
    from container_magics.views.images import images_table

    try:
        images = engine.images()
    finally:
        engine.close()
    return str(
        images_table([i for i in images if any(n.startswith("go-hello-world:") for n in i.names)])
    )


def _hint(executed: Path) -> None:
    print(f"executed notebook  {executed.relative_to(ROOT)}")
    print(f"as a page          {executed.with_suffix('.html').relative_to(ROOT)}")
    root = " --allow-root" if os.geteuid() == 0 else ""
    print("\nOpen it in JupyterLab with:\n")
    print(f"  .venv/bin/jupyter lab{root} {NOTEBOOK.relative_to(ROOT)}")
    others = [path.stem for path in sorted(NOTEBOOK.parent.glob("*.ipynb")) if path != NOTEBOOK]
    print(f"\nBeside it: {', '.join(others)}")


if __name__ == "__main__":
    sys.exit(main())
