"""COPY and ADD: what they name, whether it has changed, and the layer of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...dockerfile import Add, Copy, expand, expand_heredoc
from ...errors import DockerfileError, UnsupportedError
from ..base import VertexWarning
from .adding import add_pieces, fetch
from .copying import Found, content_key, find_in_context, find_in_tree, literal
from .layout import layout, owner_of
from .state import BuildState
from .step import Step, digest
from .store import LayerRow

__all__ = ["copy_step"]

_FLAGS = ("from", "chown", "chmod")
_CHECKPOINTS = ".ipynb_checkpoints"
_MAX_COPIED = 2000


def copy_step(step: Step, instruction: Copy | Add, state: BuildState) -> BuildState:
    """The state after a COPY or ADD.

    Raises:
        SourceNotFoundError: a source that is not there, or leaves the context.
        BuildError: the destination does not fit, or a URL gives no file.
        UnsupportedError: a flag that is not available.
    """
    keyword, names, escape = instruction.keyword, state.variables, step.escape
    for name, _ in instruction.flags:
        if name not in _FLAGS:
            raise UnsupportedError(
                f"{keyword} --{name} is not available on the embedded engine yet"
            )
    sources = [expand(source, names, escape) for source in instruction.sources]
    destination = expand(instruction.destination, names, escape)
    chown = expand(instruction.chown, names, escape)
    chmod = expand(instruction.chmod, names, escape)
    documents = [
        literal(h.name, (expand_heredoc(h.content, names) if h.expand else h.content).encode())
        for h in instruction.heredocs
    ]
    if len(sources) + len(documents) > 1 and not destination.endswith("/"):
        raise DockerfileError(
            f"When using {keyword} with more than one source file, "
            "the destination must be a directory and end with a /"
        )
    with step.store.scratch() as scratch:
        found = [*_find(step, instruction, sources, scratch), *documents]
        content, files = content_key(found)
        key = digest(keyword, state.chain, content, destination, state.workdir, chown, chmod)
        if isinstance(instruction, Copy) and not instruction.from_stage:
            _explain_miss(step, instruction, state, key, files)

        def make() -> LayerRow:
            tree = step.store.tree(state.layers)
            owner = owner_of(step.store, tree, chown, chmod)
            lay_out = add_pieces if isinstance(instruction, Add) else layout
            return step.write(lay_out(tree, found, destination, state.workdir, owner))

        what = " ".join([*sources, *(h.name for h in instruction.heredocs), destination])
        return step.layer(key, state, f"{keyword} {what} # buildkit", make, computed=True)


def _find(
    step: Step, instruction: Copy | Add, sources: Sequence[str], scratch: Path
) -> list[Found]:
    work = step.work
    digests = work.tools.digests.during(work.check)
    if isinstance(instruction, Add):
        remote = [source for source in sources if source.startswith(("http://", "https://"))]
        local = [source for source in sources if source not in remote]
        fetched = [fetch(url, scratch, work.cancel) for url in remote]
        return [*find_in_context(work.context, digests, local), *fetched]
    origin = instruction.from_stage
    if not origin:
        return find_in_context(work.context, digests, sources)
    index = work.graph.find(origin, index=step.stage.index)
    if index is not None:
        layers = work.stage(index).layers
        origin = f"stage {origin}"
    else:
        layers = work.base(origin, step.vertex.digest).state.layers
        origin = f"image {origin}"
    return find_in_tree(step.store, digests, step.store.tree(layers), sources, origin)


def _explain_miss(
    step: Step, instruction: Copy, state: BuildState, key: str, files: Mapping[str, str]
) -> None:
    """Say which notebook made a COPY run again: saving one changes the context it lies in."""
    if len(files) > _MAX_COPIED or step.is_cached(key):
        return
    cache = step.store.cache
    identity = digest("copied", state.chain, instruction.text)
    before = cache.copied(identity)
    changed = {path for path in before.keys() | files if before.get(path) != files.get(path)}
    notebooks = sorted(
        (path.lstrip("/") for path in changed if ".ipynb" in path),
        key=lambda path: (_CHECKPOINTS in path, path),
    )
    if before and notebooks and len(notebooks) == len(changed):
        step.work.emit(_notebook_warning(step, instruction, notebooks))
    cache.remember_copied(identity, files)


def _notebook_warning(step: Step, instruction: Copy, notebooks: Sequence[str]) -> VertexWarning:
    return VertexWarning(
        step.vertex.digest,
        f"{notebooks[0]} changed since the last build, "
        f"so `{instruction.text}` could not come from the cache",
        f"Add this to .dockerignore:\n**/*.ipynb\n**/{_CHECKPOINTS}",
        instruction.line,
    )
