"""Git URLs: the tables of Docker's documentation ("Git repositories" as build context, ADD)."""

from __future__ import annotations

import pytest

from container_magics.engines.sources.git import GitUrl, is_git_url, parse
from container_magics.errors import UsageError

REPO = "https://github.com/user/myrepo.git"
COMMIT = "05d2d74403d23d99daf70f4eb4fc0ff16cae7f1a"


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/foo.git",
        "http://example.com/foo.git",
        "HTTPS://example.com/foo.git#main",
        "https://example.com/foo.git?branch=main",
        "https://user:secret@example.com/foo.git",
        "git://example.com/foo",
        "git://example.com/foo.git#v1",
        "ssh://git@example.com/foo",
        "ssh://git@example.com:2222/foo.git",
        "git@example.com:foo/bar",
        "git@example.com:foo/bar.git#main:docs",
        "some_body@example.com:bar.git?tag=v1",
    ],
)
def test_a_git_url_is_known(text):
    assert is_git_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/",
        "https://example.com/foo",
        "https://example.com/foo.git/",
        "https://example.com/foo.git.bar",
        "https://example.com/archive.tar.gz#foo.git",
        "https://example.com/?x=foo.git",
        "http://github.com/docker/docker.git:#branch",
        "github.com/moby/buildkit",
        "example.com/moby/buildkit.git",
        "./.git",
        ".git",
        "../repo.git",
        "file:///srv/repo.git",
        "ext::sh -c true",
        "ftp://example.com/foo.git",
        "https:///foo.git",
        "https://exa mple.com/foo.git",
        "https://example.com/foo.git\n--upload-pack=x",
        "https://[::1/foo.git",
        "a:b",
        "",
    ],
)
def test_anything_else_is_none(text):
    assert not is_git_url(text)
    if not text.startswith("github.com/"):
        with pytest.raises(UsageError, match="not the URL of a git repository"):
            parse(text)


def test_a_bare_github_com_is_one_for_a_context_only():
    assert is_git_url("github.com/moby/buildkit", shorthand=True)
    assert parse("github.com/moby/buildkit#v1:docs") == GitUrl(
        "https://github.com/moby/buildkit", "v1", "docs"
    )


@pytest.mark.parametrize(
    ("suffix", "ref", "subdir"),
    [
        ("", "", ""),
        ("#mytag", "mytag", ""),
        ("#mybranch", "mybranch", ""),
        ("#pull/42/head", "pull/42/head", ""),
        ("#:myfolder", "", "myfolder"),
        ("#master:myfolder", "master", "myfolder"),
        ("#release/1.2:a/b", "release/1.2", "a/b"),
        ("#mytag:a:b", "mytag", "a:b"),
        ("#feature%2Fx", "feature/x", ""),
        ("?tag=mytag", "refs/tags/mytag", ""),
        ("?tag=refs/tags/mytag", "refs/tags/mytag", ""),
        ("?branch=mybranch", "refs/heads/mybranch", ""),
        ("?ref=pull/42/head", "pull/42/head", ""),
        ("?subdir=myfolder", "", "myfolder"),
        ("?branch=master&subdir=myfolder", "refs/heads/master", "myfolder"),
        ("?subdir=docs#v1", "v1", "docs"),
        ("?ref=v1#v1:docs", "v1", "docs"),
    ],
)
def test_ref_and_directory_in_fragment_and_query(suffix, ref, subdir):
    assert parse(REPO + suffix) == GitUrl(REPO, ref, subdir)


def test_a_commit_in_the_query_is_a_checksum_and_where_nothing_else_is_the_ref():
    alone, beside = parse(f"{REPO}?commit={COMMIT}"), parse(f"{REPO}?tag=v1&checksum=05d2d74")
    assert (alone.ref, alone.checksum) == (COMMIT, COMMIT)
    assert (beside.ref, beside.checksum) == ("refs/tags/v1", "05d2d74")


@pytest.mark.parametrize(
    ("query", "keep", "submodules"),
    [
        ("keep-git-dir", True, True),
        ("keep-git-dir=", True, True),
        ("keep-git-dir=1", True, True),
        ("keep-git-dir=false", False, True),
        ("submodules=0", None, False),
        ("submodules=true&keep-git-dir=T", True, True),
    ],
)
def test_switches_in_the_query(query, keep, submodules):
    url = parse(f"{REPO}?{query}")
    assert (url.keep_git_dir, url.submodules) == (keep, submodules)


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        ("?colour=red", 'unexpected query "colour"'),
        ("?ref=", 'query "ref" has no value'),
        ("?ref=a&ref=b", 'query "ref" has multiple values'),
        ("?commit=a&checksum=b", 'query "checksum" has multiple values'),
        ("?ref=a#b", 'ref conflicts: "b" vs "a"'),
        ("?tag=a#b", 'ref conflicts: "b" vs "refs/tags/a"'),
        ("?tag=a&branch=b", "branch conflicts with tag"),
        ("?subdir=a#v1:b", 'subdir conflicts: "b" vs "a"'),
        ("?keep-git-dir=maybe", 'invalid keep-git-dir value: "maybe"'),
    ],
)
def test_a_wrong_query_is_refused(suffix, message):
    with pytest.raises(UsageError) as caught:
        parse(REPO + suffix)
    assert message in caught.value.message


@pytest.mark.parametrize("secret", ["me:hunter2", "hunter2", "me:hun=hunter2", ":hunter2"])
def test_a_password_or_token_is_in_no_message(secret):
    with pytest.raises(UsageError) as caught:
        parse(f"https://{secret}@example.com/x.git?colour=red")
    assert "hunter2" not in str(caught.value)
    assert "https://xxxxx@example.com" in str(caught.value)


def test_the_forms_over_ssh_keep_their_remote():
    assert parse("git@example.com:a/b.git#v1:docs") == GitUrl(
        "git@example.com:a/b.git", "v1", "docs"
    )
    assert parse("git@example.com:a/b.git?branch=x").remote == "git@example.com:a/b.git"
    assert parse("ssh://git@example.com:2222/a.git#v1").remote == "ssh://git@example.com:2222/a.git"
