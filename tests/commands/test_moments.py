"""Times as flags write them."""

from __future__ import annotations

import pytest

from container_magics.commands.containers.moments import duration, moment
from container_magics.errors import UsageError

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("1h2m3.5s", 3723.5), ("1.5ms", 0.0015), (".5s", 0.5), ("-3s", -3)],
)
def test_a_length_of_time(text, seconds):
    assert duration(text) == pytest.approx(seconds)
    assert moment(text, "since", NOW) == pytest.approx(NOW - seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1577934245", 1577934245),
        ("1577934245.25", 1577934245.25),
        ("2020-01-02T03:04:05Z", 1577934245),
        ("2020-01-02T03:04:05.25Z", 1577934245.25),
        ("2020-01-02T05:04:05+02:00", 1577934245),
        ("2020-01-02Z", 1577923200),
        ("2020-01-02T03:04Z", 1577934240),
        ("2020-01-01T22:04:05", 1577934245),
        ("2020-01-01T22", 1577934000),
        ("2020-01-01", 1577854800),
    ],
)
def test_a_date_or_seconds(text, seconds, monkeypatch):
    import time

    monkeypatch.setenv("TZ", "EST5")
    time.tzset()
    try:
        assert moment(text, "since", NOW) == seconds
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "soon", "5 m", "2020-13-01", "2020-01-02T25:00"])
def test_nonsense(text):
    with pytest.raises(UsageError, match='invalid value for "until"'):
        moment(text, "until", NOW)
