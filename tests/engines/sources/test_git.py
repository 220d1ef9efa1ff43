"""Checking out real repositories, served by `git http-backend`."""

from __future__ import annotations

import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server

import pytest

from container_magics.engines.events import Cancellation
from container_magics.engines.sources.git import checkout, parse, resolve
from container_magics.errors import BuildError
from tests.conftest import missing
from tests.fixtures.git import commit, git, missing_for_git, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Repositories `main` (two commits, an annotated tag, branches, a submodule) and `sub`."""
    if reason := missing_for_git():
        missing(reason)
    root = tmp_path_factory.mktemp("repositories")
    with serving(root) as server:
        sub, main = root / "sub.git", root / "main.git"
        for directory in (sub, main):
            directory.mkdir()
            git(directory, "init", "--quiet")
        commit(sub, {"subfile": "subcontents\n"})
        commit(main, {"abc": "foo\n", "docs/page": "one\n"}, "first")
        (main / "run").write_text("#!/bin/sh\n")
        (main / "run").chmod(0o755)
        (main / "docs/link").symlink_to("../../..")
        (main / "docs/inner").symlink_to("../docs")
        commit(main, {"def": "bar\n"}, "second")
        git(main, "tag", "-a", "-m", "annotated", "v1")
        git(main, "branch", "same-name")
        commit(main, {"third": "3\n"}, "third")
        git(main, "tag", "light")
        git(main, "tag", "same-name")
        git(main, "checkout", "--quiet", "-b", "with/submodule")
        git(main, "submodule", "add", "--quiet", f"{server.url}/sub.git/.git", "sub")
        commit(main, {}, "submodule")
        git(main, "checkout", "--quiet", "main")
        yield server


@pytest.fixture
def url(server):
    return f"{server.url}/main.git/.git"


@pytest.fixture
def here(tmp_path):
    path = tmp_path / "checkout"
    path.mkdir()
    return path


def named(server, name):
    return git(server.root / "main.git", "rev-parse", f"{name}^{{commit}}")


def files(directory: Path) -> set[str]:
    return {
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }


ALL = {"abc", "def", "run", "docs/page", "docs/link", "docs/inner"}


def test_the_default_branch(server, url, here):
    assert checkout(parse(url), here, Cancellation()) == named(server, "main")
    assert files(here) == ALL | {"third"}
    assert (here / "def").read_text() == "bar\n"


@pytest.mark.parametrize(
    ("suffix", "name", "more"),
    [
        ("#v1", "v1", set()),
        ("?tag=v1", "v1", set()),
        ("#refs/tags/v1", "v1", set()),
        ("#light", "light", {"third"}),
        ("?branch=main", "main", {"third"}),
        ("#heads/main", "main", {"third"}),
        ("#same-name", "refs/heads/same-name", set()),
        ("?tag=same-name", "refs/tags/same-name", {"third"}),
    ],
)
def test_branches_and_tags(server, url, here, suffix, name, more):
    assert checkout(parse(url + suffix), here, Cancellation()) == named(server, name)
    assert files(here) == ALL | more


def test_a_commit_that_no_branch_or_tag_names(server, url, here):
    first = named(server, "v1~1")
    assert checkout(parse(f"{url}#{first}"), here, Cancellation()) == first
    assert files(here) == {"abc", "docs/page"}


@pytest.mark.parametrize(
    ("suffix", "name"), [("#v1", "v1"), ("?branch=main", "main"), ("#{}", "v1~1")]
)
def test_a_server_that_gives_advertised_commits_only(server, url, here, monkeypatch, suffix, name):
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.version")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "0")
    wanted = named(server, name)
    assert checkout(parse(url + suffix.format(wanted)), here, Cancellation()) == wanted
    assert (here / "abc").exists()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_server_of_plain_files(server, here):
    root = server.root / "main.git"
    git(root, "update-server-info")
    handler = partial(_Quiet, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as plain:
        threading.Thread(target=plain.serve_forever, args=(0.01,)).start()
        url = parse(f"http://127.0.0.1:{plain.server_port}/.git?branch=main")
        try:
            assert checkout(url, here, Cancellation()) == named(server, "main")
        finally:
            plain.shutdown()
    assert files(here) == ALL | {"third"}


def test_resolving_fetches_nothing_and_a_commit_asks_nothing(server, url):
    del server.requests[:]
    revision = resolve(parse(f"{url}#v1"), Cancellation())
    assert revision.ref == "refs/tags/v1"
    assert revision.commit == named(server, "v1") != revision.object
    assert len(server.requests) <= 2
    del server.requests[:]
    resolve(parse(f"{url}#{revision.commit}"), Cancellation())
    assert server.requests == []


def test_a_subdirectory_alone(url, here):
    checkout(parse(f"{url}#main:docs"), here, Cancellation())
    assert files(here) == {"page", "link", "inner"}


@pytest.mark.parametrize("subdir", ["docs/inner", "/docs", "./docs/", "docs/../docs", "../docs"])
def test_a_subdirectory_written_in_other_ways(url, here, subdir):
    checkout(parse(f"{url}#main:{subdir}"), here, Cancellation())
    assert files(here) == {"page", "link", "inner"}


@pytest.mark.parametrize("subdir", ["missing", "abc", "docs/link", "docs/link/etc"])
def test_a_subdirectory_that_is_none_or_leads_out(url, here, subdir):
    with pytest.raises(BuildError, match="failed to open subdir"):
        checkout(parse(f"{url}#main:{subdir}"), here, Cancellation())


def test_submodules_are_checked_out_unless_switched_off(url, here, tmp_path):
    checkout(parse(f"{url}#with/submodule"), here, Cancellation())
    assert (here / "sub/subfile").read_text() == "subcontents\n"
    assert not (here / "sub/.git").exists()
    other = tmp_path / "other"
    other.mkdir()
    checkout(parse(f"{url}?branch=with/submodule&submodules=0"), other, Cancellation())
    assert list((other / "sub").iterdir()) == []


def test_the_git_directory_is_kept_when_asked(server, url, here):
    checkout(parse(f"{url}#v1"), here, Cancellation(), keep_git_dir=True)
    assert git(here, "rev-parse", "HEAD") == named(server, "v1")
    assert git(here, "describe", "--tags") == "v1"
    assert git(here, "log", "--format=%s") == "second"
    assert git(here, "status", "--porcelain") == ""
    assert git(here, "remote", "get-url", "origin") == url
    assert not (here / ".git/hooks").exists()


def test_the_git_directory_of_a_branch_has_the_branch(server, url, here):
    checkout(parse(f"{url}#main"), here, Cancellation(), keep_git_dir=True)
    assert git(here, "rev-parse", "refs/heads/main") == named(server, "main")


def test_modes_do_not_depend_on_the_umask(url, here):
    before = os.umask(0o077)
    try:
        checkout(parse(url), here, Cancellation())
    finally:
        os.umask(before)
    assert (here / "abc").stat().st_mode & 0o777 == 0o644
    assert (here / "run").stat().st_mode & 0o777 == 0o755
    assert (here / "docs").stat().st_mode & 0o777 == 0o755


def test_a_checksum_that_fits_and_one_that_does_not(server, url, here):
    first = named(server, "v1")
    assert checkout(parse(f"{url}?tag=v1&commit={first[:8]}"), here, Cancellation()) == first
    with pytest.raises(BuildError, match=f"expected checksum to match deadbeef, got {first}"):
        resolve(parse(f"{url}?tag=v1&commit=deadbeef"), Cancellation())
    with pytest.raises(BuildError, match="expected hex commit hash"):
        resolve(parse(f"{url}?tag=v1&commit=v1"), Cancellation())


def test_a_ref_that_is_not_there(url):
    with pytest.raises(BuildError, match="repository does not contain ref nope"):
        resolve(parse(f"{url}#nope"), Cancellation())


def test_a_short_commit_is_no_ref(server, url):
    with pytest.raises(BuildError) as caught:
        resolve(parse(f"{url}#{named(server, 'main')[:7]}"), Cancellation())
    assert "needs its full ID" in caught.value.hint


def test_a_commit_that_is_not_there(url, here):
    with pytest.raises(BuildError, match="git"):
        checkout(parse(f"{url}#{'0' * 39}1"), here, Cancellation())


def test_a_ref_that_looks_like_an_option_is_a_ref(url, here):
    with pytest.raises(BuildError, match="repository does not contain ref --upload-pack"):
        checkout(parse(f"{url}#--upload-pack=touch$IFS/tmp/x"), here, Cancellation())


def test_no_repository_and_no_password_in_the_message(server):
    wrong = server.url.replace("://", "://me:hunter2@") + "/missing.git"
    with pytest.raises(BuildError, match="git ls-remote failed") as caught:
        resolve(parse(wrong), Cancellation())
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("secret", ["me:hunter2", "hunter2", "me:a=hunter2"])
def test_a_password_is_used_and_left_nowhere(server, here, secret, monkeypatch):
    name, _, password = secret.partition(":")
    monkeypatch.setattr(server, "credentials", f"{name}:{password}")
    url = f"{server.url.replace('://', f'://{secret}@')}/main.git/.git"
    checkout(parse(f"{url}#with/submodule"), here, Cancellation(), keep_git_dir=True)
    assert git(here, "remote", "get-url", "origin") == f"{server.url}/main.git/.git"
    assert (here / "sub/subfile").exists()
    for path in here.rglob("*"):
        assert path.is_dir() or b"hunter2" not in path.read_bytes()


def test_a_repository_that_asks_for_a_password(server, url, monkeypatch):
    monkeypatch.setattr(server, "credentials", "me:hunter2")
    with pytest.raises(BuildError) as caught:
        resolve(parse(url), Cancellation())
    assert "set up a git credential helper" in caught.value.hint


def test_a_credential_helper_of_the_user_is_asked(server, url, monkeypatch, tmp_path):
    monkeypatch.setattr(server, "credentials", "me:hunter2")
    config = tmp_path / "config"
    config.write_text('[credential]\n helper = "!echo username=me; echo password=hunter2; :"\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert resolve(parse(url), Cancellation()).commit == named(server, "main")


def test_git_that_is_missing_is_named(url, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(BuildError, match="not installed") as caught:
        resolve(parse(url), Cancellation())
    assert "apt-get install git" in caught.value.hint


def test_a_server_that_says_nothing_can_be_given_up():
    cancel = Cancellation()
    with create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=lambda: (silent.accept(), cancel.cancel())).start()
        with pytest.raises(BuildError, match="cancelled"):
            resolve(parse(f"http://127.0.0.1:{silent.getsockname()[1]}/x.git"), cancel)


def test_hooks_and_templates_of_the_user_do_not_run(url, here, tmp_path, monkeypatch):
    hooks, template = tmp_path / "hooks", tmp_path / "template"
    for directory in (hooks, template / "hooks"):
        directory.mkdir(parents=True)
        (directory / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (directory / "post-checkout").chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[core]\n hooksPath = {hooks}\n[init]\n templateDir = {template}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    checkout(parse(url), here, Cancellation(), keep_git_dir=True)
    assert not (tmp_path / "ran").exists()
    assert not (here / ".git/hooks").exists()
