"""What a cell says that was interrupted."""

from __future__ import annotations

__all__ = ["Interrupted"]

_AFTERWARDS = {
    "build": "Nothing it started is left, tags are as they were, and finished steps are cached.",
    "exec": "The command may run on in the container; docker top shows it.",
    "run": "The container has been stopped.",
    "pull": "What was fetched of it is not an image yet; pull again.",
}


class Interrupted(KeyboardInterrupt):
    """A KeyboardInterrupt that IPython shows without our frames.

    Args:
        verb: what was interrupted, such as `build`.
    """

    def __init__(self, verb: str) -> None:
        super().__init__(f"docker {verb} was interrupted.")
        self._verb = verb

    def _render_traceback_(self) -> list[str]:
        """Give IPython a message in place of our frames (IPython calls this by name)."""
        lines = [f"Interrupted: {self}", _AFTERWARDS.get(self._verb, "")]
        return [line for line in lines if line]
