"""One stage, instruction by instruction: look in the cache, else do it.

A step's cache key is made of what the file system is below it (the diff IDs), the instruction with
its variables replaced, and what else it can see: environment and arguments for RUN, content for
COPY and ADD. It holds no times, and nothing that changes only the configuration.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ...dockerfile import (
    Add,
    Copy,
    Instruction,
    Run,
    Stage,
    Workdir,
    expand,
    expand_heredoc,
    parse_instruction,
)
from ...errors import (
    BuildError,
    ContainerMagicsError,
    DockerfileError,
    StepFailedError,
    UnsupportedError,
)
from ...oci.platforms import Platform
from ..base import Vertex, VertexLog, VertexWarning
from .adding import add_pieces, fetch
from .builder import Build
from .cache import CacheHit
from .copying import (
    Found,
    Piece,
    content_key,
    find_in_context,
    find_in_tree,
    layout,
    layout_directory,
    literal,
    owner_of,
)
from .evaluate import PREDEFINED_ARGS, evaluate, shell_words
from .record import ChunkReader, archive
from .running import Command
from .state import BuildState, now
from .store import LayerRow
from .unpack import unpack

__all__ = ["StageBuilder", "announce"]

_MAKES_LAYER = (Run, Copy, Add, Workdir)
_TAIL_LINES = 12
_MAX_COPIED = 2000


def _digest(*parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogateescape")
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def _steps(stage: Stage) -> list[tuple[str, str, int]]:
    """The vertices of a stage, in BuildKit's counting: (digest, name, line)."""
    named = stage.name or str(stage.index)
    shown: list[tuple[str, int]] = []
    if stage.base_stage is None and stage.base != "scratch":
        shown.append((f"FROM {stage.base}", stage.line))
    shown += [(i.text, i.line) for i in stage.instructions if isinstance(i, _MAKES_LAYER)]
    label = f"{stage.name} " if stage.name else f"stage-{stage.index} "
    return [
        (_digest(named, str(n), text), f"[{label}{n}/{len(shown)}] {text}", line)
        for n, (text, line) in enumerate(shown, 1)
    ]


def announce(work: Build, stage: Stage) -> None:
    """Tell of every step of a stage before any begins."""
    for digest, name, line in _named_steps(work, stage):
        work.emit(Vertex(digest, name, stage=stage.name or str(stage.index), line=line))


def _named_steps(work: Build, stage: Stage) -> list[tuple[str, str, int]]:
    steps = _steps(stage)
    if len(work.graph.stages) == 1 and not stage.name:
        return [
            (digest, name.replace(f"stage-{stage.index} ", "", 1), line)
            for digest, name, line in steps
        ]
    return steps


class _Step:
    """A vertex being worked on."""

    def __init__(self, vertex: Vertex) -> None:
        self.vertex = vertex
        self.cached = False
        self.layer_size: int | None = None


class StageBuilder:
    """Builds one stage."""

    def __init__(self, work: Build, stage: Stage) -> None:
        self._work = work
        self._stage = stage
        self._tools = work.tools
        self._names = iter(_named_steps(work, stage))
        self._escape = work.dockerfile.escape

    def run(self) -> BuildState:
        """All of it; the state at its end.

        Raises:
            DockerfileError, BuildError, PullError: with the line of the instruction.
        """
        state = self._base()
        triggers = tuple(state.config.get("OnBuild") or ())
        state = replace(state.with_config(OnBuild=None), args=state.args, cmd_here=False)
        for number, trigger in enumerate(triggers, 1):
            instruction = parse_instruction(trigger, self._escape)
            place = f"{self._stage.name or self._stage.index} onbuild {number}/{len(triggers)}"
            name = f"[{place}] {trigger}"
            state = self._instruction(instruction, state, (_digest(name), name, self._stage.line))
        for instruction in self._stage.instructions:
            named = next(self._names) if isinstance(instruction, _MAKES_LAYER) else None
            state = self._instruction(instruction, state, named)
        return state

    def _base(self) -> BuildState:
        stage = self._stage
        if stage.base_stage is not None:
            return self._work.results[stage.base_stage].result()
        if stage.platform and Platform.parse(stage.platform).rank_on(Platform.host()) is None:
            raise UnsupportedError(
                f"FROM --platform={stage.platform}: this engine builds for its own platform only"
            )
        if stage.base == "scratch":
            return BuildState.scratch(Platform.host())
        with self._step(next(self._names)) as step:
            work = self._work
            base = self._tools.bases(
                stage.base, step.vertex.digest, work.emit, work.cancel, work.request.pull
            )
            step.cached = base.present
            return base.state

    @contextmanager
    def _step(self, named: tuple[str, str, int]) -> Iterator[_Step]:
        self._work.check()
        digest, name, line = named
        stage = self._stage.name or str(self._stage.index)
        step = _Step(Vertex(digest, name, stage=stage, line=line, started=time.time()))
        self._work.emit(step.vertex)
        try:
            yield step
        except BaseException as error:
            message = str(error) or type(error).__name__
            self._work.emit(replace(step.vertex, completed=time.time(), error=message))
            raise
        self._work.emit(
            replace(
                step.vertex, completed=time.time(), cached=step.cached, layer_size=step.layer_size
            )
        )
        self._work.count(cached=step.cached)

    def _instruction(
        self, instruction: Instruction, state: BuildState, named: tuple[str, str, int] | None
    ) -> BuildState:
        work = self._work
        try:
            if named is None:
                return evaluate(
                    instruction, state, self._escape, work.build_args, work.graph.global_args
                )
            with self._step(named) as step:
                if isinstance(instruction, Run):
                    return self._run(instruction, state, step)
                if isinstance(instruction, (Copy, Add)):
                    return self._copy(instruction, state, step)
                return self._workdir(instruction, state, step)
        except DockerfileError as error:
            raise _located(error, work, instruction.line) from None
        except BuildError as error:
            error.step = error.step or (named[1] if named else instruction.text)
            error.line = error.line or instruction.line
            raise

    # --- what all layer-making steps share ---

    def _cached(
        self,
        step: _Step,
        key: str,
        state: BuildState,
        created_by: str,
        make: Callable[[], LayerRow | None],
    ) -> BuildState:
        """The state after a step, from the cache or by making its layer."""
        store = self._tools.store
        hit = None if self._work.request.no_cache else store.cache.look_up(key)
        if hit is not None:
            step.cached = True
            layer = store.layer(hit.diff_id) if hit.diff_id else None
        else:
            layer = make()
            hit = CacheHit(layer.diff_id if layer else "", now())
            store.cache.remember(key, hit)
        if layer is None:
            return state.with_history(created_by)
        step.layer_size = layer.size
        return state.with_layer(layer, hit.created, created_by)

    def _write(self, pieces: Iterator[Piece]) -> LayerRow:
        """A layer of entries and their content."""
        store = self._tools.store
        with store.scratch() as directory:
            diff_id, size = unpack(ChunkReader(archive(pieces)).read, directory, store.holding)
            return store.adopt_layer(directory, diff_id, size)

    # --- WORKDIR ---

    def _workdir(self, instruction: Instruction, state: BuildState, step: _Step) -> BuildState:
        assert isinstance(instruction, Workdir)  # noqa: S101 - the only other kind of layer-maker
        path = posixpath.normpath(
            posixpath.join(state.workdir, expand(instruction.path, state.expansion, self._escape))
        )
        state = state.with_config(WorkingDir=path)
        key = _digest("WORKDIR", state.chain, path)

        def make() -> LayerRow | None:
            pieces = layout_directory(self._tools.store.tree(state.layers), path)
            return self._write(iter(pieces)) if pieces else None

        return self._cached(step, key, state, f"WORKDIR {path}", make)

    # --- RUN ---

    def _run(self, instruction: Run, state: BuildState, step: _Step) -> BuildState:
        request = self._work.request
        network = self._run_flags(instruction) or request.network
        if instruction.command.shell:
            argv = [*shell_words(state), instruction.script]
        else:
            argv = list(instruction.command.words)
        args = {k: v for k, v in state.args.items() if v is not None}
        shown_args = [
            f"{k}={v}" for k, v in args.items() if k not in PREDEFINED_ARGS and k not in state.env
        ]
        proxies = {k: v for k, v in self._work.build_args.items() if k in PREDEFINED_ARGS}
        user = str(state.config.get("User") or "")
        key = _digest(
            "RUN", state.chain, json.dumps(argv), json.dumps(sorted(shown_args)),
            json.dumps(state.config.get("Env") or []), state.workdir, user, network,
        )  # fmt: skip
        command = Command(
            argv,
            {**proxies, **args, **state.env},
            state.workdir,
            user,
            "container-magics",
            "none" if network == "none" else "host",
        )
        counted = f"|{len(shown_args)} {' '.join(shown_args)} " if shown_args else ""
        created_by = f"RUN {counted}{' '.join(argv)} # buildkit"
        return self._cached(
            step, key, state, created_by, lambda: self._execute(step, state, command)
        )

    def _run_flags(self, instruction: Run) -> str:
        network = ""
        for name, value in instruction.flags:
            if name == "network" and value in ("none", "host", "default"):
                network = value
            elif name != "network":
                raise UnsupportedError(f"RUN --{name} is not available on the embedded engine yet")
        return network

    def _execute(self, step: _Step, state: BuildState, command: Command) -> LayerRow:
        work = self._work
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        rest = [b""]

        def output(stream: int, data: bytes) -> None:
            work.emit(VertexLog(step.vertex.digest, stream, data))
            *lines, rest[0] = (rest[0] + data).split(b"\n")
            tail.extend(line.decode("utf-8", "replace") for line in lines[-_TAIL_LINES:])
            rest[0] = rest[0][-4096:]

        workspace = self._tools.snapshotter.prepare(state.layers)
        try:
            code, failed = self._tools.runner.run(workspace, command, output, work.cancel)
            work.check()
            if code != 0:
                if rest[0]:
                    tail.append(rest[0].decode("utf-8", "replace"))
                shown = " ".join(command.argv)
                raise StepFailedError(
                    failed or f'process "{shown}" did not complete successfully: exit code: {code}',
                    returncode=code,
                    tail=[line for line in tail if line.strip()],
                )
            return workspace.commit()
        finally:
            workspace.discard()

    # --- COPY and ADD ---

    def _copy(self, instruction: Copy | Add, state: BuildState, step: _Step) -> BuildState:
        tools = self._tools
        names = state.expansion
        sources = [expand(source, names, self._escape) for source in instruction.sources]
        destination = expand(instruction.destination, names, self._escape)
        chown = expand(instruction.chown, names, self._escape)
        chmod = expand(instruction.chmod, names, self._escape)
        for name, _ in instruction.flags:
            if name not in ("from", "chown", "chmod"):
                raise UnsupportedError(
                    f"{instruction.keyword} --{name} is not available on the embedded engine yet"
                )
        documents = [
            literal(h.name, (expand_heredoc(h.content, names) if h.expand else h.content).encode())
            for h in instruction.heredocs
        ]
        if len(sources) + len(documents) > 1 and not destination.endswith("/"):
            raise DockerfileError(
                f"When using {instruction.keyword} with more than one source file, "
                "the destination must be a directory and end with a /"
            )
        with tools.store.scratch() as scratch:
            found = [*self._sources(instruction, sources, scratch, step), *documents]
            content, files = content_key(found)
            key = _digest(
                instruction.keyword, state.chain, content, destination, state.workdir, chown, chmod
            )
            if isinstance(instruction, Copy) and not instruction.from_stage:
                self._explain_miss(step, state, instruction, key, files)

            def make() -> LayerRow:
                tree = tools.store.tree(state.layers)
                owner = owner_of(tools.store, tree, chown, chmod)
                if isinstance(instruction, Add):
                    pieces = add_pieces(tree, found, destination, state.workdir, owner)
                else:
                    pieces = layout(tree, found, destination, state.workdir, owner)
                return self._write(pieces)

            flags = "".join(
                f" --{name}={value}"
                for name, value in (("chown", chown), ("chmod", chmod))
                if value
            )
            what = " ".join([*sources, *(h.name for h in instruction.heredocs), destination])
            return self._cached(
                step, key, state, f"{instruction.keyword}{flags} {what} # buildkit", make
            )

    def _sources(
        self, instruction: Copy | Add, sources: Sequence[str], scratch: Path, step: _Step
    ) -> list[Found]:
        tools, work = self._tools, self._work
        if isinstance(instruction, Add):
            remote = [source for source in sources if source.startswith(("http://", "https://"))]
            local = [source for source in sources if source not in remote]
            fetched = [fetch(url, scratch, work.cancel) for url in remote]
            return [*find_in_context(work.context, tools.digests, local), *fetched]
        if not instruction.from_stage:
            return find_in_context(work.context, tools.digests, sources)
        index = work.graph.find(instruction.from_stage, index=self._stage.index)
        if index is not None:
            state, origin = work.results[index].result(), f"stage {instruction.from_stage}"
        else:
            state = tools.bases(
                instruction.from_stage,
                step.vertex.digest,
                work.emit,
                work.cancel,
                work.request.pull,
            ).state
            origin = f"image {instruction.from_stage}"
        return find_in_tree(
            tools.store, tools.digests, tools.store.tree(state.layers), sources, origin
        )

    def _explain_miss(
        self, step: _Step, state: BuildState, instruction: Copy, key: str, files: dict[str, str]
    ) -> None:
        """Say which notebook made a COPY run again: saving one changes the context it lies in."""
        store = self._tools.store
        if len(files) > _MAX_COPIED:
            return
        identity = _digest("copied", state.chain, instruction.text)
        if store.cache.look_up(key) is None:
            before = store.cache.copied(identity)
            changed = {
                path for path in before.keys() | files if before.get(path) != files.get(path)
            }
            notebooks = sorted(path for path in changed if ".ipynb" in path)
            if before and notebooks and len(notebooks) == len(changed):
                self._work.emit(_notebook_warning(step, instruction, notebooks))
        store.cache.remember_copied(identity, files)


def _notebook_warning(step: _Step, instruction: Copy, notebooks: Sequence[str]) -> VertexWarning:
    paths = [path.partition("/")[2] if path.startswith("/") else path for path in notebooks]
    line = "*.ipynb" if all("/" not in path for path in paths) else "**/*.ipynb"
    if any(".ipynb_checkpoints" in path for path in paths):
        line += "\n.ipynb_checkpoints"
    return VertexWarning(
        step.vertex.digest,
        f"{paths[0]} changed since the last build, "
        f"so `{instruction.text}` could not come from the cache",
        f"Add this to .dockerignore:\n{line}",
        instruction.line,
    )


def _located(error: DockerfileError, work: Build, line: int) -> ContainerMagicsError:
    if error.line:
        return error
    lines = work.dockerfile.text.split("\n")
    text = lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else ""
    return DockerfileError(error.reason, line=line, text=text, hint=error.hint)
