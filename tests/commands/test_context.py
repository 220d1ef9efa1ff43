"""`docker context`, and the session that holds the engine."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from container_magics.commands.call import Call
from container_magics.commands.dispatch import resolve
from container_magics.commands.session import Session
from container_magics.engines.contexts import find_context
from container_magics.errors import (
    ConflictError,
    EngineUnavailableError,
    NotFoundError,
    UnsupportedError,
    UsageError,
)
from tests.conftest import missing
from tests.fixtures.certificates import Authority

from .engine import MemoryEngine


@pytest.fixture
def session(tmp_path, monkeypatch):
    """A session on a docker configuration of its own, with one context that nobody answers."""
    meta = tmp_path / "contexts" / "meta" / "abc"
    meta.mkdir(parents=True)
    endpoint = {"Host": f"unix://{tmp_path}/no.sock"}
    (meta / "meta.json").write_text(
        json.dumps({"Name": "silent", "Metadata": {}, "Endpoints": {"docker": endpoint}})
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "embedded")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return Session()


@pytest.fixture
def context(session, surface):
    return lambda *words: resolve(["context", *words]).run(Call(session, surface))


def test_ls(context):
    rows = {row["Name"]: row for row in context("ls")}
    assert rows["embedded"]["Current"] == "true"
    assert rows["silent"]["Current"] == "false"
    assert rows["silent"]["DockerEndpoint"].endswith("no.sock")
    assert "silent" in context("ls", "-q")
    assert "embedded *" not in context("ls", "--format", "{{.Name}}")


def test_show_and_use(context, surface, session):
    assert context("show") == ["embedded"]
    context("use", "embedded")
    assert surface.out == 'embedded\nCurrent context is now "embedded"\n'


def test_a_failed_use_changes_nothing(context, session):
    with pytest.raises(NotFoundError, match="nowhere"):
        context("use", "nowhere")
    with pytest.raises(EngineUnavailableError, match="silent"):
        context("use", "silent")
    assert session.choice.context.name == "embedded"


def test_use_means_nothing_where_nothing_lasts(context, surface):
    surface.lasting = False
    with pytest.raises(UnsupportedError, match="export DOCKER_CONTEXT=embedded"):
        context("use", "embedded")


def test_a_change_of_context_closes_the_engine(session, monkeypatch):
    engine = MemoryEngine()
    held = Session(engine=engine)
    held.use("embedded")
    assert engine.closed
    assert held.opened is None
    assert held.choice.context.name == "embedded"


def test_create_inspect_and_remove(context, surface):
    context("create", "lab", "--description", "a lab", "--docker", "host=ssh://me@lab")
    assert surface.out == 'lab\nSuccessfully created context "lab"\n'
    rows = {row["Name"]: row for row in context("ls")}
    assert (rows["lab"]["DockerEndpoint"], rows["lab"]["Description"]) == ("ssh://me@lab", "a lab")
    (found,) = context("inspect", "lab")
    assert found["Endpoints"]["docker"] == {"Host": "ssh://me@lab", "SkipTLSVerify": False}
    assert context("inspect", "-f", "{{.Name}}") == ["embedded"]
    context("create", "copy", "--from", "lab")
    assert context("inspect", "copy")[0]["Endpoints"] == found["Endpoints"]
    assert context("rm", "lab", "copy") == ["lab", "copy"]
    with pytest.raises(NotFoundError, match="lab"):
        context("inspect", "lab")


def test_certificates_are_copied(context, tmp_path):
    client = Authority(tmp_path / "authority").client(tmp_path / "client")
    files = ",".join(f"{key}={client / key}.pem" for key in ("ca", "cert", "key"))
    context("create", "safe", "--docker", f"host=tcp://lab:2376,{files}")
    context("create", "rash", "--docker", "host=tcp://lab:2376,skip-tls-verify=true")
    safe, rash = find_context("safe"), find_context("rash")
    for name in ("ca.pem", "cert.pem", "key.pem"):
        copied = Path(safe.tls.file(name))
        assert copied.read_bytes() == (client / name).read_bytes()
        assert copied.stat().st_mode & 0o077 == 0
    assert (safe.tls.verify, rash.tls.verify) == (True, False)
    assert context("inspect", "safe")[0]["TLSMaterial"] == {
        "docker": ["ca.pem", "cert.pem", "key.pem"]
    }
    context("rm", "safe", "rash")
    assert not list((tmp_path / "contexts" / "tls").iterdir())


def test_one_in_use_stays_without_force(context, tmp_path, monkeypatch):
    context("create", "mine", "--docker", "host=unix:///mine.sock")
    monkeypatch.delenv("DOCKER_CONTEXT")
    configuration = tmp_path / "config.json"
    configuration.write_text('{"currentContext": "mine", "auths": {}}')
    with pytest.raises(ConflictError, match="in use"):
        context("rm", "mine")
    assert context("rm", "-f", "mine") == ["mine"]
    assert json.loads(configuration.read_text()) == {"auths": {}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("default --docker host=tcp://x", "reserved"),
        ("embedded --docker host=tcp://x", "reserved"),
        ("x --docker host=tcp://x", "invalid"),
        ("../x --docker host=tcp://x", "invalid"),
        ("xx --docker host=x", "unable to parse docker host"),
        ("xx --docker what=x", "keys are from, host, ca"),
        ("xx --docker ca=x", "names no host"),
        ("xx --docker host=tcp://x,ca=/nonesuch", "no such file"),
        ("xx --docker host=tcp://x,ca=/etc/passwd", "PEM"),
        ("xx --docker host=tcp://x,cert=/etc/passwd", "go together"),
        ("xx --docker host=tcp://x,skip-tls-verify=maybe", "neither true nor false"),
        ("xx --from silent --docker host=tcp://x", "Give one"),
        ("xx", "embedded engine has no endpoint"),
    ],
)
def test_contexts_that_make_no_sense(context, words, said):
    with pytest.raises(UsageError) as error:
        context("create", *words.split())
    assert said in str(error.value)
    assert "xx" not in context("ls", "-q")


def test_what_cannot_be_created_or_removed(context):
    context("create", "lab", "--docker", "host=tcp://x")
    with pytest.raises(ConflictError, match="already exists"):
        context("create", "lab", "--docker", "host=tcp://y")
    for name in ("default", "embedded"):
        with pytest.raises(UsageError, match="cannot be removed"):
            context("rm", "-f", name)
    with pytest.raises(NotFoundError, match="nowhere"):
        context("rm", "nowhere")


@pytest.mark.parametrize("ours", [True, False])
def test_the_docker_program_and_this_read_each_others_contexts(context, tmp_path, ours):
    program = shutil.which("docker")
    if program is None:
        missing("no docker here: apt-get install docker.io")

    def docker(*words: str) -> str:
        environment = {"DOCKER_CONFIG": str(tmp_path), "PATH": "/usr/bin", "HOME": str(tmp_path)}
        return subprocess.run(
            [program, "context", *words],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        ).stdout

    client = Authority(tmp_path / "authority").client(tmp_path / "client")
    files = ",".join(f"{key}={client / key}.pem" for key in ("ca", "cert", "key"))
    words = ("lab", "--description", "one", "--docker", f"host=tcp://lab:2376,{files}")
    (context if ours else docker)("create", *words)
    assert json.loads(docker("inspect", "lab")) == context("inspect", "lab")
    assert find_context("lab").tls.file("key.pem")
    (docker if ours else context)("rm", "lab")
    assert "lab" not in context("ls", "-q")
    assert "lab" not in docker("ls", "-q").split()
