"""An image while it is being built: layers, configuration and history, all immutable.

The configuration is the OCI image-spec's (config.md), with the fields and the wording of history
that BuildKit's Dockerfile frontend writes, so that tools and people see what they know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from ....oci.platforms import Platform
from ..storage.store import LayerRow

__all__ = ["BUILDKIT_COMMENT", "DEFAULT_PATH", "INLINE_CACHE", "BuildState", "now", "parse_time"]

BUILDKIT_COMMENT = "buildkit.dockerfile.v0"
INLINE_CACHE = "container-magics.cache.v1"
"""The field of an image configuration that says which steps made its layers."""

_NOT_INHERITED = frozenset(
    ("config", "history", "rootfs", "created", INLINE_CACHE, "moby.buildkit.cache.v0")
)
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def now() -> str:
    """The present in RFC 3339, UTC, with microseconds."""
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def parse_time(text: str | None) -> datetime | None:
    """An RFC 3339 time as configurations hold it, also with nanoseconds; None if there is none."""
    if not text or text.startswith("0001-01-01"):
        return None
    text = text.replace("Z", "+00:00")
    head, dot, tail = text.partition(".")
    if dot:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class BuildState:
    """One point of a stage.

    Attributes:
        layers: lowest first.
        config: the `config` object: Env, Cmd, WorkingDir …
        history: the `history` array, oldest first.
        created: RFC 3339 time of the last layer, or of the base image.
        rest: the other fields of the base's configuration, such as `author`.
        declared: names of the build arguments declared so far in this stage, as often as written.
        args: their values, unless ENV has set the name since; and those of the stage below.
        cmd_here: whether CMD was set in this stage (ENTRYPOINT drops an inherited one).
    """

    layers: tuple[LayerRow, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Mapping[str, Any], ...] = ()
    created: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)
    declared: tuple[str, ...] = ()
    args: Mapping[str, str] = field(default_factory=dict)
    cmd_here: bool = False

    @classmethod
    def scratch(cls, platform: Platform) -> BuildState:
        """What FROM scratch starts with."""
        return cls(
            config={"Env": [f"PATH={DEFAULT_PATH}"], "WorkingDir": "/"},
            rest=platform.to_json(),
        )

    @classmethod
    def from_image(cls, config: Mapping[str, Any], layers: tuple[LayerRow, ...]) -> BuildState:
        """What FROM an image starts with.

        Args:
            config: the image's whole configuration.
            layers: its layers in the store.
        """
        inner = dict(config.get("config") or {})
        env = list(inner.get("Env") or ())
        if not any(pair.startswith("PATH=") for pair in env):
            env.append(f"PATH={DEFAULT_PATH}")
        inner["Env"] = env
        rest = {k: v for k, v in config.items() if k not in _NOT_INHERITED}
        return cls(
            layers,
            inner,
            tuple(config.get("history") or ()),
            str(config.get("created") or ""),
            rest,
        )

    @property
    def chain(self) -> str:
        """The diff IDs of all layers: what the file system is."""
        return " ".join(layer.diff_id for layer in self.layers)

    @property
    def env(self) -> dict[str, str]:
        """Env as a mapping."""
        return dict(pair.partition("=")[::2] for pair in self.config.get("Env") or ())

    @property
    def variables(self) -> dict[str, str]:
        """What RUN and every other instruction sees: ENV and ARG, the later one where both are."""
        return {**self.env, **self.args}

    @property
    def workdir(self) -> str:
        """The working directory, absolute."""
        return str(self.config.get("WorkingDir") or "/")

    def with_config(self, **values: object) -> BuildState:
        """With fields of `config` set; None removes one."""
        config = {**self.config, **values}
        return replace(self, config={k: v for k, v in config.items() if v is not None})

    def with_env(self, pairs: Mapping[str, str]) -> BuildState:
        """With ENV's pairs set."""
        env = [f"{name}={value}" for name, value in {**self.env, **pairs}.items()]
        left = {name: value for name, value in self.args.items() if name not in pairs}
        return replace(self.with_config(Env=env), args=left)

    def dated(self, created: str) -> BuildState:
        """As if made at a time (RFC 3339): that of what follows, and of rows that are later."""
        moment = parse_time(created)
        history = tuple(
            {**row, "created": created}
            if moment is None or (made := parse_time(row.get("created"))) is None or made > moment
            else row
            for row in self.history
        )
        return replace(self, created=created, history=history)

    def with_history(self, created_by: str) -> BuildState:
        """With a history row of an instruction that made no layer."""
        row = {"created_by": created_by, "comment": BUILDKIT_COMMENT, "empty_layer": True}
        if self.created:
            row = {"created": self.created, **row}
        return replace(self, history=(*self.history, row))

    def with_layer(self, layer: LayerRow, created: str, created_by: str) -> BuildState:
        """With a layer on top and its history row."""
        row = {"created": created, "created_by": created_by, "comment": BUILDKIT_COMMENT}
        return replace(
            self, layers=(*self.layers, layer), history=(*self.history, row), created=created
        )

    def image_config(self) -> bytes:
        """The image configuration (OCI image-spec config.md), whose digest is the image's ID."""
        created = self.created or "1970-01-01T00:00:00Z"
        history = [{"created": created, **row} for row in self.history]
        whole = {
            **self.rest,
            "created": created,
            "config": {k: v for k, v in self.config.items() if v not in ([], {})},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in self.layers]},
            "history": history,
        }
        return json.dumps(whole, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(layer.size for layer in self.layers)
