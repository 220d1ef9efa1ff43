"""RUN's other flags, what a build gives to every RUN, and here-documents."""

from __future__ import annotations

import json
import os
import resource

import pytest

from container_magics.engines.build_request import Ulimit
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.errors import BuildError, DockerfileError, StepFailedError, UnsupportedError
from tests.fixtures.embedding import Heard, build, embedded, output_of
from tests.fixtures.sandbox import RUNGS

BASE = "FROM busybox:test\n"
OTHERS = "grep -v lo: /proc/net/dev | grep -q :"
"""Whether there is another network interface than the loopback."""


def heard(engine: EmbeddedEngine, text: str, **more: object) -> Heard:
    """What a build said."""
    events = Heard()
    build(engine, text, events, **more)
    return events


# --- flags --------------------------------------------------------------------------------------


def test_flags_that_are_refused_by_name(engine):
    for flag, words in (
        ("--security=insecure", "security.insecure is not allowed"),
        ("--device=vendor.com/gpu", "RUN --device"),
    ):
        with pytest.raises(UnsupportedError, match=words):
            build(engine, f"{BASE}RUN {flag} true\n")
    assert heard(engine, f"{BASE}RUN --security=sandbox echo sandbox\n").log == "sandbox\n"
    with pytest.raises(DockerfileError, match='security "open" is not valid'):
        build(engine, f"{BASE}RUN --security=open true\n")
    with pytest.raises(DockerfileError, match='invalid network mode "bridge"'):
        build(engine, f"{BASE}RUN --network=bridge true\n")


def test_networks(engine):
    log = heard(
        engine,
        f"{BASE}RUN --network=none {OTHERS} || echo alone\n"
        f"RUN --network=host {OTHERS} && echo not alone\n"
        f"RUN --network=default {OTHERS} && echo not alone\n",
    ).log
    assert log == "alone\nnot alone\nnot alone\n"
    text = f"{BASE}RUN {OTHERS} || echo alone\n"
    assert heard(engine, text, network="none", no_cache=True).log == "alone\n"


# --- options of the build -----------------------------------------------------------------------


def test_further_hosts(on_rung):
    text = f"{BASE}RUN grep -w -e db -e here /etc/hosts\nRUN echo kept > /kept\n"
    given = {"db": "10.1.2.3", "here": "host-gateway"}
    log = heard(on_rung, text, add_hosts=given).log
    assert log == "10.1.2.3\tdb\n127.0.0.1\there\n"
    image = build(on_rung, text, add_hosts=given)
    assert image.cached_steps == 3
    assert output_of(on_rung, image.image.id, "cat", "/kept") == "kept\n"
    assert "10.1.2.3" not in output_of(on_rung, image.image.id, "cat", "/etc/hosts")
    events = Heard()
    with pytest.raises(StepFailedError):
        build(on_rung, text, events, add_hosts={"other": "10.1.2.3"})


def test_the_size_of_dev_shm(engine):
    script = f"{BASE}RUN df -k /dev/shm | awk 'NR == 2 {{print $2}}'\n"
    assert heard(engine, script).log == "65536\n"
    assert heard(engine, script, shm_size=1 << 20).log == "1024\n"


def test_limits(on_rung):
    text = f"{BASE}RUN ulimit -n; ulimit -Hn; ulimit -c\n"
    given = (Ulimit("nofile", 100, 200), Ulimit("core", 0, 0))
    assert heard(on_rung, text, ulimits=given).log == "100\n200\n0\n"


def test_no_limit(engine):
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY and os.geteuid():
        pytest.skip("only root can take a limit away")
    assert heard(engine, f"{BASE}RUN ulimit -c\n", ulimits=(Ulimit("core", -1, -1),)).log == (
        "unlimited\n"
    )


def test_limits_that_cannot_be_set(tmp_path, engine):
    with pytest.raises(BuildError, match="invalid ulimit type: files"):
        build(engine, f"{BASE}RUN true\n", ulimits=(Ulimit("files", 1, 1),))
    with pytest.raises(BuildError, match="nofile=9:3 can't be set"):
        build(engine, f"{BASE}RUN true\n", ulimits=(Ulimit("nofile", 9, 3),))
    if "oneuid" not in RUNGS:
        pytest.skip("the rung oneuid is not tried")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with (
        embedded(tmp_path / "store", "oneuid") as plain,
        pytest.raises(BuildError, match="needs CAP_SYS_RESOURCE"),
    ):
        build(plain, f"{BASE}RUN true\n", ulimits=(Ulimit("nofile", hard + 1, hard + 1),))


# --- proxies ------------------------------------------------------------------------------------


def test_proxies_reach_the_command_and_nothing_else(engine):
    text = f"{BASE}ENV https_proxy=of-the-image\nRUN env | grep -i _proxy | sort\n"
    given = {"HTTP_PROXY": "http://me:word@proxy", "https_proxy": "given", "NO_PROXY": "localhost"}
    events = Heard()
    result = build(engine, text, events, build_args=given)
    assert events.log.splitlines() == [
        "HTTPS_PROXY=given",
        "HTTP_PROXY=http://me:word@proxy",
        "NO_PROXY=localhost",
        "http_proxy=http://me:word@proxy",
        "https_proxy=given",
        "no_proxy=localhost",
    ]
    assert not events.warnings
    inspected = str(engine.inspect(result.image.id))
    assert "me:word" not in inspected + str(result.image.history)
    assert build(engine, text, build_args={"HTTP_PROXY": "other"}).cached_steps == 2


def test_the_docker_cli_s_proxies_are_used(engine, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    default = {"httpProxy": "configured", "httpsProxy": "overridden", "noProxy": 7}
    (tmp_path / "config.json").write_text(json.dumps({"proxies": {"default": default}}))
    text = f"{BASE}RUN env | grep -i _proxy | sort\n"
    log = heard(engine, text, build_args={"https_proxy": "given"}, no_cache=True).log
    assert log.splitlines() == [
        "HTTPS_PROXY=given", "HTTP_PROXY=configured", "http_proxy=configured", "https_proxy=given",
    ]  # fmt: skip
    (tmp_path / "config.json").write_text("{")
    assert heard(engine, f"{BASE}RUN env | grep -i _proxy || true\n", no_cache=True).log == ""


def test_a_proxy_that_is_declared_is_in_history_and_cache(engine):
    text = f"{BASE}ARG FTP_PROXY\nRUN echo $FTP_PROXY\n"
    result = build(engine, text, build_args={"FTP_PROXY": "declared"})
    assert "FTP_PROXY=declared" in result.image.history[-1].created_by
    assert build(engine, text, build_args={"FTP_PROXY": "other"}).cached_steps == 1


# --- here-documents -----------------------------------------------------------------------------

DOCUMENTS = r"""FROM busybox:test
ENV NAME=shell
RUN <<EOF
echo one $NAME > /1
echo two >> /1
EOF
RUN <<"EOF"
echo "$NAME" '$NAME' > /2
EOF
RUN <<EOF
#!/bin/awk -f
BEGIN { print "awk", ENVIRON["NAME"] > "/3" }
EOF
RUN <<FILE1 cat > /4 && <<'FILE2' cat > /5
first $NAME
FILE1
second $NAME
FILE2
RUN <<-EOF
	cat <<-X > /6
	inner $NAME
	X
EOF
RUN sh <<EOF
echo piped $NAME \$0 > /7
EOF
RUN <<EOF cat > /8
eight $NAME
EOF
SHELL ["/bin/sh", "-ec"]
RUN <<EOF
echo $- | grep -o e > /9
EOF
"""
WRITTEN = [
    "one shell", "two", "shell $NAME", "awk shell", "first shell", "second $NAME", "inner shell",
    "piped shell sh", "eight shell", "e",
]  # fmt: skip


def test_here_documents_as_the_reference_has_them(on_rung):
    result = build(on_rung, DOCUMENTS)
    files = [f"/{number}" for number in range(1, 10)]
    assert output_of(on_rung, result.image.id, "cat", *files).splitlines() == WRITTEN
    assert output_of(on_rung, result.image.id, "sh", "-c", "ls /dev/pipes || true") == ""
    rows = [row.created_by for row in result.image.history]
    assert rows[2] == "RUN /bin/sh -c echo one $NAME > /1\necho two >> /1\n # buildkit"
    assert rows[4] == "RUN /bin/sh -c /dev/pipes/EOF # buildkit"


def test_a_here_document_can_be_read_from_any_descriptor(engine):
    text = f"{BASE}RUN 5<<file cat /dev/fd/5\nfive\nfile\n"
    assert heard(engine, text).log == "five\n"


def test_a_here_document_ends_with_the_status_of_its_last_command(engine):
    assert build(engine, f"{BASE}RUN <<EOF\nfalse\ntrue\nEOF\n")
    with pytest.raises(StepFailedError) as caught:
        build(engine, f"{BASE}RUN <<EOF\ntrue\nexit 3\nEOF\n")
    assert caught.value.returncode == 3


def test_mounts_and_a_here_document_go_together(on_rung):
    text = f"{BASE}RUN --mount=type=cache,target=/c <<EOF\n#!/bin/sh\ntest -d /c && echo ran\nEOF\n"
    assert heard(on_rung, text).log == "ran\n"
