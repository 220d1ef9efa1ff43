"""Which engine is chosen; sockets of every state are real ones."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from container_magics.engines import contexts, discovery
from container_magics.engines.contexts import Context
from container_magics.engines.discovery import choose, open_engine, ping
from container_magics.errors import EngineUnavailableError, NotFoundError
from tests.engines.test_contexts import config, store

__all__ = ["config"]


@pytest.fixture
def no_default(config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No engine at any usual place; the default socket is one in the test's own folder."""
    default = config / "default.sock"
    monkeypatch.setattr(contexts, "DEFAULT_SOCKET", f"unix://{default}")
    monkeypatch.setattr(contexts, "SYSTEM_PODMAN_SOCKET", config / "system-podman.sock")
    return default


@contextmanager
def listening(path: Path, answer: bytes) -> Iterator[None]:
    """A server that gives every connection the same answer, or none at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    if answer:
                        connection.sendall(answer)
                    else:
                        connection.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)
    thread.join()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class TestPing:
    def ping(self, path: Path) -> str:
        return ping(Context("x", "", f"unix://{path}"))

    def test_answers(self, tmp_path):
        with listening(tmp_path / "s", OK):
            assert self.ping(tmp_path / "s") == ""

    def test_no_socket(self, tmp_path):
        assert self.ping(tmp_path / "s") == f"no socket at {tmp_path}/s"

    def test_refused(self, tmp_path):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / "s"))
        assert "connection refused" in self.ping(tmp_path / "s")

    def test_silent(self, tmp_path, monkeypatch):
        monkeypatch.setattr(discovery, "LOCAL_PING_SECONDS", 0.05)
        with listening(tmp_path / "s", b""):
            assert "no answer" in self.ping(tmp_path / "s")

    @pytest.mark.parametrize("answer", [b"hello\r\n\r\n", b"HTTP/1.1 500 Oops\r\n\r\n"])
    def test_something_else(self, tmp_path, answer):
        with listening(tmp_path / "s", answer):
            assert "no engine" in self.ping(tmp_path / "s")

    @pytest.mark.unprivileged
    def test_permission_denied(self, tmp_path):
        tmp_path.chmod(0o755)
        for parent in tmp_path.parents[:2]:
            parent.chmod(0o755)
        with listening(tmp_path / "s", OK):
            (tmp_path / "s").chmod(0o600)
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.setresuid(65534, 65534, 65534)
                os.write(writer, self.ping(tmp_path / "s").encode())
                os._exit(0)
            os.close(writer)
            os.waitpid(child, 0)
            with os.fdopen(reader) as answer:
                assert "permission denied" in answer.read()

    def test_remote_that_is_not_there(self):
        assert "127.0.0.1:1" in ping(Context("x", "", "tcp://127.0.0.1:1"))

    @pytest.mark.docker
    def test_real_engine(self, docker_socket):
        assert self.ping(docker_socket) == ""


class TestChoose:
    def test_embedded_where_none_answers(self, no_default):
        choice = choose()
        assert choice.context.name == "embedded"
        assert choice.why[0] == f"default: no socket at {no_default}"
        assert choice.why[-1].startswith("embedded: ")

    def test_default_socket(self, no_default):
        with listening(no_default, OK):
            assert choose().context.name == "default"

    def test_order_of_usual_places(self, no_default, config):
        with listening(config / "runtime" / "podman" / "podman.sock", OK):
            assert choose().context.name == "podman"
            with listening(config / "runtime" / "docker.sock", OK):
                assert choose().context.name == "rootless"

    def test_current_context_of_the_configuration(self, no_default, config):
        store(config, "mine", f"unix://{config}/mine.sock")
        (config / "config.json").write_text('{"currentContext": "mine"}')
        with listening(no_default, OK):
            choice = choose()
            assert choice.context.name == "default"
            assert choice.why[0] == f"mine: no socket at {config}/mine.sock"
            with listening(config / "mine.sock", OK):
                assert choose().context.name == "mine"

    @pytest.mark.parametrize("variable", ["DOCKER_HOST", "DOCKER_CONTEXT"])
    def test_engine_that_was_named_is_never_replaced(
        self, no_default, config, monkeypatch, variable
    ):
        store(config, "mine", f"unix://{config}/mine.sock")
        named = {"DOCKER_HOST": f"unix://{config}/mine.sock", "DOCKER_CONTEXT": "mine"}[variable]
        monkeypatch.setenv(variable, named)
        with listening(no_default, OK), pytest.raises(EngineUnavailableError) as error:
            choose()
        assert f"named by {variable}" in error.value.message
        assert "embedded" in error.value.hint
        with listening(config / "mine.sock", OK):
            assert choose().context.endpoint == f"unix://{config}/mine.sock"

    def test_by_name(self, no_default, config):
        assert choose("embedded").context.name == "embedded"
        store(config, "mine", f"unix://{config}/mine.sock")
        with pytest.raises(EngineUnavailableError, match=r"mine\.sock"):
            choose("mine")
        with pytest.raises(NotFoundError):
            choose("nope")

    def test_missing_context_is_an_error(self, no_default, monkeypatch):
        monkeypatch.setenv("DOCKER_CONTEXT", "gone")
        with pytest.raises(NotFoundError, match="gone"):
            choose()

    def test_embedded_by_the_environment(self, no_default, monkeypatch):
        monkeypatch.setenv("DOCKER_CONTEXT", "embedded")
        assert choose().context.name == "embedded"


@pytest.mark.docker
def test_open_the_engine_that_was_chosen(docker_socket, config, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{docker_socket}")
    engine = open_engine(choose())
    assert engine.name == "default"
    assert "Server" in engine.version()
    engine.close()
