"""Builds on a real dockerd: BuildKit through the docker CLI, and the classic builder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.build_request import (
    BuildOutput,
    BuildRequest,
    BuildSecret,
    CacheExchange,
    SshAgent,
)
from container_magics.engines.docker import DockerEngine
from container_magics.engines.docker.building.buildkit import find_cli
from container_magics.engines.events import Cancellation, EngineEvent, Vertex, VertexLog
from container_magics.engines.results import BuildResult
from container_magics.engines.run_request import RunRequest
from container_magics.errors import (
    BuildError,
    ContainerMagicsError,
    DockerfileError,
    InvalidReferenceError,
    NotFoundError,
    PullError,
    SourceNotFoundError,
    StepFailedError,
)
from tests.conftest import missing
from tests.fixtures.registry import running_registry

pytestmark = pytest.mark.docker


class Builder:
    """One of the two builders, and the events of its last build."""

    def __init__(self, engine: DockerEngine, kind: str) -> None:
        self.engine = engine
        self.kind = kind
        self.events: list[EngineEvent] = []

    def build(
        self, text: str, context: Path | None = None, cancel: Cancellation | None = None, **options
    ) -> BuildResult:
        self.events = []
        request = BuildRequest(text, context, **options)
        return self.engine.build(request, self.events.append, cancel or Cancellation())

    def vertex(self, ending: str) -> Vertex:
        return [e for e in self.events if isinstance(e, Vertex) and e.name.endswith(ending)][-1]

    def log(self, ending: str) -> bytes:
        digest = self.vertex(ending).digest
        logs = [e for e in self.events if isinstance(e, VertexLog) and e.vertex == digest]
        return b"".join(log.data for log in logs)

    def output(self, image: str, *command: str) -> bytes:
        events: list = []
        self.engine.run(RunRequest(image, command, remove=True), events.append, Cancellation())
        return b"".join(event.data for event in events)


@pytest.fixture(params=["buildkit", "classic"])
def builder(
    request, docker_engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Builder]:
    if request.param == "buildkit" and find_cli() is None:
        missing("no docker CLI with BuildKit: apt-get install docker.io")
    monkeypatch.setenv("DOCKER_BUILDKIT", "1" if request.param == "buildkit" else "0")
    yield Builder(docker_engine, request.param)
    # Where a client was killed, the engine removes the step's container in its own time.
    deadline = time.monotonic() + 20
    with docker_engine.calling() as api:
        while (left := api.containers(all=True)) and time.monotonic() < deadline:
            time.sleep(0.1)
    assert left == []


def wait_until_gone(pattern: str) -> None:
    script = f"while pgrep -f '{pattern}'; do sleep 0.1; done"
    subprocess.run(["timeout", "20", "sh", "-c", script], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("content\n")
    return tmp_path


def test_builds_and_tags(builder, context):
    result = builder.build(
        'FROM busybox:test\nCOPY file /f\nRUN echo hello && cat /f\nCMD ["cat", "/f"]\n',
        context,
        tags=("built:1", "localhost:5000/built:2"),
        labels={"l": "a b"},
    )
    assert set(result.image.names) == {"built:1", "localhost:5000/built:2"}
    assert result.image.config["Cmd"] == ["cat", "/f"]
    assert result.image.summary.labels == {"l": "a b"}
    assert builder.output("built:1") == b"content\n"
    assert builder.log("cat /f") == b"hello\ncontent\n"
    copy = builder.vertex("COPY file /f")
    assert (copy.line, copy.stage, copy.layer_size, copy.error) == (2, "0", 8, "")
    assert copy.started <= copy.completed
    # The classic builder counts instructions, and adds a LABEL.
    assert result.steps == {"buildkit": 3, "classic": 5}[builder.kind]


def test_second_build_is_cached(builder, context):
    text = f"FROM busybox:test\nCOPY file /{builder.kind}\nRUN cat /{builder.kind}\n"
    first = builder.build(text, context)
    assert not builder.vertex(f"cat /{builder.kind}").cached
    second = builder.build(text, context)
    assert second.image.id == first.image.id
    assert builder.vertex(f"cat /{builder.kind}").cached
    assert builder.vertex(f"file /{builder.kind}").cached
    assert second.cached_steps >= 2
    third = builder.build(text, context, no_cache=True)
    assert not builder.vertex(f"cat /{builder.kind}").cached
    assert third.cached_steps < 2
    (context / "file").write_text("other\n")
    assert builder.build(text, context).image.id != first.image.id


def test_stages(builder):
    text = """
FROM busybox:test AS one
RUN sleep 0.3; echo 1 > /1
FROM busybox:test AS two
RUN sleep 0.3; echo 2 > /2
FROM busybox:test AS unused
RUN exit 9
FROM scratch
COPY --from=one /bin /bin
COPY --from=one /1 /
COPY --from=two /2 /
"""
    if builder.kind == "classic":
        text = text.replace("RUN exit 9", "RUN true")
    builder.build(text, tags=("stages:1",), no_cache=True)
    assert builder.output("stages:1", "cat", "/1", "/2") == b"1\n2\n"
    assert builder.vertex("echo 1 > /1").stage == "one"
    assert builder.vertex("COPY --from=two /2 /").stage == "3"
    assert builder.vertex("COPY --from=two /2 /").line == 11
    assert builder.vertex("COPY --from=two /2 /").layer_size == 2
    with pytest.raises(StepFailedError):
        builder.build("FROM busybox:test AS a\nRUN exit 1\nFROM a\nRUN true\n")


@pytest.mark.parametrize("builder", ["buildkit"], indirect=True)
def test_parallel_stages_overlap(builder):
    stages = [f"FROM busybox:test AS s{n}\nRUN sleep 1; echo {n} > /f\n" for n in "12"]
    end = "FROM busybox:test\nCOPY --from=s1 /f /1\nCOPY --from=s2 /f /2\n"
    builder.build("".join(stages) + end, no_cache=True)
    one, two = builder.vertex("echo 1 > /f"), builder.vertex("echo 2 > /f")
    assert one.started < two.completed
    assert two.started < one.completed


def test_target_arguments_and_environment(builder, monkeypatch):
    monkeypatch.setenv("FROM_ENVIRONMENT", "from here")
    result = builder.build(
        "FROM busybox:test AS wanted\nARG A=0\nARG FROM_ENVIRONMENT\nARG UNSET=kept\n"
        "RUN echo $A $FROM_ENVIRONMENT $UNSET > /out\nFROM wanted\nRUN exit 1\n",
        target="wanted",
        tags=("target:1",),
        build_args={"A": "x y", "FROM_ENVIRONMENT": None, "UNSET": None},
    )
    assert result.image.names == ("target:1",)
    assert builder.output("target:1", "cat", "/out") == b"x y from here kept\n"


def test_dockerignore(builder, context):
    (context / ".dockerignore").write_text("# comment\nsecret\n*.tmp\n!keep.tmp\n")
    for name in ("secret", "a.tmp", "keep.tmp"):
        (context / name).write_text(name)
    builder.build("FROM busybox:test\nCOPY . /c/\n", context, tags=("ignore:1",))
    names = builder.output("ignore:1", "ls", "/c").decode().split()
    assert {"file", "keep.tmp"} <= set(names)
    assert not {"secret", "a.tmp"} & set(names)
    with pytest.raises(SourceNotFoundError):
        builder.build("FROM busybox:test\nCOPY secret /\n", context)


def test_network_none(builder):
    builder.build("FROM busybox:test\nRUN ls /sys/class/net\n", network="none", no_cache=True)
    assert builder.log("ls /sys/class/net") == b"lo\n"


def test_failing_run(builder):
    text = "FROM busybox:test\n\nRUN true \\\n && seq 5 && echo oops >&2 && exit 42\n"
    builder.build("FROM busybox:test\nRUN echo first\n", tags=("kept:1",))
    before = builder.engine.image("kept:1").id
    with pytest.raises(StepFailedError) as error:
        builder.build(text, tags=("kept:1",))
    assert error.value.returncode == 42
    assert error.value.line == 3
    # Two streams: which of the last lines comes last is not certain.
    assert {"5", "oops"} <= set(error.value.tail)
    assert "seq 5" in error.value.step
    assert builder.vertex("exit 42").error
    assert builder.engine.image("kept:1").id == before


@pytest.mark.parametrize("source", ["nope", "../../nope"])
def test_missing_source(builder, context, source):
    with pytest.raises(SourceNotFoundError) as error:
        builder.build(f"FROM busybox:test\nCOPY {source} /\n", context)
    assert error.value.line == 2
    assert "nope" in error.value.message


def test_unknown_instruction(builder):
    with pytest.raises(DockerfileError) as error:
        builder.build("FROM busybox:test\nRNU echo\n")
    assert error.value.line == 2
    assert error.value.text == "RNU echo"
    assert "unknown instruction: RNU" in error.value.reason
    assert "RUN" in error.value.hint


@pytest.mark.parametrize("text", ["", "RUN true\n", "# only a comment\n"])
def test_no_dockerfile(builder, text):
    with pytest.raises(DockerfileError) as error:
        builder.build(text)
    assert "FROM" in error.value.hint


def test_unknown_target(builder):
    with pytest.raises(DockerfileError, match="nonesuch"):
        builder.build("FROM busybox:test\n", target="nonesuch")


def test_base_that_is_not_there(builder):
    with pytest.raises(PullError) as error:
        builder.build("FROM localhost:1/nosuch:1\n")
    assert error.value.answers[0][0] == "localhost:1"
    assert "connection refused" in error.value.answers[0][1]


@pytest.mark.registry
def test_base_that_takes_a_login(builder, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with running_registry(tmp_path / "registry", locked=True) as host:
        with pytest.raises(PullError) as refused:
            builder.build(f"FROM {host}/private:1\n")
        assert f"docker login {host}" in refused.value.hint

        helper = tmp_path / "docker-credential-locked"
        helper.write_text("#!/bin/sh\necho the key ring is locked\nexit 1\n")
        helper.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {host: "locked"}}))
        with pytest.raises(ContainerMagicsError) as unlocked:
            builder.build(f"FROM {host}/private:1\n")
    said = f"{unlocked.value}\n{unlocked.value.hint}"
    assert "exit status 1" in said
    assert "the key ring is locked" in said


def test_wrong_requests(builder, tmp_path):
    with pytest.raises(InvalidReferenceError):
        builder.build("FROM busybox:test\n", tags=("Upper",))
    with pytest.raises(NotFoundError, match="unable to prepare context"):
        builder.build("FROM busybox:test\n", tmp_path / "none")


def test_cancelled_in_the_middle_of_a_run(builder):
    cancel = Cancellation()

    def emit(event: EngineEvent) -> None:
        if isinstance(event, VertexLog) and b"up" in event.data:
            threading.Thread(target=cancel.cancel).start()

    text = "FROM busybox:test\nRUN echo up; sleep 98703\n"
    request = BuildRequest(text, tags=("cancelled:1",), no_cache=True)
    with pytest.raises(BuildError, match="cancelled"):
        builder.engine.build(request, emit, cancel)
    # The engine ends the step in its own time after its client has gone.
    wait_until_gone("^sleep 98703")
    with pytest.raises(NotFoundError):
        builder.engine.image("cancelled:1")
    assert builder.build("FROM busybox:test\nRUN echo after\n").image.id


def test_cancelled_before_it_began(builder):
    cancel = Cancellation()
    cancel.cancel()
    with pytest.raises(BuildError, match="cancelled"):
        builder.build("FROM busybox:test\nRUN sleep 98704\n", cancel=cancel)


def test_output_that_looks_like_progress(builder):
    lines = ["#1 DONE 1.0s", "------", "Step 2/2 : RUN x", "Successfully built abc", " ---> ab"]
    script = "; ".join(f"echo '{line}'" for line in lines)
    result = builder.build(f"FROM busybox:test\nRUN {script}; echo end\n", no_cache=True)
    shown = builder.log("echo end").decode().splitlines()
    assert shown == [*lines, "end"]
    assert result.steps == 2


def test_command_that_names_an_exit_code(builder):
    with pytest.raises(StepFailedError) as error:
        builder.build("FROM busybox:test\nRUN echo 'exit code: 5 canceled'; exit 6\n")
    assert error.value.returncode == 6


STAND_IN_CLI = """\
#!/bin/sh
case "$*" in
  *--help) echo '--progress string  ("auto", "plain", "rawjson") {flags}'; exit;;
esac
echo "$DOCKER_HOST" "$@" > {log}
echo '{{"vertexes": [{{"digest": "sha256:a", "name": "[2/2] RUN x", "cached": true}}]}}' >&2
while [ "$1" != --iidfile ]; do shift; done
echo {image} > "$2"
"""


STAND_IN_FLAGS = (
    "--add-host --build-context --cache-from --cache-to --no-cache-filter --output --secret --ssh"
)


def test_buildx_is_preferred_and_told_which_engine(docker_engine, tmp_path, monkeypatch):
    """No Debian 12 package has buildx: a script stands in for the CLI, not for the engine."""
    log = tmp_path / "log"
    cli = tmp_path / "docker"
    cli.write_text(
        STAND_IN_CLI.format(
            log=log, image=docker_engine.image("busybox:test").id, flags=STAND_IN_FLAGS
        )
    )
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("DOCKER_CONTEXT", "another")
    builder = Builder(docker_engine, "buildx")
    result = builder.build(
        "FROM busybox:test\nRUN x\n",
        tags=("x:1",),
        pull=True,
        contexts={"data": "/data", "base": "docker-image://busybox:test"},
        no_cache_filter=("a", "b"),
        secrets=(BuildSecret("s", Path("/a,b")), BuildSecret("t", variable="T")),
        ssh=(SshAgent("default"), SshAgent("k", (Path("/1"), Path("/2")))),
        cache_from=(CacheExchange("local", {"src": "/c"}),),
        cache_to=(CacheExchange("local", {"dest": "/c", "mode": "max"}),),
        outputs=(BuildOutput("image"), BuildOutput("oci", Path("/o.tar"), {"tar": "true"})),
    )
    assert (result.steps, result.cached_steps) == (1, 1)
    assert builder.vertex("RUN x").line == 2
    host, *words = log.read_text().split()
    assert host == docker_engine.base_url
    assert words[:5] == ["buildx", "build", "--builder", "default", "--load"]
    assert {"--progress=rawjson", "--pull", "x:1"} <= set(words)
    text = " ".join(words)
    for given in (
        "--build-context data=/data --build-context base=docker-image://busybox:test",
        "--no-cache-filter a --no-cache-filter b",
        '--secret id=s,"src=/a,b" --secret id=t,env=T',
        "--ssh default --ssh k=/1,/2",
        "--cache-from type=local,src=/c",
        "--cache-to type=local,dest=/c,mode=max",
        "--output type=oci,dest=/o.tar,tar=true",
    ):
        assert given in text


KILLED = """\
import os, signal, sys
from container_magics.engines.build_request import (
    BuildOutput,
    BuildRequest,
    BuildSecret,
    CacheExchange,
    SshAgent,
)
from container_magics.engines.docker import DockerEngine
from container_magics.engines.events import Cancellation, VertexLog

def emit(event):
    if isinstance(event, VertexLog):
        os.kill(os.getpid(), signal.SIGKILL)

request = BuildRequest("FROM busybox:test\\nRUN echo up; sleep 98705\\n", no_cache=True)
DockerEngine("x", sys.argv[1]).build(request, emit, Cancellation())
"""


def test_nothing_runs_on_after_this_process_is_killed(builder):
    builder_process = subprocess.run(
        [sys.executable, "-c", KILLED, builder.engine.base_url], check=False
    )
    assert builder_process.returncode == -signal.SIGKILL
    wait_until_gone("^sleep 98705")
