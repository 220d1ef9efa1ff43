"""The stages view as a widget in JupyterLab: drawn, chosen, by keys; and what is left of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.browser.conftest import Lab
from tests.fixtures.axe import serious_violations
from tests.fixtures.browser import OpenNotebook

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "stages.png"
LIVE = ".container-magics-live .view"
DOCKERFILE = """\
FROM busybox:test AS build
RUN mkdir /sdk && head -c 9000000 /dev/zero > /sdk/compiler
RUN mkdir /out && head -c 1800000 /dev/zero > /out/app && echo free > /out/LICENCE

FROM busybox:test AS docs
COPY <<END /manual
app: does what it is for.
END

FROM build AS test
RUN test -s /out/app

FROM busybox:test
COPY --from=docs /manual /usr/share/doc/app/
COPY --from=build /out/app /usr/bin/
COPY --from=build /out/LICENCE /usr/share/doc/app/
CMD ["app"]
"""
CELL = f"%%dockerfile --stages -t app:1 .\n{DOCKERFILE}"


def shown(lab: Lab, cell: str = CELL) -> OpenNotebook:
    """A notebook with this cell executed, and the view drawn."""
    notebook = lab.open([cell])
    notebook.run_all()
    notebook.wait_ended(1, 60_000)
    notebook.wait_idle()
    notebook.cell(1).locator(LIVE).locator(".box").first.wait_for()
    return notebook


def test_stages_are_drawn_and_chosen(lab: Lab):
    notebook = shown(lab)
    live = notebook.cell(1).locator(LIVE)
    assert "✓ Built app:1" in notebook.output(1)
    assert live.locator("h3").first.inner_text() == "Stages of app:1"
    build = live.locator(".box", has_text=re.compile(r"^build"))
    assert "leaves 11MB behind" in build.inner_text()
    assert live.locator(".box.unneeded").count() == 1
    assert "nothing the target needs" in live.locator(".box.unneeded").inner_text()
    assert "not built" in live.locator(".box.unneeded").inner_text()
    assert live.locator('.box[aria-selected="true"]').inner_text().startswith("stage 3")
    assert live.locator(".label", has_text="/out/app +1 more").count() == 1
    assert live.locator(".arrow.COPY").count() == 3  # the third is the legend's
    build.click()
    about = live.locator(".about")
    about.locator("h3", has_text="Stage build").wait_for()
    instruction = about.locator("tr", has_text="RUN mkdir /sdk")
    assert re.search(r"\d\.\ds", instruction.inner_text())
    assert "9MB" in instruction.inner_text()
    taken = about.locator("tr", has_text="/out/app to /usr/bin/").last
    assert "stage 3" in taken.inner_text()
    assert "1.8MB" in taken.inner_text()
    assert "Left behind" in about.inner_text()
    assert live.locator(".lit .arrow").count() == 3
    if os.environ.get("CONTAINER_MAGICS_PICTURES") == "1":
        notebook.picture(PICTURE, first=1)


def test_it_can_be_used_with_keys_alone(lab: Lab):
    notebook = shown(lab)
    live = notebook.cell(1).locator(LIVE)
    chosen = live.locator('.box[aria-selected="true"]')
    assert live.locator('.box[tabindex="0"]').count() == 1
    live.locator('.box[tabindex="0"]').focus()
    notebook.page.keyboard.press("ArrowLeft")
    first = chosen.inner_text().split("\n")[0]
    assert first in {"build", "docs"}
    notebook.page.keyboard.press("ArrowLeft")
    assert chosen.inner_text().startswith("busybox:test")
    live.locator(".about h3", has_text="Image busybox:test").wait_for()
    notebook.page.keyboard.press("End")
    assert live.locator(".box:focus").count() == 1
    notebook.page.keyboard.press("Home")
    assert chosen.inner_text().startswith("busybox:test")
    notebook.page.keyboard.press("ArrowRight")
    column = {chosen.inner_text().split("\n")[0]}
    for key in ("ArrowDown", "ArrowUp"):
        notebook.page.keyboard.press(key)
        column.add(chosen.inner_text().split("\n")[0])
    assert column == {"build", "docs"}
    # The keys were the view's, not the notebook's.
    assert notebook.panel.locator(".jp-Notebook .jp-Cell").count() == 2


def test_axe_finds_nothing_serious_in_any_theme(lab: Lab):
    notebook = shown(lab)
    notebook.cell(1).locator(LIVE).locator(".box", has_text=re.compile(r"^build")).click()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.change_theme(theme)
        assert serious_violations(notebook.page, ".container-magics-live") == []


def test_a_function_call_builds_and_shows_the_same(lab: Lab):
    notebook = shown(
        lab,
        "import container_magics as cm\n"
        f"view = cm.stages({DOCKERFILE!r}, target='docs')\nview",
    )  # fmt: skip
    live = notebook.cell(1).locator(LIVE)
    assert "✓ Built" in notebook.output(1)
    assert live.locator(".box.target").inner_text().startswith("docs")
    assert live.locator(".box.unneeded").count() == 3


def test_hostile_paths_are_text(lab: Lab):
    path = "<img src=x onerror=alert(1)>$x$"
    notebook = shown(
        lab,
        "%%dockerfile --stages .\nFROM busybox:test AS one\n"
        'RUN echo > "/<img src=x onerror=alert(1)>\\$x\\$"\n'
        'FROM scratch\nCOPY --from=one ["/<img src=x onerror=alert(1)>*", "/"]\n',
    )
    live = notebook.cell(1).locator(LIVE)
    live.locator(".label", has_text="/<img src=x").wait_for()
    assert path.partition("$")[0] in live.locator(".about").inner_text()
    assert live.locator("img").count() == 0


def test_thirty_stages_are_scrolled_to(lab: Lab):
    text = (
        "".join(f"FROM busybox:test AS s{n}\nCOPY test.ipynb /{n}\n" for n in range(29))
        + "FROM scratch\n"
        + "".join(f"COPY --from=s{n} /{n} /\n" for n in range(29))
    )
    notebook = shown(lab, f"%%dockerfile --stages .\n{text}")
    live = notebook.cell(1).locator(LIVE)
    assert live.locator(".box.stage").count() == 30
    frame = live.locator(".frame")
    assert frame.evaluate("node => node.scrollHeight > 2 * node.clientHeight")
    live.locator(".box", has_text=re.compile("^s0FROM")).click()
    box = live.locator('.box[aria-selected="true"]')
    for _ in range(28):
        notebook.page.keyboard.press("ArrowDown")
    inside = frame.evaluate(
        """frame => {
            const [outer, inner] = [frame, frame.querySelector('[aria-selected="true"]')]
                .map(node => node.getBoundingClientRect());
            return inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
        }"""
    )
    assert inside, box.inner_text()
    assert frame.evaluate("node => node.scrollTop") > 1000


def test_a_build_that_fails_ends_in_a_message(lab: Lab):
    notebook = lab.open(
        [
            "%%dockerfile --stages\nFROM busybox:test AS one\nRUN exit 3\n"
            "FROM scratch\nCOPY --from=one / /",
            "%%dockerfile --stages --target bild\nFROM busybox:test AS build\nCMD true",
        ]
    )
    notebook.run(0)
    notebook.run(1)
    notebook.wait_ended(1)
    notebook.run(2)
    notebook.wait_ended(2)
    assert "exit code: 3" in notebook.output(1)
    assert "Did you mean build?" in notebook.output(2)
    for cell in (1, 2):
        assert "Traceback" not in notebook.output(cell)
        assert notebook.cell(cell).locator(LIVE).count() == 0


@pytest.mark.parametrize("trusted", [True, False])
def test_a_reopened_notebook_shows_the_picture_and_the_tables(lab: Lab, trusted: bool):
    notebook = shown(lab)
    static = notebook.outputs(1).locator("img[alt^='Graph of the stages']")
    assert static.count() == 1
    assert not static.is_visible()
    notebook.save()
    notebook.close()
    lab.end_kernels()
    if not trusted:
        lab.distrust(notebook.path)
    again = lab.open()
    assert again.trusted is trusted
    picture = again.outputs(1).locator("img[alt^='Graph of the stages']")
    picture.scroll_into_view_if_needed()
    size = picture.evaluate("node => [node.naturalWidth, node.clientWidth, node.clientHeight]")
    assert size[0] > 1000
    assert size[1] > 600
    assert size[2] > 200
    fits = picture.evaluate(
        "node => node.getBoundingClientRect().right <= "
        "node.closest('.jp-OutputArea-output').getBoundingClientRect().right + 1"
    )
    assert fits
    text = again.output(1)
    for words in ("Stages of app:1", "LEFT BEHIND", "COPY --from", "/out/LICENCE to", "not built"):
        assert words in text
    assert "rror" not in text
    assert again.cell(1).locator(LIVE).count() == 0
