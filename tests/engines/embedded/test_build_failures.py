"""Builds that fail: nothing half-built is named, and the error shows the Dockerfile's own lines."""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.build_request import BuildOutput
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation, Vertex, VertexLog
from container_magics.errors import (
    BuildError,
    ContainerMagicsError,
    DockerfileError,
    InvalidReferenceError,
    PullError,
    SourceNotFoundError,
    StepFailedError,
)
from tests.fixtures.embedding import Heard, build, embedded

BASE = "FROM busybox:test\n"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    with embedded(tmp_path_factory.mktemp("failures")) as engine:
        build(engine, f"{BASE}ENV WHICH=before\n", tag="mine:1")
        yield engine


@pytest.fixture(autouse=True)
def unchanged(engine: EmbeddedEngine) -> Iterator[None]:
    """Every test leaves the images and their names as they were."""
    before = engine.images()
    yield
    assert engine.images() == before


def test_a_failing_step_names_nothing(engine):
    with pytest.raises(StepFailedError):
        build(engine, f"{BASE}RUN true\nRUN false\n", tag="mine:1")


def test_a_failing_stage_beside_a_slow_one_names_nothing(engine):
    text = (
        f"{BASE.strip()} AS slow\nRUN sleep 60\n{BASE.strip()} AS bad\nRUN false\n"
        f"{BASE}COPY --from=slow /etc /e\nCOPY --from=bad /etc /f\n"
    )
    with pytest.raises(StepFailedError, match="exit code: 1"):
        build(engine, text, tag="mine:1")


def test_a_failing_output_names_nothing(engine, tmp_path):
    (tmp_path / "file").write_text("in the way")
    outputs = (
        BuildOutput("image"),
        BuildOutput("local", tmp_path / "file" / "below"),
    )
    with pytest.raises(ContainerMagicsError):
        build(engine, f"{BASE}ENV A=1\n", tag="mine:1", outputs=outputs)


def test_a_cancelled_build_names_nothing(engine):
    cancel = Cancellation()

    def emit(event: object) -> None:
        if isinstance(event, VertexLog) and b"begun" in event.data:
            cancel.cancel()

    with pytest.raises(BuildError, match="the build was cancelled"):
        build(engine, f"{BASE}RUN echo begun; sleep 60\n", emit, cancel, tag="mine:1")


def test_cancelled_after_the_last_step_names_nothing(engine):
    cancel = Cancellation()

    def emit(event: object) -> None:
        if isinstance(event, Vertex) and event.completed and "RUN true" in event.name:
            cancel.cancel()

    with pytest.raises(BuildError, match="the build was cancelled"):
        build(engine, f"{BASE}RUN true\n", emit, cancel, tag="mine:1")


def test_a_tag_that_is_none_builds_nothing(engine):
    heard = Heard()
    with pytest.raises(InvalidReferenceError):
        build(engine, f"{BASE}RUN true\n", heard, tag="Mine: 1")
    assert heard.vertices == []


# --- the lines that are shown -------------------------------------------------------------------


def failed(engine: EmbeddedEngine, text: str, **more: object) -> ContainerMagicsError:
    with pytest.raises(ContainerMagicsError) as raised:
        build(engine, text, **{"origin": "cell", **more})
    return raised.value


def test_every_line_of_the_instruction_is_marked(engine):
    text = f"ARG A\n{BASE}RUN echo one \\\n  # and\n  && exit 3\n\nENV B=1\n"
    error = failed(engine, text)
    shown = textwrap.dedent(
        """\
        cell:3
        --------------------
           2 |     FROM busybox:test
           3 | >>> RUN echo one \\
           4 | >>>   # and
           5 | >>>   && exit 3
           6 |
        --------------------"""
    )
    assert error.excerpt == shown
    assert error.line == 3
    assert shown in str(error)
    assert shown.splitlines()[3] in "\n".join(error._render_traceback_()).splitlines()


def test_a_here_document_is_marked_to_its_end(engine):
    error = failed(engine, f"{BASE}RUN <<EOF\necho a\nexit 4\nEOF\nENV A=1\n")
    marked = [line for line in error.excerpt.splitlines() if ">>>" in line]
    assert [line.partition(">>> ")[2] for line in marked] == [
        "RUN <<EOF",
        "echo a",
        "exit 4",
        "EOF",
    ]


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        (f"{BASE}RNU x \\\n y\n", DockerfileError, 2),
        ("FROM UPPER/Case\nENV A=1\n", DockerfileError, 1),
        ("FROM no.invalid/x\nENV A=1\n", PullError, 1),
        (f"{BASE}COPY --from=no.invalid/x a b\n", PullError, 2),
        (f"{BASE}COPY nowhere /\n", SourceNotFoundError, 2),
        (f"{BASE}USER nobody-here\nRUN true\n", BuildError, 3),
        (f"{BASE}STOPSIGNAL NONE\n", DockerfileError, 2),
        (f"# check=error=true\n{BASE}CMD echo\n", DockerfileError, 3),
        (f"# escape=`\n# check=nonsense\n{BASE}", DockerfileError, 2),
        ("# escape=x\nFROM busybox:test\n", DockerfileError, 1),
    ],
)
def test_errors_of_all_kinds_have_a_line(engine, tmp_path, text, kind, line):
    error = failed(engine, text, context=tmp_path)
    assert type(error) is kind or isinstance(error, kind)
    assert error.line == line
    assert error.excerpt.startswith(f"cell:{line}\n")
    marked = [row for row in error.excerpt.splitlines() if ">>>" in row]
    assert marked[0].startswith(f" {line:3} | >>> {text.splitlines()[line - 1].split()[0]}")


def test_the_same_failure_again_has_the_lines_of_its_own_build(engine):
    first = failed(engine, "FROM again.invalid/x\nENV A=1\n")
    second = failed(engine, "# comment\nFROM again.invalid/x\nENV A=1\n")
    assert (first.line, second.line) == (1, 2)
    assert second.excerpt.startswith("cell:2\n")
    assert second.hint == first.hint


def test_a_trigger_of_the_base_stands_at_the_from(engine):
    built = build(engine, f"{BASE}ONBUILD RUN exit 7\n")
    error = failed(engine, f"# one\n# two\nFROM {built.image.id}\nENV A=1\n")
    assert error.line == 3
    assert "onbuild 1/1] RUN exit 7" in error.step
    engine.remove_image(built.image.id)


def test_the_file_is_named_as_it_was_typed(engine):
    assert failed(engine, f"{BASE}RNU\n", origin="docker/web.Dockerfile").excerpt.startswith(
        "docker/web.Dockerfile:2\n"
    )


def test_failures_in_threads_are_shown_once(engine: EmbeddedEngine, tmp_path: Path) -> None:
    """Stages that fail together give one error, with one excerpt."""
    text = "".join(f"{BASE.strip()} AS s{n}\nRUN exit {n + 1}\n" for n in range(4))
    text += BASE + "".join(f"COPY --from=s{n} /etc /e{n}\n" for n in range(4))
    before = threading.active_count()
    error = failed(engine, text)
    assert isinstance(error, StepFailedError)
    assert error.excerpt.count(">>>") == 1
    assert f">>> RUN exit {error.returncode}" in error.excerpt
    assert threading.active_count() <= before + 1
