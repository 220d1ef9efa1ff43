"""Engines on other machines: a real dockerd over TLS, and behind a real sshd."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from container_magics.engines.build_request import BuildRequest
from container_magics.engines.containers import ExecRequest
from container_magics.engines.contexts import TlsFiles, find_context
from container_magics.engines.discovery import choose
from container_magics.engines.docker import DockerEngine
from container_magics.engines.events import Cancellation, EngineEvent, Output, VertexLog
from container_magics.engines.run_request import RunRequest
from container_magics.errors import (
    BuildError,
    EngineUnavailableError,
    NotFoundError,
    RunError,
    StepFailedError,
    UsageError,
)
from tests.conftest import missing
from tests.engines.test_docker_build import wait_until_gone
from tests.fixtures.busybox import busybox_tar, missing_for_busybox
from tests.fixtures.certificates import Authority
from tests.fixtures.dockerd import running_dockerd
from tests.fixtures.living import Seen, background, started
from tests.fixtures.registry import free_port
from tests.fixtures.sshd import Login, missing_for_sshd, running_sshd

pytestmark = pytest.mark.docker


@dataclass(frozen=True)
class Remote:
    """A dockerd with TLS.

    Attributes:
        address: `127.0.0.1:port`.
        socket: its other, local, end.
        certificates: a DOCKER_CERT_PATH that it accepts.
        strangers: one of another authority.
    """

    address: str
    socket: Path
    certificates: Path
    strangers: Path


@pytest.fixture(scope="module")
def remote() -> Iterator[Remote]:
    if reason := missing_for_busybox():
        missing(reason)
    if not shutil.which("openssl"):
        missing("no openssl here: apt-get install openssl")
    with tempfile.TemporaryDirectory(prefix="cm-remote-", dir="/tmp") as folder:
        root = Path(folder)
        authority = Authority(root / "authority")
        certificate, key = authority.server("server", "IP:127.0.0.1", "DNS:localhost")
        client = authority.client(root / "client")
        strangers = Authority(root / "other").client(root / "strangers")
        address = f"127.0.0.1:{free_port()}"
        options = (
            f"--host=tcp://{address}",
            "--tlsverify",
            f"--tlscacert={client / 'ca.pem'}",
            f"--tlscert={certificate}",
            f"--tlskey={key}",
        )
        with running_dockerd(root, *options) as socket:
            engine = DockerEngine("local", f"unix://{socket}")
            engine.import_image(
                io.BytesIO(busybox_tar()), "busybox:test", changes=['CMD ["/bin/sh"]']
            )
            engine.close()
            yield Remote(address, socket, client, strangers)


@pytest.fixture(scope="module")
def login(remote: Remote) -> Iterator[Login]:
    if reason := missing_for_sshd():
        missing(reason)
    with tempfile.TemporaryDirectory(prefix="cm-ssh-", dir="/tmp") as folder:
        environment = {
            "DOCKER_HOST": f"unix://{remote.socket}",
            "PATH": os.environ["PATH"],
        }
        with running_sshd(Path(folder), environment) as found:
            yield found


@pytest.fixture(params=["tls", "ssh"])
def engine(request, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerEngine]:
    if request.param == "tls":
        tls = TlsFiles(remote.certificates)
        opened = DockerEngine("remote", f"tcp://{remote.address}", tls=tls)
    else:
        login = request.getfixturevalue("login")
        monkeypatch.setenv("PATH", str(login.path), prepend=os.pathsep)
        opened = DockerEngine("remote", f"ssh://{login.host}")
    yield opened
    opened.close()


@pytest.fixture(params=["buildkit", "classic"])
def builder(request, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DOCKER_BUILDKIT", "1" if request.param == "buildkit" else "0")
    return request.param


def run(engine: DockerEngine, *command: str, stdin: bytes | None = None) -> bytes:
    events: list[EngineEvent] = []
    source = None if stdin is None else io.BytesIO(stdin)
    request = RunRequest("busybox:test", command, stdin=source, remove=True)
    engine.run(request, events.append, Cancellation())
    return b"".join(event.data for event in events if isinstance(event, Output))


def test_runs(engine):
    assert run(engine, "echo", "hello") == b"hello\n"
    assert run(engine, "sh", "-c", "seq 3; sleep 0.5; seq 3") == b"1\n2\n3\n" * 2


def test_standard_input_has_an_end(engine):
    data = bytes(range(256)) * 12_000
    assert run(engine, "cat", stdin=data) == data
    assert run(engine, "sh", "-c", "cat; echo end", stdin=b"") == b"end\n"


def test_input_that_nobody_reads_holds_nothing_up(engine):
    assert run(engine, "echo", "done", stdin=b"x" * 2_000_000) == b"done\n"


def test_cancelled_run(engine):
    cancel = Cancellation()

    def emit(event: EngineEvent) -> None:
        if isinstance(event, Output):
            threading.Thread(target=cancel.cancel).start()

    request = RunRequest("busybox:test", ("sh", "-c", "echo up; exec sleep 98711"), remove=True)
    assert engine.run(request, emit, cancel).returncode == 128 + signal.SIGKILL
    wait_until_gone("^sleep 98711")


@pytest.fixture
def container(engine) -> Iterator[str]:
    name = started(engine).id
    yield name
    engine.remove_container(name, force=True)


def test_command_that_reads_and_writes_at_once(engine, container):
    data = bytes(range(256)) * 12_000
    seen = Seen()
    request = ExecRequest(("cat",), stdin=io.BytesIO(data))
    assert engine.exec(container, request, seen.emit, Cancellation()) == 0
    assert seen.stream(1) == data


def test_terminal(engine, container):
    terminal = engine.open_terminal(container, ExecRequest(("sh",)))
    terminal.resize(41, 123)
    terminal.write(b"stty size; exit 3\n")
    screen = b"".join(iter(terminal.read, b""))
    assert b"41 123" in screen
    assert terminal.wait() == 3
    terminal.close()


def test_terminal_that_is_closed_while_it_is_read(engine, container):
    terminal = engine.open_terminal(container, ExecRequest(("sleep", "98713")))
    reading = background(lambda _: terminal.read())
    terminal.close()
    assert reading.result() == b""


def test_cancelled_wait(engine, container):
    waiting = background(lambda cancel: engine.wait(container, cancel))
    waiting.cancel.cancel()
    with pytest.raises(RunError, match="cancelled"):
        waiting.result()
    assert engine.container(container).running


def test_images_go_there_and_back(engine):
    archive = io.BytesIO()
    engine.save(["busybox:test"], archive)
    archive.seek(0)
    assert engine.load(archive) == ["busybox:test"]
    with pytest.raises(NotFoundError):
        engine.image("nonesuch:1")
    index = engine.contents("busybox:test")
    assert index is not None


def test_builds(engine, builder, tmp_path):
    (tmp_path / "file").write_text("content\n")
    text = f"FROM busybox:test\nCOPY file /{builder}\nRUN cat /{builder}\n"
    events: list[EngineEvent] = []
    request = BuildRequest(text, tmp_path, tags=("remote:1",), no_cache=True)
    result = engine.build(request, events.append, Cancellation())
    assert result.image.names == ("remote:1",)
    assert b"content\n" in [event.data for event in events if isinstance(event, VertexLog)]
    with pytest.raises(StepFailedError) as error:
        failing = BuildRequest("FROM busybox:test\nRUN exit 7\n")
        engine.build(failing, events.append, Cancellation())
    assert error.value.returncode == 7


def test_cancelled_build(engine, builder):
    cancel = Cancellation()

    def emit(event: EngineEvent) -> None:
        if isinstance(event, VertexLog) and b"up" in event.data:
            threading.Thread(target=cancel.cancel).start()

    request = BuildRequest("FROM busybox:test\nRUN echo up; sleep 98712\n", no_cache=True)
    with pytest.raises(BuildError, match="cancelled"):
        engine.build(request, emit, cancel)
    wait_until_gone("^sleep 98712")


KILLED = """\
import os, signal, sys
from pathlib import Path
from container_magics.engines.build_request import BuildRequest
from container_magics.engines.containers import ExecRequest
from container_magics.engines.contexts import TlsFiles
from container_magics.engines.docker import DockerEngine
from container_magics.engines.events import Cancellation, VertexLog

def emit(event):
    if isinstance(event, VertexLog):
        os.kill(os.getpid(), signal.SIGKILL)

request = BuildRequest("FROM busybox:test\\nRUN echo up; sleep 98713\\n", no_cache=True)
tls = TlsFiles(Path(sys.argv[2])) if sys.argv[2] else None
DockerEngine("x", sys.argv[1], tls=tls).build(request, emit, Cancellation())
"""


def test_nothing_runs_on_after_this_process_is_killed(engine, builder):
    certificates = str(engine.tls.folder) if engine.tls else ""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, engine.base_url, certificates], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    wait_until_gone("^sleep 98713")
    port = engine.base_url.rpartition(":")[2]
    wait_until_gone(f"-p {port} -- 127.0.0.1 [d]ocker system dial-stdio")


@pytest.fixture
def environment(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """DOCKER_HOST names the remote one; nothing says how to speak to it."""
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{remote.address}")
    return monkeypatch


@pytest.mark.parametrize("bundle", ["", "/etc/ssl/certs/ca-certificates.crt"])
def test_the_environment_names_it(remote, environment, bundle):
    """Whatever authorities the environment has for other programs."""
    environment.setenv("REQUESTS_CA_BUNDLE", bundle)
    environment.setenv("DOCKER_TLS_VERIFY", "1")
    environment.setenv("DOCKER_CERT_PATH", str(remote.certificates))
    choice = choose()
    assert choice.context.endpoint == f"tcp://{remote.address}"
    assert "it answers" in choice.why[-1]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_without_verification_any_authority_will_do(remote, environment, tmp_path):
    environment.setenv("DOCKER_TLS", "1")
    folder = tmp_path / "certificates"
    shutil.copytree(remote.certificates, folder)
    shutil.copy(remote.strangers / "ca.pem", folder)
    environment.setenv("DOCKER_CERT_PATH", str(folder))
    context = choose().context
    assert context.tls is not None
    assert not context.tls.verify
    built = DockerEngine("x", context.endpoint, tls=context.tls).build(
        BuildRequest("FROM busybox:test\nRUN true\n"), lambda event: None, Cancellation()
    )
    assert built.steps == 2


def test_an_authority_that_it_is_not_of(remote, environment):
    environment.setenv("DOCKER_TLS_VERIFY", "1")
    environment.setenv("DOCKER_CERT_PATH", str(remote.strangers))
    with pytest.raises(EngineUnavailableError) as error:
        choose()
    assert remote.address in error.value.message
    assert "not trusted" in error.value.message
    assert str(remote.strangers / "ca.pem") in error.value.message
    assert "ca.pem must be of the authority" in error.value.message


def test_a_client_that_it_does_not_know(remote, environment, tmp_path):
    environment.setenv("DOCKER_TLS_VERIFY", "1")
    shutil.copy(remote.certificates / "ca.pem", tmp_path)
    environment.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(EngineUnavailableError) as error:
        choose()
    assert "refused this client's certificate" in error.value.message
    for name in ("cert.pem", "key.pem"):
        shutil.copy(remote.strangers / name, tmp_path)
    with pytest.raises(EngineUnavailableError, match="refused this client's certificate"):
        choose()


def test_called_without_tls(environment):
    with pytest.raises(EngineUnavailableError) as error:
        choose()
    assert "it wants TLS" in error.value.message


def test_tls_where_there_is_none(environment):
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.handle_request, daemon=True).start()
    environment.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")
    environment.setenv("DOCKER_TLS_VERIFY", "1")
    with server, pytest.raises(EngineUnavailableError) as error:
        choose()
    assert "called with TLS, and does not speak it" in error.value.message


def test_nobody_there(environment):
    port = free_port()
    environment.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    with pytest.raises(EngineUnavailableError) as error:
        choose()
    assert f"127.0.0.1:{port}" in error.value.message
    assert "refused" in error.value.message
    assert "object at 0x" not in str(error.value)


def test_ssh_that_fails_says_why(login, environment):
    environment.setenv("PATH", str(login.path), prepend=os.pathsep)
    user, _, address = login.host.partition("@")
    environment.setenv("DOCKER_HOST", f"ssh://nobody-here@{address}")
    with pytest.raises(EngineUnavailableError) as error:
        choose()
    assert "Permission denied" in error.value.message
    environment.setenv("DOCKER_HOST", f"ssh://{user}@127.0.0.1:{free_port()}")
    with pytest.raises(EngineUnavailableError, match="refused"):
        choose()


@pytest.mark.parametrize(
    "url", ["ssh://", "ssh://user:password@host", "ssh://host/var/run/docker.sock", "ssh://h:x"]
)
def test_ssh_addresses_that_are_none(url):
    with pytest.raises(UsageError, match="ssh://"):
        DockerEngine("x", url).version()


def test_a_context_of_the_docker_program(remote, environment, tmp_path):
    program = shutil.which("docker")
    if program is None:
        missing("no docker here: apt-get install docker.io")
    environment.setenv("DOCKER_CONFIG", str(tmp_path))
    environment.delenv("DOCKER_HOST")
    files = ",".join(
        f"{key}={remote.certificates / f'{name}.pem'}"
        for key, name in (("ca", "ca"), ("cert", "cert"), ("key", "key"))
    )
    options = f"host=tcp://{remote.address},{files}"
    subprocess.run(
        [program, "context", "create", "lab", "--docker", options], check=True, capture_output=True
    )
    context = find_context("lab")
    engine = DockerEngine("lab", context.endpoint, tls=context.tls)
    assert run(engine, "echo", "there") == b"there\n"
    engine.close()
