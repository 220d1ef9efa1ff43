"""A registry written along the OCI distribution specification, that can be strict and unreliable.

Debian's own appends chunks without looking at their range, and loses an upload that was cut.
"""

from __future__ import annotations

import hashlib
import json
import re
from urllib.parse import parse_qs, urlsplit

_BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})")
_UPLOADS = re.compile(r"/v2/(.+)/blobs/uploads/")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/([0-9]+)")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/(.+)")


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class WrittenRegistry:
    """Answers the exchanges of a `FakeRegistry`.

    `blobs` are by repository and digest, `manifests` by repository and tag or digest; `asked` has
    method and path of each request.

    Args:
        least: bytes of a chunk that is not the last (`OCI-Chunk-Min-Length`); 0 says nothing.
        chunks: whether PATCH is taken.
        mounts: whether blobs are given from one repository to another.
    """

    def __init__(self, *, least: int = 0, chunks: bool = True, mounts: bool = True):
        self.blobs: dict[str, dict[str, bytes]] = {}
        self.manifests: dict[str, dict[str, tuple[str, bytes]]] = {}
        self.uploads: dict[str, bytearray] = {}
        self.asked: list[tuple[str, str]] = []
        self.ranges: list[str] = []
        self.sizes: list[int] = []
        self.broken = {}
        self._least, self._chunks, self._mounts = least, chunks, mounts

    def respond(self, exchange) -> None:
        parts = urlsplit(exchange.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        method = exchange.command
        self.asked.append((method, parts.path))
        if trouble := self.broken.get(method):
            fault = trouble.pop(0)
            if fault is not None:
                fault(exchange)
                return
        for pattern, action in (
            (_UPLOAD, self._upload),
            (_UPLOADS, self._begin),
            (_BLOB, self._blob),
            (_MANIFEST, self._manifest),
        ):
            if match := pattern.fullmatch(parts.path):
                action(exchange, method, query, *match.groups())
                return
        exchange.answer(404)

    def keep_and_drop(self, count: int):
        """A fault: take that many bytes of a chunk, and break the connection."""

        def fault(exchange):
            self.uploads[exchange.path.rpartition("/")[2]] += exchange.body[:count]
            exchange.drop()

        return fault

    def refuse(self, status: int, code: str = "", **headers: str | int):
        """A fault: a status, and an error of the specification's form."""
        body = json.dumps({"errors": [{"code": code, "message": ""}]}).encode() if code else b""
        return lambda exchange: exchange.answer(status, body, **headers)

    def do_and_drop(self, exchange) -> None:
        """A fault: do what was asked, and break the connection in place of an answer."""
        exchange.answer = lambda *_, **__: exchange.drop()
        self.broken[exchange.command].insert(0, None)
        self.asked.pop()
        self.respond(exchange)

    def _begin(self, exchange, method, query, repository):
        source = self.blobs.get(query.get("from", ""), {})
        if self._mounts and query.get("mount") in source:
            self.blobs.setdefault(repository, {})[query["mount"]] = source[query["mount"]]
            exchange.answer(201, Location=f"/v2/{repository}/blobs/{query['mount']}")
            return
        name = str(len(self.uploads))
        self.uploads[name] = bytearray()
        headers = {"OCI_Chunk_Min_Length": self._least} if self._least else {}
        exchange.answer(202, Location=f"/v2/{repository}/blobs/uploads/{name}", **headers)

    def _upload(self, exchange, method, query, repository, name):
        upload = self.uploads.get(name)
        if upload is None:
            self.refuse(404, "BLOB_UPLOAD_UNKNOWN")(exchange)
        elif method == "PATCH" and not self._chunks:
            self.refuse(405, "UNSUPPORTED")(exchange)
        elif method == "DELETE":
            del self.uploads[name]
            exchange.answer(204)
        elif method == "GET":
            exchange.answer(204, **self._place(repository, name))
        elif not self._take(exchange, upload):
            exchange.answer(416, **self._place(repository, name))
        elif method == "PATCH":
            exchange.answer(202, **self._place(repository, name))
        elif digest_of(upload) != query["digest"]:
            self.refuse(400, "DIGEST_INVALID")(exchange)
        else:
            del self.uploads[name]
            self.blobs.setdefault(repository, {})[query["digest"]] = bytes(upload)
            exchange.answer(201, Docker_Content_Digest=query["digest"])

    def _take(self, exchange, upload: bytearray) -> bool:
        stated = exchange.headers.get("Content-Range")
        if stated is not None or exchange.command == "PATCH":
            self.ranges.append(stated)
            self.sizes.append(len(exchange.body))
            if stated != f"{len(upload)}-{len(upload) + len(exchange.body) - 1}":
                return False
        upload += exchange.body
        return True

    def _place(self, repository, name):
        end = max(0, len(self.uploads[name]) - 1)
        return {"Location": f"/v2/{repository}/blobs/uploads/{name}", "Range": f"0-{end}"}

    def _blob(self, exchange, method, query, repository, digest):
        data = self.blobs.get(repository, {}).get(digest)
        if data is None:
            self.refuse(404, "BLOB_UNKNOWN")(exchange)
        elif method == "DELETE":
            del self.blobs[repository][digest]
            exchange.answer(202)
        else:
            exchange.start(200, len(data), Docker_Content_Digest=digest)
            if method == "GET":
                exchange.wfile.write(data)

    def _manifest(self, exchange, method, query, repository, name):
        known = self.manifests.setdefault(repository, {})
        if method == "PUT":
            digest = digest_of(exchange.body)
            known[name] = known[digest] = (exchange.headers["Content-Type"], exchange.body)
            exchange.answer(201, Docker_Content_Digest=digest)
        elif name not in known:
            self.refuse(404, "MANIFEST_UNKNOWN")(exchange)
        elif method == "DELETE":
            del known[name]
            exchange.answer(202)
        else:
            kind, data = known[name]
            exchange.start(200, len(data), Content_Type=kind, Docker_Content_Digest=digest_of(data))
            if method == "GET":
                exchange.wfile.write(data)
