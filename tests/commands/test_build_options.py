"""The values of `docker build`'s flags: what they mean, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from container_magics.commands.building import options
from container_magics.engines.build_request import BuildSecret, SshAgent
from container_magics.errors import UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file `key`, a folder `sub`, and a variable TOKEN."""
    (tmp_path / "key").write_text("k")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", "t")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/somewhere")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "file", "variable"),
    [
        ("id=a,src=key", "key", ""),
        ("id=a,source=key", "key", ""),
        ("type=file,id=a,src=key", "key", ""),
        ("ID=a,SRC=key", "key", ""),
        ('id=a,"src=key"', "key", ""),
        ("id=a,env=TOKEN", "", "TOKEN"),
        ("id=a,env=UNSET", "", "UNSET"),
        ("id=a,type=env,src=TOKEN", "", "TOKEN"),
    ],
)
def test_where_a_secret_is(folder, text, file, variable):
    assert options.secret(text) == BuildSecret("a", folder / file if file else None, variable)


def test_a_secret_with_an_id_alone_is_a_variable_or_else_a_file(folder):
    assert options.secret("id=TOKEN") == BuildSecret("TOKEN", variable="TOKEN")
    assert options.secret("id=key") == BuildSecret("key", folder / "key")
    assert options.secret("type=env,id=key") == BuildSecret("key", variable="key")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "invalid field 'a' must be a key=value pair"),
        ("src=key", "secret missing ID"),
        ("id=a,type=vault", 'unsupported secret type "vault"'),
        ("id=a,mode=1", "unexpected key 'mode' in 'mode=1'"),
        ("id=a,src=nowhere", "failed to stat nowhere: no such file or directory"),
        ("id=a,src=sub", "sub is not a file"),
        ("id=a", "failed to stat a"),
        ('id=a,"src=key', "invalid value"),
    ],
)
def test_a_secret_that_makes_no_sense(text, said):
    with pytest.raises(UsageError) as raised:
        options.secret(text)
    assert said in raised.value.message


def test_a_large_secret_is_refused(folder):
    (folder / "key").write_bytes(bytes(500 * 1024 + 1))
    with pytest.raises(UsageError, match=r"too big\. max size 500KB"):
        options.secret("id=a,src=key")


@pytest.mark.parametrize(
    ("text", "name", "paths"),
    [
        ("default", "default", []),
        ("", "default", []),
        ("mine", "mine", []),
        ("default=key", "default", ["key"]),
        ("mine=key,sub", "mine", ["key", "sub"]),
    ],
)
def test_ssh_agents_and_keys(folder, text, name, paths):
    assert options.ssh(text) == SshAgent(name, tuple(folder / path for path in paths))


def test_ssh_without_an_agent(monkeypatch):
    with pytest.raises(UsageError, match=r"failed to open .*/nowhere: no such file"):
        options.ssh("default=nowhere")
    monkeypatch.delenv("SSH_AUTH_SOCK")
    with pytest.raises(UsageError, match="make sure SSH_AUTH_SOCK is set"):
        options.ssh("default")


def test_named_contexts(folder):
    assert options.named_context("a=sub") == ("a", str(folder / "sub"))
    assert options.named_context("alpine:latest=docker-image://x") == ("alpine", "docker-image://x")
    assert options.named_context("docker.io/library/alpine:3=oci-layout://p:t") == (
        "alpine:3",
        "oci-layout://p:t",
    )
    assert options.named_context("a=https://x/y.git#b:c") == ("a", "https://x/y.git#b:c")
    assert options.named_context("a=git@x:y") == ("a", "git@x:y")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sub", "invalid context value: sub, expected key=value"),
        ("A B=sub", "invalid context name A B"),
        ("a=nowhere", "failed to get build context a: stat nowhere: no such file or directory"),
        ("a=key", "failed to get build context path key: not a directory"),
        ("a=target:b", "bake"),
    ],
)
def test_a_named_context_that_makes_no_sense(text, said):
    with pytest.raises(UsageError) as raised:
        options.named_context(text)
    assert said in raised.value.message
