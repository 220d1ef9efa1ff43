"""What people are told where an image came from a mirror."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path

import pytest

from container_magics.oci.models import OCI_LAYER
from tests.fixtures.engines import typed
from tests.fixtures.registry import free_port, push_image, running_registry

pytestmark = pytest.mark.registry


def tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    return packed.getvalue()


def test_pull_and_build_say_where_it_came_from(tmp_path: Path):
    layer = tar()
    diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    config = {"os": "linux", "architecture": "amd64", "rootfs": rootfs}
    environment = {
        "CONTAINERS_REGISTRIES_CONF": str(tmp_path / "registries.conf"),
        "CONTAINER_MAGICS_ROOT": str(tmp_path / "store"),
        "DOCKER_CONFIG": str(tmp_path),
        "DOCKER_CONTEXT": "embedded",
    }
    run = typed([sys.executable, "-m", "container_magics.cli"], environment, tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM tiny:v1\nLABEL a=b\n")
    with running_registry(tmp_path / "registry") as host:
        push_image(host, "cache/library/tiny", "v1", [(OCI_LAYER, layer)], config)
        (tmp_path / "registries.conf").write_text(
            f'[[registry]]\nprefix = "docker.io"\nlocation = "127.0.0.1:{free_port()}"\n'
            f'[[registry.mirror]]\nlocation = "{host}/cache"\n'
        )
        told = f"tiny:v1: from {host}/cache/library/tiny. That the tag means sha256:"
        done = run("pull", "tiny:v1")
        assert told in done.stdout.decode()
        assert done.stdout.endswith(b"docker.io/library/tiny:v1\n")
        run("rmi", "tiny:v1")
        assert told in run("build", "-t", "built", ".").stderr.decode()
