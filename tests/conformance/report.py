"""What to say of all verdicts: each oracle's counts, and every case that is not equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .judge import DIFFERENT, EQUAL, REFUSED, Verdict
from .model import ORACLES

__all__ = ["report"]


def report(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Lines of text: counts by oracle, then what is different, refused or wrong, and why."""
    for oracle in ORACLES:
        counts = Counter(verdict.kind for verdict in verdicts if verdict.case.oracle == oracle)
        yield (
            f"{oracle}: {counts.total()} cases: {counts[EQUAL]} equal, "
            f"{counts[DIFFERENT]} different, {counts[REFUSED]} refused"
        )
    for kind in (DIFFERENT, REFUSED):
        for verdict in (verdict for verdict in verdicts if verdict.kind == kind):
            why = "; ".join(verdict.reasons) or "not argued"
            yield f"  {kind} {verdict.case.name} ({verdict.case.oracle}): {why}"
    for verdict in verdicts:
        for line in verdict.wrong:
            yield f"  WRONG {verdict.case.name}: {line}"
