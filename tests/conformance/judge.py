"""What a build is worth: equal to its oracle, different, refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .compare import differences
from .model import Case
from .outcome import Failure, Outcome

__all__ = ["DIFFERENT", "EQUAL", "REFUSED", "Argued", "Verdict", "judge"]

EQUAL, DIFFERENT, REFUSED = "equal", "different", "refused"

Argued = Mapping[str, str]
"""Differences that are argued: the beginning of their lines, and why."""


@dataclass(frozen=True)
class Verdict:
    """What came of one case.

    Attributes:
        case: that was built.
        kind: `EQUAL`, `DIFFERENT`, or `REFUSED` by name.
        lines: the differences that are argued.
        reasons: why they are right.
        wrong: the differences that nobody argued, and arguments that are no longer needed.
    """

    case: Case
    kind: str
    lines: Sequence[str]
    reasons: Sequence[str]
    wrong: Sequence[str]


def judge(
    case: Case, ours: Outcome, oracle: Outcome, began: float, argued: Argued | None = None
) -> Verdict:
    """Hold an outcome against the oracle's and against what the case says of both.

    Args:
        case: what was built.
        ours: what came of it.
        oracle: what had to come of it.
        began: seconds since the epoch: when the first of the builds began.
        argued: differences of this rung, next to the case's own.
    """
    found = differences(ours, oracle, began)
    if case.error or (isinstance(ours, Failure) and isinstance(oracle, Failure)):
        found += [f"the oracle {text}" for text in _against(case, oracle, (case.line, 0))]
        found += [f"we {text}" for text in _against(case, ours, (case.line,))]
    reasons = {**dict.fromkeys(case.differs, case.why), **(argued or {})}
    lines = [line for line in found if line.startswith(tuple(reasons))]
    needed = {
        start: why for start, why in reasons.items() if any(x.startswith(start) for x in found)
    }
    stale = [
        f"no longer different: {start}"
        for start in (argued if argued is not None else case.differs)
        if start not in needed
    ]
    kind = DIFFERENT if found else EQUAL
    if isinstance(ours, Failure) and "UnsupportedError" in ours.kinds:
        kind = REFUSED
    return Verdict(
        case,
        kind,
        lines,
        list(dict.fromkeys(needed.values())) or [case.why],
        [*(line for line in found if line not in lines), *stale],
    )


def _against(case: Case, outcome: Outcome, lines: Sequence[int]) -> list[str]:
    if not isinstance(outcome, Failure):
        return [f"built it, without {case.error}"] if case.error else []
    if case.error not in outcome.kinds:
        return [f"raised {outcome.kinds[0]}, not {case.error or 'nothing'}"]
    wrong = []
    if case.words not in outcome.message:
        wrong.append(f"does not say {case.words!r}: {outcome.message!r}")
    if outcome.line is not None and outcome.line not in lines:
        wrong.append(f"names line {outcome.line}, not {case.line}")
    return wrong
