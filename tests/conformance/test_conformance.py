"""Every case through us and its oracle, and what they made compared."""

from __future__ import annotations

import pytest

from .building import build, write_inputs
from .cases import CASES, HEADINGS
from .judge import judge
from .model import ORACLES, REFERENCE
from .rung_differences import ARGUED
from .rungs import RUNGS
from .summary import PROPERTY, facts_of


@pytest.mark.docker
@pytest.mark.root
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equal(case, oracles, embedded_engine, places, tmp_path, began, record_property):
    case = case.at(places)
    write_inputs(case, tmp_path)
    verdict = judge(
        case, build(embedded_engine, case, tmp_path), oracles.answer(case, tmp_path), began
    )
    record_property(PROPERTY, facts_of(verdict))
    assert not verdict.wrong, "\n" + "\n".join(verdict.wrong)


def test_names_are_unique():
    assert len({case.name.lower() for case in CASES}) == len(CASES)


def test_no_two_cases_build_the_same():
    inputs = {
        (case.dockerfile, *map(repr, (case.context, case.build_args, case.target, case.labels,
                                      case.options, case.secrets, case.contexts, case.before)))
        for case in CASES
    }  # fmt: skip
    assert len(inputs) == len(CASES)


def test_every_heading_of_the_reference_is_walked():
    assert {case.section for case in CASES} == set(HEADINGS)


def test_an_expectation_is_given_where_the_reference_is_the_oracle():
    for case in CASES:
        assert case.oracle in ORACLES
        stated = case.expect is not None or case.error != ""
        assert stated if case.oracle == REFERENCE else case.expect is None, case.name


def test_every_difference_is_argued():
    assert [case.name for case in CASES if case.differs and not case.why] == []


def test_what_is_argued_of_rungs_names_rungs_and_cases():
    assert ARGUED.keys() <= RUNGS.keys()
    names = {case.name for case in CASES}
    assert [name for cases in ARGUED.values() for name in cases if name not in names] == []
