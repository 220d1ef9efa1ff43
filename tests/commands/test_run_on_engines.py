"""`run`, `create` and `ps` in a terminal, on a real dockerd: what it makes of the flags."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.engines import context, environment, magics

__all__ = ["context", "environment", "magics"]

pytestmark = [
    pytest.mark.docker,
    pytest.mark.parametrize("environment", ["docker"], indirect=True, scope="session"),
]


@pytest.fixture
def image(magics, context: Path) -> str:
    magics("build", "-q", "-t", "h5:run", os.fspath(context))
    return "h5:run"


def test_every_flag_reaches_the_daemon(magics, image):
    (magics.home / "shared").mkdir()
    made = magics(
        "create", "--name", "flags", "-i", "-v", "kept:/kept", "-v", "./shared:/shared:ro",
        "-v", "/fresh", "--mount", "type=volume,src=bare,dst=/bare,volume-nocopy", "--tmpfs",
        "/quick:size=1m,mode=700", "--read-only", "-p", "127.0.0.1:8080:80", "-p", "53/udp",
        "--expose", "90-91", "--restart", "on-failure:2", "--health-cmd", "true",
        "--health-interval", "1m30s", "--health-retries", "4", "--stop-signal", "INT",
        "--stop-timeout", "3", "-h", "box", "--add-host", "db:10.0.0.1", "--init", "-m", "64m",
        "--cpus", "0.5", "--pids-limit", "20", "--ulimit", "nofile=10:20", "--shm-size", "1m",
        "--cap-add", "net_admin", "--cap-drop", "ALL", "-l", "a=b", "--cidfile", "cid", image, "sh",
    )  # fmt: skip
    assert made.stdout.decode().strip() == (magics.home / "cid").read_text()
    (found,) = json.loads(magics("inspect", "flags").stdout)
    magics("rm", "-v", "flags")
    magics("volume", "rm", "kept", "bare")
    host, config = found["HostConfig"], found["Config"]
    mounts = {each["Destination"]: each for each in found["Mounts"]}
    assert sorted(mounts) == ["/bare", "/fresh", "/kept", "/shared"]
    assert mounts["/kept"]["Name"] == "kept"
    assert mounts["/shared"]["Source"] == os.fspath(magics.home / "shared")
    assert not mounts["/shared"]["RW"]
    assert sorted(host["Tmpfs"]["/quick"].split(",")) == ["mode=700", "size=1048576"]
    assert host["PortBindings"] == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
        "53/udp": [{"HostIp": "", "HostPort": ""}],
    }
    assert {"80/tcp", "53/udp", "90/tcp", "91/tcp"} <= config["ExposedPorts"].keys()
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    assert config["Healthcheck"] == {
        "Test": ["CMD-SHELL", "true"], "Interval": 90_000_000_000, "Retries": 4,
    }  # fmt: skip
    assert (config["StopSignal"], config["StopTimeout"]) == ("INT", 3)
    assert (config["Hostname"], config["OpenStdin"], config["StdinOnce"]) == ("box", True, True)
    assert (host["ExtraHosts"], host["Init"]) == (["db:10.0.0.1"], True)
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (64 << 20, 500_000_000, 20)
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 10, "Hard": 20}]
    assert (host["ShmSize"], host["ReadonlyRootfs"]) == (1 << 20, True)
    assert (host["CapAdd"], host["CapDrop"], config["Labels"]["a"]) == (["NET_ADMIN"], ["ALL"], "b")


def test_a_mount_of_what_is_not_there(magics, image):
    failed = magics(
        "run", "--rm", "--mount", "type=bind,src=./gone,dst=/x", image, "true", code=125
    )
    assert b"bind source path does not exist" in failed.stderr
    assert not (magics.home / "gone").exists()


def test_what_cannot_start_is_left_created(magics, image):
    failed = magics("run", "-d", "--name", "lost", image, "nothing", code=127)
    assert b"nothing" in failed.stderr
    assert magics("ps", "-a", "--format", "{{.ID}} {{.Status}}", "--no-trunc").stdout == (
        failed.stdout.strip() + b" Created\n"
    )
    magics("rm", "lost")


def test_it_lists_what_dockers_own_client_lists(magics, image, docker_socket):
    client = shutil.which("docker")
    if client is None:
        pytest.skip("no docker client here; apt-get install docker.io")
    magics("run", "-d", "--name", "on", "-p", "127.0.0.1::80", "--expose", "90-92", image, "sleep",
           "100")  # fmt: skip
    magics("run", "--name", "over", image, "sh", "-c", "echo 'a b'; exit 3", code=3)
    magics("create", "--name", "new", "-l", "a.b=c", "-v", "/fresh", image, "true")
    form = (
        "{{.ID}} {{.Image}} {{.Command}} {{.CreatedAt}} {{.Ports}} {{.State}} {{.Size}} {{.Names}} "
        "{{.Labels}} {{.Mounts}} {{.Networks}} {{.LocalVolumes}}"
    )
    label = 'table {{.Names}}\\t{{.Label "a.b"}}'
    for words in (
        ["-a", "--format", form],
        ["-a", "--no-trunc", "--format", form],
        ["-aq"],
        ["-af", "exited=3", "--format", "{{.Names}}"],
        ["-f", "expose=91", "--format", "{{.Names}}"],
        ["-l", "--format", label],
    ):
        theirs = subprocess.run(
            [client, "-H", f"unix://{docker_socket}", "ps", *words],
            check=True,
            capture_output=True,
        ).stdout
        assert magics("ps", *words).stdout == theirs
    magics("rm", "-fv", "on", "over", "new")
