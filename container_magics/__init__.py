"""Build, run and compare container images from notebook cells, with or without Docker.

`%load_ext container_magics` registers `%docker`, `%%docker` and `%%dockerfile`; `import
container_magics as cm` gives the names below. Importing it is cheap: what is behind a name is
loaded when the name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"

_PUBLIC = {
    "ContainerMagicsError": "errors",
    "Image": "engines.images",
    "ImageSummary": "engines.images",
    "Session": "commands.session",
    "Table": "views.table",
    "compare": "commands.compare",
    "containers": "commands.containers.table",
    "experiment": "commands.experiment",
    "human_size": "views.units",
    "layers": "commands.layers",
    "registry": "commands.registry",
    "size_chart": "views.sizes",
    "stages": "commands.stages",
    "stats": "commands.containers.plotting",
    "step": "commands.step",
}

__all__ = [  # noqa: PLE0604 - the names of the table above
    *_PUBLIC,
    "load_ipython_extension",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name is bound to
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{module}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics: what `%load_ext container_magics` calls."""
    from .magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics out again: what `%unload_ext container_magics` calls."""
    from .magics import unload

    unload(shell)
