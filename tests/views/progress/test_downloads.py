import pytest

from container_magics.engines.events import VertexStatus
from container_magics.views.progress.downloads import Download


def status(current, total=100_000_000, **more) -> VertexStatus:
    return VertexStatus("a", "layer", current, total, **more)


def test_the_rate_is_that_of_the_last_seconds():
    download = Download("layer")
    for second in range(11):
        download.take(status(second * 1_000_000), 100.0 + second)
    assert download.rate(110.0) == pytest.approx(1_000_000)
    for second in range(11, 21):
        download.take(status(10_000_000 + (second - 10) * 4_000_000), 100.0 + second)
    assert download.rate(120.0) == pytest.approx(4_000_000)
    assert download.rate(123.0) == pytest.approx(8_000_000 / 5)
    assert download.rate(125.0) is None  # it stalls


def test_a_rate_that_is_not_known_yet_is_none():
    download = Download("layer")
    assert download.rate(1.0) is None
    download.take(status(5_000_000), 100.0)
    assert download.rate(100.0) is None
    assert download.rate(101.0) is None  # when the first bytes came is not known
    download.take(status(5_000_001), 100.01)
    assert download.rate(100.01) is None


def test_at_the_end_it_is_the_average():
    download = Download("layer")
    for second, amount in enumerate([0, 90_000_000, 95_000_000, 100_000_000]):
        download.take(status(amount), 100.0 + second)
    assert download.done
    assert download.rate(500.0) == pytest.approx(100_000_000 / 3)


def test_the_engines_own_times_count_where_it_gives_both():
    download = Download("layer")
    download.take(status(10, 100, started=5.0), 1000.0)
    download.take(status(100, 100, started=5.0, completed=7.0), 1001.0)
    assert download.rate(2000.0) == 50.0


def test_unknown_totals_end_when_the_engine_says_so():
    download = Download("layer")
    download.take(status(10, 0), 100.0)
    assert not download.done
    download.take(status(20, 0, completed=1.0), 101.0)
    assert download.done
    assert download.rate(200.0) == 10.0
