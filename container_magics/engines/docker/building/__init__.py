"""`docker build` on Docker and Podman.

    build ──► buildkit   the docker CLI, if one can build: raw or plain progress
       └────► classic    else the engine's own builder: it is sent what named_paths tells
    flags, outputs       options for either, or what is refused by name
    steps, announcement  vertex names to stages and lines
    explaining           failures to exceptions

Importing it imports neither `docker` nor `requests`.
"""

from __future__ import annotations

from .build import build

__all__ = ["build"]
