"""Servers of the tests, from which ADD fetches: one of files, one of a git repository."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.fixtures import git

from .contexts import OLD, tar_of
from .model import COMMIT, GIT, SERVER

__all__ = ["FILE", "serving"]

FILE = b"served\n"


class _Files(BaseHTTPRequestHandler):
    """Gives every path but `/missing` the same content; `/no-time` without a Last-Modified."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/missing":
            self.send_error(404)
            return
        content = FILE
        if path.endswith((".tar", ".tgz")):
            content = tar_of({"t": "t\n"}, "gz" if path.endswith(".tgz") else "")
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        if path != "/no-time":
            self.send_header("Last-Modified", formatdate(OLD, usegmt=True))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Mapping[str, str]]:
    """The servers' addresses on this machine, and the commit, by what stands for them in a case.

    The repository `/repo.git` has a tag `v1`, and after it the branches `main` and `dev`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="cm-git-") as folder,
        ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server,
        git.serving(Path(folder)) as repositories,
    ):
        commit = _repository(Path(folder))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield {
                SERVER: f"http://127.0.0.1:{server.server_address[1]}",
                GIT: repositories.url,
                COMMIT: commit,
            }
        finally:
            server.shutdown()
            thread.join()


def _repository(folder: Path) -> str:
    """Make the repository; gives the ID of the commit that is tagged."""
    work = folder / "work"
    work.mkdir()
    git.git(work, "init", "--quiet")
    run = work / "run.sh"
    run.write_text("#!/bin/sh\n")
    run.chmod(0o755)
    (work / "link").symlink_to("readme")
    first = git.commit(work, {"readme": "one\n", "docs/a.md": "a\n"})
    git.git(work, "tag", "v1")
    git.commit(work, {"readme": "two\n"})
    git.git(work, "checkout", "--quiet", "-b", "dev")
    git.commit(work, {"readme": "dev\n"})
    git.git(work, "checkout", "--quiet", "main")
    git.git(folder, "clone", "--quiet", "--bare", "work", "repo.git")
    return first
