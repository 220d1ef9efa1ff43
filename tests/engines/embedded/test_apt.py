"""Debian's package manager in a container, on the rungs where root is only pretended.

It wants a root file system that `test_unprivileged` gives, by its path in DEBIAN; that is also how
this runs where such users are.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fixtures.sandbox import BENCHES, open_bench

DEBIAN = os.environ.get("CONTAINER_MAGICS_TESTS_DEBIAN", "")
SCRIPT = "apt-get update && apt-get install -y nginx-light openssh-server"


@pytest.mark.slow
@pytest.mark.skipif(not DEBIAN, reason="run by test_unprivileged")
@pytest.mark.parametrize("bench", BENCHES)
def test_servers_are_installed_from_debian(bench: tuple[str, bool], tmp_path: Path):
    rung, overlay = bench
    with open_bench(tmp_path / "store", rung, overlay=overlay) as opened:
        layers = [opened.layer(Path(DEBIAN).read_bytes())]
        layers.append(opened.build(layers, SCRIPT, env={"DEBIAN_FRONTEND": "noninteractive"}))
        entries = {entry.path: entry for entry, _ in opened.store.entries(layers[1])}
        assert {"usr/sbin/nginx", "usr/sbin/sshd", "etc/shadow"} <= set(entries)
        assert (entries["etc/shadow"].uid, entries["etc/shadow"].gid) == (0, 42)
        assert not [path for path in entries if path.startswith(("proc/", "sys/", "dev/"))]
        assert not [path for path in entries if "container-magics" in path]
        assert not {"etc/hosts", "etc/hostname", "etc/resolv.conf"} & set(entries)
        outcome = opened.shell(
            layers, "dpkg --audit; mkdir -p /run/sshd && /usr/sbin/sshd -t && nginx -v"
        )
        assert (outcome.code, outcome.output) == (0, ""), outcome
        assert outcome.errors.startswith("nginx version:"), outcome
