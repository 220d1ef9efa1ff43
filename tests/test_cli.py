"""`container-magics` in a terminal: the same verbs, docker's exit codes, no tracebacks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from container_magics.engines.embedded.sandbox.limits import LIMITS
from tests.fixtures.engines import context, environment

__all__ = ["context", "environment"]

PROGRAM = [sys.executable, "-m", "container_magics.cli"]
ROOT = Path(__file__).parents[1]


def clean_environment(**extra: str) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if k not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    return env | {"PYTHONPATH": str(ROOT)} | extra


@pytest.fixture(scope="module")
def cli(environment, context):
    """Run the program on a real engine, in the build context's folder."""

    def run(*words, **kwargs):
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=context,
            env=clean_environment(**environment),
            capture_output=True,
            text=kwargs.pop("text", True),
            timeout=120,
            check=False,
            **kwargs,
        )

    built = run("build", "-t", "box:1", ".")
    assert built.returncode == 0, built.stderr
    assert "box:1" in built.stderr
    assert built.stdout == ""
    return run


def test_images_and_history(cli):
    listed = cli("images")
    assert listed.returncode == 0
    assert listed.stdout.splitlines()[0].startswith("REPOSITORY")
    assert cli("images", "--format", "{{.Repository}}:{{.Tag}}", "box").stdout == "box:1\n"
    assert "busybox" in cli("history", "box:1", "--no-trunc").stdout


def test_run_passes_streams_and_status_through(cli):
    ran = cli("run", "--rm", "box:1")
    assert (ran.stdout, ran.stderr, ran.returncode) == ("hello\n", "oops\n", 0)
    failed = cli("run", "--rm", "box:1", "sh", "-c", "exit 3")
    assert (failed.stdout, failed.stderr, failed.returncode) == ("", "", 3)
    fed = cli("run", "-i", "--rm", "box:1", "sh", input="echo from $0\n")
    assert fed.stdout == "from sh\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "--rm", "box:1", "nothing-here"], 127, "nothing-here"),
        (["run", "--rm", "box:1", "/bin"], 126, "/bin"),
        (["run", "--rm", "nothing/here:0"], 125, "nothing/here:0"),
        (["run", "-a", "stdout", "box:1"], 125, "-a (--attach)"),
        (["history", "nothing/here:0"], 1, "nothing/here:0"),
        (["imagess"], 125, "Did you mean 'docker images'?"),
        (["context", "use", "embedded"], 125, "export DOCKER_CONTEXT=embedded"),
        (["--context", "nothing-like-it", "images"], 1, "nothing-like-it"),
    ],
)
def test_failures_are_messages_with_dockers_codes(cli, words, code, said):
    failed = cli(*words)
    assert failed.returncode == code, failed.stderr
    assert "container-magics: " in failed.stderr
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr


def test_archives_through_a_pipe(cli, tmp_path):
    saved = cli("save", "box:1", text=False)
    assert saved.returncode == 0
    (tmp_path / "x.tar").write_bytes(saved.stdout)
    with tarfile.open(tmp_path / "x.tar") as tar:
        assert "manifest.json" in tar.getnames()
    loaded = cli("load", input=saved.stdout, text=False)
    assert loaded.stdout == b"Loaded image: box:1\n"


def test_a_failing_build(cli, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM box:1\nRUN echo last words; exit 3\n")
    failed = cli("build", str(tmp_path))
    assert failed.returncode == 1
    assert "last words" in failed.stderr
    assert "container-magics: " in failed.stderr


def test_ctrl_c_ends_with_130(environment, context, cli):
    with subprocess.Popen(
        [*PROGRAM, "run", "--rm", "box:1", "sh", "-c", "echo ready; sleep 600"],
        cwd=context,
        env=clean_environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err


def run_bare(*words, **env):
    return subprocess.run(
        [*PROGRAM, *words],
        env=clean_environment(**env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_and_version_need_no_engine():
    overview = run_bare(DOCKER_HOST="unix:///nowhere.sock")
    assert overview.returncode == 0
    assert "build" in overview.stdout
    assert run_bare("--version").stdout.startswith("container-magics ")
    assert run_bare("run", "--help").stdout.startswith("Usage:  docker run")


def test_an_engine_that_does_not_answer_is_named(tmp_path):
    failed = run_bare("images", DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert failed.returncode == 1
    assert "no.sock" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_doctor_names_engines_and_rungs(tmp_path):
    shown = run_bare("doctor", DOCKER_CONFIG=str(tmp_path), DOCKER_CONTEXT="embedded")
    assert shown.returncode == 0, shown.stderr
    assert "embedded" in shown.stdout
    assert "→" in shown.stdout
    for rung in ("root", "chroot", "subuid", "oneuid", "proot"):
        assert f" {rung}:" in shown.stdout


@pytest.mark.root
def test_doctor_says_what_the_chosen_rung_cannot_do(tmp_path):
    surroundings = {"DOCKER_CONTEXT": "embedded", "CONTAINER_MAGICS_ROOT": str(tmp_path)}
    shown = run_bare("doctor", **surroundings, CONTAINER_MAGICS_RUNG="chroot").stdout
    assert "- `-v` for writing" in shown
    assert "ports below 1024" not in shown
    assert "cannot do" not in run_bare("doctor", **surroundings).stdout


def test_what_rungs_cannot_do_is_documented():
    rows = (ROOT / "docs" / "differences.md").read_text().splitlines()
    for what, rungs in LIMITS.items():
        start = f"| {what} | {' '.join(f'`{rung}`' for rung in rungs)} |"
        assert any(row.startswith(start) for row in rows), what
    assert len(LIMITS) <= 12


def test_doctor_still_reports_where_the_named_engine_is_silent(tmp_path):
    shown = run_bare("doctor", DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert shown.returncode == 0
    assert "no.sock" in shown.stdout


def test_lab_is_handed_on():
    shown = run_bare("lab", "--help")
    assert shown.returncode == 0
    assert "container-magics lab" in shown.stdout


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_help_names_docker_s_verbs_and_ours(words, capsys):
    from container_magics.cli import main

    assert main(words) == 0
    shown = capsys.readouterr().out
    for verb in ("build", "image prune", "layers", "compare", "doctor", "lab"):
        assert f"\n  {verb} " in shown
