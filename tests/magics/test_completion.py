"""The Tab key after `%docker`, on real engines."""

from __future__ import annotations

from collections.abc import Callable


def test_names_are_those_that_the_next_word_can_be(notebook):
    made = notebook(
        "%docker run -d --name shop-runs box:1 sleep 1000\n"
        "%docker run --name shop-ended box:1\n"
        "%docker create --name shop-new -v shop-data:/data box:1"
    )
    assert made.error is None, made.err

    def names(line: str) -> list[str]:
        line = f"%docker {line}"
        found = notebook.shell.complete(None, line, len(line))[1]
        return sorted(each for each in found if each.startswith("shop-"))

    try:
        _check(names)
    finally:
        notebook("%docker rm -fv shop-runs shop-ended shop-new\n%docker volume rm shop-data")


def _check(names: Callable[[str], list[str]]) -> None:
    everyone = ["shop-ended", "shop-new", "shop-runs"]
    assert names("rm sh") == everyone
    assert names("logs -f --tail 5 shop-") == everyone
    assert names("container inspect shop-ended sh") == ["shop-new", "shop-runs"]
    assert names("stop sh") == ["shop-runs"]
    assert names("container exec -it sh") == ["shop-runs"]
    assert names("start sh") == ["shop-ended", "shop-new"]
    assert names("unpause sh") == []
    assert names("cp sh") == ["shop-ended:", "shop-new:", "shop-runs:"]
    assert names("cp file shop-r") == ["shop-runs:"]
    assert names("volume rm sh") == ["shop-data"]
    assert names("run -v sh") == ["shop-data"]
    assert names("inspect shop-new sh") == ["shop-data", "shop-ended", "shop-runs"]
    # Where the words are one's own.
    for line in ("exec shop-runs sh", "run box:1 sh", "rename shop-new sh", "run --name sh"):
        assert names(line) == [], line
