"""Builds: what comes from the cache and what does not, in which order things happen, and RUN."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from pathlib import Path

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Vertex
from container_magics.engines.results import BuildResult
from container_magics.errors import BuildError, DockerfileError, PullError, StepFailedError
from tests.fixtures.embedding import Heard, build, embedded, output_of

BASE = "FROM busybox:test\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A small build context: a, b, sub/c, link → a."""
    context = tmp_path / "context"
    (context / "sub").mkdir(parents=True)
    (context / "a").write_text("a\n")
    (context / "b").write_text("b\n")
    (context / "sub" / "c").write_text("c\n")
    (context / "link").symlink_to("a")
    return context


def again(engine: EmbeddedEngine, text: str, **more: object) -> tuple[BuildResult, list[str]]:
    """Build, and the steps that were not cached."""
    heard = Heard()
    result = build(engine, text, heard, **more)
    return result, [name for name, vertex in heard.last.items() if not vertex.cached]


# --- the cache ----------------------------------------------------------------------------------


def test_a_build_from_the_cache_gives_the_same_image(engine, context):
    text = f"{BASE}WORKDIR /w\nCOPY . .\nRUN date +%N > /now\nCMD true\n"
    first, missed = again(engine, text, context=context)
    assert missed == ["WORKDIR /w", "COPY . .", "RUN date +%N > /now"]
    assert (first.steps, first.cached_steps) == (4, 1)
    second, missed = again(engine, text, context=context)
    assert missed == []
    assert (second.steps, second.cached_steps) == (4, 4)
    assert second.image == first.image
    assert second.image.summary.created == first.image.summary.created


def test_the_cache_outlives_the_engine(tmp_path, context):
    text = f"{BASE}COPY . /c\nRUN date +%N > /now\n"
    with embedded(tmp_path / "store") as one:
        first, _ = again(one, text, context=context)
    with embedded(tmp_path / "store") as two:
        second, missed = again(two, text, context=context)
    assert missed == []
    assert second.image.id == first.image.id


@pytest.mark.parametrize(
    ("line", "runs_again"),
    [
        ("ENV A=1", True),
        ("LABEL a=1", False),
        ("EXPOSE 81", False),
        ("CMD other", False),
        ("ARG X=1", True),
        ("USER me", True),
        ("WORKDIR /tmp", True),
        ('SHELL ["/bin/busybox", "sh", "-c"]', True),
        ("RUN true", True),
        ("VOLUME /v", False),
    ],
)
def test_what_an_instruction_above_does_to_a_run(engine, line, runs_again):
    below = "RUN echo below > /tmp/below\n"
    build(engine, BASE + below)
    _, missed = again(engine, f"{BASE}{line}\n{below}")
    assert (below.strip() in missed) == runs_again
    _, missed = again(engine, f"{BASE}{line}\n{below}")
    assert missed == []


def edit(path: Path) -> None:
    path.write_text("edited\n")


@pytest.mark.parametrize(
    ("change", "copies_again"),
    [
        (lambda c: edit(c / "a"), True),
        (lambda c: os.utime(c / "a", (1, 1)), False),
        (lambda c: (c / "a").rename(c / "z"), True),
        (lambda c: (c / "a").chmod(0o700), True),
        (lambda c: ((c / "link").unlink(), (c / "link").symlink_to("b")), True),
        (lambda c: (c / "new").touch(), True),
        (lambda c: (c / "sub" / "c").unlink(), True),
        (lambda c: (c / "empty").mkdir(), True),
        (lambda c: (c / "sub").chmod(0o700), True),
        (lambda c: ((c / "b").unlink(), (c / "b").write_text("b\n")), False),
        (lambda c: edit(c / "ignored.log"), False),
    ],
    ids=[
        "edit", "touch", "rename", "chmod", "retarget", "add", "remove", "directory",
        "directory mode", "same again", "ignored",
    ],
)  # fmt: skip
def test_what_a_change_of_the_context_does_to_a_copy(engine, context, change, copies_again):
    (context / ".dockerignore").write_text("*.log\n")
    text = f"{BASE}RUN true\nCOPY . /c\nRUN ls /c\n"
    build(engine, text, context=context)
    change(context)
    _, missed = again(engine, text, context=context)
    assert missed == (["COPY . /c", "RUN ls /c"] if copies_again else [])


def test_only_what_is_copied_counts(engine, context):
    text = f"{BASE}COPY a sub /c/\n"
    build(engine, text, context=context)
    edit(context / "b")
    assert again(engine, text, context=context)[1] == []
    edit(context / "sub" / "c")
    assert again(engine, text, context=context)[1] == ["COPY a sub /c/"]


def test_a_file_edited_within_the_same_moment_is_noticed(engine, context):
    text = f"{BASE}COPY a /a\n"
    big = b"x" * 100_000
    (context / "a").write_bytes(big)
    build(engine, text, context=context)
    status = (context / "a").stat()
    (context / "a").write_bytes(b"y" + big[1:])
    os.utime(context / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert again(engine, text, context=context)[1] == ["COPY a /a"]


def test_copy_from_a_stage_that_came_out_the_same_is_cached(engine):
    text = (
        "FROM busybox:test AS build\nARG N=1\nRUN echo $N > /dev/null; echo same > /out\n"
        f"{BASE}COPY --from=build /out /out\nRUN cat /out\n"
    )
    build(engine, text, build_args={"N": "1"})
    _, missed = again(engine, text, build_args={"N": "2"})
    assert missed == ["RUN echo $N > /dev/null; echo same > /out"]


def test_no_cache_does_everything_again_and_keeps_it(engine):
    text = f"{BASE}RUN date +%s%N > /now\n"
    first, _ = again(engine, text)
    second, missed = again(engine, text, no_cache=True)
    assert missed == ["RUN date +%s%N > /now"]
    assert second.image.id != first.image.id
    third, missed = again(engine, text)
    assert missed == []
    assert third.image.id == second.image.id


# --- build arguments ----------------------------------------------------------------------------


def test_build_arguments(engine, monkeypatch):
    monkeypatch.setenv("FROM_ENV", "environment")
    text = (
        "ARG TAG=test\nARG GLOBAL=global\nFROM busybox:${TAG}\n"
        'RUN echo "[$TAG] [$A]" > /before\nARG GLOBAL\nARG A=default\nARG FROM_ENV\nARG NONE\n'
        'RUN echo "$GLOBAL $A $FROM_ENV [$NONE]" > /after\n'
    )
    given = {"A": "given", "FROM_ENV": None, "STRAY": "x", "UNSET": None}
    heard = Heard()
    build(engine, text, heard, build_args=given, tag="args:test")
    assert output_of(engine, "args:test", "cat", "/before", "/after") == (
        "[] []\nglobal given environment []\n"
    )
    (warning,) = heard.warnings
    assert warning.message == "[Warning] One or more build-args [STRAY] were not consumed"
    shown = engine.inspect("args:test")["Config"].get("Env")
    assert not [pair for pair in shown if pair.startswith(("A=", "GLOBAL="))]
    with pytest.raises(PullError, match="busybox:absent"):
        build(engine, text, build_args={"TAG": "absent"})


def test_an_argument_counts_for_the_cache_from_where_it_is_declared(engine):
    text = f"{BASE}RUN echo one\nARG V\nRUN echo two\n"
    build(engine, text, build_args={"V": "1"})
    assert again(engine, text, build_args={"V": "2"})[1] == ["RUN echo two"]


def test_env_wins_over_arg(engine):
    text = f"{BASE}ARG A=arg\nENV A=env\nRUN echo $A > /a\n"
    build(engine, text, build_args={"A": "given"}, tag="wins:test")
    assert output_of(engine, "wins:test", "cat", "/a") == "env\n"


# --- stages and events --------------------------------------------------------------------------


def test_a_stage_that_is_not_needed_is_not_built(engine):
    text = (
        "FROM busybox:test AS broken\nRUN exit 1\nFROM busybox:test AS used\nRUN echo 1 > /one\n"
        f"FROM used AS target\nRUN echo 2 > /two\n{BASE}COPY --from=broken /x /x\n"
    )
    heard = Heard()
    build(engine, text, heard, target="target", tag="target:test")
    assert {vertex.stage for vertex in heard.vertices} == {"used", "target"}
    assert output_of(engine, "target:test", "cat", "/one", "/two") == "1\n2\n"
    with pytest.raises(StepFailedError):
        build(engine, text)
    with pytest.raises(DockerfileError, match="nowhere"):
        build(engine, text, target="nowhere")


def test_independent_stages_run_at_the_same_time(engine):
    # Neither gets an answer before both have asked.
    server = MeetingPoint(2)
    wait = f"RUN wget -q -O /met http://127.0.0.1:{server.port}/"
    text = (
        f"FROM busybox:test AS one\n{wait}one\nFROM busybox:test AS two\n{wait}two\n"
        f"{BASE}COPY --from=one /met /1\nCOPY --from=two /met /2\n"
    )
    heard = Heard()
    with server:
        build(engine, text, heard, no_cache=True)
    one, two = (v for name, v in heard.last.items() if name.startswith("RUN wget"))
    assert one.started < two.completed
    assert two.started < one.completed


def test_a_step_waits_for_what_it_copies_and_the_steps_before_do_not(engine):
    server = MeetingPoint(2)
    wait = f"RUN wget -q -O /met http://127.0.0.1:{server.port}/"
    text = (
        f"FROM busybox:test AS one\n{wait}one\nRUN sleep 1\n"
        f"FROM busybox:test\n{wait}two\nCOPY --from=one /met /1\n"
    )
    heard = Heard()
    with server:
        build(engine, text, heard, no_cache=True)
    assert heard.last["COPY --from=one /met /1"].started >= heard.last["RUN sleep 1"].completed


class MeetingPoint(http.server.ThreadingHTTPServer):
    """An HTTP server that answers when so many requests are there."""

    daemon_threads = True

    def __init__(self, parties: int) -> None:
        self.barrier = threading.Barrier(parties, timeout=30)
        super().__init__(("127.0.0.1", 0), _Meeting)
        self.port = self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class _Meeting(http.server.BaseHTTPRequestHandler):
    server: MeetingPoint

    def do_GET(self):
        self.server.barrier.wait()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"met\n")

    def log_message(self, *_):
        pass


def test_every_step_is_announced_then_runs_then_is_done(engine, context):
    text = (
        "FROM busybox:test AS build\nRUN echo a\nENV X=y\nWORKDIR /w\nFROM busybox:test\n"
        "COPY --from=build /w /w\nCOPY a /a\n"
    )
    heard = Heard()
    build(engine, text, heard, context=context, no_cache=True)
    states: dict[str, list[Vertex]] = {}
    for vertex in heard.vertices:
        states.setdefault(vertex.digest, []).append(vertex)
    assert [each[0].name for each in states.values()] == [
        "[build 1/3] FROM busybox:test",
        "[build 2/3] RUN echo a",
        "[build 3/3] WORKDIR /w",
        "[stage-1 1/3] FROM busybox:test",
        "[stage-1 2/3] COPY --from=build /w /w",
        "[stage-1 3/3] COPY a /a",
    ]
    assert [each[0].line for each in states.values()] == [1, 2, 4, 5, 6, 7]
    for announced, running, done in states.values():
        assert (announced.started, announced.completed) == (None, None)
        assert running.completed is None
        assert done.started == running.started
        assert done.completed >= done.started
        assert done.error == ""
    announced = [v for v in heard.vertices if v.started is None]
    assert heard.vertices[: len(announced)] == announced
    assert heard.last["COPY a /a"].layer_size == 2


def test_a_notebook_that_caused_a_miss_is_named(engine, context):
    text = f"{BASE}COPY . /c\n"
    (context / "lesson.ipynb").write_text("{}")
    build(engine, text, context=context)
    (context / "lesson.ipynb").write_text('{"saved": 1}')
    heard = Heard()
    build(engine, text, heard, context=context)
    (warning,) = heard.warnings
    assert "lesson.ipynb changed since the last build" in warning.message
    assert "*.ipynb" in warning.hint.partition("Add this to .dockerignore:")[2]
    assert warning.line == 2
    (context / ".dockerignore").write_text("*.ipynb\n")
    build(engine, text, context=context)
    (context / "lesson.ipynb").write_text('{"saved": 2}')
    heard = Heard()
    build(engine, text, heard, context=context)
    assert "COPY . /c" in heard.cached
    assert heard.warnings == []


def test_tags_move_when_all_has_succeeded(engine):
    first = build(engine, f"{BASE}LABEL v=1\n", tag="moves:test").image
    with pytest.raises(StepFailedError):
        build(engine, f"{BASE}LABEL v=2\nRUN exit 3\n", tag="moves:test")
    assert engine.image("moves:test").id == first.id
    second = build(engine, f"{BASE}LABEL v=3\n", tag="moves:test").image
    assert engine.image("moves:test").id == second.id
    assert engine.image(first.id).names == ()


def test_labels_of_the_request_come_on_top(engine):
    image = build(engine, f"{BASE}LABEL a=1 b=1\n", labels={"b": "2", "c": "2"}).image
    assert image.summary.labels == {"a": "1", "b": "2", "c": "2"}


# --- RUN, COPY and ADD on each rung -------------------------------------------------------------


def test_here_documents(on_rung):
    text = f"""{BASE}SHELL ["/bin/sh", "-ec"]
ENV NAME=world
RUN <<EOF
echo "hello $NAME" > /one
echo two >> /one
EOF
RUN <<'SCRIPT'
#!/bin/awk -f
BEGIN {{ print "from awk" > "/awk" }}
SCRIPT
RUN <<A cat > /cat && cat >> /cat <<B
first
A
second
B
COPY <<EXPANDED <<"PLAIN" /docs/
hello $NAME ${{NAME:+and all}}
EXPANDED
plain $NAME
PLAIN
"""
    build(on_rung, text, tag="heredoc:test")
    shown = output_of(on_rung, "heredoc:test", "cat", "/one", "/awk", "/cat")
    assert shown == "hello world\ntwo\nfrom awk\nfirst\nsecond\n"
    shown = output_of(on_rung, "heredoc:test", "cat", "/docs/EXPANDED", "/docs/PLAIN")
    assert shown == "hello world and all\nplain $NAME\n"


def test_a_run_s_user_and_what_it_leaves(on_rung):
    text = f"""{BASE}RUN mkdir -m 777 /shared
USER me
WORKDIR /tmp/mine
RUN id -un > /shared/who && echo $HOME >> /shared/who && pwd >> /shared/who
USER 0
RUN rm /etc/group && ln -s who /shared/link && chmod 640 /shared/who
"""
    build(on_rung, text, tag="user:test")
    script = "cat /shared/link; ls -l /shared/who | cut -c -10; ls /etc/group 2>&1 | wc -l"
    who, home, pwd, mode, gone = output_of(on_rung, "user:test", "sh", "-c", script).split("\n")[:5]
    assert who == "me"
    assert (home, pwd, mode, gone) == ("/tmp", "/tmp/mine", "-rw-r-----", "1")


def test_a_failing_run_on_each_rung_leaves_no_trace(on_rung):
    with pytest.raises(StepFailedError) as caught:
        build(on_rung, f"{BASE}RUN echo lost > /lost; exit 6\n")
    assert caught.value.returncode == 6
    build(on_rung, f"{BASE}RUN ls / > /seen\n", tag="clean:test")
    assert "lost" not in output_of(on_rung, "clean:test", "cat", "/seen").split()


def test_add_of_a_url(on_rung, tmp_path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "data.txt").write_text("served\n")
    os.utime(tmp_path / "served" / "data.txt", (1_500_000_000, 1_500_000_000))
    handler = functools.partial(_Quiet, directory=str(tmp_path / "served"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NO_PROXY", "*")
            text = f"{BASE}ADD {url}/data.txt /got/\n"
            build(on_rung, text, tag="url:test")
            show = ("stat", "-c", "%a %Y %s", "/got/data.txt")
            assert output_of(on_rung, "url:test", *show) == "600 1500000000 7\n"
            assert again(on_rung, text)[1] == []
            (tmp_path / "served" / "data.txt").write_text("other\n")
            assert again(on_rung, text)[1] == [f"ADD {url}/data.txt /got/"]
            with pytest.raises(BuildError, match="404"):
                build(on_rung, f"{BASE}ADD {url}/nothing /got/\n")
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_onbuild(on_rung, context):
    text = f"{BASE}ONBUILD ENV BY=base\nONBUILD COPY a /copied\nONBUILD RUN echo $BY > /ran\n"
    triggers = ["ENV BY=base", "COPY a /copied", "RUN echo $BY > /ran"]
    build(on_rung, text, tag="parent:test")
    assert on_rung.inspect("parent:test")["Config"]["OnBuild"] == triggers
    build(on_rung, "FROM parent:test\nRUN cat /ran > /after\n", context=context, tag="child:test")
    assert output_of(on_rung, "child:test", "cat", "/copied", "/after") == "a\nbase\n"
    assert not on_rung.inspect("child:test")["Config"].get("OnBuild")
    build(on_rung, "FROM child:test\nRUN true\n")


def test_a_run_without_a_network(on_rung):
    if on_rung.rung.name in ("chroot", "proot"):
        pytest.skip("this rung has no network namespaces")
    flagged = f"{BASE}RUN --network=none cat /proc/net/dev > /seen\n"
    requested = f"{BASE}RUN cat /proc/net/dev > /seen\n"
    for text, network in ((flagged, "default"), (requested, "none")):
        build(on_rung, text, tag="net:test", network=network)
        lines = output_of(on_rung, "net:test", "cat", "/seen").splitlines()[2:]
        assert [line.partition(":")[0].strip() for line in lines] == ["lo"]
