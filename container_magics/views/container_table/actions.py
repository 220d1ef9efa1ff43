"""What the buttons do: each action in a thread of its own, so that nothing waits for it.

A container has one action at a time; what failed is kept, in the engine's words, until it is
dismissed or something else is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock, Thread

from ...errors import ContainerMagicsError, UsageError

__all__ = ["Actions"]


class Actions:
    """The actions of one view.

    Args:
        changed: called, in any thread, when an action begins or ends.

    Attributes:
        doing: what is being done, by container ID.
        failed: what went wrong, by container ID.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._lock = Lock()
        self.doing: Mapping[str, str] = {}
        self.failed: Mapping[str, str] = {}

    def begin(self, container: str, name: str, work: Callable[[], object]) -> None:
        """Begin an action, and return.

        Args:
            container: ID.
            name: of the action, such as `stop`.
            work: does it.

        Raises:
            UsageError: another one is not over.
        """
        with self._lock:
            if container in self.doing:
                raise UsageError(f"{self.doing[container]} is not over yet")
            self.doing = {**self.doing, container: name}
            self._forget(container)

        def act() -> None:
            message = ""
            try:
                work()
            except ContainerMagicsError as error:
                message = str(error)
            finally:
                with self._lock:
                    self.doing = {key: each for key, each in self.doing.items() if key != container}
                    if message:
                        self.failed = {**self.failed, container: message}
            self._changed()

        Thread(target=act, name=f"container {name}", daemon=True).start()
        self._changed()

    def dismiss(self, container: str) -> None:
        """Forget what went wrong."""
        with self._lock:
            self._forget(container)
        self._changed()

    def _forget(self, container: str) -> None:
        self.failed = {key: each for key, each in self.failed.items() if key != container}
