from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from container_magics.engines.events import Cancellation, EngineEvent, Message
from container_magics.errors import FetchError
from container_magics.lab.packages import fetch

pytestmark = pytest.mark.skipif(not shutil.which("apt-get"), reason="no apt-get here")


def sources(tmp_path: Path, line: str) -> Path:
    etc = tmp_path / "etc"
    (etc / "sources.list.d").mkdir(parents=True)
    (etc / "sources.list").write_text(line)
    return etc


def fetched(names, cache: Path, **where):
    events: list[EngineEvent] = []
    result = fetch(names, cache, events.append, Cancellation(), **where)
    return result, [event.text for event in events if isinstance(event, Message)]


def test_without_a_debian_archive_it_says_what_is_needed(tmp_path):
    etc = sources(tmp_path, "deb http://packages.invalid/tool stable tool\n")
    with pytest.raises(FetchError, match="name no Debian archive") as raised:
        fetch(["hostname"], tmp_path / "cache", print, Cancellation(), etc)
    assert "Debian" in raised.value.hint


def test_an_archive_that_does_not_answer_is_quoted(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        etc = sources(tmp_path, f"deb http://127.0.0.1:{port}/debian bookworm main\n")
        with pytest.raises(FetchError) as raised:
            fetch(["hostname"], tmp_path / "cache", print, Cancellation(), etc)
    assert f"127.0.0.1:{port}" in raised.value.message


def test_without_apt_it_says_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="apt-get is not installed") as raised:
        fetch(["hostname"], tmp_path / "cache", print, Cancellation())
    assert "Debian" in raised.value.hint


def test_a_cancelled_fetch_says_so(tmp_path):
    cancel = Cancellation()
    cancel.cancel()
    with pytest.raises(FetchError, match="cancelled"):
        fetch(["hostname"], tmp_path / "cache", print, cancel)


@pytest.mark.slow
def test_a_package_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FetchError, match="Unable to locate package no-such-package-here"):
        fetch(["no-such-package-here"], tmp_path / "cache", print, Cancellation())


@pytest.mark.slow
def test_fetches_dependencies_and_a_second_time_no_package(tmp_path):
    first, said = fetched(["hostname"], tmp_path / "cache")
    names = {path.name.partition("_")[0] for path in first.files}
    assert names >= {"hostname", "libc6"}
    assert sum("Fetched" in text for text in said) == 2
    second, said = fetched(["hostname"], tmp_path / "cache")
    assert second == first
    assert sum("Fetched" in text for text in said) <= 1


@pytest.mark.slow
def test_what_is_no_longer_wanted_is_dropped(tmp_path):
    first, _ = fetched(["hostname"], tmp_path / "cache")
    second, _ = fetched(["libc6"], tmp_path / "cache")
    assert set(second.files) < set(first.files)
    assert set((tmp_path / "cache" / "archives").glob("*.deb")) == set(second.files)


@pytest.mark.slow
def test_a_cached_package_that_was_changed_is_fetched_anew(tmp_path):
    first, _ = fetched(["hostname"], tmp_path / "cache")
    package = next(path for path in first.files if path.name.startswith("hostname_"))
    genuine = package.read_bytes()
    package.write_bytes(genuine[:-1] + bytes([genuine[-1] ^ 1]))
    fetched(["hostname"], tmp_path / "cache")
    assert package.read_bytes() == genuine
