"""`stages` on real engines: what it builds, finds out, and leaves in the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from container_magics.commands.session import Session
from container_magics.commands.stages import stages, stages_of
from container_magics.engines.base import Engine
from container_magics.engines.build_request import BuildRequest
from container_magics.engines.docker.building.buildkit import find_cli
from container_magics.engines.events import Cancellation
from container_magics.engines.results import BuildResult
from container_magics.errors import (
    ContainerMagicsError,
    DockerfileError,
    StepFailedError,
    UsageError,
)
from container_magics.views.progress.terminal import TerminalProgress
from container_magics.views.stages.view import StagesView
from tests.conftest import missing
from tests.fixtures.embedding import embedded

TEXT = """\
ARG BASE=busybox:test
FROM ${BASE} AS build
COPY source /source
RUN head -c 40000 /dev/zero > /made && head -c 5000 /dev/zero > /licence

FROM busybox:test AS check
RUN echo never needed

FROM scratch
COPY --from=build /made /app
COPY --from=0 /licence /
CMD ["/app"]
"""


@pytest.fixture(scope="module")
def embedded_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with embedded(tmp_path_factory.mktemp("stages")) as engine:
        yield engine


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.root),
        pytest.param("buildkit", marks=pytest.mark.docker),
        pytest.param("classic", marks=pytest.mark.docker),
    ]
)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    if request.param == "embedded":
        return request.getfixturevalue("embedded_engine")
    if request.param == "buildkit" and find_cli() is None:
        missing("no docker CLI with BuildKit: apt-get install docker.io")
    monkeypatch.setenv("DOCKER_BUILDKIT", "1" if request.param == "buildkit" else "0")
    return request.getfixturevalue("docker_engine")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "source").write_text("x" * 300)
    return tmp_path


def look(engine: Engine, text: str, context: Path | None = None, **more: object) -> StagesView:
    return stages_of(engine, BuildRequest(text, context, **more), TerminalProgress(StringIO()))[1]


def ids(engine: Engine) -> set[str]:
    return {image.id for image in engine.images()}


def test_sizes_copies_and_what_is_left_behind(engine, context):
    image, view = stages_of(
        engine, BuildRequest(TEXT, context, tags=("seen:1",)), TerminalProgress(StringIO())
    )
    base = engine.image("busybox:test").size
    rows = {row["stage"]: row for row in view.frame().to_dict("records")}
    assert view.name == "seen:1"
    assert image.id == engine.image("seen:1").id
    assert rows["build"]["base"] == "busybox:test"
    assert rows["build"]["size"] == base + 45_300
    assert rows["build"]["copied_out"] == 45_000
    assert rows["build"]["left_behind"] == base + 300
    assert rows["check"]["needed"] is False
    assert (rows["2"]["base"], rows["2"]["size"]) == ("scratch", 45_000)
    assert rows["2"]["left_behind"] == 0
    copies = view.edges_frame().query("kind == 'COPY'")
    assert copies["bytes"].tolist() == [40_000, 5_000]
    assert copies["source"].tolist() == ["build", "build"]
    assert view.report.images == {"busybox:test": base}
    assert view.report.notes == ()


def test_the_second_time_it_comes_from_the_cache(engine, context):
    text = TEXT.replace("never", "cached")
    look(engine, text, context)
    rows = look(engine, text, context).frame().query("needed")
    assert rows["cached"].tolist() == [True, True]
    again = look(engine, text, context, no_cache=True)
    rows = again.frame().query("needed")
    assert rows["cached"].tolist() == [False, False]
    assert rows["seconds"].sum() > 0


def test_it_leaves_what_a_build_leaves(engine, context):
    text = TEXT.replace("never", "images")
    request = BuildRequest(text, context, labels={"l": "1"}, no_cache=True)
    before = ids(engine)
    engine.build(request, lambda _: None, Cancellation())
    by_a_build = len(ids(engine) - before)
    before = ids(engine)
    another = replace(request, labels={"l": "2"})
    stages_of(engine, another, TerminalProgress(StringIO()))
    assert len(ids(engine) - before) == by_a_build


def test_the_sizes_are_those_of_the_build_itself(engine):
    text = (
        "FROM busybox:test AS one\n"
        "RUN head -c 1$(od -An -N2 -tu2 /dev/urandom | tr -d ' ') /dev/zero > /random\n"
        "FROM scratch\nCOPY --from=one /random /\n"
    )
    one, last = look(engine, text, no_cache=True).report.stages
    assert one.size == engine.image("busybox:test").size + last.size
    assert one.copied_out == last.size > 10


@pytest.mark.root
def test_the_embedded_engine_has_one_more_image_and_still_its_cache(embedded_engine, context):
    text = TEXT.replace("40000", "41000")
    before = ids(embedded_engine)
    image, _ = stages_of(
        embedded_engine,
        BuildRequest(text, context, labels={"l": "1"}),
        TerminalProgress(StringIO()),
    )
    assert ids(embedded_engine) - before == {image.id}
    rows = look(embedded_engine, text, context).frame().query("needed")
    assert rows["cached"].tolist() == [True, True]


@pytest.mark.root
def test_an_image_that_was_there_stays(embedded_engine):
    first = "FROM busybox:test AS one\nRUN echo kept > /kept\n"
    text = f"{first}FROM scratch\nCOPY --from=one /kept /\n"
    alone = embedded_engine.build(BuildRequest(first), lambda _: None, Cancellation())
    look(embedded_engine, text)
    assert alone.image.id in ids(embedded_engine)


def test_another_target_by_name(engine, context):
    view = look(engine, TEXT, context, target="check")
    assert [(row["stage"], row["needed"]) for row in view.frame().to_dict("records")] == [
        ("build", False),
        ("check", True),
        ("2", False),
    ]
    assert view.report.target.name == "check"


def test_build_arguments_reach_bases_and_instructions(engine, context):
    text = (
        "ARG BASE\nARG SIZE=1\nFROM ${BASE} AS one\nARG SIZE\n"
        "RUN head -c $SIZE /dev/zero > /sized\nFROM scratch\nCOPY --from=one /sized /\n"
    )
    session = Session(engine=engine)
    view = stages(
        text, context, build_args={"BASE": "busybox:test", "SIZE": "7000"}, session=session
    )
    one, last = view.report.stages
    assert (one.base, one.copied_out, last.size) == ("busybox:test", 7000, 7000)


@pytest.mark.root
def test_paths_folders_and_texts_are_dockerfiles(embedded_engine, context, monkeypatch):
    session = Session(engine=embedded_engine)
    (context / "Dockerfile").write_text("FROM busybox:test\nCOPY source /\n")
    monkeypatch.chdir(context)
    for view in (
        stages(context, session=session),
        stages("Dockerfile", session=session),
        stages(context / "Dockerfile", context, session=session),
        stages("FROM busybox:test\nCOPY source /\n", session=session),
    ):
        (stage,) = view.report.stages
        assert stage.left_behind == 0
        assert stage.steps[1].size == 300
    with pytest.raises(UsageError, match="no/such"):
        stages("no/such", session=session)
    with pytest.raises(UsageError, match="is no folder"):
        stages("FROM scratch", "no/folder", session=session)


@pytest.mark.root
def test_no_context_is_an_empty_one(embedded_engine):
    session = Session(engine=embedded_engine)
    (stage,) = stages('FROM scratch\nCMD ["x"]\n', None, session=session).report.stages
    assert (stage.size, stage.seconds) == (0, None)


@pytest.mark.root
def test_a_failing_build_is_shown_and_raised(embedded_engine):
    shown = StringIO()
    text = "FROM busybox:test AS a\nRUN exit 3\nFROM scratch\nCOPY --from=a / /\n"
    with pytest.raises(StepFailedError) as failed:
        stages_of(embedded_engine, BuildRequest(text), TerminalProgress(shown))
    assert failed.value.returncode == 3
    assert "Build failed" in shown.getvalue()


@pytest.mark.root
def test_an_unknown_target_has_near_names(embedded_engine):
    with pytest.raises(DockerfileError, match="Did you mean check"):
        look(embedded_engine, TEXT, target="chek")


class BreaksLater:
    """An engine whose first build works, and no other."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._built = False

    def __getattr__(self, name: str):
        return getattr(self._engine, name)

    def build(self, request, emit, cancel) -> BuildResult:
        if self._built:
            raise ContainerMagicsError("the engine is on holiday")
        self._built = True
        return self._engine.build(request, emit, cancel)


@pytest.mark.root
def test_what_cannot_be_found_out_is_said(embedded_engine, context):
    view = look(BreaksLater(embedded_engine), TEXT, context)
    assert view.report.notes == ("The size of stage build is not known: the engine is on holiday",)
    build, _, last = view.report.stages
    assert (build.size, build.left_behind) == (None, None)
    assert last.size == 45_000
    assert "left behind: not known" in view.static_html()


@pytest.mark.root
def test_thirty_stages(embedded_engine, context):
    text = (
        "".join(f"FROM busybox:test AS s{n}\nCOPY source /{n}\n" for n in range(29))
        + "FROM scratch\n"
        + "".join(f"COPY --from=s{n} /{n} /\n" for n in range(29))
    )
    before = ids(embedded_engine)
    image, view = stages_of(
        embedded_engine, BuildRequest(text, context), TerminalProgress(StringIO())
    )
    base = embedded_engine.image("busybox:test").size
    assert view.frame()["left_behind"].tolist() == [base] * 29 + [0]
    assert ids(embedded_engine) - before == {image.id}
