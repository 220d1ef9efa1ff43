"""The calls of the engine API for containers that the `docker` SDK lacks, or has in another way."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Generator, Iterator, Mapping
from typing import Any, BinaryIO

import requests

from ..client import Client, chunks
from ..hijacking import Hijacked

__all__ = ["ContainerCalls"]


class ContainerCalls(Client):
    """Containers in the engine API."""

    def hijack(self, container: str, streams: Mapping[str, int]) -> Hijacked:
        """`POST /containers/ID/attach`; `streams` are its parameters."""
        return self._hijacked(self._url("/containers/{0}/attach", container), params=streams)

    def hijack_exec(self, command: str, *, tty: bool) -> Hijacked:
        """`POST /exec/ID/start` of what `exec_create` made."""
        url = self._url("/exec/{0}/start", command)
        return self._hijacked(url, data=json.dumps({"Detach": False, "Tty": tty}))

    def _hijacked(self, url: str, **sent: object) -> Hijacked:
        response = self._post(
            url,
            headers={
                "Connection": "Upgrade",
                "Upgrade": "tcp",
                "Content-Type": "application/json",
            },
            stream=True,
            **sent,
        )
        return Hijacked(response, self._get_raw_response_socket(response))

    def create_from_json(self, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """`POST /containers/create`; a proxy of `~/.docker/config.json` is added, as ever."""
        environment = self._proxy_configs.inject_proxy_environment(config["Env"])
        config = {**config, "Env": environment}
        answer: dict[str, Any] = self.create_container_from_config(config, name or None)
        return answer

    def restart_within(self, container: str, seconds: int | None) -> None:
        """`POST /containers/ID/restart`; with None it has as long as the container says."""
        url = self._url("/containers/{0}/restart", container)
        self._raise_for_status(self._post(url, params={"t": seconds}))

    def await_exit(self, container: str) -> requests.Response:
        """`POST /containers/ID/wait` for the next time that a container ends.

        The engine waits once this returns; the answer's body comes in the end.
        """
        url = self._url("/containers/{0}/wait", container)
        response = self._post(url, params={"condition": "next-exit"}, stream=True)
        self._raise_for_status(response)
        return response

    def log_chunks(
        self, container: str, parameters: Mapping[str, Any]
    ) -> Generator[bytes, None, None]:
        """`GET /containers/ID/logs`; yields bytes as they come."""
        yield from self._streamed(self._url("/containers/{0}/logs", container), parameters)

    def sample(self, container: str) -> dict[str, Any]:
        """`GET /containers/ID/stats` at this moment, where the engine can give it at once."""
        url = self._url("/containers/{0}/stats", container)
        response = self._get(url, params={"stream": 0, "one-shot": 1})
        self._raise_for_status(response)
        answer: dict[str, Any] = response.json()
        return answer

    def volume_usage(self) -> list[dict[str, Any]]:
        """The volumes of `GET /system/df`, with their sizes and how many containers use them."""
        response = self._get(self._url("/system/df"), params={"type": "volume"})
        self._raise_for_status(response)
        return list(response.json().get("Volumes") or ())

    def export_tar(self, container: str) -> Iterator[bytes]:
        """`GET /containers/ID/export`; yields the archive's bytes."""
        yield from self._streamed(self._url("/containers/{0}/export", container), {})

    def copy_tar(self, container: str, path: str) -> Iterator[bytes]:
        """`GET /containers/ID/archive` of an `os.fsdecode`d path; yields the archive's bytes."""
        yield from self._streamed(*self._archive(container, path))

    def path_status(self, container: str, path: str) -> dict[str, Any]:
        """What `GET /containers/ID/archive` says of a path; `HEAD` has no words for an error."""
        url, params = self._archive(container, path)
        with self._get(url, params=params, stream=True) as response:
            self._raise_for_status(response)
            encoded = response.headers["X-Docker-Container-Path-Stat"]
        answer: dict[str, Any] = json.loads(base64.b64decode(encoded))
        return answer

    def put_tar(self, container: str, path: str, source: BinaryIO) -> None:
        """`PUT /containers/ID/archive`: unpack a tar into a directory, as `docker cp` does."""
        url, params = self._archive(container, path)
        params = {**params, "noOverwriteDirNonDir": "true"}
        self._raise_for_status(self._put(url, params=params, data=chunks(source)))

    def _archive(self, container: str, path: str) -> tuple[str, dict[str, Any]]:
        url = self._url("/containers/{0}/archive", container)
        return url, {"path": os.fsencode(path)}
