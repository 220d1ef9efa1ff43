"""The layers view as a widget in JupyterLab: chosen, searched, opened; and what is left of it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from tests.browser.conftest import Lab
from tests.engines.embedded.material import docker_archive, image_config, layer_tar
from tests.fixtures.axe import serious_violations
from tests.views.values import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "layers.png"
LIVE = ".container-magics-live .view"


@pytest.fixture(scope="module", autouse=True)
def images(server):
    """Images in the store of the notebooks."""
    _, store = server
    made = {
        "seen:test": (
            layer_tar({
                "bin/tool": b"\x7fELF" + b"x" * 60_000,
                "etc/motd": b"welcome\n",
                "etc/old": b"o" * 900,
                **{f"usr/share/doc/{n}/text": b"t" * n for n in range(300)},
            }),
            layer_tar({
                "etc/motd": b"welcome back\n", "etc/.wh.old": b"", "srv/new": b"n" * 20_000,
            }),
        ),
        "hostile:test": (
            layer_tar({f"d/{HOSTILE}": HOSTILE.encode(), os.fsdecode(b"caf\xe9"): b"1"}),
        ),
        "empty:test": (),
    }  # fmt: skip
    history = {
        "seen:test": ["COPY rootfs /", "RUN rm /etc/old && make"],
        "hostile:test": [HOSTILE + "y" * 10_000],
    }
    engine = EmbeddedEngine(store)
    for name, layers in made.items():
        config = image_config(*layers)
        config["history"] = [{"created_by": each} for each in history.get(name, [])]
        engine.load(io.BytesIO(docker_archive(config, layers, tags=(name,))))
    engine.close()


def shown(lab: Lab, *cells: str):
    """A notebook with these cells executed, and its page."""
    notebook = lab.open(list(cells))
    notebook.run_all()
    notebook.wait_ended(len(cells))
    notebook.wait_idle()
    return notebook


def test_a_layer_is_chosen_and_its_files_looked_at(lab: Lab):
    notebook = shown(lab, "%layers seen:test")
    live = notebook.cell(1).locator(LIVE)
    live.locator(".layer").nth(1).wait_for()
    assert live.locator('.layer[aria-selected="true"]').inner_text().startswith("1")
    assert "COPY rootfs /" in live.inner_text()
    live.locator(".row", has_text="usr/").wait_for()
    live.locator(".layer", has_text="make").click()
    row = live.locator(".row", has_text="etc/")
    row.click()
    removed = live.locator(".row.removed", has_text="old")
    removed.wait_for()
    assert "\N{MINUS SIGN}" in removed.inner_text()
    assert "~" in live.locator(".row.changed", has_text="motd").inner_text()
    live.locator(".row.changed", has_text="motd").click()
    live.get_by_role("button", name="View").click()
    live.locator("pre", has_text="welcome back").wait_for()
    live.get_by_role("button", name="Extract").click()
    live.locator("text=Written to").wait_for()
    folder = lab.server.root / Path(notebook.path).parent
    assert (folder / "motd").read_text() == "welcome back\n"
    live.get_by_role("button", name="Extract").click()
    live.locator(".problem", has_text="is there already").wait_for()
    if os.environ.get("CONTAINER_MAGICS_PICTURES") == "1":
        live.get_by_role("button", name="View").click()
        live.locator("pre").wait_for()
        notebook.picture(PICTURE, first=1)


def test_files_are_searched_and_filtered(lab: Lab):
    notebook = shown(lab, "%layers seen:test")
    live = notebook.cell(1).locator(LIVE)
    live.get_by_role("searchbox").fill("DOC/29")
    live.locator("text=11 found").wait_for()
    assert live.locator(".row").first.inner_text().split()[1] == "usr/share/doc/299/text"
    live.get_by_role("searchbox").fill("")
    live.locator(".layer", has_text="make").click()
    for kind in ("added", "changed"):
        live.get_by_role("checkbox", name=kind).uncheck()
    live.locator("text=1 found").wait_for()
    assert "etc/old" in live.locator(".row").inner_text()
    live.get_by_role("checkbox", name="added").check()
    live.get_by_role("checkbox", name="changed").check()
    live.get_by_label("Which files").select_option("all")
    live.locator(".row", has_text="usr/").wait_for()
    assert live.locator(".row.removed").count() == 0


def test_it_can_be_used_with_keys_alone(lab: Lab):
    notebook = shown(lab, "%layers seen:test")
    live = notebook.cell(1).locator(LIVE)
    live.locator(".layer").first.focus()
    notebook.page.keyboard.press("ArrowDown")
    assert "make" in live.locator('.layer[aria-selected="true"]').inner_text()
    live.locator(".row", has_text="srv/").wait_for()
    live.locator(".row").first.focus()
    notebook.page.keyboard.press("ArrowRight")
    live.locator(".row", has_text="new").wait_for()
    notebook.page.keyboard.press("ArrowDown")
    notebook.page.keyboard.press("Enter")
    live.locator(".about", has_text="/srv/new").wait_for()
    # The keys were the view's, not the notebook's.
    assert notebook.panel.locator(".jp-Notebook .jp-Cell").count() == 2


def test_axe_finds_nothing_serious_in_any_theme(lab: Lab):
    notebook = shown(lab, "%layers seen:test")
    live = notebook.cell(1).locator(LIVE)
    live.locator(".row", has_text="etc/").click()
    live.locator(".row", has_text="motd").click()
    live.get_by_role("button", name="View").click()
    live.locator("pre").wait_for()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.change_theme(theme)
        assert serious_violations(notebook.page, ".container-magics-live") == []


def test_hostile_names_are_text_and_odd_ones_can_be_opened(lab: Lab):
    notebook = shown(lab, "%layers hostile:test")
    live = notebook.cell(1).locator(LIVE)
    live.locator(".row", has_text="caf").click()
    live.get_by_role("button", name="View").click()
    live.locator("pre", has_text="1").wait_for()
    live.locator(".row", has_text="d/").click()
    live.locator(".row", has_text=HOSTILE).click()
    live.get_by_role("button", name="View").click()
    live.locator("pre", has_text=HOSTILE).wait_for()
    assert HOSTILE in live.locator(".layer").inner_text()
    assert live.locator("img").count() == 0


def test_an_empty_image_and_an_unknown_one_say_so(lab: Lab):
    notebook = lab.open(["%layers --no-raise-error sen:test", "%layers empty:test"])
    notebook.run_all()
    notebook.wait_ended(2)
    assert "Did you mean seen:test?" in notebook.output(1)
    assert "Traceback" not in notebook.output(1)
    notebook.cell(2).locator(LIVE, has_text="holds no files").wait_for()


def test_a_damaged_layer_is_a_message_in_the_cell(lab: Lab):
    notebook = lab.open(
        [
            "%%dockerfile -t damaged:test\nFROM scratch\nCOPY test.ipynb /damaged",
            f"from pathlib import Path\n"
            f"newest = max(Path({str(lab.store)!r}).glob('layers/*/split'), "
            "key=lambda path: path.stat().st_mtime)\n"
            "newest.write_bytes(b'no gzip')",
            "%layers damaged:test",
        ]
    )
    notebook.run_all()
    notebook.wait_text(3, "CorruptArchiveError")
    shown = notebook.output(3)
    assert "header stream" in shown
    assert "Traceback" not in shown
    assert ".py" not in shown


@pytest.mark.parametrize("trusted", [True, False])
def test_a_reopened_notebook_shows_the_static_form_and_no_error(lab: Lab, trusted: bool):
    notebook = shown(lab, "%layers seen:test")
    live = notebook.cell(1).locator(LIVE)
    live.locator(".row").first.wait_for()
    assert not notebook.outputs(1).get_by_text("run this cell where Jupyter widgets").is_visible()
    notebook.save()
    notebook.close()
    lab.end_kernels()
    if not trusted:
        lab.distrust(notebook.path)
    again = lab.open()
    assert again.trusted is trusted
    text = again.output(1)
    for words in ("Layers of seen:test", "COPY rootfs /", "RUN rm /etc/old && make", "20kB"):
        assert words in text
    assert "rror" not in text
    assert again.cell(1).locator(LIVE).count() == 0
    again.outputs(1).locator("summary", has_text="make").click()
    assert again.outputs(1).get_by_text("\N{MINUS SIGN} 900B /etc/old").is_visible()


def test_a_page_loaded_again_is_live_again_and_a_restart_brings_the_static_form_back(lab: Lab):
    notebook = shown(lab, "%layers seen:test")
    notebook.cell(1).locator(LIVE).locator(".row").first.wait_for()
    notebook.save()
    notebook.page.reload()
    notebook.wait_idle()
    notebook.cell(1).locator(LIVE).locator(".row").first.wait_for()
    notebook.restart()
    notebook.cell(1).locator(LIVE).wait_for(state="detached")
    assert notebook.outputs(1).get_by_text("run this cell where Jupyter widgets").is_visible()
    notebook.wait_idle()
