"""The notebook on registries: one is hosted, lost, secured, and what it claims is settled."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.fixtures.engines import typed
from tests.notebooks.executing import DOCKER, EMBEDDED, execute

__all__ = ["execute"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("execute", [EMBEDDED, DOCKER], indirect=True),
]


def test_registries(execute, tmp_path: Path):
    magics = typed([sys.executable, "-m", "container_magics.cli"], execute.environment, tmp_path)
    listing = "images", "--digests", "--format", "{{.Repository}}:{{.Tag}} {{.Digest}} {{.ID}}"
    before = magics(*listing).stdout.decode().splitlines()
    others = [magics(*words).stdout for words in (("ps", "-aq"), ("volume", "ls", "-q"))]
    done = execute("08-registries")
    locked, written = done.errors
    assert "authentication required" in locked or "no basic auth credentials" in locked
    assert "saved with the notebook" in written
    first = done.text("%docker tag lab-travel:1 {host}/me/travel:1")
    assert first.count(": Pushed") == 2
    assert "digest: sha256:" in first
    assert done.text("%docker push {host}/me/travel:1").count("Layer already exists") == 2
    assert done.text("%docker push -a").count(": Pushed") == 1
    assert "Mounted from me/travel" in done.text("%docker tag lab-travel:1 {host}/other")
    held = done.text("held = cm.registry(host)")
    assert "2 repositories, 3 tags" in held
    assert "me/travel:1, me/travel:2, other/travel:1" in held
    assert '"layers"' in done.text("%docker manifest inspect")
    assert "3000000 /data" in done.text("%docker rmi lab-travel:1 {host}")
    assert "3 tags after a restart" in done.text("%docker restart")
    assert "0 tags in a new container" in done.text("%docker rm -f lab-registry\n%docker run")
    assert "DNS:localhost" in done.text("from pathlib import Path")
    assert "Login Succeeded" in done.text(
        "%docker login -u student -p {password} {secured}\n%docker"
    )
    assert "1 repository, 1 tag" in done.text(
        'secured = address_of("lab-secured")\nwait_for(secured)\n%docker login'
    )
    assert "Removing login credentials" in done.text("%docker pull {secured}")
    assert done.text("import secrets").endswith("a hash for student\n")
    assert "$2y$" not in "".join(str(cell.outputs) for cell in done.cells)

    assert sorted(magics(*listing).stdout.decode().splitlines()) == sorted(before)
    assert [magics(*words).stdout for words in (("ps", "-aq"), ("volume", "ls", "-q"))] == others
    config = Path(execute.environment["DOCKER_CONFIG"], "config.json")
    assert json.loads(config.read_text()) == {"auths": {}}
