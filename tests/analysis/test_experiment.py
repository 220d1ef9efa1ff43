"""Variants tried for real: times, sameness, and what is remembered."""

from __future__ import annotations

import pytest

from container_magics.analysis.experiment import Variant, differing, try_variants
from container_magics.engines.build_request import BuildRequest
from container_magics.engines.follow import finish
from container_magics.engines.run_request import RunRequest
from container_magics.errors import StepFailedError

pytestmark = pytest.mark.root

FIRST = "FROM busybox:test\nRUN echo a > /a\nCOPY file /file\nCMD cat /file\n"
SECOND = "FROM busybox:test\nCOPY file /other\nCMD cat /other\n"


@pytest.fixture
def attempt(engine, tmp_path):
    """Try Dockerfiles by name; what was built cold is listed in `attempt.shown`."""
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "file").write_text("hello\n")
    memory, shown = {}, []

    def show(variant, verb):
        shown.append(variant.name)
        return finish(verb)

    def attempt(texts, *command):
        variants = [
            Variant(
                name,
                BuildRequest(text, tmp_path / "context", tags=(f"tried:{name}",)),
                RunRequest("", command),
            )
            for name, text in texts.items()
        ]
        return try_variants(engine, variants, memory, show)

    attempt.shown = shown
    attempt.context = tmp_path / "context"
    return attempt


def test_a_variant_is_built_cold_and_warm_and_run(engine, attempt):
    (trial,) = attempt({"first": FIRST})
    assert trial.cold > 0
    assert trial.warm > 0
    assert not trial.again
    assert (trial.stdout, trial.returncode, trial.failure) == (b"hello\n", 0, "")
    assert trial.image.names == ("tried:first",)
    assert engine.info()["Containers"] == 0


def test_only_what_changed_is_built_again(attempt):
    before = attempt({"first": FIRST, "second": SECOND})
    attempt.shown.clear()
    after = attempt({"first": FIRST, "second": SECOND.replace("CMD", "ENV A=1\nCMD")})
    assert [trial.again for trial in after] == [True, False]
    assert after[0].cold == before[0].cold
    assert attempt.shown == ["second"]
    assert all(t.again for t in attempt({"first": FIRST}))
    (attempt.context / "file").write_text("changed\n")
    (changed,) = attempt({"first": FIRST})
    assert not changed.again
    assert changed.stdout == b"changed\n"


@pytest.mark.parametrize("shared", ["WORKDIR /app\nCOPY file .", "RUN head -c 9 /dev/urandom >/r"])
def test_variants_that_share_steps_do_not_take_them_from_each_other(attempt, shared):
    texts = {
        name: f"FROM busybox:test\n{shared}\nRUN echo {name} >/name\nCMD echo same\n"
        for name in ("first", "second")
    }
    attempt(texts)
    attempt.shown.clear()
    assert [trial.again for trial in attempt(texts)] == [True, True]
    texts["second"] = texts["second"].replace("RUN echo second", "RUN echo other")
    assert [trial.again for trial in attempt(texts)] == [True, False]
    assert [trial.again for trial in attempt(texts)] == [True, True]
    assert attempt.shown == ["second"]


def test_what_differs_is_named(attempt):
    trials = attempt(
        {
            "first": FIRST,
            "same": SECOND,
            "other": FIRST.replace("CMD cat", "CMD head -c 2"),
            "status": FIRST.replace("CMD cat /file", "CMD cat /file; exit 3"),
            "nothing": 'FROM scratch\nCOPY file /file\nCMD ["/no/such"]\n',
        }
    )
    wrong = differing(trials)
    assert set(wrong) == {"other", "status", "nothing"}
    assert wrong["other"] == "prints something else than first"
    assert wrong["status"] == "exits with status 3, first with 0"
    assert wrong["nothing"].startswith("does not run: ")
    assert trials[-1].returncode == 127


def test_an_expected_output_is_the_measure_of_all(attempt):
    trials = attempt({"first": FIRST, "same": SECOND})
    assert differing(trials, "hello") == {}
    assert set(differing(trials, "good bye")) == {"first", "same"}


def test_a_variant_that_cannot_be_built_is_an_error(attempt):
    with pytest.raises(StepFailedError, match="exit code: 7"):
        attempt({"failing": "FROM busybox:test\nRUN exit 7\n"})


def test_a_flood_of_output_is_bounded(attempt):
    (trial,) = attempt({"flood": "FROM busybox:test\nCMD head -c 3000000 /dev/zero\n"})
    assert len(trial.stdout) == 1 << 20
