"""Which paths of a build context a Dockerfile names, for builders that are sent a context whole.

Each builder without BuildKit builds every stage up to the target, needed or not.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....dockerfile import (
    Add,
    Arg,
    Copy,
    Env,
    Instruction,
    Onbuild,
    Run,
    Stage,
    expand,
    has_wildcard,
    matches_go_pattern,
    parse,
    parse_mount,
    used_names,
)
from ....errors import DockerfileError
from ...build_request import BuildRequest
from ...planning import given_args, plan

__all__ = ["NamedPaths", "named_paths"]

Config = Mapping[str, Any]


class NamedPaths:
    """A set of paths and all that is below them.

    Args:
        sources: as in COPY, their variables replaced.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        cleaned = (posixpath.normpath(f"/{source}").strip("/") for source in sources)
        self._patterns = [path.split("/") if path else [] for path in dict.fromkeys(cleaned)]

    def leads_to(self, path: str) -> bool:
        """Whether the path is one of them, or a directory above one."""
        parts = path.split("/")
        return any(
            len(parts) <= len(pattern) and _matches(pattern, parts) for pattern in self._patterns
        )

    def includes(self, path: str) -> bool:
        """Whether the path is one of them, or below one."""
        parts = path.split("/")
        return any(
            len(pattern) <= len(parts) and _matches(pattern, parts) for pattern in self._patterns
        )


def _matches(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    return all(
        matches_go_pattern(wanted, part) if has_wildcard(wanted) else wanted == part
        for wanted, part in zip(pattern, parts, strict=False)
    )


def named_paths(
    request: BuildRequest, config_of: Callable[[str], Config | None]
) -> NamedPaths | None:
    """What of the context the build can read, or None where it may be anything.

    That is so where the text is not understood here, a base image is not known or has ONBUILD
    triggers, or a variable's value is not known.

    Args:
        request: the build.
        config_of: the `config` object of an image that the engine has, or None.
    """
    try:
        return _Reading(request, config_of).run()
    except (DockerfileError, _UnknownError):
        return None


class _UnknownError(Exception):
    """What is named cannot be told."""


class _Reading:
    def __init__(self, request: BuildRequest, config_of: Callable[[str], Config | None]) -> None:
        dockerfile = parse(request.dockerfile)
        self._graph = plan(
            dockerfile,
            build_args=request.build_args,
            target=request.target,
            platform=request.platform,
        )
        self._escape = dockerfile.escape
        self._given = given_args(request.build_args)
        self._config_of = config_of
        self._environments: list[dict[str, str]] = []
        self._sources: list[str] = []

    def run(self) -> NamedPaths:
        for stage in self._graph.stages[: self._graph.target + 1]:
            environment = self._base_environment(stage)
            args: dict[str, str] = {}
            for instruction in (*self._triggers(stage), *stage.instructions):
                self._read(instruction, environment, args)
            self._environments.append(environment)
        return NamedPaths(self._sources)

    def _base_environment(self, stage: Stage) -> dict[str, str]:
        if stage.base_stage is not None:
            return dict(self._environments[stage.base_stage])
        if stage.base == "scratch":
            return {}
        config = self._config_of(stage.base)
        if config is None or config.get("OnBuild"):
            raise _UnknownError
        pairs = (str(pair).partition("=") for pair in config.get("Env") or ())
        return {name: value for name, _, value in pairs}

    def _triggers(self, stage: Stage) -> list[Instruction]:
        if stage.base_stage is None:
            return []
        base = self._graph.stages[stage.base_stage]
        return [i.parsed for i in base.instructions if isinstance(i, Onbuild)]

    def _read(
        self, instruction: Instruction, environment: dict[str, str], args: dict[str, str]
    ) -> None:
        seen = {**args, **environment}
        if isinstance(instruction, Env):
            environment |= {name: self._expanded(text, seen) for name, text in instruction.pairs}
        elif isinstance(instruction, Arg):
            for name, default in instruction.pairs:
                if name in self._given:
                    args[name] = self._given[name]
                elif default is not None:
                    args[name] = self._expanded(default, {**args, **environment})
                elif name in self._graph.global_args:
                    args[name] = self._graph.global_args[name]
        elif isinstance(instruction, Run):
            for flag, value in instruction.flags:
                if flag == "mount":
                    mount = parse_mount(value, lambda text: self._expanded(text, seen))
                    if mount.type == "bind" and not mount.origin:
                        self._sources.append(mount.source)
        elif isinstance(instruction, Add) or (
            isinstance(instruction, Copy) and not instruction.from_stage
        ):
            for source in instruction.sources:
                if "**" in source:
                    raise _UnknownError
                self._sources.append(self._expanded(source, seen))

    def _expanded(self, text: str, seen: Mapping[str, str]) -> str:
        if used_names(text, seen, self._escape) - seen.keys():
            raise _UnknownError
        return expand(text, seen, self._escape)
