"""`experiment`: variants of a Dockerfile, for real, on both engines."""

from __future__ import annotations

import pytest

import container_magics as cm
from container_magics.commands.session import Session
from container_magics.errors import StepFailedError, UsageError
from tests.fixtures.embedding import embedded

TEXT = "FROM busybox:test\nRUN echo made > /made\nCMD cat /made\n"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("embedded", marks=pytest.mark.root),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    if request.param == "docker":
        yield Session(engine=request.getfixturevalue("docker_engine"))
        return
    with embedded(tmp_path_factory.mktemp("store")) as engine:
        yield Session(engine=engine)


def test_one_call_builds_runs_and_compares(session, capsys):
    variants = {
        "Single Stage": TEXT,
        "smaller": "FROM busybox:test AS build\nRUN echo made > /made\n"
        "FROM scratch\nCOPY --from=build /bin/busybox /cat\nCOPY --from=build /made /\n"
        'CMD ["/cat", "/made"]\n',
    }
    view = cm.experiment(
        variants, context=None, name="tried/app", reference={"smaller": 9}, session=session
    )
    assert view.differing == {}
    assert view.frame()["same"].all()
    assert "✓ All 2 variants print the same." in str(view)
    frame = view.frame().set_index("name")
    assert frame["image"].tolist() == ["tried/app:single-stage", "tried/app:smaller"]
    assert (frame["cold"] > 0).all()
    assert frame.loc["smaller", "shells"] == ""
    assert "sh" in frame.loc["Single Stage", "shells"]
    assert frame.loc["smaller", "reference"] == 9_000_000
    assert len(view.figure().axes) == 2
    again = cm.experiment(variants, context=None, name="tried/app", session=session)
    assert [trial.again for trial in again.trials] == [True, True]
    capsys.readouterr()


def test_a_variant_that_prints_something_else_says_so(session):
    variants = {"one": TEXT, "two": TEXT.replace("echo made", "echo other")}
    view = cm.experiment(variants, context=None, session=session)
    assert view.differing == {"two": "prints something else than one"}
    for form in (str(view), view.static_html(), "\n".join(view.start()["verdict"])):
        assert "✗" in form
        assert "prints something else than one" in form
    assert view.frame()["same"].tolist() == [True, False]


def test_a_command_and_what_to_expect_of_it(session):
    view = cm.experiment(
        {"one": TEXT}, context=None, command=["echo", "given"], expect="given", session=session
    )
    assert view.trials[0].stdout == b"given\n"
    assert view.differing == {}
    assert "✓ The variant runs." in str(view)


def test_hostile_output_and_names_stay_text(session):
    hostile = "<img src=x onerror=alert(1)>"
    text = TEXT.replace("echo made", f"echo '{hostile}'")
    view = cm.experiment({hostile: text}, context=None, session=session)
    html = view.static_html()
    assert "<img src=x" not in html
    assert "&lt;img src=x" in html


def test_a_variant_that_cannot_be_built_stops(session):
    with pytest.raises(StepFailedError) as failure:
        cm.experiment({"bad": "FROM busybox:test\nRUN exit 3\n"}, context=None, session=session)
    assert failure.value.returncode == 3


def test_variants_that_fail_alike_are_not_praised(session):
    text = "FROM busybox:test\nCMD echo no; exit 3\n"
    view = cm.experiment({"one": text, "two": text}, context=None, session=session)
    assert view.differing == {}
    assert "All 2 variants print the same, and exit with status 3." in str(view)


def test_no_variants_and_no_context_are_told(session, tmp_path):
    with pytest.raises(UsageError, match="there are no variants"):
        cm.experiment({}, session=session)
    with pytest.raises(UsageError, match="is no folder"):
        cm.experiment({"one": TEXT}, context=tmp_path / "nowhere", session=session)


def test_files_can_be_variants_too(session, tmp_path):
    (tmp_path / "Dockerfile.one").write_text(TEXT)
    view = cm.experiment({"one": tmp_path / "Dockerfile.one"}, context=None, session=session)
    assert view.trials[0].stdout == b"made\n"
    with pytest.raises(UsageError, match="failed to read dockerfile"):
        cm.experiment({"one": tmp_path / "Dockerfile.two"}, context=None, session=session)
