import pytest

from container_magics.views import history_table, images_table

from .values import HOSTILE, entry, image, image_id, summary

DIGEST = "sha256:" + "d" * 64


def test_images_print_as_docker_prints_them():
    table = images_table(
        [
            summary("a", ["go-hello-world:single_stage"], size=803_000_000),
            summary("b", ["alpine:3.18.0", "localhost:5000/me/alpine:3"], days=60),
            summary("c", [], size=0),
        ]
    )
    assert str(table) == (
        "REPOSITORY                 TAG            IMAGE ID       CREATED        SIZE\n"
        "go-hello-world             single_stage   aaaaaaaaaaaa   5 days ago     803MB\n"
        "alpine                     3.18.0         bbbbbbbbbbbb   2 months ago   9.17MB\n"
        "localhost:5000/me/alpine   3              bbbbbbbbbbbb   2 months ago   9.17MB\n"
        "<none>                     <none>         cccccccccccc   5 days ago     0B"
    )
    assert repr(table) == str(table)


def test_narrow_columns_are_ten_wide_as_in_docker():
    text = str(images_table([summary("a", ["x:y"])]))
    assert text.splitlines()[1].startswith("x" + " " * 12 + "y" + " " * 9 + "aaaaaaaaaaaa   ")


def test_no_images_is_a_line_of_headings():
    assert str(images_table([])) == "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE"


def test_quiet_prints_ids_alone():
    table = images_table([summary("a", ["x:1", "x:2"])], quiet=True)
    assert str(table) == "aaaaaaaaaaaa\naaaaaaaaaaaa"
    assert str(images_table([summary()], quiet=True, no_trunc=True)) == image_id("a")


def test_digests_have_a_row_for_each_name_and_digest():
    shown = summary("a", ["x:1", "x:2", "y:1"], digests=(f"x@{DIGEST}", f"z@{DIGEST}"))
    rows = [
        (row["repository"], row["tag"], row["digest"])
        for row in images_table([shown], digests=True)
    ]
    assert rows == [
        ("x", "1", DIGEST),
        ("x", "2", DIGEST),
        ("y", "1", "<none>"),
        ("z", "<none>", DIGEST),
    ]
    assert "DIGEST" not in str(images_table([shown]))


def test_a_stand_in_is_marked_in_the_terminal_and_in_html():
    table = images_table([summary("a", ["golang:1.20.5"], stand_in_for="golang:1.20.5"), summary()])
    lines = str(table).splitlines()
    assert lines[1].endswith("stand-in for golang:1.20.5")
    assert "stand-in" not in lines[2]
    assert "stand-in for golang:1.20.5" in table._repr_html_()
    assert "NOTE" not in str(images_table([summary()]))


def test_a_frame_holds_the_values_themselves():
    frame = images_table([summary(size=803_000_000)]).frame()
    assert frame["size"].tolist() == [803_000_000]
    assert frame["image_id"].tolist() == [image_id("a")]
    assert frame["created"].dt.tz is not None


def test_names_from_outside_are_text_in_html_and_cut():
    hostile = summary("a", [f"{HOSTILE}:{HOSTILE}"], stand_in_for=f"\u202e{HOSTILE}")
    table = images_table([hostile, summary("b", ["n" * 10_000 + ":x"])])
    html = table._repr_html_()
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "\u202e" not in html + str(table)
    assert len(html) < 10_000
    assert max(map(len, str(table).splitlines())) < 1_000


@pytest.mark.parametrize("tag", ["<style", "<script", "<svg", "data-"])
def test_html_needs_only_inline_styles(tag):
    assert tag not in images_table([summary()])._repr_html_()


def test_dollar_signs_are_not_typeset_as_mathematics():
    assert images_table([summary()])._repr_html_().startswith('<table class="mathjax_ignore ')


def test_history_prints_as_docker_prints_it():
    history = [
        entry("/bin/sh -c #(nop) ADD file:abc in / ", days=60, size=77_000_000),
        entry("ENV A=1", comment="buildkit.dockerfile.v0"),
        entry("RUN /bin/sh -c\tapt-get update && apt-get install -y nginx # b", size=1_230_000),
    ]
    assert str(history_table(image(history))) == (
        "IMAGE          CREATED        CREATED BY"
        "                                      SIZE      COMMENT\n"
        "aaaaaaaaaaaa   3 days ago     RUN /bin/sh -c apt-get update && apt-get ins…   1.23MB    \n"
        "<missing>      3 days ago     ENV A=1"
        "                                         0B        buildkit.dockerfile.v0\n"
        "<missing>      2 months ago   /bin/sh -c #(nop) ADD file:abc in /"
        "             77MB      "
    )


def test_whole_history_has_whole_instructions_bytes_and_times():
    long = "RUN " + "x" * 200
    table = history_table(image([entry(long, size=1234)]), no_trunc=True, human=False)
    text = str(table)
    assert text.startswith("IMAGE ")
    assert "CREATED AT" in text
    assert long in text
    assert " 1234 " in text
    assert image_id("a") in text
    assert table.rows[0]["created"].strftime("%Y-%m-") in text


def test_history_without_a_time_says_so():
    table = history_table(image([entry("FROM x", created=False)]))
    assert "N/A" in str(table)
    assert table.frame()["created"].isna().all()


def test_quiet_history_has_an_id_and_missing_ones():
    table = history_table(image([entry("a"), entry("b")]), quiet=True)
    assert str(table) == "aaaaaaaaaaaa\n<missing>"
