"""Dockerfiles: from the text to what is to be built, without building anything.

    text ──lines──► logical lines ──words, heredocs──► instructions ──stages──► stage graph
     │   (directives, comments,      (flags, JSON,      (frozen values,   (bases expanded,
     │    continuations)              <<EOF bodies)      unexpanded)       needs, target)
     └── parse_instruction: one ONBUILD trigger or `import --change`

    expand, expand_words, expand_heredoc: what the builder does to an instruction's words
    IgnoreRules: .dockerignore            matches_go_pattern: wildcards of COPY and ADD

Behaviour is that of BuildKit's Dockerfile frontend and of the Dockerfile reference. Nothing
here imports more than the standard library and `..errors`.
"""

from __future__ import annotations

from .expansion import expand, expand_heredoc, expand_words, used_names
from .ignore import IgnoreRules
from .instructions import (
    Add,
    Arg,
    Cmd,
    Command,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Heredoc,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from .mounts import RunMount, parse_mount
from .parser import Dockerfile, parse, parse_instruction
from .stages import Stage, StageGraph, stage_graph
from .wildcard import has_wildcard, matches_go_pattern

__all__ = [
    "Add",
    "Arg",
    "Cmd",
    "Command",
    "Copy",
    "Dockerfile",
    "Entrypoint",
    "Env",
    "Expose",
    "From",
    "Healthcheck",
    "Heredoc",
    "IgnoreRules",
    "Instruction",
    "Label",
    "Maintainer",
    "Onbuild",
    "Run",
    "RunMount",
    "Shell",
    "Stage",
    "StageGraph",
    "Stopsignal",
    "User",
    "Volume",
    "Workdir",
    "expand",
    "expand_heredoc",
    "expand_words",
    "has_wildcard",
    "matches_go_pattern",
    "parse",
    "parse_instruction",
    "parse_mount",
    "stage_graph",
    "used_names",
]
