"""`%docker`, `%%docker` and `%%dockerfile` in real IPython on a real engine."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from container_magics.commands.results import RunOutput
from container_magics.errors import (
    NotFoundError,
    RunError,
    StepFailedError,
    UnsupportedError,
    UsageError,
)
from container_magics.views import Table

CELL = """\
%%dockerfile {line}
FROM box:1
RUN echo {text} > /greeting
CMD ["cat", "/greeting"]
"""


def test_a_statement_shows_its_value_once_and_an_assignment_keeps_it(notebook):
    last = notebook("%docker images box")
    assert [display["text/plain"].count("box ") for display in last.displays] == [1]
    assert "<table" in last.displays[0]["text/html"]
    assert last.value is None
    earlier = notebook("%docker images box\n1 + 1")
    assert len(earlier.displays) == 1
    assert earlier.value == 2
    kept = notebook("images = %docker images box")
    assert (kept.displays, kept.out) == ([], "")
    assert isinstance(notebook["images"], Table)
    frame = notebook["images"].frame()
    assert list(frame["repository"]) == ["box"]


def test_statements_in_loops_show_theirs(notebook):
    ran = notebook("for name in ['box:1', 'box:1']:\n    %docker images -q {name}")
    assert len(ran.displays) == 2


def test_local_variables_are_seen(notebook):
    ran = notebook("def f(what):\n    x = %docker images -q {what}\n    return x\nf('box:1')")
    assert len(ran.value) == 1


def test_run_streams_and_keeps(notebook):
    ran = notebook("r = %docker run --rm box:1")
    assert (ran.out, ran.err) == ("hello\n", "oops\n")
    result = notebook["r"]
    assert isinstance(result, RunOutput)
    assert (result.stdout, result.stderr, result.returncode) == ("hello\n", "oops\n", 0)
    statement = notebook("%docker run --rm box:1")
    assert statement.out == "hello\n"
    assert (statement.value, statement.displays) == (None, [])


def test_a_failing_container_stops_the_cell(notebook):
    ran = notebook("%docker run --rm box:1 sh -c 'exit 3'\nreached = True")
    assert isinstance(ran.error, RunError)
    assert ran.error.returncode == 3
    assert "reached" not in notebook.shell.user_ns
    assert ran.out.strip() == "RunError: box:1 sh -c exit 3: exited with status 3"


def test_no_raise_error_goes_on(notebook):
    ran = notebook("r = %docker run --no-raise-error --rm box:1 sh -c 'echo x; exit 3'\n7")
    assert ran.error is None
    assert ran.value == 7
    assert (notebook["r"].returncode, notebook["r"].stdout) == (3, "x\n")


def test_no_raise_error_prints_what_could_not_start(notebook):
    ran = notebook("r = %docker run --no-raise-error --rm --entrypoint nothing-here box:1")
    assert ran.error is None
    assert notebook["r"].returncode == 127
    assert "nothing-here" in ran.err


def test_a_cell_is_standard_input(notebook):
    ran = notebook("%%docker run -i --rm box:1 sh\necho got $0 {x} '{{y}}'\n")
    assert ran.out == "got sh {x} {{y}}\n"
    built = notebook("%%docker build -q -t stdin:1 -\nFROM box:1\nENV A=1\n")
    assert built.error is None, built.err
    env = notebook("x = %docker inspect -f '{{json .Config.Env}}' stdin:1\nx[0]")
    assert '"A=1"' in env.value


def test_words_reach_the_container_unharmed(notebook):
    notebook("spaced = 'a  b'\nwords = ['1', '2 3']")
    ran = notebook("%docker run --rm box:1 printf '[%s]' {spaced} \"$spaced\" {words} '$x' '{y}'")
    assert ran.out == "[a  b][a  b][1][2 3][$x][{y}]"


def test_a_dockerfile_cell_builds_and_binds(notebook):
    built = notebook(CELL.format(line="-t cell:1 --as image", text="one"))
    assert built.error is None, built.err
    assert built.value is None
    assert notebook["image"].names == ("cell:1",)
    assert notebook("%docker run --rm {image}").out == "one\n"
    assert "cell:1" in built.err + built.out + str(built.displays)


def test_a_dockerfile_line_goes_on_after_a_backslash(notebook):
    cell = CELL.format(line="-t cell:2 \\\n   --as image \\\n  .", text="two")
    built = notebook(cell)
    assert built.error is None, built.err
    assert notebook("%docker run --rm cell:2").out == "two\n"


def test_a_failing_build_raises_and_keeps_the_tag(notebook):
    notebook(CELL.format(line="-t keep:1 --as image", text="kept"))
    before = notebook["image"].id
    ran = notebook("%%dockerfile -t keep:1 --as image\nFROM box:1\nRUN echo last words; exit 3\n")
    assert isinstance(ran.error, StepFailedError)
    assert ran.error.returncode == 3
    assert notebook["image"] is None
    kept = notebook("x = %docker inspect -f '{{.Id}}' keep:1\nx[0]")
    assert kept.value == before
    again = notebook("%%dockerfile --no-raise-error\nFROM box:1\nRUN exit 4\n")
    assert again.error is None
    assert "StepFailedError" in again.err


def test_usage_errors_are_messages_without_frames(notebook):
    for cell, kind, said in [
        ("%docker imagess", UsageError, "Did you mean 'docker images'?"),
        ("%docker run --privileged box:1", UnsupportedError, "--privileged"),
        ("%docker images | grep x", UnsupportedError, "x = %docker images"),
        ("%docker run {nowhere}", UsageError, "no variable named 'nowhere'"),
        ("%%dockerfile -f x .\nFROM box:1", UnsupportedError, "--write FILE"),
        ("%docker history nothing:1", NotFoundError, "nothing:1"),
        ("%docker export x", UsageError, "-o FILE"),
        ("%docker image prune", UsageError, "Add -f"),
    ]:
        ran = notebook(cell)
        assert type(ran.error) is kind, cell
        assert said in ran.out
        assert "Traceback" not in ran.out
        assert ".py" not in ran.out


def test_an_escape_in_a_message_is_not_passed_on(notebook):
    ran = notebook("%docker run --rm 'bo\x1b]0;title\x07x'")
    assert ran.error is not None
    assert "\x1b" not in ran.out + ran.err


def test_images_go_out_and_come_back(notebook, tmp_path):
    notebook(CELL.format(line="-t round:1", text="round"))
    notebook("%docker save -o {0}/x.tar round:1".replace("{0}", str(tmp_path)))
    notebook("%docker rmi round:1")
    assert isinstance(notebook("%docker history round:1").error, NotFoundError)
    loaded = notebook(f"names = %docker load -i {tmp_path}/x.tar")
    assert loaded.out == "Loaded image: round:1\n"
    assert notebook("%docker run --rm {names}").out == "round\n"


def test_flattening(notebook, tmp_path):
    archive = tmp_path / "flat.tar"
    with tarfile.open(archive, "w") as tar:
        info = tarfile.TarInfo("bin/busybox")
        data = Path("busybox").read_bytes()
        info.size, info.mode = len(data), 0o755
        tar.addfile(info, io.BytesIO(data))
    ran = notebook(f'%docker import -c \'CMD ["/bin/busybox", "echo", "flat"]\' {archive} flat:1')
    assert ran.out.startswith("sha256:")
    assert notebook("%docker run --rm flat:1").out == "flat\n"
    rows = notebook("%docker history flat:1").displays[0]["text/plain"].splitlines()
    assert len(rows) == 2


def test_a_missing_folder_is_made_for_a_mount(notebook, tmp_path):
    folder = tmp_path / "new" / "folder"
    ran = notebook(f"%docker run --rm -v {folder}:/data box:1 sh -c 'echo here > /data/x'")
    assert ran.error is None, ran.out
    assert (folder / "x").read_text() == "here\n"


def test_completion(notebook):
    notebook("%docker images")
    complete = notebook.shell.complete
    assert "images" in complete(None, "%docker ima", 11)[1]
    assert complete(None, "x = %docker run --ent", 21)[1] == ["--entrypoint"]
    assert "box:1" in complete(None, "%docker run bo", 14)[1]
    assert "prune" in complete(None, "%docker image pr", 16)[1]
