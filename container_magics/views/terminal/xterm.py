"""xterm.js, as npm has it: `hatch_build.py` puts it beside this module, it is not in git."""

from __future__ import annotations

from importlib import resources

from ...errors import UnsupportedError

__all__ = ["require_xterm", "xterm"]

_VENDOR = resources.files(__package__).joinpath("vendor")
_SCRIPT, _STYLE = _VENDOR.joinpath("xterm.mjs"), _VENDOR.joinpath("xterm.css")


def require_xterm() -> None:
    """Check that it is there.

    Raises:
        UnsupportedError: this installation was made without it.
    """
    missing = [file.name for file in (_SCRIPT, _STYLE) if not file.is_file()]
    if missing:
        raise UnsupportedError(
            f"the terminal view needs xterm.js, and {_VENDOR} has no {' and no '.join(missing)}",
            hint="Install container-magics with pip, which fetches it from npm.",
        )


def xterm() -> dict[str, str]:
    """Its ES module as `script`, and its style sheet as `style`.

    Raises:
        UnsupportedError: this installation was made without it.
    """
    require_xterm()
    return {
        "script": _SCRIPT.read_text(encoding="utf-8"),
        "style": _STYLE.read_text(encoding="utf-8"),
    }
