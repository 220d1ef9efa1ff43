import re
import subprocess
import sys
from pathlib import Path

import pytest

from container_magics.views.progress import log_file
from container_magics.views.progress.log_file import LogFile
from container_magics.views.progress.log_html import folded_log_html, open_log_html
from container_magics.views.terminal_text import LogBuffer


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(log_file, "_folder", lambda: tmp_path)
    return tmp_path


def feed(log, count):
    for number in range(count):
        log.feed(1, b"line %d\n" % number)
    log.end()


def test_a_log_that_fits_makes_no_file(folder):
    log = LogBuffer(file=LogFile("step-1"))
    feed(log, 500)
    assert "left out" not in folded_log_html(log)
    assert list(folder.iterdir()) == []


def test_the_gap_names_a_file_that_holds_all(folder):
    log = LogBuffer(file=LogFile("step-1"))
    feed(log, 5000)
    log.feed(2, b"last \x1b[31mwords")
    log.end()
    path = folder / "step-1.log"
    said = f"4,501 lines left out; all of it: {path}"
    assert said in folded_log_html(log)
    assert said in open_log_html(log)
    whole = [*(f"line {number}" for number in range(5000)), "last words"]
    assert path.read_text().splitlines() == whole
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_only_the_page_leaves_out_is_in_a_file_too(folder):
    log = LogBuffer(file=LogFile("step-1"))
    for number in range(400):
        log.feed(1, b"%d %s\n" % (number, b"x" * 380))
    log.end()
    assert log.left_out == 0
    html = folded_log_html(log)
    assert re.search(r"\d+ lines left out; all of it: \S+/step-1.log", html)
    assert (folder / "step-1.log").read_text().count("\n") == 400
    assert folded_log_html(log) == html
    assert (folder / "step-1.log").read_text().count("\n") == 400


def test_builds_do_not_write_over_each_others_files(folder):
    for _ in range(3):
        feed(LogBuffer(head=1, tail=1, file=LogFile("step-1")), 3)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["step-1-2.log", "step-1-3.log", "step-1.log"]


def test_a_file_is_cut_at_its_limit_and_says_so(folder):
    log = LogBuffer(head=1, tail=1, file=LogFile("step-1", limit=1000))
    feed(log, 50_000)
    *kept, last = (folder / "step-1.log").read_text().splitlines()
    assert kept == [f"line {number}" for number in range(len(kept))]
    assert 900 < sum(len(line) + 1 for line in kept) <= 1000
    assert last == "… the log goes on; its first 1kB are kept"
    assert f"left out; its first 1kB: {folder}/step-1.log" in folded_log_html(log)


def test_a_full_disk_is_said_and_does_no_harm(folder, monkeypatch):
    full = Path("/dev/full")
    monkeypatch.setattr(log_file, "_create", lambda _name: full)
    removed: list[Path] = []
    # The test's root may delete even the device.
    monkeypatch.setattr(Path, "unlink", lambda path: removed.append(path))  # noqa: PLW0108
    log = LogBuffer(file=LogFile("step-1"))
    feed(log, 100_000)
    assert (
        "99,500 lines left out; the whole log could not be kept: No space left on device"
        in folded_log_html(log)
    )
    assert removed == [full]


def test_no_folder_for_temporary_files_does_no_harm(monkeypatch):
    def fail():
        raise FileNotFoundError(2, "No usable temporary directory")

    monkeypatch.setattr(log_file, "_folder", fail)
    log = LogBuffer(file=LogFile("step-1"))
    feed(log, 1000)
    assert "could not be kept: No usable temporary directory" in folded_log_html(log)


ENDING = """\
import os, sys
from container_magics.views.progress.log_file import LogFile
file = LogFile("step-1")
file.write(["x"])
file.flush()
print(file.note.removeprefix("all of it: "), flush=True)
if os.fork() == 0:
    sys.exit()
os.wait()
print(os.path.exists(file.note.removeprefix("all of it: ")))
"""


def test_the_folder_goes_with_the_process_and_not_with_its_forks():
    run = subprocess.run([sys.executable, "-c", ENDING], check=True, capture_output=True, text=True)
    path, there = run.stdout.splitlines()
    assert "/container-magics-" in path
    assert there == "True"
    assert not Path(path).parent.exists()
