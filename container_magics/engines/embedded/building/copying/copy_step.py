"""COPY and ADD: what they name, whether it has changed, and the layer of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from .....dockerfile import Add, Copy, IgnoreRules
from .....oci.tree import Tree
from ....events import VertexWarning
from ....sources.git import is_git_url
from ....sources.http import is_http_url
from ...storage.digests import FileDigests
from ...storage.store import LayerRow
from ..state import BuildState
from ..step import Step, digest
from .adding import Remote, add_pieces, git_source, http_source
from .copy_arguments import CopyArguments
from .found import Found, content_key, find_in_context, find_in_tree
from .layout import layout
from .ownership import owner_of
from .selection import Find, find_with_parents, without

__all__ = ["copy_step"]

_CHECKPOINTS = ".ipynb_checkpoints"
_MAX_COPIED = 2000


def copy_step(step: Step, instruction: Copy | Add, state: BuildState) -> BuildState:
    """The state after a COPY or ADD.

    With `--link` the layer is made as on an empty image, so it stays in the cache whatever is
    below; as in BuildKit, `--chmod` switches that off.

    Raises:
        SourceNotFoundError: a source that is not there, or leaves the context.
        BuildError: the destination does not fit, or a URL or repository can't be had.
        DockerfileError: flags and sources that do not go together.
    """
    copy = CopyArguments(instruction, state.variables, step.escape)
    destination, chown, chmod = copy.destination, copy.chown, copy.chmod
    linked = instruction.link and not chmod
    with step.store.scratch() as scratch:
        sources = [*_sources(step, copy, scratch), *copy.documents]
        content, files = content_key([item for item in sources if isinstance(item, Found)])
        remote = [
            digest(str(number), source.key, *copy.patterns)
            for number, source in enumerate(sources)
            if isinstance(source, Remote)
        ]
        below = "linked" if linked else state.chain
        how = f"parents={copy.parents} unpack={copy.unpack}"
        place = (destination, state.workdir, chown, chmod)
        key = digest(copy.keyword, below, content, *place, how, *remote)
        if isinstance(instruction, Copy) and not instruction.from_stage:
            _explain_miss(step, instruction, state, key, files)

        def make() -> LayerRow:
            tree = Tree() if linked else step.store.tree(state.layers)
            owner = owner_of(step.store, None if linked else tree, chown, chmod)
            found = list(_fetched(sources, copy.exclude))
            if isinstance(instruction, Copy):
                pieces = layout(tree, found, destination, state.workdir, owner)
            else:
                pieces = add_pieces(
                    tree, found, destination, state.workdir, owner, unpack=copy.unpack
                )
            return step.write(pieces)

        return step.layer(key, state, f"{copy.words} # buildkit", make, computed=True)


def _sources(step: Step, copy: CopyArguments, scratch: Path) -> Iterator[Found | Remote]:
    """Every source in the order written; what is elsewhere is not fetched yet."""
    work, instruction = step.work, copy.instruction
    digests = work.tools.digests.during(work.check)
    find = _place(step, instruction, digests)
    for number, source in enumerate(copy.sources):
        if isinstance(instruction, Add) and is_git_url(source):
            target = scratch / str(number)
            yield git_source(source, instruction, copy.checksum, target, digests, work.cancel)
        elif isinstance(instruction, Add) and is_http_url(source):
            target = scratch / str(number)
            yield http_source(source, copy.checksum, target, step.store.cache, work.cancel)
        else:
            found = find_with_parents(find, source) if copy.parents else find([source])
            yield from filter(None, (without(item, copy.exclude) for item in found))


def _fetched(sources: Iterable[Found | Remote], exclude: IgnoreRules) -> Iterator[Found]:
    for source in sources:
        if isinstance(source, Found):
            yield source
        elif (found := without(source.fetch(), exclude)) is not None:
            yield found


def _place(step: Step, instruction: Copy | Add, digests: FileDigests) -> Find:
    """Where the sources are looked for: the context, a named one, a stage, or an image."""
    work = step.work
    origin = instruction.from_stage if isinstance(instruction, Copy) else ""
    if not origin:
        return partial(find_in_context, work.context, digests)
    index = work.graph.find(origin, index=step.stage.index)
    if index is not None:
        layers = work.stage(index).layers
        origin = f"stage {origin}"
    elif (folder := work.contexts.folder(origin)) is not None:
        return partial(find_in_context, folder, digests)
    else:
        layers = work.base(origin, step.vertex.digest).state.layers
        origin = f"image {origin}"
    tree = step.store.tree(layers)
    return lambda sources: find_in_tree(step.store, digests, tree, sources, origin)


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
