import struct

import pytest

from container_magics.errors import UsageError
from container_magics.views.sizes import size_chart

from .values import image

BOOK = {"single_stage": 803, "multi_stage": 9.17, "distroless": 22.3}
SIZES = {
    "go:single_stage": 884_000_000,
    "go:multi_stage": 10_000_000,
    "go:distroless": 24_000_000,
}


def texts(chart) -> list[str]:
    axes = chart.figure().axes[0]
    legend = axes.get_legend()
    return [text.get_text() for text in axes.texts] + (
        [text.get_text() for text in legend.get_texts()] if legend else []
    )


def test_every_number_is_written_out_with_its_share_and_the_book_s():
    shown = texts(size_chart(SIZES, reference=BOOK))
    for text in ("884MB", "10MB", "24MB", "803MB", "9.17MB", "22.3MB"):
        assert text in shown
    assert "1/88 of the largest" in shown
    assert "1/37 of the largest" in shown
    assert shown[-2:] == ["measured here", "the book"]


def test_bars_are_on_a_logarithmic_scale_that_says_so():
    axes = size_chart(SIZES).figure().axes[0]
    assert axes.get_xscale() == "log"
    assert "logarithmic" in axes.get_xlabel()
    assert "1MB" in axes.get_xlabel()
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert ends == pytest.approx(list(SIZES.values()))
    assert all(bar.get_x() == axes.get_xlim()[0] for bar in axes.patches)


def test_what_the_book_says_is_a_hollow_diamond_and_not_a_bar():
    axes = size_chart(SIZES, reference=BOOK).figure().axes[0]
    assert [line.get_marker() for line in axes.lines] == ["D"] * 3
    assert {line.get_markerfacecolor() for line in axes.lines} == {"white"}
    assert len(axes.patches) == 3


def test_without_a_reference_there_is_no_legend():
    shown = texts(size_chart(SIZES))
    assert "the book" not in shown


def test_values_and_text():
    chart = size_chart(SIZES, reference=BOOK)
    frame = chart.frame()
    assert frame["size"].tolist() == list(SIZES.values())
    assert frame["reference"].tolist() == [803_000_000, 9_170_000, 22_300_000]
    assert str(chart).splitlines()[0].split() == ["IMAGE", "SIZE", "OF", "LARGEST", "THE", "BOOK"]
    assert "1/88" in str(chart)


def test_images_are_named_by_their_first_name_or_id():
    frame = size_chart([image(letter="a", names=("x:1", "x:2")), image(letter="b", names=())])
    assert frame.frame()["name"].tolist() == ["x:1", "b" * 12]


def test_a_picture_is_twice_as_sharp_as_its_stated_size():
    png, metadata = size_chart(SIZES, reference=BOOK, title="Sizes")._repr_png_()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (2 * metadata["width"], 2 * metadata["height"])
    assert 600 <= metadata["width"] <= 900


@pytest.mark.parametrize("sizes", [{"empty": 0}, {"$x^2$ \u202e <b>": 1, "n" * 10_000: 10**15}])
def test_odd_sizes_and_names_can_be_drawn(sizes):
    chart = size_chart(sizes, title="$broken")
    png, _ = chart._repr_png_()
    assert len(png) > 1000
    assert "\u202e" not in str(chart)
    labels = chart.figure().axes[0].get_yticklabels()
    assert all(len(label.get_text()) < 100 for label in labels)


def test_figures_leave_no_trace_in_pyplot():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    size_chart(SIZES).figure()
    assert plt.get_fignums() == before


def test_a_chart_of_nothing_is_refused_and_so_is_a_reference_to_no_image():
    with pytest.raises(UsageError):
        size_chart({})
    with pytest.raises(UsageError, match="distroles"):
        size_chart(SIZES, reference={"distroles": 1.0})
