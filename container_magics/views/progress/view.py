"""What a view of a running build is, and how it follows one."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ...engines.events import EngineEvent
from ...engines.follow import Following
from ...engines.images import ImageSummary
from ...engines.results import BuildResult

__all__ = ["BuildView"]


class BuildView(ABC):
    """A view of one build; all of it is called in the thread that displays."""

    @abstractmethod
    def update(self, event: EngineEvent | None) -> None:
        """Take one event; None when there was none for a while (running clocks go on)."""

    @abstractmethod
    def finish(self, result: BuildResult, previous: ImageSummary | None = None) -> None:
        """Show the result; `previous` is the image that bore the first tag before."""

    @abstractmethod
    def fail(self, error: BaseException) -> None:
        """Show that the build ended with `error`."""

    def follow(
        self, following: Following[BuildResult], previous: ImageSummary | None = None
    ) -> BuildResult:
        """Show a running build to its end, and give its result; its error goes on to the caller."""
        try:
            for event in following:
                self.update(event)
        except BaseException as error:
            self.fail(error)
            raise
        self.finish(following.result, previous)
        return following.result
