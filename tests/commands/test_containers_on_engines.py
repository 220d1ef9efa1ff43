"""What is done to a container that lives, in a terminal, on real engines."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.engines import context, environment, magics, typed

__all__ = ["context", "environment", "magics"]

docker_alone = pytest.mark.parametrize("environment", ["docker"], indirect=True, scope="session")
"""What is held against docker's own command line, or only Docker has."""

SCRIPT = """\
trap 'exit 3' TERM
echo up
echo oops >&2
mkdir /made
echo text > /made/file
ln -s file /made/link
rm /etc/old
touch /ready
while :; do sleep 0.1; done
"""
READY = "until [ -e /ready ]; do sleep 0.1; done"


@pytest.fixture
def web(magics, context: Path) -> Iterator[str]:
    """A container that runs `SCRIPT`, and has come to its loop."""
    with running(magics, context) as name:
        yield name


@contextmanager
def running(magics, context: Path) -> Iterator[str]:
    folder = magics.home / "image"
    shutil.copytree(context, folder)
    with (folder / "Dockerfile").open("a") as file:
        file.write("RUN mkdir -p /etc /tmp && touch /etc/old\nEXPOSE 80\n")
    magics("build", "-q", "-t", "h5:web", str(folder))
    magics("run", "-d", "--name", "web", "-p", "127.0.0.1::80", "h5:web", "sh", "-c", SCRIPT)
    magics("exec", "web", "sh", "-c", READY)
    yield "web"
    magics("rm", "-fv", "web")


def state(magics, name: str) -> str:
    return magics("inspect", "-f", "{{.State.Status}}", name).stdout.decode().strip()


def test_its_life(magics, web):
    assert magics("pause", web).stdout == b"web\n"
    assert state(magics, web) == "paused"
    magics("unpause", web)
    magics("rename", web, "shop")
    magics("rename", "shop", web)
    magics("update", "--restart", "on-failure:2", web)
    policy = json.loads(magics("inspect", "-f", "{{json .HostConfig.RestartPolicy}}", web).stdout)
    assert policy == {"Name": "on-failure", "MaximumRetryCount": 2}
    magics("update", "--restart", "no", web)
    assert magics("stop", web).stdout == b"web\n"
    assert magics("wait", web).stdout == b"3\n"
    magics("start", web)
    magics("kill", web)
    assert magics("wait", web).stdout == b"137\n"
    assert b"is not running" in magics("kill", web, code=1).stderr
    magics("restart", "-t", "0", web)
    assert state(magics, web) == "running"
    magics("stop", "-s", "KILL", web)
    assert magics("wait", web).stdout == b"137\n"
    done = magics("stop", "nothing", web, code=1)
    assert (done.stdout, b"No such container: nothing" in done.stderr) == (b"web\n", True)


def test_it_is_removed_when_it_does_not_run(magics, web):
    assert b"running container" in magics("rm", web, code=1).stderr
    magics("kill", web)
    assert magics("container", "prune", "-f").stdout.startswith(b"Deleted Containers:\n")
    assert b"No such container: web" in magics("start", web, code=1).stderr


def test_what_it_wrote(magics, web, environment):
    done = magics("logs", web)
    assert (done.stdout, done.stderr) == (b"up\n", b"oops\n")
    stamped = magics("logs", "-t", "--tail", "1", web)
    (line,) = (stamped.stdout + stamped.stderr).splitlines()  # Docker may note either first.
    assert line.split(b"Z ", 1)[1] in (b"up", b"oops")
    assert magics("logs", "--until", "2020-01-01", web).stdout == b""
    following = subprocess.Popen(
        [sys.executable, "-m", "container_magics.cli", "logs", "-f", web],
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert following.stdout.readline() == b"up\n"
    following.send_signal(signal.SIGINT)
    assert following.wait() == 0
    following.stdout.close()
    magics("kill", web)
    assert magics("logs", "-f", web).stdout == b"up\n"


def test_start_shows_all_that_it_writes(magics, context):
    magics("build", "-q", "-t", "h5:plain", str(context))
    command = ("sh", "-c", "read -r line; echo got $line; exit 4")
    magics("create", "-i", "--name", "reader", "h5:plain", *command)
    try:
        assert magics("start", "-ai", "reader", stdin=b"typed\n", code=4).stdout == b"got typed\n"
        assert magics("logs", "reader").stdout == b"got typed\n"
        assert b"cannot attach to a stopped container" in magics("attach", "reader", code=1).stderr
    finally:
        magics("rm", "-f", "reader")


def test_one_more_command(magics, web):
    words = ("-e", "A=1", "-w", "/made", "-u", "7:8", web, "sh", "-c")
    done = magics("exec", *words, "echo $A; pwd; id -u; id -g; echo err >&2; exit 5", code=5)
    assert (done.stdout, done.stderr) == (b"1\n/made\n7\n8\n", b"err\n")
    assert magics("exec", "-i", web, "cat", stdin=b"typed").stdout == b"typed"
    assert magics("exec", web, "no-such-program", code=127).stdout == b""
    magics("exec", "-d", web, "sh", "-c", "echo done > /later")
    wait = "until [ -s /later ]; do sleep 0.1; done; cat /later"
    assert magics("exec", web, "sh", "-c", wait).stdout == b"done\n"
    magics("kill", web)
    assert b"is not running" in magics("exec", web, "ls", code=1).stderr


def test_what_is_told_of_it(magics, web):
    titles, *rows = magics("top", web, "-o", "pid,args").stdout.decode().splitlines()
    assert titles.split() == ["PID", "COMMAND"]
    assert any("trap" in row for row in rows)
    (address,) = magics("port", web, "80").stdout.decode().splitlines()
    assert address.startswith("127.0.0.1:")
    assert magics("port", web).stdout.decode() == f"80/tcp -> {address}\n"
    changed = magics("diff", web).stdout.decode().splitlines()
    assert {"A /made", "A /made/file", "A /made/link", "C /etc", "D /etc/old"} <= set(changed)
    form = "{{.Name}} {{.PIDs}} {{.CPUPerc}} {{.MemUsage}}"
    name, pids, cpu, memory = (
        magics("stats", "--no-stream", "--format", form, web).stdout.decode().split(" ", 3)
    )
    assert (name, int(pids) > 0, cpu[-1]) == ("web", True, "%")
    assert memory.count("iB") == 2
    image = magics("commit", "-m", "note", "-c", "ENV A=1", web, "h5:made").stdout.decode().strip()
    found = json.loads(magics("image", "inspect", "h5:made").stdout)[0]
    assert (found["Id"], found["Comment"]) == (image, "note")
    assert "A=1" in found["Config"]["Env"]
    assert magics("run", "--rm", "h5:made", "cat", "/made/file").stdout == b"text\n"


def tree(folder: Path) -> dict[str, object]:
    """Each path's mode, and its text or where it points."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.readlink() if path.is_symlink() else path.is_file() and path.read_text(),
        )
        for path in sorted(folder.rglob("*"))
    }


OUT = [
    ("/made", "."),
    ("/made", "new"),
    ("/made/.", "there"),
    ("/made/", "there"),
    ("/made/file", "."),
    ("/made/file", "there/renamed"),
    ("/made/link", "."),
    ("-L", "/made/link", "."),
    ("/made/file", "nowhere/"),
    ("/made/nothing", "."),
    ("/made", "file"),
]
IN = [
    ("folder", "/into"),
    ("folder", "/into/new"),
    ("folder/.", "/into/there"),
    ("folder/", "/into/there"),
    ("file", "/into/there"),
    ("file", "/into/renamed"),
    ("link", "/into/there"),
    ("-L", "link", "/into/there"),
    ("file", "/into/nowhere/"),
    ("nothing", "/into"),
    ("folder", "/made/file"),
    (".", "/into/there"),
]


@dataclass
class Side:
    """A program that copies, and what looks into the container on the same engine."""

    program: list[str]
    environment: dict[str, str]
    look: Callable[..., subprocess.CompletedProcess[bytes]]

    def copy(self, folder: Path, *words: str) -> bool:
        """Copy in a new folder that is always the same; whether it worked."""
        shutil.rmtree(folder, ignore_errors=True)
        for inner in ("there", "folder/inner"):
            (folder / inner).mkdir(parents=True)
        (folder / "file").write_text("mine")
        (folder / "folder/inner/file").write_text("inner")
        (folder / "link").symlink_to("file")
        os.chown(folder / "file", 1234, 5678)
        (folder / "file").chmod(0o4751)
        command = [*self.program, "cp", *words]
        environ = {**os.environ, **self.environment}
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False)
        return done.returncode == 0


@pytest.fixture
def sides(
    magics, web, environment, context, docker_socket, tmp_path
) -> Iterator[tuple[Side, Side]]:
    """Ours on an engine, and docker's own command line on dockerd; both with the container."""
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("no docker command here")
    program = [sys.executable, "-m", "container_magics.cli"]
    ours = Side(program, environment, magics)
    if "DOCKER_HOST" in environment:
        yield ours, Side([docker], environment, magics)
        return
    (tmp_path / "dockerd").mkdir()
    other = {
        "DOCKER_CONFIG": environment["DOCKER_CONFIG"],
        "DOCKER_HOST": f"unix://{docker_socket}",
    }
    theirs = typed(program, other, tmp_path / "dockerd")
    with running(theirs, context):
        yield ours, Side([docker], other, theirs)


@pytest.mark.docker
def test_copies_come_out_as_with_docker(sides, tmp_path):
    def copied(side: Side) -> dict[str, object]:
        found = {}
        for *flags, source, target in OUT:
            worked = side.copy(tmp_path / "copies", *flags, f"web:{source}", target)
            found[" ".join((*flags, source, target))] = worked, tree(tmp_path / "copies")
        return found

    ours, theirs = map(copied, sides)
    assert ours["/made new"][1]["new/file"][1] == "text\n"
    assert ours == theirs


@pytest.mark.docker
def test_copies_go_in_as_with_docker(sides, tmp_path):
    make = f"rm -rf /into; for n in $(seq 0 {len(IN)}); do mkdir -p /into/$n/there; done"
    look = """cd /into; find . -exec stat -c '%n %f %u:%g' {} + | sort
    find . -type f -exec stat -c '%n %s' {} + | sort"""

    def copied(side: Side) -> tuple[dict[str, bool], list[str]]:
        side.look("exec", "web", "sh", "-c", make)
        worked = {}
        for number, (*flags, source, target) in enumerate(IN):
            place = target.replace("/into", f"/into/{number}")
            done = side.copy(tmp_path / "copies", *flags, source, f"web:{place}")
            worked[" ".join((*flags, source, place))] = done
        seen = side.look("exec", "web", "sh", "-c", look).stdout.decode()
        return worked, seen.splitlines()

    ours, theirs = map(copied, sides)
    assert "./0/folder/inner/file 5" in ours[1]
    assert "./4/there/file 89e9 1234:5678" in ours[1]
    assert ours == theirs


def test_an_archive_goes_in_and_comes_out(magics, web):
    (magics.home / "file").write_text("mine")
    with tarfile.open(magics.home / "in.tar", "w") as archive:
        member = archive.gettarinfo(magics.home / "file", "sub/file")
        member.uid, member.gid = 7, 8
        archive.addfile(member, (magics.home / "file").open("rb"))
    data = (magics.home / "in.tar").read_bytes()
    magics("cp", "-a", "-", f"{web}:/made", stdin=data)
    out = magics("cp", f"{web}:/made/sub", "-").stdout
    (magics.home / "out.tar").write_bytes(out)
    with tarfile.open(magics.home / "out.tar") as archive:
        assert archive.getnames() == ["sub", "sub/file"]
        assert (archive.getmember("sub/file").uid, archive.getmember("sub/file").gid) == (7, 8)


def test_volumes(magics, context):
    magics("build", "-q", "-t", "h5:plain", str(context))
    assert magics("volume", "create", "--label", "of=h5", "h5-data").stdout == b"h5-data\n"
    magics("run", "--name", "writer", "-v", "h5-data:/data", "h5:plain", "touch", "/data/kept")
    try:
        assert magics("volume", "ls", "-q", "-f", "dangling=false").stdout == b"h5-data\n"
        assert b"in use" in magics("volume", "rm", "h5-data", code=1).stderr
        found = json.loads(magics("volume", "inspect", "h5-data").stdout)[0]
        assert (found["Name"], found["Driver"], found["Labels"]) == (
            *("h5-data", "local"),
            {"of": "h5"},
        )
    finally:
        magics("rm", "writer")
    assert magics("volume", "rm", "h5-data").stdout == b"h5-data\n"
    assert b"o such volume" in magics("volume", "rm", "h5-data", code=1).stderr
    magics("volume", "rm", "-f", "h5-data")


def test_volumes_without_a_name(magics, context):
    folder = magics.home / "image"
    shutil.copytree(context, folder)
    with (folder / "Dockerfile").open("a") as file:
        file.write(
            "RUN mkdir -m 1770 /kept && touch /kept/file && chown 70:71 /kept\nVOLUME /kept\n"
        )
    magics("build", "-q", "-t", "h5:volume", str(folder))

    def volumes() -> set[str]:
        return set(magics("volume", "ls", "-q").stdout.decode().split())

    before = volumes()
    look = ("h5:volume", "sh", "-c", "ls /kept; stat -c '%u:%g %a' /kept")
    assert magics("run", "--rm", "-v", "/more", *look).stdout == b"file\n70:71 1770\n"
    assert volumes() == before
    magics("create", "--name", "holder", "-v", "/more", *look)
    form = "{{range .Mounts}}{{.Name}} {{.Destination}} {{.RW}}\n{{end}}"
    rows = magics("inspect", "-f", form, "holder").stdout.decode().split("\n")
    made = {row.split()[1]: row.split()[0] for row in rows if row}
    assert set(made) == {"/kept", "/more"}
    assert volumes() - before == set(made.values())
    magics("rm", "holder")
    assert volumes() - before == set(made.values())
    magics("create", "--name", "holder", "-v", f"{made['/more']}:/more", *look)
    magics("rm", "-v", "holder")
    assert volumes() - before == set(made.values())
    magics("volume", "rm", *made.values())


@docker_alone
@pytest.mark.docker
def test_networks(magics, web):
    identity = magics("network", "create", "--label", "a=1", "h5-net").stdout.decode().strip()
    try:
        magics("network", "connect", "h5-net", web)
        found = json.loads(magics("network", "inspect", "h5-net").stdout)[0]
        assert (found["Id"], found["Labels"]) == (identity, {"a": "1"})
        assert [each["Name"] for each in found["Containers"].values()] == [web]
        assert b"has active endpoints" in magics("network", "rm", "h5-net", code=1).stderr
        magics("network", "disconnect", "h5-net", web)
    finally:
        assert magics("network", "rm", "h5-net").stdout == b"h5-net\n"
    names = magics("network", "ls", "--format", "{{.Name}}").stdout.decode().split()
    assert {"bridge", "host", "none"} <= set(names)
    assert "h5-net" not in names
