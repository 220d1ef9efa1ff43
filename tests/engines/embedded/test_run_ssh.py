"""RUN --mount=type=ssh: agents and keys that a build forwards, with OpenSSH's own programs."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.build_request import SshAgent
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.errors import BuildError
from tests.conftest import missing
from tests.fixtures.embedding import Heard, build, embedded
from tests.fixtures.sandbox import RUNGS

BASE = "FROM busybox:test\n"
PROGRAMS = ("ssh-agent", "ssh-add", "ssh-keygen")
ADD = "/p/ld.so --library-path /p /p/ssh-add"


@pytest.fixture(scope="module", params=RUNGS)
def on_rung(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedEngine]:
    with embedded(tmp_path_factory.mktemp("ssh"), request.param) as engine:
        yield engine


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A context with ssh-add, its libraries and ld.so, to be mounted on /p."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            missing(f"no {program}: apt-get install openssh-client")
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        pytest.skip("OpenSSH's programs want a user of /etc/passwd")
    directory = tmp_path_factory.mktemp("programs")
    program = shutil.which("ssh-add") or ""
    shutil.copy(program, directory / "ssh-add")
    linked = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    for path in re.findall(r"(/\S+) \(", linked):
        name = "ld.so" if Path(path).name.startswith("ld-") else Path(path).name
        shutil.copy(path, directory / name)
    return directory


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> Path:
    """A private key without a passphrase, whose comment is `of-the-tests`."""
    path = tmp_path_factory.mktemp("keys") / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "of-the-tests", "-f", path]
    subprocess.run(command, check=True)
    return path


@pytest.fixture
def agent(key: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An agent with the key in it, in SSH_AUTH_SOCK; its socket."""
    started = subprocess.run(["ssh-agent"], check=True, capture_output=True, text=True).stdout
    for name in ("SSH_AUTH_SOCK", "SSH_AGENT_PID"):
        value = re.search(f"{name}=([^;]+);", started)
        assert value is not None
        monkeypatch.setenv(name, value[1])
    try:
        subprocess.run(["ssh-add", "-q", key], check=True)
        yield os.environ["SSH_AUTH_SOCK"]
    finally:
        subprocess.run(["ssh-agent", "-k"], check=True, capture_output=True)


def log_of(engine: EmbeddedEngine, text: str, programs: Path, *ssh: SshAgent) -> str:
    events = Heard()
    build(engine, BASE + text, events, context=programs, ssh=ssh, no_cache=True)
    return events.log


def test_keys_of_the_agent_can_be_used(on_rung, programs, agent):
    text = (
        f"RUN --mount=target=/p --mount=type=ssh {ADD} -l && echo $SSH_AUTH_SOCK\n"
        f"RUN --mount=target=/p --mount=type=ssh,target=/tmp/a,mode=0666,required=true {ADD} -l\n"
        'RUN test -z "$SSH_AUTH_SOCK" && test ! -e /tmp/a\n'
    )
    lines = log_of(on_rung, text, programs, SshAgent()).splitlines()
    assert ["of-the-tests" in line for line in lines] == [True, False, True]
    assert lines[1] == "/run/buildkit/ssh_agent.0"


def test_keys_from_files(on_rung, programs, key):
    text = f"RUN --mount=target=/p --mount=type=ssh,id=files {ADD} -l\n"
    assert "of-the-tests" in log_of(on_rung, text, programs, SshAgent("files", (key,)))


def test_a_socket_by_its_path(engine, programs, agent, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK")
    text = f"RUN --mount=target=/p --mount=type=ssh {ADD} -l\n"
    assert "of-the-tests" in log_of(engine, text, programs, SshAgent("default", (Path(agent),)))


def test_a_container_cannot_change_the_agent(engine, programs, agent):
    text = f"RUN --mount=target=/p --mount=type=ssh {ADD} -D; {ADD} -x </dev/null; {ADD} -l\n"
    assert "of-the-tests" in log_of(engine, text, programs, SshAgent())
    listed = subprocess.run(["ssh-add", "-l"], check=True, capture_output=True, text=True).stdout
    assert "of-the-tests" in listed


def test_owner_and_mode_of_the_socket(engine, programs, agent):
    text = (
        "RUN --mount=type=ssh stat -c '%u:%g %a' $SSH_AUTH_SOCK\n"
        "USER me\n"
        "RUN --mount=type=ssh,uid=1000,gid=5,mode=0640 stat -c '%u:%g %a' $SSH_AUTH_SOCK\n"
        f"RUN --mount=target=/p --mount=type=ssh,uid=1000 {ADD} -l\n"
    )
    lines = log_of(engine, text, programs, SshAgent()).splitlines()
    assert lines[:2] == ["0:0 600", "1000:5 640"]
    assert "of-the-tests" in lines[2]


def test_an_agent_that_is_not_there(engine, programs, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    assert log_of(engine, "RUN --mount=type=ssh ls /run/buildkit || true\n", programs)
    for mount, words in (
        ("type=ssh,required", 'no SSH key "default" forwarded from the client'),
        ("type=ssh,id=q,required=true", 'no SSH key "q" forwarded from the client'),
    ):
        with pytest.raises(BuildError, match=words) as caught:
            log_of(engine, f"RUN --mount={mount} true\n", programs)
        assert "--ssh" in caught.value.hint
    with pytest.raises(BuildError, match="make sure SSH_AUTH_SOCK is set"):
        log_of(engine, "RUN --mount=type=ssh true\n", programs, SshAgent())


def test_files_that_are_no_keys(engine, programs, key, tmp_path):
    text = "RUN --mount=type=ssh true\n"
    locked = tmp_path / "locked"
    shutil.copy(key, locked)
    command = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "a passphrase", "-f", locked]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(BuildError, match="no private key that can be used") as caught:
        log_of(engine, text, programs, SshAgent("default", (locked,)))
    assert "passphrase" in caught.value.hint
    with pytest.raises(BuildError, match="gone: No such file"):
        log_of(engine, text, programs, SshAgent("default", (tmp_path / "gone",)))


def test_without_openssh_it_says_what_to_install(engine, programs, key, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(BuildError, match="no ssh-agent in PATH") as caught:
        log_of(engine, "RUN --mount=type=ssh true\n", programs, SshAgent("default", (key,)))
    assert "openssh-client" in caught.value.hint
