"""The whole suite on each rung of the isolation ladder: `scripts/conformance [RUNG…]`.

Dockerd answers once, as root. A rung is had as people have it: `root` and `chroot` here, `subuid`
and `oneuid` by an ordinary user, `proot` in a pod. There, `build_all` builds and leaves what came
of it, which is compared here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from container_magics.engines.embedded.sandbox.rungs import FORCE
from tests.fixtures.busybox import busybox_tar, docker_with_busybox
from tests.fixtures.dockerd import running_dockerd
from tests.fixtures.ordinary import (
    OrdinaryUser,
    missing_for_sub_ids,
    ordinary_user,
    user_with_sub_ids,
)
from tests.fixtures.pod import missing_for_pod, prepared_pod

from .building import write_inputs
from .cases import CASES
from .judge import judge
from .model import Case
from .oracles import Oracles
from .outcome import Failure, Outcome
from .report import report
from .rung_differences import ARGUED
from .saved import read_saved
from .server import serving

__all__ = ["RUNGS", "main"]

_BUILD_ALL = ("-m", "tests.conformance.build_all")
_POD_USER = 1000

Run = Callable[[Path, Path, str], "subprocess.CompletedProcess[str]"]
"""Runs `build_all` with INPUTS and OUTPUT on a rung."""


@contextmanager
def _here(_socket: Path) -> Iterator[tuple[int, Run]]:
    def run(inputs: Path, output: Path, rung: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory(prefix="cm-store-", dir="/tmp") as store:
            return subprocess.run(
                [sys.executable, *_BUILD_ALL, inputs, output, store],
                check=False,
                capture_output=True,
                text=True,
                env={**os.environ, FORCE: rung},
            )

    yield os.geteuid(), run


def _run_as(user: OrdinaryUser) -> tuple[int, Run]:
    def run(inputs: Path, output: Path, rung: str) -> subprocess.CompletedProcess[str]:
        words = (*_BUILD_ALL, inputs, output, user.home / "store")
        return user.run(user.python, *words, environment={FORCE: rung})

    return user.uid, run


@contextmanager
def _by_an_ordinary_user(_socket: Path) -> Iterator[tuple[int, Run]]:
    with ordinary_user() as user:
        yield _run_as(user)


@contextmanager
def _by_a_user_with_sub_ids(_socket: Path) -> Iterator[tuple[int, Run]]:
    with user_with_sub_ids() as user:
        yield _run_as(user)


@contextmanager
def _in_a_pod(socket: Path) -> Iterator[tuple[int, Run]]:
    with prepared_pod(socket) as pod:

        def run(inputs: Path, output: Path, rung: str) -> subprocess.CompletedProcess[str]:
            words = ("python3", *_BUILD_ALL, str(inputs), str(output), "/tmp/store")
            return pod.run(
                *words,
                environment={FORCE: rung},
                mounts=[(inputs, str(inputs))],
                writable=[(output, str(output))],
            )

        yield _POD_USER, run


RUNGS = {
    "root": _here,
    "chroot": _here,
    "subuid": _by_a_user_with_sub_ids,
    "oneuid": _by_an_ordinary_user,
    "proot": _in_a_pod,
}
"""How each rung is had: gives the user's number, and what runs `build_all` there."""
_MISSING = {"subuid": missing_for_sub_ids, "proot": missing_for_pod}


def main(rungs: Sequence[str]) -> int:
    """Build all cases on each rung and say what is equal; 0 where all else is argued."""
    if unknown := sorted(set(rungs) - RUNGS.keys()):
        print(f"no such rung: {', '.join(unknown)}; known are {', '.join(RUNGS)}", file=sys.stderr)
        return 125
    wrong = 0
    began = int(time.time())
    with tempfile.TemporaryDirectory(prefix="cm-conformance-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "dockerd").mkdir()
        with serving() as places, running_dockerd(folder / "dockerd") as socket:
            cases = [case.at(places) for case in CASES]
            answers = _answers(cases, socket, folder / "oracles")
            for rung in rungs or RUNGS:
                if reason := _MISSING.get(rung, str)():
                    print(f"\n== {rung} cannot be had: {reason}", flush=True)
                    wrong += rung in rungs
                    continue
                ours = _build_on(rung, socket, places, folder / rung)
                verdicts = [
                    judge(
                        case,
                        ours[case.name],
                        answers[case.name],
                        began,
                        None if rung == "root" else ARGUED.get(rung, {}).get(case.name, {}),
                    )
                    for case in cases
                ]
                print(f"\n== {rung}", *report(verdicts), sep="\n", flush=True)
                wrong += sum(bool(verdict.wrong) for verdict in verdicts)
    return 1 if wrong else 0


def _answers(cases: Sequence[Case], socket: Path, folder: Path) -> Mapping[str, Outcome]:
    with docker_with_busybox(socket) as engine:
        oracles = Oracles(engine)
        answers = {}
        for case in cases:
            write_inputs(case, folder / case.name)
            answers[case.name] = oracles.answer(case, folder / case.name)
        return answers


def _build_on(
    rung: str, socket: Path, places: Mapping[str, str], folder: Path
) -> Mapping[str, Outcome]:
    inputs, output = folder / "inputs", folder / "output"
    with RUNGS[rung](socket) as (user, run):
        inputs.mkdir(parents=True)
        output.mkdir()
        os.chown(output, user, user)
        (inputs / "places.json").write_text(json.dumps(dict(places)))
        (inputs / "busybox.tar").write_bytes(busybox_tar())
        for case in CASES:
            write_inputs(case, inputs / case.name, user or None)
        done = run(inputs, output, rung)
        if done.returncode:
            print(f"{rung}: build_all ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    return {case.name: _outcome(output, case.name) for case in CASES}


def _outcome(output: Path, name: str) -> Outcome:
    if (archive := output / f"{name}.tar").exists():
        return read_saved(archive.read_bytes())
    if (failure := output / f"{name}.json").exists():
        return Failure(**json.loads(failure.read_text()))
    return Failure(("NotBuilt",), "build_all did not come to it", 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
