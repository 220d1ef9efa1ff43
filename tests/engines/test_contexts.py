"""Docker contexts as the docker CLI stores them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from container_magics.engines.contexts import find_context, list_contexts
from container_magics.errors import NotFoundError


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty DOCKER_CONFIG, and nothing in the environment that names an engine."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("DOCKER_CERT_PATH", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def store(config: Path, name: str, host: str, *, certificates: bool = False, **extra) -> str:
    identifier = hashlib.sha256(name.encode()).hexdigest()
    folder = config / "contexts" / "meta" / identifier
    folder.mkdir(parents=True)
    meta = {
        "Name": name,
        "Metadata": {"Description": f"the {name}"},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False, **extra}},
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    if certificates:
        tls = config / "contexts" / "tls" / identifier / "docker"
        tls.mkdir(parents=True)
        (tls / "ca.pem").write_text("x")
    return identifier


def current() -> list[str]:
    return [context.name for context in list_contexts() if context.current]


def test_default_and_embedded_are_always_there(config):
    names = [context.name for context in list_contexts()]
    assert names[0] == "default"
    assert names[-1] == "embedded"
    assert find_context("default").endpoint == "unix:///var/run/docker.sock"
    assert current() == ["default"]


def test_stored(config):
    store(config, "remote", "tcp://box:2376", certificates=True)
    store(config, "insecure", "tcp://box:2377", SkipTLSVerify=True)
    remote, insecure = find_context("remote"), find_context("insecure")
    assert (remote.description, remote.endpoint) == ("the remote", "tcp://box:2376")
    assert remote.tls is not None
    assert remote.tls.verify
    assert remote.tls.file("ca.pem")
    assert remote.tls.file("key.pem") is None
    assert insecure.tls is not None
    assert not insecure.tls.verify


def test_what_names_the_current_one(config, monkeypatch):
    store(config, "a", "unix:///a.sock")
    store(config, "b", "unix:///b.sock")
    (config / "config.json").write_text('{"currentContext": "a"}')
    assert current() == ["a"]
    monkeypatch.setenv("DOCKER_CONTEXT", "b")
    assert current() == ["b"]
    monkeypatch.setenv("DOCKER_HOST", "box:2375")
    assert current() == ["default"]
    assert find_context("default").endpoint == "tcp://box:2375"
    assert find_context("default").tls is None


def test_tls_of_the_environment(config, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://box:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    tls = find_context("default").tls
    assert tls is not None
    assert (tls.folder, tls.verify) == (config, True)
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certs")
    tls = find_context("default").tls
    assert tls is not None
    assert tls.folder == Path("/certs")


def test_current_one_that_is_not_there(config):
    (config / "config.json").write_text('{"currentContext": "gone"}')
    (context,) = [c for c in list_contexts() if c.current]
    assert context.name == "gone"
    assert "does not exist" in context.error
    with pytest.raises(NotFoundError, match="gone"):
        find_context("gone")


@pytest.mark.parametrize("content", ["", "[]", '{"Name": "x"}', '{"Name": "x", "Endpoints": 1}'])
def test_damaged_metadata_is_listed_with_its_error(config, content):
    identifier = store(config, "broken", "unix:///x")
    meta = config / "contexts" / "meta" / identifier / "meta.json"
    meta.write_text(content)
    (broken,) = [c for c in list_contexts() if c.error]
    assert str(meta) in broken.error


def test_damaged_configuration_names_nothing(config):
    (config / "config.json").write_text("{")
    assert current() == ["default"]


def test_unknown_name_lists_the_known(config):
    with pytest.raises(NotFoundError) as error:
        find_context("nope")
    assert "default" in error.value.hint
    assert "embedded" in error.value.hint
