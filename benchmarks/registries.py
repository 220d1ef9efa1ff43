"""Pull, push and save, the embedded engine beside dockerd in one run, a registry on this machine.

    scripts/install dev && .venv/bin/python -m benchmarks.registries [--repeat 3] [--megabytes 880]

The image has the size of the chapter's Go image, and content of its kind: programs, libraries and
sources below this machine's /usr. Ours is timed as people have it: `%docker push` in an IPython
that is warm; docker by its CLI. Each push goes to a registry that is empty. Needs root, Debian's
docker.io and docker-registry.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from benchmarks.side_by_side import Docker, Notebook, compare, heading, verdict
from tests.fixtures.dockerd import running_dockerd
from tests.fixtures.registry import running_registry

COMMAND = [sys.executable, "-m", "container_magics.cli"]
IMAGE = "bench/go:1"
FOLDERS = ("/usr/lib", "/usr/share", "/usr/bin", "/usr/include")
BASE_SHARE = 0.15
PEAK_MEBIBYTES = 150


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=880, help="size of the image")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cm-bench-", dir="/var/tmp"))
    os.environ["CONTAINER_MAGICS_ROOT"] = str(folder / "store")
    os.environ["DOCKER_CONTEXT"] = "embedded"
    os.environ["DOCKER_CONFIG"] = str(folder / "config")
    os.environ.pop("DOCKER_HOST", None)
    try:
        (folder / "docker").mkdir()
        with running_dockerd(folder / "docker") as socket:
            docker = Docker(socket)
            prepare(folder, docker, options.megabytes)
            notebook = Notebook()
            heading()
            results = [
                pulled(folder, notebook, docker, options.repeat),
                saved(folder, notebook, docker, options.repeat),
                pushed(folder, notebook, docker, options.repeat),
                pushed_again(folder, notebook, docker, options.repeat),
                compressed(folder, notebook, docker),
            ]
        return 0 if all(results) else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare(folder: Path, docker: Docker, megabytes: int) -> None:
    """Give dockerd the image, which a store of its own has built."""
    context = folder / "context"
    context.mkdir()
    files = below(megabytes * 1_000_000)
    pack(context / "base.tar", files, int(megabytes * 1_000_000 * BASE_SHARE))
    pack(context / "rest.tar", files, int(megabytes * 1_000_000 * (1 - BASE_SHARE)))
    (context / "true").write_bytes(Path("/bin/busybox").read_bytes())
    (context / "Dockerfile").write_text(
        "FROM scratch\nADD base.tar /\nADD rest.tar /\nCOPY --chmod=755 true /bin/\n"
    )
    environment = {**os.environ, "CONTAINER_MAGICS_ROOT": str(folder / "builder")}
    archive = folder / "image.tar"
    for words in (["build", "-t", IMAGE, str(context)], ["save", "-o", str(archive), IMAGE]):
        subprocess.run([*COMMAND, *words], env=environment, check=True, capture_output=True)
    docker("load", "-i", str(archive))
    shutil.rmtree(context)
    shutil.rmtree(folder / "builder")
    archive.unlink()


def below(limit: int) -> Iterator[Path]:
    """Regular files below this machine's /usr, some of each folder in turn."""
    walks = [iter(sorted(Path(name).rglob("*"))) for name in FOLDERS]
    while walks:
        for walk in list(walks):
            found = 0
            for path in walk:
                if path.is_file() and not path.is_symlink():
                    found += path.stat().st_size
                    yield path
                if found > limit // 50:
                    break
            else:
                walks.remove(walk)


def pack(target: Path, files: Iterator[Path], limit: int) -> None:
    """A tar of the next files, until it has so many bytes."""
    with tarfile.open(target, "w") as archive:
        for path in files:
            archive.add(path)
            if archive.offset > limit:
                return


@contextmanager
def registry(folder: Path, notebook: Notebook, docker: Docker) -> Iterator[tuple[str, str]]:
    """An empty registry; the name of the image there, as ours pushes it and as docker does."""
    with tempfile.TemporaryDirectory(dir=folder) as data, running_registry(Path(data)) as host:
        names = f"{host}/ours/go:1", f"{host}/docker/go:1"
        notebook.cell(f"%docker tag {IMAGE} {names[0]}")
        docker("tag", IMAGE, names[1])
        yield names
        notebook.cell(f"%docker rmi {names[0]}")
        docker("rmi", names[1])


def pushed(folder: Path, notebook: Notebook, docker: Docker, repeat: int) -> bool:
    """Everything is sent."""
    names = ["", ""]
    stack = ExitStack()

    def prepare() -> None:
        names[:] = stack.enter_context(registry(folder, notebook, docker))

    return compare(
        "push",
        0.2,
        repeat,
        lambda: notebook.cell(f"%docker push {names[0]}"),
        lambda: docker("push", names[1]),
        prepare,
        stack.close,
    )


def pushed_again(folder: Path, notebook: Notebook, docker: Docker, repeat: int) -> bool:
    """The registry has everything."""
    with registry(folder, notebook, docker) as names:
        notebook.cell(f"%docker push {names[0]}")
        docker("push", names[1])
        return compare(
            "push again",
            0.1,
            max(repeat, 9),
            lambda: notebook.cell(f"%docker push {names[0]}"),
            lambda: docker("push", names[1]),
        )


def compressed(folder: Path, notebook: Notebook, docker: Docker) -> bool:
    """How many bytes are sent, and with how much memory."""
    with registry(folder, notebook, docker) as names:
        notebook.cell(f"%docker push {names[0]}")
        docker("push", names[1])
        ours, theirs = map(layer_bytes, names)
    with registry(folder, notebook, docker) as names:
        within = resident("push", ["push", "-q", names[0]])
    met = ours <= 1.25 * theirs
    print(
        f"{'compressed bytes':<38} {ours:>24,} {theirs:>24,} {ours / theirs:7.3f}  "
        f"<= 1.25  {verdict(met)}",
        flush=True,
    )
    return met and within


def layer_bytes(name: str) -> int:
    host, _, path = name.partition("/")
    repository, _, tag = path.rpartition(":")
    accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    request = urllib.request.Request(f"http://{host}/v2/{repository}/manifests/{tag}", None, accept)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=60) as answer:
        return sum(layer["size"] for layer in json.load(answer)["layers"])


def pulled(folder: Path, notebook: Notebook, docker: Docker, repeat: int) -> bool:
    """Pull what docker pushed, every diff ID verified, and run a first command in it."""
    with running_registry(folder / "pulled") as host:
        name = f"{host}/docker/go:1"
        docker("tag", IMAGE, name)
        docker("push", name)
        docker("rmi", IMAGE, name)

        def ours() -> None:
            notebook.cell(f"%docker pull {name}")
            notebook.cell(f"%docker run --rm --network host {name} true")

        def theirs() -> None:
            docker("pull", name)
            docker("run", "--rm", "--network", "host", name, "true")

        def forget() -> None:
            notebook.cell(f"%docker rmi {name}")
            docker("rmi", name)

        met = compare("pull and run true", 0.6, repeat, ours, theirs, clear=forget)
        within = resident("pull", ["pull", "-q", name])
        notebook.cell(f"%docker tag {name} {IMAGE}")
        notebook.cell(f"%docker rmi {name}")
        docker("pull", name)
        docker("tag", name, IMAGE)
        docker("rmi", name)
    return met and within


def saved(folder: Path, notebook: Notebook, docker: Docker, repeat: int) -> bool:
    """Write a docker archive; dockerd loads ours."""
    ours, theirs = folder / "ours.tar", folder / "theirs.tar"

    def clear() -> None:
        ours.unlink()
        theirs.unlink()

    met = compare(
        "save",
        0.5,
        repeat,
        lambda: notebook.cell(f"%docker save -o {ours} {IMAGE}"),
        lambda: docker("save", "-o", str(theirs), IMAGE),
        clear=clear,
    )
    notebook.cell(f"%docker save -o {ours} {IMAGE}")
    docker("rmi", IMAGE)
    docker("load", "-i", str(ours))
    docker("run", "--rm", IMAGE, "true")
    ours.unlink()
    return met and resident("save", ["save", "-o", str(ours), IMAGE])


def resident(verb: str, words: list[str]) -> bool:
    """The most memory that a command in a terminal has, with all its processes."""
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(proportional, tree(process.pid))))
        time.sleep(0.02)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    mebibytes = peak / 1024
    met = mebibytes <= PEAK_MEBIBYTES
    print(
        f"{f'peak memory of a {verb}, MiB':<38} {mebibytes:>24.1f} {'':>24} {'':7}  "
        f"<= {PEAK_MEBIBYTES}   {verdict(met)}",
        flush=True,
    )
    return met


def tree(pid: int) -> Iterator[int]:
    """A process and those that it has started."""
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in path.read_text().split():
                yield from tree(int(child))


def proportional(pid: int) -> int:
    """Resident KiB of a process, its share of what it has in common with others (proc(5), Pss)."""
    with suppress(OSError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(rollup.partition("\nPss:")[2].split()[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
