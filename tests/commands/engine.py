"""An engine in memory: what it is asked, and answers that were prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from container_magics.engines.build_request import BuildRequest
from container_magics.engines.events import Cancellation, Emit
from container_magics.engines.images import HistoryEntry, Image, ImageSummary, Layer
from container_magics.engines.results import BuildResult, PruneReport, Removal, RunResult
from container_magics.engines.run_request import RunRequest
from container_magics.errors import ConflictError, NotFoundError

from .containers import MOMENT, MemoryContainers, container

__all__ = ["MOMENT", "MemoryEngine", "container", "summary"]


def summary(number: int, *names: str, **labels: str) -> ImageSummary:
    """An image's summary with an ID of repeated digits; `number` is also its size in MB."""
    identity = f"sha256:{number:02d}" + f"{number:02d}" * 31
    return ImageSummary(identity, names, (), MOMENT, number * 1_000_000, labels)


@dataclass
class MemoryEngine(MemoryContainers):
    """The engine protocol over a list of images, and one of containers."""

    name: str = "memory"
    listed: list[ImageSummary] = field(default_factory=list)
    closed: bool = False
    tty: bool = False

    def build(self, request: BuildRequest, emit: Emit, cancel: Cancellation) -> BuildResult:
        self._take(request, emit)
        return BuildResult(self._image(summary(9, *request.tags)), 2, 1, 0.1)

    def run(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> RunResult:
        if request.stdin is not None:
            self.fed = request.stdin.read()
        self._take(request, emit)
        return RunResult("c0ffee", self.returncode)

    def _take(self, request: object, emit: Emit) -> None:
        self.requests.append(request)
        for event in self.events:
            emit(event)
        if self.failure is not None:
            raise self.failure

    def images(self) -> list[ImageSummary]:
        return self.listed

    def image(self, name: str) -> Image:
        for each in self.listed:
            if name in (*each.names, each.id, each.id.removeprefix("sha256:")[:12]):
                return self._image(each)
        raise NotFoundError(f"No such image: {name}")

    def _image(self, each: ImageSummary) -> Image:
        history = (
            HistoryEntry(MOMENT, "ADD file:abc in /", "", empty_layer=False, size=5_570_000),
            HistoryEntry(MOMENT, "ENV X=" + "y" * 60, "note", empty_layer=True, size=0),
        )
        return Image(each, "amd64", "linux", {}, (Layer("sha256:" + "0" * 64, 5),), history)

    def inspect(self, name: str) -> dict[str, Any]:
        made = [each for each in self.made if each.id == name]
        if made:
            config = {"Tty": self.tty, "OpenStdin": True}
            return {"Id": name, "Name": f"/{made[0].name}", "Image": "a:1", "Config": config}
        image = self.image(name)
        return {"Id": image.id, "RepoTags": list(image.names), "RootFS": {}, "Config": {"Env": []}}

    def tag(self, source: str, target: str) -> None:
        self.requests.append(("tag", source, target))

    def remove_image(self, name: str, *, force: bool = False) -> Removal:
        self.requests.append(("rmi", name, force))
        image = self.image(name)
        if "used" in name and not force:
            raise ConflictError(f"conflict: unable to remove repository reference {name!r}")
        return Removal((name,), (image.id,))

    def prune_images(self, *, every: bool = False) -> PruneReport:
        self.requests.append(("prune", every))
        return PruneReport(Removal((), ("sha256:aa",)), 5_571_234)

    def prune_build_cache(self, *, every: bool = False) -> PruneReport:
        self.requests.append(("builder prune", every))
        return PruneReport(Removal(deleted=("abc", "def") if every else ()), 1_230_000)

    def pull(self, name: str, emit: Emit, cancel: Cancellation) -> ImageSummary:
        self._take(("pull", name), emit)
        return summary(1, name)

    def push(self, name: str, emit: Emit, cancel: Cancellation, *, all_tags: bool = False) -> None:
        self._take(("push", name, all_tags), emit)

    def import_image(
        self, source: BinaryIO, name: str, *, changes: Sequence[str] = (), message: str = ""
    ) -> str:
        self.requests.append(("import", source.read(), name, tuple(changes), message))
        return "sha256:" + "1" * 64

    def export(self, container: str, target: BinaryIO) -> None:
        target.write(b"half")
        if self.failure is not None:
            raise self.failure
        target.write(f"export of {container}".encode())

    def save(self, names: Sequence[str], target: BinaryIO) -> None:
        target.write(" ".join(names).encode())

    def load(self, source: BinaryIO) -> list[str]:
        self.requests.append(("load", source.read()))
        return ["a:1", "sha256:" + "2" * 64]

    def version(self) -> dict[str, Any]:
        return {"Client": {"Version": "1"}, "Server": {"Version": "2", "Engine": self.name}}

    def info(self) -> dict[str, Any]:
        return {"Images": len(self.listed), "Driver": "memory"}

    def close(self) -> None:
        self.closed = True
