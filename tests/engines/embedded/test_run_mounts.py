"""RUN --mount: what the command sees, what stays of it, and what comes from the cache."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from container_magics.engines.build_request import BuildSecret
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.errors import (
    BuildError,
    DockerfileError,
    PullError,
    SourceNotFoundError,
    StepFailedError,
    UnsupportedError,
)
from tests.fixtures.embedding import Heard, build, embedded, output_of
from tests.fixtures.sandbox import RUNGS

BASE = "FROM busybox:test\n"
SECRET = b"s3cr3t-\xff-of-the-tests\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context: a, script (executable), sub/b, out → /etc, ignored/x."""
    context = tmp_path / "context"
    (context / "sub").mkdir(parents=True)
    (context / "ignored").mkdir()
    (context / "a").write_text("a\n")
    (context / "sub" / "b").write_text("b\n")
    (context / "ignored" / "x").write_text("x\n")
    (context / "script").write_text("#!/bin/sh\necho ran\n")
    (context / "script").chmod(0o755)
    (context / "out").symlink_to("/etc")
    return context


@pytest.fixture
def secret(tmp_path: Path) -> tuple[BuildSecret, ...]:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    return (BuildSecret("s", path),)


def needs_true_owners(engine: EmbeddedEngine) -> None:
    if engine.rung.name in ("oneuid", "proot"):
        pytest.skip(f"on the rung {engine.rung.name} all files belong to one user")


def heard(engine: EmbeddedEngine, text: str, **more: object) -> Heard:
    """What a build said."""
    events = Heard()
    build(engine, text, events, **more)
    return events


def changed(engine: EmbeddedEngine, image: str) -> list[str]:
    """The paths in an image's last layer."""
    layers = engine.contents(image).layers
    return sorted(entry.path for entry in layers[-1].entries)


def snapshot(directory: Path) -> dict[str, bytes]:
    return {os.fspath(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


# --- bind ---------------------------------------------------------------------------------------


def test_the_context_is_seen_and_stays_as_it_is(on_rung, context):
    before = snapshot(context)
    log = heard(
        on_rung,
        f"{BASE}RUN --mount=target=/c cd /c && cat a sub/b && ./script && readlink out\n"
        "RUN --mount=target=/c echo changed > /c/a; echo new > /c/sub/new; rm -f /c/script; true\n"
        "RUN --mount=target=/c,rw echo changed > /c/a && cat /c/a && rm -r /c/sub && mkdir /c/n\n"
        "RUN --mount=target=/c cat /c/a && test -e /c/sub/b && test ! -e /c/n\n",
        context=context,
    ).log
    assert "a\nb\nran\n/etc\n" in log
    assert log.endswith("changed\na\n")
    assert snapshot(context) == before


def test_a_mount_of_the_context_is_read_only(engine, context):
    with pytest.raises(StepFailedError) as caught:
        build(engine, f"{BASE}RUN --mount=target=/c echo x > /c/a\n", context=context)
    assert any("Read-only file system" in line for line in caught.value.tail)


def test_what_dockerignore_excludes_is_not_there(on_rung, context):
    (context / ".dockerignore").write_text("ignored\nsub/*\n!sub/b\n")
    (context / "sub" / "c").write_text("c\n")
    log = heard(
        on_rung, f"{BASE}RUN --mount=target=/c cd /c && ls -A && ls sub\n", context=context
    ).log
    assert log.split() == [".dockerignore", "a", "out", "script", "sub", "b"]


def test_a_part_of_the_context_and_a_single_file(on_rung, context):
    log = heard(
        on_rung,
        f"{BASE}RUN echo old > /tmp/a\n"
        "RUN --mount=source=sub,target=/d --mount=src=/script,dst=/bin/tool "
        "--mount=source=a,target=/tmp/a --mount=source=sub/../a,target=rel/a "
        "ls /d && tool && cat /tmp/a && cat rel/a\nRUN cat /tmp/a; test ! -e /bin/tool\n",
        context=context,
    ).log
    assert log == "b\nran\na\na\nold\n"


def test_files_of_others_in_the_context_are_roots_in_the_container(engine, context):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(context / "a", 1234, 5678)
    log = heard(
        engine,
        f"{BASE}RUN --mount=target=/c stat -c %u:%g /c/a && cp -a /c/a /copied\n"
        "RUN stat -c %u:%g /copied\n",
        context=context,
    ).log
    assert log == "0:0\n0:0\n"


def test_a_stage_and_an_image_behind_their_own_symlinks(on_rung):
    log = heard(
        on_rung,
        f"{BASE.strip()} AS made\nRUN mkdir -p /o/v1 && echo one > /o/v1/f && ln -s /o/v1 /v\n"
        f"{BASE}RUN --mount=from=made,source=/v,target=/x --mount=from=0,source=v/f,target=/y "
        "--mount=from=busybox:test,target=/image cat /x/f /y && /image/bin/echo image\n",
    ).log
    assert log == "one\none\nimage\n"


def test_writes_to_a_mounted_stage_go_nowhere(on_rung):
    text = (
        f"{BASE.strip()} AS made\nRUN mkdir /d && echo one > /d/f\n"
        f"{BASE}RUN --mount=from=made,source=/d,target=/x,rw "
        "echo two > /x/f && touch /x/g && cat /x/f\n"
        "RUN --mount=from=made,source=/d,target=/x cat /x/f; ls /x\n"
    )
    result = Heard()
    image = build(on_rung, text, result).image.id
    assert result.log == "two\none\nf\n"
    assert output_of(on_rung, image, "find", "/x") == "/x\n"


def test_owners_and_modes_of_a_stage_are_seen(engine):
    log = heard(
        engine,
        f"{BASE.strip()} AS made\nRUN mkdir /d && touch /d/f && chown 7:8 /d/f && chmod 640 /d/f\n"
        f"{BASE}RUN --mount=from=made,source=/d,target=/x stat -c '%u:%g %a' /x/f\n",
    ).log
    assert log == "7:8 640\n"


def test_mounts_inside_one_another_whatever_their_order(on_rung, context):
    log = heard(
        on_rung,
        f"{BASE}RUN --mount=type=tmpfs,target=/c/sub --mount=target=/c,rw "
        "--mount=source=a,target=/c/sub/z find /c | sort\n",
        context=context,
    ).log
    assert log.split()[-3:] == ["/c/script", "/c/sub", "/c/sub/z"]
    assert "/c/sub/b" not in log


def test_a_context_of_mode_0700_is_open_to_a_user(engine, context):
    needs_true_owners(engine)
    context.chmod(0o700)
    text = f"{BASE}USER me\nRUN --mount=target=/c cat /c/a && stat -c '%u:%g %a' /c\n"
    assert heard(engine, text, context=context).log == "a\n0:0 755\n"


def test_a_context_of_nothing_is_an_empty_directory(engine):
    assert heard(engine, f"{BASE}RUN --mount=target=/c ls -A /c\n").log == ""


@pytest.mark.parametrize(
    ("mount", "error", "words"),
    [
        ("source=none,target=/x", SourceNotFoundError, '"/none" not found'),
        ("from=made,source=/none,target=/x", SourceNotFoundError, "Looked in stage made"),
        ("from=no/such:image,target=/x", PullError, "no/such"),
        ("from=2,target=/x", DockerfileError, "invalid from flag value 2"),
        ("target=/", DockerfileError, 'invalid mount target "/"'),
        ("source=a", DockerfileError, 'invalid mount target "/"'),
        ("type=cache", DockerfileError, 'invalid mount target "/"'),
        ("target=../..", DockerfileError, 'invalid mount target "/"'),
        ("type=tmpfs,target=$NONE", DockerfileError, 'invalid mount target "/"'),
        ("type=$NONE,target=/x", DockerfileError, 'unsupported mount type ""'),
    ],
)
def test_what_cannot_be_mounted(engine, context, monkeypatch, mount, error, words):
    monkeypatch.setenv("CONTAINER_MAGICS_MIRRORS", "")
    text = f"{BASE.strip()} AS made\n{BASE}RUN --mount={mount} true\n"
    with pytest.raises(error, match=words.replace("(", r"\(")) as caught:
        build(engine, text, context=context)
    assert caught.value.line == 3


# --- the cache of steps -------------------------------------------------------------------------


def test_what_makes_a_mounting_run_run_again(engine, context):
    text = f"{BASE}RUN --mount=source=sub,target=/c cat /c/* > /out\n"
    build(engine, text, context=context)
    (context / "a").write_text("other\n")
    os.utime(context / "sub" / "b", (1, 1))
    assert heard(engine, text, context=context).last.keys() - {"FROM busybox:test"}
    assert build(engine, text, context=context).cached_steps == 2
    (context / "sub" / "b").write_text("other\n")
    events = Heard()
    image = build(engine, text, events, context=context).image.id
    assert [name for name, vertex in events.last.items() if not vertex.cached] == [
        "RUN --mount=source=sub,target=/c cat /c/* > /out"
    ]
    assert output_of(engine, image, "cat", "/out") == "other\n"


def test_a_stage_that_changed_elsewhere_leaves_it_cached(engine):
    def text(elsewhere: str, there: str) -> str:
        return (
            f"{BASE.strip()} AS made\nRUN mkdir /d && echo {there} > /d/f; echo {elsewhere} > /e\n"
            f"{BASE}RUN --mount=from=made,source=/d,target=/d cat /d/f > /out\n"
        )

    build(engine, text("1", "1"))
    assert build(engine, text("2", "1")).cached_steps == 3
    image = build(engine, text("2", "2")).image.id
    assert output_of(engine, image, "cat", "/out") == "2\n"


# --- cache --------------------------------------------------------------------------------------


def test_a_cache_outlives_builds_and_is_in_no_layer(on_rung):
    step = "RUN --mount=type=cache,target=/var/c echo >> /var/c/f; wc -l < /var/c/f\n"
    assert heard(on_rung, BASE + step).log == "1\n"
    assert heard(on_rung, BASE + step).log == ""
    events = Heard()
    image = build(on_rung, f"{BASE}ENV N=2\n{step}", events).image.id
    assert events.log == "2\n"
    assert output_of(on_rung, image, "find", "/var") == "/var\n/var/c\n"


def test_a_build_without_the_cache_begins_with_empty_cache_mounts(engine):
    step = "RUN --mount=type=cache,id=anew,target=/c echo >> /c/f; wc -l < /c/f\n"
    text = f"{BASE.strip()} AS one\n{step}"
    assert heard(engine, text).log == "1\n"
    assert heard(engine, f"{text}RUN true\n{step}").log == "2\n"
    assert heard(engine, f"{text}RUN true\n{step}", no_cache=True).log == "1\n2\n"
    assert heard(engine, text, no_cache_filter=("one",)).log == "1\n"
    assert heard(engine, text, no_cache_filter=("two",)).log == ""


def test_caches_have_ids_owners_and_modes(engine):
    log = heard(
        engine,
        f"{BASE}RUN --mount=type=cache,id=one,target=/c touch /c/here\n"
        "RUN --mount=type=cache,id=two,target=/c ls -A /c\n"
        "RUN --mount=type=cache,id=one,target=/other ls /other\n"
        "USER me\nENV ID=three\n"
        "RUN --mount=type=cache,id=$ID,target=/tmp/c,uid=1000,gid=5,mode=0700 "
        "stat -c '%u:%g %a' /tmp/c && touch /tmp/c/mine\n",
        no_cache=True,
    ).log
    assert log == "here\n1000:5 700\n"


def test_a_cache_can_begin_with_files_and_be_read_only(engine):
    text = (
        f"{BASE.strip()} AS made\nRUN mkdir /d && echo first > /d/f\n"
        f"{BASE}RUN --mount=type=cache,id=c,from=made,source=/d,target=/c "
        "cat /c/f; echo second > /c/f\n"
        "RUN --mount=type=cache,id=c,from=made,source=/d,target=/c,ro "
        "cat /c/f; touch /c/g || true\n"
    )
    assert heard(engine, text).log.splitlines()[:2] == ["first", "second"]


def together(engine: EmbeddedEngine, one: str, two: str) -> str:
    """What two stages write that are built at the same time."""
    return heard(
        engine,
        f"{BASE.strip()} AS one\n{one}\n{BASE.strip()} AS two\n{two}\n"
        f"{BASE}COPY --from=one /etc/passwd /one\nCOPY --from=two /etc/passwd /two\n",
        no_cache=True,
    ).log


def until_there(path: str) -> str:
    """Wait for what the other stage makes in a shared cache; not for ever, should it not share."""
    return f"n=0; until test -e {path} || test $n -gt 1000000; do n=$((n+1)); done; test -e {path}"


def test_a_shared_cache_is_one_and_a_private_one_several(on_rung):
    if on_rung.rung.name == "chroot":
        pytest.skip("without mounts a directory can be in one container only")
    mounts = (
        "--mount=type=cache,id=meet,target=/s --mount=type=cache,sharing=private,id=p,target=/p"
    )

    def stage(own: str, other: str) -> str:
        return (
            f"RUN {mounts} touch /p/{own} /s/{own}; {until_there(f'/s/{other}')} && ls /p; "
            f"touch /s/{own}-done; {until_there(f'/s/{other}-done')}"
        )

    log = together(on_rung, stage("1", "2"), stage("2", "1"))
    assert sorted(log.split()) == ["1", "2"]


def test_a_locked_cache_is_one_at_a_time(engine):
    work = "i=0; while test $i -lt 3000; do i=$((i+1)); done"
    step = "RUN --mount=type=cache,sharing=locked,target=/l "
    log = together(
        engine,
        f"{step} mkdir /l/one-at-a-time && {work}; rmdir /l/one-at-a-time; echo done",
        f"{step} mkdir /l/one-at-a-time && {work}; rmdir /l/one-at-a-time; echo done",
    )
    assert log == "done\ndone\n"


def test_waiting_for_a_locked_cache_can_be_cancelled(engine):
    holder, waiter = Cancellation(), Cancellation()
    locked = "RUN --mount=type=cache,sharing=locked,id=held,target=/l"
    began = threading.Event()

    class Began(Heard):
        def __call__(self, event: object) -> None:
            super().__call__(event)
            if "holding" in self.log:
                began.set()

    def hold() -> None:
        with pytest.raises(BuildError):
            build(engine, f"{BASE}{locked} echo holding; sleep 600\n", Began(), holder)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert began.wait(60)

        class Waits(Heard):
            def __call__(self, event: object) -> None:
                super().__call__(event)
                if any(name.startswith("RUN") and v.started for name, v in self.last.items()):
                    waiter.cancel()

        with pytest.raises(BuildError, match="cancelled"):
            build(engine, f"{BASE}{locked} echo got it\n", Waits(), waiter)
    finally:
        holder.cancel()
        thread.join()


def test_pruning_removes_caches_that_nobody_uses(tmp_path):
    step = "RUN --mount=type=cache,target=/c ls -A /c; head -c 100000 /dev/zero > /c/zeros\n"
    text = BASE + step
    with embedded(tmp_path / "store") as engine:
        assert heard(engine, text).log == ""
        assert heard(engine, f"{BASE}ENV N=2\n{step}").log == "zeros\n"
        assert engine.prune_build_cache().reclaimed >= 100_000
        assert heard(engine, text).log == ""


# --- tmpfs --------------------------------------------------------------------------------------


def test_a_tmpfs_is_empty_and_forgets(on_rung):
    text = (
        f"{BASE}RUN echo below > /tmp/below\n"
        "RUN --mount=type=tmpfs,target=/tmp ls -A /tmp; stat -c %a /tmp; echo x > /tmp/x\n"
        "RUN ls /tmp\n"
    )
    assert heard(on_rung, text).log == "1777\nbelow\n"


def test_a_tmpfs_holds_no_more_than_its_size(engine):
    text = (
        f"{BASE}RUN --mount=type=tmpfs,target=/t,size=64k dd if=/dev/zero of=/t/f bs=1k count=65\n"
    )
    with pytest.raises(StepFailedError) as caught:
        build(engine, text)
    assert any("No space left" in line for line in caught.value.tail), caught.value.tail


@pytest.mark.parametrize("rung", ["chroot", "proot"])
def test_what_needs_mounts_or_namespaces_is_refused_by_name(tmp_path, rung):
    if rung not in RUNGS:
        pytest.skip(f"the rung {rung} is not tried")
    with embedded(tmp_path / "store", rung) as engine:
        with pytest.raises(UnsupportedError, match="size="):
            build(engine, f"{BASE}RUN --mount=type=tmpfs,target=/t,size=64k true\n")
        with pytest.raises(UnsupportedError, match=f"--shm-size: the rung {rung}"):
            build(engine, f"{BASE}RUN true\n", shm_size=1 << 20)
        with pytest.raises(UnsupportedError, match=f"--network=none: the rung {rung}"):
            build(engine, f"{BASE}RUN --network=none true\n")


# --- secret -------------------------------------------------------------------------------------


def test_a_secret_is_seen_and_kept_nowhere(tmp_path, secret):
    text = (
        f"{BASE}RUN --mount=type=secret,id=s sha256sum /run/secrets/s | cut -c1-4 > /sum\n"
        'RUN --mount=type=secret,id=s,env=TOKEN test -n "$TOKEN" && test ! -e /run/secrets/s\n'
        'RUN --mount=type=secret,id=s,env=TOKEN,target=/both test -n "$TOKEN" && test -s /both\n'
        "WORKDIR /w\nRUN --mount=type=secret,source=s,target=rel/s test -s /w/rel/s\n"
        "RUN --mount=type=secret,target=/etc/s test -s /etc/s\n"
    )
    for rung in RUNGS:
        with embedded(tmp_path / rung, rung) as engine:
            image = build(engine, text, secrets=secret).image
            assert output_of(engine, image.id, "find", "/run") == "/run\n/run/secrets\n"
            assert "find" not in output_of(engine, image.id, "cat", "/sum")
            left = [path for path, data in snapshot(tmp_path / rung).items() if SECRET in data]
            assert left == [], rung


def test_another_secret_is_no_reason_to_run_again(engine, secret):
    text = f"{BASE}RUN --mount=type=secret,id=s,env=T --mount=type=secret,id=s echo for-s\n"
    assert build(engine, text, secrets=secret).cached_steps == 1
    secret[0].file.write_bytes(b"another")
    assert build(engine, text, secrets=secret).cached_steps == 2
    assert build(engine, text).cached_steps == 2


def test_a_secret_in_a_directory_that_is_another_user_s_leaves_nothing(on_rung, secret):
    text = f"""{BASE}RUN mkdir -p -m 700 /home/me && chown 1000:1000 /home/me
RUN --mount=type=secret,id=s,target=/home/me/.netrc test -s /home/me/.netrc && echo x > /home/me/x
"""
    image = build(on_rung, text, secrets=secret).image
    assert output_of(on_rung, image.id, "ls", "-A", "/home/me") == "x\n"


def test_secrets_have_owners_and_modes(engine, secret):
    needs_true_owners(engine)
    log = heard(
        engine,
        f"{BASE}RUN --mount=type=secret,id=s stat -c '%u:%g %a' /run/secrets/s\n"
        "RUN --mount=type=secret,id=s,mode=0440,uid=5,gid=6 stat -c '%u:%g %a' /run/secrets/s\n"
        "USER me\nRUN --mount=type=secret,id=s cat /run/secrets/s 2>/dev/null || echo not mine\n"
        "RUN --mount=type=secret,id=s,uid=1000 test -s /run/secrets/s && echo mine\n",
        secrets=secret,
    ).log
    assert log == "0:0 400\n5:6 440\nnot mine\nmine\n"


def test_a_secret_from_the_environment(engine, monkeypatch):
    monkeypatch.setenv("OF_THE_TESTS", "of the environment")
    given = (BuildSecret("e", variable="OF_THE_TESTS"), BuildSecret("none", variable="NOT_SET"))
    log = heard(
        engine,
        f"{BASE}RUN --mount=type=secret,id=e cat /run/secrets/e; echo\n"
        "ENV E=env\nRUN --mount=type=secret,id=e,env=E echo $E\n"
        "RUN --mount=type=secret,id=none,env=N --mount=type=secret,id=none "
        "ls /run/secrets; echo ${N-unset}\n",
        secrets=given,
    ).log
    assert log == "of the environment\nof the environment\nunset\n"


def test_a_secret_that_is_not_given(engine, secret):
    assert heard(engine, f"{BASE}RUN --mount=type=secret,id=other test ! -e /run\n")
    with pytest.raises(BuildError, match="secret other: not found") as caught:
        build(engine, f"{BASE}RUN --mount=type=secret,id=other,required true\n", secrets=secret)
    assert "--secret id=other,src=FILE" in caught.value.hint
    assert caught.value.line == 2


def test_a_secret_that_cannot_be_read(engine, tmp_path):
    text = f"{BASE}RUN --mount=type=secret,id=s true\n"
    with pytest.raises(BuildError, match=r"secret s: .*gone: No such file"):
        build(engine, text, secrets=(BuildSecret("s", tmp_path / "gone"),))
    large = tmp_path / "large"
    large.write_bytes(bytes(500 * 1024 + 1))
    with pytest.raises(BuildError, match="max size 500KB"):
        build(engine, text, secrets=(BuildSecret("s", large),))
    large.write_bytes(bytes(500 * 1024))
    assert build(engine, text, secrets=(BuildSecret("s", large),))
    with pytest.raises(BuildError, match="a variable can't hold its zero bytes"):
        build(
            engine,
            f"{BASE}RUN --mount=type=secret,id=s,env=S true\n",
            secrets=(BuildSecret("s", large),),
        )
