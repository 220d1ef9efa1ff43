from datetime import datetime, timedelta, timezone

import pytest

from container_magics.views.units import ago, binary_size, human_duration, human_size, seconds


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (1, "1B"),
        (999, "999B"),
        (1000, "1kB"),
        (1234, "1.23kB"),
        (9_170_000, "9.17MB"),
        (22_300_000, "22.3MB"),
        (803_000_000, "803MB"),
        (803_499_999, "803MB"),
        (1_000_000_000, "1GB"),
        (1_105_000_000_000, "1.1TB"),
        (999_900, "1e+03kB"),  # go-units does print this
    ],
)
def test_sizes_are_go_units_with_three_digits(size, text):
    assert human_size(size) == text


def test_what_is_reclaimed_has_four_digits():
    assert human_size(1_982_400, 4) == "1.982MB"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1KiB"),
        (1_572_864, "1.5MiB"),
        (8_241_000_000, "7.675GiB"),
    ],
)
def test_memory_has_four_digits_of_base_1024(size, text):
    assert binary_size(size) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (-5, "Less than a second"),
        (0.99, "Less than a second"),
        (1.9, "1 second"),
        (59.9, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (3600 * 1.49, "About an hour"),
        (3600 * 1.5, "2 hours"),
        (3600 * 47.4, "47 hours"),
        (3600 * 48, "2 days"),
        (86400 * 13.9, "13 days"),
        (86400 * 14, "2 weeks"),
        (86400 * 59, "8 weeks"),
        (86400 * 60, "2 months"),
        (86400 * 729, "24 months"),
        (86400 * 730, "2 years"),
    ],
)
def test_durations_are_go_units_words(duration, text):
    assert human_duration(timedelta(seconds=duration)) == text


def test_a_moment_is_shown_as_the_time_since():
    now = datetime(2024, 5, 6, tzinfo=timezone.utc)
    assert ago(now - timedelta(days=5), now) == "5 days ago"
    assert ago(datetime(2024, 5, 5), now) == "24 hours ago"
    assert ago(None, now) == "N/A"


def test_seconds_have_one_decimal():
    assert [seconds(0), seconds(1.64), seconds(123)] == ["0.0s", "1.6s", "123.0s"]
