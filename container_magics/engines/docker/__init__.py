"""Docker and Podman through their engine API, and BuildKit through the docker CLI.

    engine.DockerEngine ──► api         the SDK's client, and its errors as ours
        │   ├──► images                 JSON of the API → values
        │   ├──► pulling, containers    the verbs that stream
        │   └──► building ──► buildkit  the docker CLI, if one can build: rawjson or plain progress
        │                └──► classic   else the engine's own builder, through the SDK
        └──► (both builders) ──► steps  vertex names → stages and lines; failures → exceptions

Importing this package imports neither `docker` nor `requests`.
"""

from __future__ import annotations

from .engine import DockerEngine

__all__ = ["DockerEngine"]
