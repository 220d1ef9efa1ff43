"""The three that say what is right."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from unittest.mock import patch

from container_magics.engines.build_request import BuildRequest
from container_magics.engines.docker import DockerEngine
from container_magics.engines.events import Cancellation

from .building import build
from .compare import UNSTATED
from .expected import expected_image
from .model import CLASSIC, REFERENCE, Case
from .outcome import Failure, Outcome
from .saved import SavedImage, read_saved

__all__ = ["Oracles"]

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Oracles:
    """Answers for each case, of a dockerd that has `busybox:test`."""

    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine

    def answer(self, case: Case, folder: Path) -> Outcome:
        """What must come of a case; its inputs are in a folder."""
        if case.oracle == REFERENCE:
            return self._expected(case)
        kit = "0" if case.oracle == CLASSIC else "1"
        with patch.dict(os.environ, {"DOCKER_BUILDKIT": kit}):
            answer = build(self._engine, case, folder)
        return _of_classic(answer, case) if case.oracle == CLASSIC else answer

    def _expected(self, case: Case) -> Outcome:
        if case.expect is None:
            return Failure((case.error,), case.words, case.status, case.line)
        base = self._busybox if case.expect.base else _scratch(self._busybox)
        return expected_image(case.expect, base)

    @cached_property
    def _busybox(self) -> SavedImage:
        """What `FROM busybox:test` alone makes."""
        request = BuildRequest("FROM busybox:test\n", tags=("case:base",))
        with patch.dict(os.environ, {"DOCKER_BUILDKIT": "1"}):
            self._engine.build(request, lambda event: None, Cancellation())
        archive = io.BytesIO()
        self._engine.save(["case:base"], archive)
        return read_saved(archive.getvalue())


def _scratch(any_image: SavedImage) -> SavedImage:
    config = {key: any_image.config[key] for key in ("architecture", "os")}
    return SavedImage({**config, "config": {"Env": [PATH], "WorkingDir": "/"}}, {}, None)


def _of_classic(answer: Outcome, case: Case) -> Outcome:
    """Without what the classic builder has of its own.

    Those are its words in history and its layers; and it tells no kinds of errors apart, since it
    reads a Dockerfile while it builds.
    """
    if isinstance(answer, Failure):
        return replace(answer, kinds=(case.error, *answer.kinds))
    answer.layers = None
    answer.config["config"].pop("Image", None)
    for row in answer.config["history"][1:]:
        row["created_by"] = row["comment"] = UNSTATED
    return answer
