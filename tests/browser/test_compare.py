"""The compare view as a widget in JupyterLab: controlled, looked into, and what is left of it."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from random import Random

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from tests.browser.conftest import Lab
from tests.engines.embedded.material import docker_archive, image_config, layer_tar
from tests.fixtures.axe import serious_violations
from tests.fixtures.busybox import busybox_tar
from tests.views.values import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "compare.png"
LIVE = ".container-magics-live .view"
COMPARED = "%compare shop:full shop:slim --reference full=25.5 --reference slim=2"


def executable(mode: int = 0o755) -> tarfile.TarInfo:
    member = tarfile.TarInfo()
    member.mode = mode
    return member


def half_random(seed: int) -> bytes:
    """100 kB that compress about as well as programs do."""
    return Random(seed).randbytes(40_000) + bytes(60_000)


@pytest.fixture(scope="module", autouse=True)
def images(server):
    """Images in the store of the notebooks."""
    _, store = server
    base = busybox_tar()
    tools = layer_tar({
        **{f"usr/lib/compiler/{n:03}.a": half_random(n) for n in range(240)},
        "usr/bin/pip": executable(),
        "usr/bin/su": executable(0o4755),
        "etc/motd": b"welcome\n",
    })  # fmt: skip
    app = layer_tar({"srv/app": b"\x7fELF" + b"a" * 900_000})
    made = {
        "shop:full": ((base, tools, app), {}),
        "shop:slim": ((base, app, layer_tar({"etc/motd": b"hi there"})), {"User": "me"}),
        "many:test": ((layer_tar({f"d/f{n:05}": b"" for n in range(25_000)}),), {}),
        "hostile:test": ((layer_tar({f"d/{HOSTILE}": b"1"}),), {"User": HOSTILE}),
        "empty:test": ((), {}),
    }
    engine = EmbeddedEngine(store)
    for name, (layers, config) in made.items():
        archive = docker_archive(image_config(*layers, **config), layers, tags=(name,))
        engine.load(io.BytesIO(archive))
    engine.close()


def shown(lab: Lab, *cells: str):
    """A notebook with these cells executed."""
    notebook = lab.open(list(cells))
    notebook.run_all()
    notebook.wait_ended(len(cells))
    notebook.wait_idle()
    return notebook


def test_sizes_are_bars_on_either_scale(lab: Lab):
    notebook = shown(lab, COMPARED)
    live = notebook.cell(1).locator(LIVE)
    bars = live.locator(".stack")
    bars.first.wait_for()

    def ratio() -> float:
        first, second = (bar.bounding_box()["width"] for bar in bars.all())
        return second / first

    sizes = live.locator(".chart strong").all_inner_texts()
    assert len(sizes) == 2
    assert 0.3 < ratio() < 0.8
    assert live.locator(".stack .shared").count() == 4
    live.get_by_role("button", name="linear").click()
    assert ratio() < 0.15
    assert live.locator(".chart strong").all_inner_texts() == sizes
    assert live.locator(".said", has_text="25.5MB: the book").is_visible()
    live.get_by_role("button", name="logarithmic").press("Enter")
    assert ratio() > 0.3


def test_bars_keep_their_length_on_a_narrow_page(lab: Lab):
    notebook = shown(lab, COMPARED)
    notebook.page.set_viewport_size({"width": 700, "height": 900})
    live = notebook.cell(1).locator(LIVE)
    plot = live.locator(".plot").first.bounding_box()
    number = live.locator(".chart strong").first.bounding_box()
    assert plot["width"] > 200
    assert number["y"] >= plot["y"] + plot["height"]


def test_bandwidth_versions_and_nodes_are_chosen(lab: Lab):
    notebook = shown(lab, COMPARED)
    live = notebook.cell(1).locator(LIVE)
    row = live.locator(".reasons tbody tr").first
    before = row.locator(".seconds").inner_text()
    live.get_by_role("combobox").select_option(label="10 Mbit/s")
    assert row.locator(".seconds").inner_text() != before
    assert "at 10 Mbit/s" in live.locator(".reasons thead").inner_text()
    live.get_by_role("combobox").select_option(label="other …")
    free = live.get_by_label("Bandwidth in Mbit/s")
    free.fill("0.5")
    assert "at 0.5 Mbit/s" in live.locator(".reasons thead").inner_text()
    free.fill("0")
    assert free.get_attribute("aria-invalid") == "true"
    assert "at 0.5 Mbit/s" in live.locator(".reasons thead").inner_text()
    live.get_by_label("Versions N").fill("1")
    live.get_by_label("Nodes M").fill("1")
    assert "1 version on 1 node" in live.locator(".reasons thead").inner_text()
    assert row.locator(".cost").inner_text() == live.locator(".chart strong").first.inner_text()


def test_what_there_is_to_use_is_said_in_words(lab: Lab):
    notebook = shown(lab, COMPARED)
    full, slim = notebook.cell(1).locator(LIVE).locator(".reasons tbody tr").all()
    assert "as applets of busybox" in full.inner_text()
    assert "Runs as: root" in full.inner_text()
    assert "pip" in full.inner_text()
    assert "base: busybox:test" in full.inner_text()
    full.locator("summary", has_text="Set-UID files: 1").click()
    assert full.get_by_text("-rwsr-xr-x 0:0 /usr/bin/su").is_visible()
    assert "Set-UID files: none" in slim.inner_text()
    assert "Runs as: me" in slim.inner_text()


def test_the_files_of_two_images_are_compared_when_asked(lab: Lab):
    notebook = shown(lab, COMPARED)
    live = notebook.cell(1).locator(LIVE)
    live.get_by_role("button", name="Compare the files").click()
    usr = live.locator(".files").get_by_role("button", name="usr/")
    usr.wait_for()
    assert live.locator("label", has_text="different: 1 path, 8B in A, 8B in B").is_visible()
    if os.environ.get("CONTAINER_MAGICS_PICTURES") == "1":
        notebook.picture(PICTURE, first=1)
    usr.press("Enter")
    lib = live.locator(".files").get_by_role("button", name="lib/")
    lib.wait_for()
    live.locator("nav").get_by_role("button", name="/", exact=True).click()
    live.get_by_role("checkbox", name="only in A").uncheck()
    usr.wait_for(state="detached")
    live.get_by_role("searchbox").fill("MOTD")
    row = live.locator(".files tbody tr", has_text="/etc/motd")
    row.wait_for()
    assert row.inner_text().split()[0] == "≠"
    assert "content" in row.inner_text()


def test_many_files_do_not_freeze_the_page(lab: Lab):
    notebook = shown(lab, "%compare many:test shop:slim")
    live = notebook.cell(1).locator(LIVE)
    live.get_by_role("button", name="Compare the files").click()
    live.locator(".files").get_by_role("button", name="d/").click()
    live.get_by_text("25,000 paths, the largest 200 are shown").wait_for()
    assert live.locator(".files tbody tr").count() == 200
    live.get_by_role("searchbox").fill("f2499")
    live.get_by_text("10 paths", exact=True).wait_for()


def test_axe_finds_nothing_serious_in_any_theme(lab: Lab):
    notebook = shown(lab, COMPARED)
    live = notebook.cell(1).locator(LIVE)
    live.get_by_role("button", name="Compare the files").click()
    live.locator(".files").get_by_role("button", name="usr/").click()
    live.locator("summary", has_text="Layers, and who").click()
    live.locator("summary", has_text="Set-UID files: 1").click()
    live.get_by_role("combobox").select_option(label="other …")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.change_theme(theme)
        assert serious_violations(notebook.page, ".container-magics-live") == []


def test_hostile_names_are_text(lab: Lab):
    notebook = shown(
        lab,
        "import container_magics as cm\n"
        f"cm.compare({{{HOSTILE!r}: 'hostile:test', {'n' * 5000!r}: 'empty:test'}})",
    )
    live = notebook.cell(1).locator(LIVE)
    live.get_by_role("button", name="Compare the files").click()
    live.locator(".files").get_by_role("button", name="d/").click()
    live.locator(".files tbody tr", has_text=HOSTILE).wait_for()
    assert HOSTILE in live.locator(".chart").inner_text()
    assert f"Runs as: {HOSTILE}" in live.locator(".reasons").inner_text()
    assert live.locator("img").count() == 0
    area = notebook.outputs(1).first
    assert area.evaluate("area => area.scrollWidth <= area.clientWidth")


def test_one_image_the_same_twice_an_empty_and_an_unknown_one(lab: Lab):
    notebook = lab.open(
        [
            "%compare shop:slim",
            "%compare shop:slim shop:slim",
            "%compare empty:test shop:slim",
            "%compare --no-raise-error shop:slm shop:slim",
        ]
    )
    notebook.run_all()
    notebook.wait_ended(4)
    notebook.wait_idle()
    assert "One image" in notebook.cell(1).locator(LIVE).inner_text()
    twice = notebook.cell(2).locator(LIVE)
    assert "shop:slim (2)" in twice.inner_text()
    twice.get_by_role("button", name="Compare the files").click()
    twice.get_by_text("Nothing differs here.").wait_for()
    assert "0 layers" in notebook.cell(3).locator(LIVE).inner_text()
    assert "Did you mean shop:slim?" in notebook.output(4)
    assert "Traceback" not in notebook.output(4)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_reopened_notebook_shows_the_static_form(lab: Lab, trusted: bool):
    notebook = shown(lab, COMPARED)
    notebook.cell(1).locator(LIVE).locator(".stack").first.wait_for()
    notebook.save()
    notebook.close()
    lab.end_kernels()
    if not trusted:
        lab.distrust(notebook.path)
    again = lab.open()
    assert again.trusted is trusted
    text = again.output(1)
    for words in (
        "2 images compared",
        "25.5MB: the book",
        "2 shared",
        "to pull, estimated",
        "Performance: at 100 Mbit/s",
        "Cost: 10 versions × 20 nodes",  # noqa: RUF001 - as it is shown
        "Runs as: me",
    ):
        assert words in text
    assert "rror" not in text
    assert again.cell(1).locator(LIVE).count() == 0
    segments = again.outputs(1).locator('div[title^="layer"]').all()
    assert len(segments) == 6
    widths = [segment.bounding_box()["width"] for segment in segments]
    assert widths[1] > 5 * widths[0]
    for bar in (segments[:3], segments[3:]):
        assert len({round(segment.bounding_box()["y"]) for segment in bar}) == 1
    dashed = [
        segment
        for segment in segments
        if segment.evaluate("each => getComputedStyle(each).borderTopStyle") == "dashed"
    ]
    assert len(dashed) == 4
