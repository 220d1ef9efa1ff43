"""`experiment`: variants of a Dockerfile, built, run, and held against each other."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..analysis.experiment import Memory, Variant, try_variants
from ..engines.events import Cancellation, Emit
from ..engines.follow import follow
from ..engines.results import BuildResult
from ..engines.run_request import RunRequest
from ..errors import UsageError
from ..views.experiment.view import ExperimentView
from ..views.text import visible
from .compare import compare
from .looking import build_request
from .notebook import surface_here
from .session import Session, current

__all__ = ["experiment"]

_NOT_IN_TAGS = re.compile(r"[^a-z0-9_.-]+")
_LONGEST_TAG = 100
_memory: Memory = {}


def experiment(
    variants: Mapping[str, str | Path],
    *,
    context: str | os.PathLike[str] | None = ".",
    name: str = "experiment",
    command: Sequence[str] = (),
    expect: str | None = None,
    reference: Mapping[str, float] | None = None,
    build_args: Mapping[str, str | None] | None = None,
    session: Session | None = None,
) -> ExperimentView:
    """Build variants of a Dockerfile cold and warm, run them, and compare what came out.

    A variant whose Dockerfile and context give the image that they gave before in this process is
    not built cold again: after a change to one variant, only that one is.

    Args:
        variants: Dockerfiles by what to call them: texts, or paths of files.
        context: the build context of all of them; None for none.
        name: the images are tagged `NAME:VARIANT`.
        command: what each container runs instead of its CMD.
        expect: what each must print; without it, all must print what the first prints.
        reference: megabytes (10^6 bytes) that a book gives, by variant.
        build_args: values for ARG.
        session: whose engine to ask; the notebook's by default.

    Raises:
        UsageError: there are no variants, or the context is no folder.
        DockerfileError, BuildError, PullError: a variant cannot be built.
    """
    if not variants:
        raise UsageError(
            "there are no variants",
            hint='Give Dockerfiles by name: experiment({"one": "FROM …"})',
        )
    session = session or current()
    tags = _tags(name, list(variants))
    chosen = []
    for label, dockerfile in variants.items():
        request = build_request(dockerfile, context, tags=(tags[label],), build_args=build_args)
        chosen.append(Variant(label, request, RunRequest("", tuple(command), remove=True)))
    trials = try_variants(session.engine, chosen, _memory, _show)
    images = {trial.name: trial.image for trial in trials}
    return ExperimentView(trials, compare(images, reference=reference, session=session), expect)


def _show(variant: Variant, verb: Callable[[Emit, Cancellation], BuildResult]) -> BuildResult:
    """Follow a build, with the variant's name above it."""
    surface = surface_here()
    surface.write(f"{visible(variant.name)}\n")
    return surface.progress().follow(follow(verb))


def _tags(name: str, labels: Sequence[str]) -> dict[str, str]:
    """A tag for each variant, of its label as far as a tag can hold it."""
    tags: dict[str, str] = {}
    for number, label in enumerate(labels, 1):
        word = (
            _NOT_IN_TAGS.sub("-", label.lower()).strip("-.")[:_LONGEST_TAG] or f"variant-{number}"
        )
        tag = f"{name}:{word}"
        tags[label] = tag if tag not in tags.values() else f"{tag}-{number}"
    return tags
