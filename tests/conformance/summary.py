"""The suite's report at the end of a test run, also of one that several processes share.

A plugin of `tests/conftest.py`: pytest reads no other where the tests run elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from .judge import Verdict

__all__ = ["PROPERTY", "facts_of"]

PROPERTY = "conformance"
"""The property of a test that has its verdict's facts."""


def facts_of(verdict: Verdict) -> Mapping[str, Any]:
    """A verdict as values that go from process to process."""
    return {
        "name": verdict.case.name,
        "kind": verdict.kind,
        "reasons": list(verdict.reasons),
        "wrong": list(verdict.wrong),
    }


class _Collected:
    """Takes the verdicts out of the tests' reports."""

    def __init__(self) -> None:
        self.facts: list[Mapping[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.facts += [value for name, value in report.user_properties if name == PROPERTY]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Count the oracles apart, and list what is not equal."""
        if self.facts:
            terminalreporter.section("conformance")
            for line in _lines(self.facts):
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Collected(), "conformance-summary")


def _lines(facts: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    from .cases import CASES
    from .report import report

    cases = {case.name: case for case in CASES}
    return list(
        report(
            [
                Verdict(cases[one["name"]], one["kind"], (), one["reasons"], one["wrong"])
                for one in facts
            ]
        )
    )
