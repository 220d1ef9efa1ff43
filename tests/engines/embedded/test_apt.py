"""Debian's package manager in a container, on the rungs where root is only pretended.

It wants a root file system that `test_unprivileged` gives, by its path in DEBIAN; that is also how
this runs where such users are.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from tests.fixtures.sandbox import BENCHES, open_bench

DEBIAN = os.environ.get("CONTAINER_MAGICS_TESTS_DEBIAN", "")
SCRIPT = """set -e
apt-get update && apt-get install -y cron iputils-ping nginx-light openssh-server
useradd --create-home bob && su bob -c 'mkdir ~/mine && id -un && touch ~/mine/file'
install -D -o bob -g mail -m 2750 /bin/true /opt/tool && cp -a /home/bob /home/copy
"""


NGINX = """set -e
nginx -g 'error_log /tmp/log notice;'
ask() { bash -c "exec 3<>/dev/tcp/$1/$2; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; head -n 1 <&3"; }
ask 127.0.0.1 80; ask 127.0.0.1 PORT; ask ::1 PORT
nginx -s reload -g 'error_log /tmp/log notice;'
for i in $(seq 100); do grep -q 'gracefully shutting down' /tmp/log && break; sleep 0.1; done
! grep emerg /tmp/log; ask 127.0.0.1 PORT; nginx -s stop -g 'error_log /tmp/log notice;'
"""
"""Debian's configuration has it listen on both versions of IP, on a socket each."""


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
        groups = opened.shell(layers, "getent group crontab _ssh | cut -d: -f3").output.split()
        crontab, ssh = map(int, groups)
        expected = {
            "etc/shadow": ("640", 0, 42),
            "home/bob": ("755", 1000, 1000),
            "home/bob/mine/file": ("644", 1000, 1000),
            "home/copy/mine": ("755", 1000, 1000),
            "opt/tool": ("2750", 1000, 8),
            "usr/bin/crontab": ("2755", 0, crontab),
            "usr/bin/ssh-agent": ("2755", 0, ssh),
            "var/cache/apt/archives/partial": ("700", 42, 0),
            "var/log/nginx": ("755", 0, 4),
            "var/spool/cron/crontabs": ("1730", 0, crontab),
        }
        shown = {path: entries[path] for path in expected}
        found = {p: (f"{stat.S_IMODE(e.mode):o}", e.uid, e.gid) for p, e in shown.items()}
        assert found == expected
        assert set(entries["usr/bin/ping"].xattrs) == {"security.capability"}
        assert not [path for path in entries if path.startswith(("proc/", "sys/", "dev/"))]
        assert not [path for path in entries if "container-magics" in path]
        assert not {"etc/hosts", "etc/hostname", "etc/resolv.conf"} & set(entries)
        outcome = opened.shell(
            layers, "dpkg --audit; mkdir -p /run/sshd && /usr/sbin/sshd -t && nginx -v"
        )
        assert (outcome.code, outcome.output) == (0, ""), outcome
        assert outcome.errors.startswith("nginx version:"), outcome
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        published = ((80, "tcp", "127.0.0.1", port),)
        outcome = opened.shell(layers, NGINX.replace("PORT", str(port)), ports=published)
        assert outcome.output == "HTTP/1.1 200 OK\r\n" * 4, outcome
