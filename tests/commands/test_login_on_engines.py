"""Logging in to a real registry, and what an engine may then pull and build on."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.oci.models import OCI_LAYER
from tests.fixtures.engines import environment, magics
from tests.fixtures.registry import PASSWORD, push_image, running_registry

__all__ = ["environment", "magics"]

pytestmark = pytest.mark.registry


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a registry with the image `private/app:v1`, for `me` with PASSWORD alone."""
    folder = tmp_path_factory.mktemp("locked")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    layer = packed.getvalue()
    diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    config = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    with running_registry(folder) as host:
        push_image(host, "private/app", "v1", [(OCI_LAYER, layer)], config)
    with running_registry(folder, locked=True) as host:
        yield host


def test_login_pull_build_logout(magics, environment, locked, tmp_path, monkeypatch):
    name = f"{locked}/private/app:v1"
    done = magics("login", "-u", "me", "--password-stdin", locked, stdin=PASSWORD.encode() + b"\n")
    assert done.stdout == b"Login Succeeded\n"
    configuration = Path(environment["DOCKER_CONFIG"], "config.json")
    assert f"WARNING! Your credentials are stored unencrypted in '{configuration}'." in (
        done.stderr.decode()
    )
    assert list(json.loads(configuration.read_text())["auths"]) == [locked]

    magics("pull", name)
    (tmp_path / "Dockerfile").write_text(f"FROM {name}\nLABEL a=b\n")
    for buildkit in ("1", "0"):
        monkeypatch.setenv("DOCKER_BUILDKIT", buildkit)
        magics("build", "--pull", str(tmp_path))
    assert b"Authenticating with existing credentials" in magics("login", locked).stdout

    done = magics("logout", f"https://{locked}")
    assert done.stdout == f"Removing login credentials for {locked}\n".encode()
    assert magics("logout", locked).stdout == f"Not logged in to {locked}\n".encode()
    done = magics("pull", name, code=1)
    assert f"docker login {locked}" in done.stderr.decode()


def test_a_wrong_password_is_not_kept(magics, environment, locked):
    done = magics("login", "-u", "me", "--password-stdin", locked, stdin=b"wrong-secret", code=1)
    assert b"unauthorized: incorrect username or password" in done.stderr
    assert b"wrong-secret" not in done.stderr + done.stdout
    assert b"Not logged in" in magics("logout", locked).stdout
