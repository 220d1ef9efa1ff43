"""Containers that live, on every rung: each has a shim that outlives whoever started it."""

from __future__ import annotations

import io
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tarfile
import threading
import urllib.request
from pathlib import Path

import pytest

from container_magics.engines.containers import CommitRequest, ExecRequest, LogRequest
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation, Output
from container_magics.engines.run_request import (
    HealthCheck,
    Publish,
    RestartPolicy,
    RunRequest,
    Volume,
)
from container_magics.errors import (
    ConflictError,
    NotFoundError,
    RunError,
    UnsupportedError,
    UsageError,
)
from tests.engines.embedded.living import (
    FOREVER,
    ended,
    executed,
    heard_from,
    logged,
    pid_of,
    started,
)
from tests.fixtures.embedding import Heard, embedded
from tests.fixtures.processes import runs, wait_until
from tests.fixtures.registry import free_port


def health(engine: EmbeddedEngine, container: str) -> dict:
    return engine.inspect(container)["State"]["Health"]


# --- from start to end --------------------------------------------------------------------------


def test_a_container_is_created_started_and_stopped(on):
    container = on.create(
        RunRequest("busybox:test", ("sh", "-c", FOREVER), name="web-1"), Heard(), Cancellation()
    )
    assert on.container("web-1").state == "created"
    assert on.containers() == []
    on.start("web-1")
    (found,) = on.containers()
    assert (found.id, found.state, found.name, found.image) == (
        container, "running", "web-1", "busybox:test",
    )  # fmt: skip
    on.start("web-1")
    on.stop(container[:12], 0)
    found = on.container(container)
    # Only the first process of a PID namespace does not heed SIGTERM.
    assert (found.state, found.exit_code in (137, 143)) == ("exited", True)
    assert found.started and found.finished and found.started <= found.finished
    on.stop(container)
    on.start(container)
    assert on.container(container).running


def test_the_stop_signal_is_the_container_s_own(on):
    script = f"trap 'echo told; exit 4' USR1; echo ready; {FOREVER}"
    container = started(on, script, stop_signal="SIGUSR1")
    heard_from(on, container, "ready")
    on.stop(container)
    assert on.container(container).exit_code == 4
    assert logged(on, container) == "ready\ntold\n"


def test_what_ends_by_itself_says_how(on):
    container = ended(on, "echo out; echo err >&2; exit 5")
    assert on.container(container).exit_code == 5
    assert (logged(on, container), logged(on, container, 2)) == ("out\n", "err\n")
    assert on.wait(container, Cancellation()) == 5


def test_the_log_goes_on_after_a_restart_and_files_stay(on):
    container = ended(on, "echo again; test -e /mark && cat /mark; echo kept > /mark")
    on.start(container)
    assert on.wait(container, Cancellation()) == 0
    assert logged(on, container) == "again\nagain\nkept\n"


def test_a_signal_reaches_the_first_process(on):
    container = started(on, f"trap 'echo hup' HUP; echo ready; {FOREVER}")
    heard_from(on, container, "ready")
    on.kill(container, "SIGHUP")
    heard_from(on, container, "hup")
    on.kill(container)
    assert on.container(container).exit_code == 137
    with pytest.raises(ConflictError, match="is not running"):
        on.kill(container)
    with pytest.raises(UsageError, match="Invalid signal: NONSENSE"):
        on.kill(container, "NONSENSE")


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (("nosuch",), 127, '"nosuch": executable file not found in $PATH'),
        (("/etc/passwd",), 126, "permission denied"),
        (("/etc",), 126, "permission denied"),
    ],
)
def test_what_cannot_start_says_so_and_stays_created(on, command, code, words):
    container = on.create(RunRequest("busybox:test", command), Heard(), Cancellation())
    with pytest.raises(RunError) as caught:
        on.start(container)
    assert caught.value.returncode == code
    assert words in caught.value.message
    found = on.container(container)
    assert (found.state, found.exit_code) == ("created", code)
    on.remove_container(container)
    assert on.containers(every=True) == []


def test_removing_one_that_runs_takes_force(on):
    container = started(on)
    pid = pid_of(on, container)
    with pytest.raises(ConflictError, match="You cannot remove a running container"):
        on.remove_container(container)
    on.remove_container(container, force=True)
    assert on.containers(every=True) == []
    assert not runs(pid)
    with pytest.raises(NotFoundError, match=f"No such container: {container}"):
        on.container(container)


def test_one_that_goes_by_itself_is_gone(on):
    started(on, "sleep 0.1", remove=True)
    wait_until(lambda: on.containers(every=True) == [], "the container goes")


def test_a_name_is_one_container_s(on):
    first = started(on, name="taken")
    with pytest.raises(ConflictError, match=rf'"/taken" is already in use by container "{first}"'):
        started(on, name="taken")
    second = started(on)
    with pytest.raises(ConflictError, match="already in use"):
        on.rename(second, "taken")
    on.rename("taken", "other")
    on.rename(second, "taken")
    assert {each.name: each.id for each in on.containers()} == {"other": first, "taken": second}
    with pytest.raises(UsageError, match="Invalid container name"):
        on.rename("taken", "no good")


# --- what goes in and comes out -----------------------------------------------------------------


def test_logs_by_number_and_time(on):
    container = ended(on, "for i in 1 2 3; do echo $i; sleep 0.02; done; printf tail")
    assert logged(on, container, tail=2) == "3\ntail"
    assert logged(on, container, tail=0) == ""
    lines = logged(on, container, timestamps=True).splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["1", "2", "3", "tail"]
    assert all(line[:4].isdigit() and line.split(" ")[0].endswith("Z") for line in lines)


def test_what_is_not_utf_8_and_long_lines_are_kept(on):
    container = ended(on, "printf '\\377x\\n'; head -c 40000 /dev/zero | tr '\\0' a; echo")
    assert logged(on, container) == "\ufffdx\n" + "a" * 40000 + "\n"
    assert logged(on, container, tail=1) == "a" * 40000 + "\n"


def test_following_a_log_ends_with_the_container(on):
    container = started(on, "while ! test -e /go; do echo tick; sleep 0.02; done; echo last")
    heard, done = Heard(), threading.Event()

    def follow() -> None:
        on.logs(container, LogRequest(follow=True), heard, Cancellation())
        done.set()

    threading.Thread(target=follow, daemon=True).start()
    wait_until(lambda: "tick" in heard.output(), "the first lines")
    assert executed(on, container, "touch", "/go")[0] == 0
    assert done.wait(30)
    assert heard.output().endswith("tick\nlast\n")


def test_a_cancellation_ends_following_and_waiting_but_not_the_container(on):
    container = started(on, f"echo here; {FOREVER}")
    for verb in (
        lambda cancel: on.logs(container, LogRequest(follow=True), Heard(), cancel),
        lambda cancel: on.wait(container, cancel),
        lambda cancel: on.attach(container, None, Heard(), cancel),
    ):
        cancel = Cancellation()
        thread = threading.Thread(target=verb, args=(cancel,), daemon=True)
        thread.start()
        cancel.cancel()
        thread.join(30)
        assert not thread.is_alive()
    assert on.container(container).running


def test_attaching_shows_what_comes_and_feeds(on):
    container = started(on, "while read x; do echo got $x; done; echo over", open_stdin=True)
    heard = Heard()
    cancel = Cancellation()
    read, write = os.pipe()
    with os.fdopen(read, "rb", buffering=0) as stdin:
        thread = threading.Thread(
            target=on.attach, args=(container, stdin, heard, cancel), daemon=True
        )
        thread.start()
        os.write(write, b"one\n")
        wait_until(lambda: heard.output() == "got one\n", "the answer")
        os.close(write)
        cancel.cancel()
        thread.join(30)
    assert on.container(container).running
    assert logged(on, container) == "got one\n"


def test_nothing_of_much_output_is_lost(on):
    container = ended(on, f"yes {'0123456789' * 10} | head -c 8000000; echo end >&2")
    assert len(logged(on, container)) == 8_000_000
    assert logged(on, container, 2) == "end\n"


# --- further commands ---------------------------------------------------------------------------


def test_a_command_is_executed_where_the_container_is(on):
    container = started(on, workdir="/work", environment={"A": "1"})
    code, text = executed(
        on, container, "sh", "-c", "pwd; echo $A$B; exit 3", environment={"B": "2"}
    )
    assert (code, text) == (3, "/work\n12\n")
    assert executed(on, container, "pwd", workdir="/tmp") == (0, "/tmp\n")
    assert executed(on, container, "cat", stdin=io.BytesIO(b"fed")) == (0, "fed")
    assert executed(on, container, "touch", "/made", detach=True) == (0, "")
    wait_until(lambda: executed(on, container, "test", "-e", "/made")[0] == 0, "the file")


def test_a_command_runs_as_another_user(on):
    container = started(on)
    assert executed(on, container, "id", "-u", user="1000") == (0, "1000\n")
    assert executed(on, container, "id", "-u") == (0, "0\n")
    with pytest.raises(RunError, match="nobody-here"):
        executed(on, container, "true", user="nobody-here")


def test_what_a_command_cannot_do(on):
    container = started(on)
    with pytest.raises(RunError) as caught:
        executed(on, container, "nosuch")
    assert caught.value.returncode == 127
    assert caught.value.message.startswith("OCI runtime exec failed: ")
    on.stop(container, 0)
    with pytest.raises(ConflictError, match=f"Container {container} is not running"):
        executed(on, container, "true")


def test_an_interrupted_command_ends_and_the_container_does_not(on):
    container = started(on)
    cancel = Cancellation()
    heard = Heard()

    def cancelled_when_it_runs(event: object) -> None:
        heard(event)
        if isinstance(event, Output):
            cancel.cancel()

    request = ExecRequest(("sh", "-c", "echo $$ > /pid; echo up; sleep 98713"))
    on.exec(container, request, cancelled_when_it_runs, cancel)
    wait_until(lambda: "98713" not in str(on.top(container).rows), "the command ends", seconds=30)
    assert on.container(container).running


# --- health and restarts ------------------------------------------------------------------------


def test_a_container_becomes_healthy_then_not(on):
    check = HealthCheck(("CMD-SHELL", "echo probed; test -e /well"), 0.05, 10, 0, 2)
    container = started(on, health=check)
    assert on.container(container).health == "starting"
    executed(on, container, "touch", "/well")
    wait_until(lambda: on.container(container).health == "healthy", "healthy")
    entry = health(on, container)["Log"][-1]
    assert (entry["ExitCode"], entry["Output"]) == (0, "probed\n")
    executed(on, container, "rm", "/well")
    wait_until(lambda: on.container(container).health == "unhealthy", "unhealthy")
    assert health(on, container)["FailingStreak"] >= 2


def test_failures_of_the_start_period_do_not_count_and_a_probe_that_hangs_is_one(on):
    check = HealthCheck(("CMD", "sleep", "98714"), 0.05, 0.1, 3600, 1)
    container = started(on, health=check)
    wait_until(lambda: bool(health(on, container)["Log"]), "the first probe")
    entry = health(on, container)["Log"][0]
    assert (entry["ExitCode"], entry["Output"]) == (-1, "Health check exceeded timeout (0.1s)")
    assert on.container(container).health == "starting"


def test_one_that_fails_is_restarted_so_often(on):
    container = ended(on, "echo run; exit 3", restart=RestartPolicy("on-failure", 2))
    wait_until(lambda: on.container(container).state == "exited", "it gives up")
    found = on.container(container)
    assert (found.exit_code, found.restarts) == (3, 2)
    assert logged(on, container) == "run\n" * 3


def test_one_that_is_stopped_is_not_restarted(on):
    container = started(on, "exit 1", restart=RestartPolicy("always"))
    wait_until(lambda: on.container(container).restarts >= 2, "two restarts")
    on.stop(container)
    assert on.container(container).state == "exited"
    again = started(on, restart=RestartPolicy("always"))
    os.kill(pid_of(on, again), 9)
    wait_until(lambda: on.container(again).restarts == 1, "a restart")
    on.update(again, RestartPolicy("no"))
    wait_until(lambda: on.container(again).state == "running", "it runs")
    os.kill(pid_of(on, again), 9)
    wait_until(lambda: on.container(again).state == "exited", "it ends")


# --- ports --------------------------------------------------------------------------------------

SERVER = "mkdir -p /www; echo {page} > /www/index.html; exec httpd -f -p {at} -h /www"


def page_at(port: int, address: str = "127.0.0.1") -> str:
    """What a server answers, once it does."""
    answers: list[str] = []

    def answered() -> bool:
        try:
            with urllib.request.urlopen(f"http://{address}:{port}/", timeout=10) as answer:
                answers.append(answer.read().decode())
        except OSError:
            return False
        return True

    wait_until(answered, f"an answer at {address}:{port}")
    return answers[-1]


@pytest.mark.parametrize("at", ["80", "0.0.0.0:80", "[::]:80"])
def test_two_servers_on_one_port_are_published_at_others(on, at):
    check = HealthCheck(
        ("CMD-SHELL", "wget -q -O- http://localhost:80/ | grep page"), 0.1, 10, 0, 2
    )
    containers = [
        started(on, SERVER.format(page=f"page{n}", at=at), publish=(Publish(80),), health=check)
        for n in (1, 2)
    ]
    for number, container in enumerate(containers, 1):
        (port,) = on.container(container).ports
        assert (port.container, port.protocol, port.address) == (80, "tcp", "127.0.0.1")
        assert page_at(port.host) == f"page{number}\n"
        assert executed(on, container, "wget", "-q", "-O-", "http://127.0.0.1/")[1] == (
            f"page{number}\n"
        )
        wait_until(lambda c=container: on.container(c).health == "healthy", "healthy")
        bound = on.inspect(container)["NetworkSettings"]["Ports"]["80/tcp"]
        assert bound == [{"HostIp": "127.0.0.1", "HostPort": str(port.host)}]


def test_a_port_that_is_taken_is_named_before_anything_starts(on):
    first = started(on, SERVER.format(page="x", at="80"), publish=(Publish(80),))
    (port,) = on.container(first).ports
    page_at(port.host)
    request = RunRequest("busybox:test", ("true",), publish=(Publish(81, host=port.host),))
    second = on.create(request, Heard(), Cancellation())
    with pytest.raises(RunError, match=f"Bind for 127.0.0.1:{port.host} failed") as caught:
        on.start(second)
    assert caught.value.returncode == 125
    assert on.container(second).state == "created"
    on.stop(first, 0)
    on.start(second)


def test_one_port_is_published_at_several(on):
    script = f"head -c 5000000 /dev/zero | tr '\\0' x > /big; {SERVER.format(page='z', at='80')}"
    container = started(
        on,
        script.replace("exec", "mv /big /www/big; exec"),
        publish=(Publish(80), Publish(80, address="::1"), Publish(80, address="0.0.0.0")),
    )
    ports = on.container(container).ports
    assert {port.address for port in ports} == {"127.0.0.1", "::1", "0.0.0.0"}
    assert len({port.host for port in ports}) == 3
    for port in ports:
        address = f"[{port.address}]" if ":" in port.address else port.address
        assert page_at(port.host, address) == "z\n"
        with urllib.request.urlopen(f"http://{address}:{port.host}/big", timeout=30) as answer:
            assert answer.read() == b"x" * 5_000_000
    bound = on.inspect(container)["NetworkSettings"]["Ports"]["80/tcp"]
    assert sorted(each["HostPort"] for each in bound) == sorted(str(p.host) for p in ports)
    on.stop(container, 0)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{ports[0].host}/", timeout=10)
    request = RunRequest("busybox:test", publish=(Publish(53, "udp"), Publish(53, "udp")))
    with pytest.raises(UnsupportedError, match="port 53/udp of the container more than once"):
        on.create(request, Heard(), Cancellation())


def test_a_port_of_both_versions_of_ip(on):
    host = free_port()
    publish = tuple(Publish(80, host=host, address=each) for each in ("127.0.0.1", "::1"))
    started(on, SERVER.format(page="both", at="80"), publish=publish)
    assert page_at(host) == page_at(host, "[::1]") == "both\n"


def test_any_port_of_a_range_that_is_free(on):
    with socket.create_server(("127.0.0.1", 0)) as server:
        first = server.getsockname()[1]
        several = (Publish(80, host=first, last=first + 9),)
        ports = [on.container(started(on, publish=several)).ports[0].host for _ in range(2)]
        assert len({*ports, first}) == 3
        assert all(first < port <= first + 9 for port in ports)
        request = RunRequest("busybox:test", ("true",), publish=(Publish(80, host=first),))
        with pytest.raises(RunError, match=f"Bind for 127.0.0.1:{first} failed"):
            on.start(on.create(request, Heard(), Cancellation()))
    taken = RunRequest("busybox:test", ("true",), publish=(Publish(80, host=first),) * 2)
    with pytest.raises(RunError, match="port is already allocated"):
        on.start(on.create(taken, Heard(), Cancellation()))


def test_all_exposed_ports_are_published_also_of_a_user_who_is_not_root(on):
    script = SERVER.format(page="y", at="8080").replace("/www", "/tmp/www")
    container = started(on, script, expose=("8080/tcp", "53/udp"), publish_all=True, user="1000")
    ports = on.container(container).ports
    assert [(port.container, port.protocol) for port in ports] == [(53, "udp"), (8080, "tcp")]
    assert page_at(ports[1].host) == "y\n"
    on.stop(container, 0)
    assert {port.host for port in on.container(container).ports} == {0}


# --- standing still, processes, files -----------------------------------------------------------


def test_a_paused_container_stands_still(on):
    if on.rung.name == "proot":
        with pytest.raises(ConflictError, match="PRoot"):
            on.pause(started(on))
        return
    container = started(on, "i=0; while :; do i=$((i+1)); echo $i > /count; done")
    on.pause(container)
    assert on.container(container).state == "paused"
    with pytest.raises(ConflictError, match="is paused, unpause the container before exec"):
        executed(on, container, "true")
    with pytest.raises(ConflictError, match="already paused"):
        on.pause(container)
    before = on.usage(container).cpu
    assert on.usage(container).cpu == before
    on.unpause(container)
    wait_until(lambda: on.usage(container).cpu > before, "it goes on")
    on.pause(container)
    on.stop(container, 0)
    assert on.container(container).state == "exited"


def test_processes_and_what_they_use(on):
    container = started(on, "sleep 98715 & sleep 98716; true")
    asked = ("-o", "pid,args")
    wait_until(
        lambda: {"sleep 98715", "sleep 98716"} <= {row[1] for row in on.top(container, asked).rows},
        "all processes",
    )
    assert on.top(container, asked).titles == ("PID", "COMMAND")
    assert len(on.top(container).rows) >= 3
    used = on.usage(container)
    assert used.pids >= 3
    assert 0 < used.memory < used.memory_limit
    on.stop(container, 0)
    for verb in (on.top, on.usage):
        with pytest.raises(ConflictError, match="is not running"):
            verb(container)


def test_what_it_changed_is_told_copied_and_committed(on):
    container = ended(on, "echo new > /tmp/file; rm /etc/group; chown 5:6 /tmp/file")
    changes = {(change.kind, change.path) for change in on.changes(container)}
    assert {("A", "/tmp/file"), ("D", "/etc/group"), ("C", "/tmp"), ("C", "/etc")} == changes
    target = io.BytesIO()
    on.copy_from(container, "/tmp", target)
    with tarfile.open(fileobj=io.BytesIO(target.getvalue())) as archive:
        member = archive.getmember("tmp/file")
        assert (member.uid, member.gid, member.size) == (5, 6, 4)
    assert on.path_status(container, "tmp/file").size == 4
    with pytest.raises(NotFoundError, match="Could not find the file /nowhere in container"):
        on.path_status(container, "/nowhere")
    image = on.commit(container, CommitRequest("kept:1", ('CMD ["cat", "/tmp/file"]',), "why"))
    heard = Heard()
    on.run(RunRequest("kept:1", remove=True), heard, Cancellation())
    assert heard.output() == "new\n"
    assert on.image(image).history[-1].comment == "why"
    on.remove_image("kept:1")


def test_a_terminal(on):
    container = started(on)
    terminal = on.open_terminal(container, ExecRequest(("sh",), tty=True))
    terminal.resize(33, 77)
    terminal.write(b"stty size; exit 6\n")
    text = b"".join(iter(terminal.read, b""))
    assert b"33 77" in text
    assert terminal.wait() == 6
    terminal.close()
    request = RunRequest("busybox:test", ("sh",), tty=True, open_stdin=True)
    made = on.create(request, Heard(), Cancellation())
    terminal = on.open_terminal(made)
    terminal.resize(22, 55)
    terminal.write(b"tty; stty size; exit 7\n")
    text = b"".join(iter(terminal.read, b""))
    assert b"22 55" in text
    assert terminal.wait() == 7
    terminal.close()
    assert "22 55" in logged(on, made)


# --- volumes ------------------------------------------------------------------------------------


def test_a_volume_outlives_its_containers_and_begins_with_the_image_s_files(on):
    if on.rung.name == "chroot":
        request = RunRequest("busybox:test", ("true",), volumes=(Volume("kept", "/data"),))
        with pytest.raises(UnsupportedError, match="the rung chroot can mount nothing"):
            on.create(request, Heard(), Cancellation())
        return
    volume = Volume("kept", "/etc")
    first = ended(on, "cat /etc/passwd; echo mine > /etc/new", volumes=(volume,))
    assert logged(on, first).startswith("root:x:0:0:")
    on.remove_container(first, volumes=True)
    second = ended(
        on, "cat /data/new; grep -c root /data/group", volumes=(Volume("kept", "/data"),)
    )
    assert logged(on, second) == "mine\n1\n"
    with pytest.raises(ConflictError, match=rf"volume is in use - \[{second}\]"):
        on.remove_volume("kept")
    assert [each.name for each in on.volumes()] == ["kept"]
    assert on.container(second).mounts == ("kept",)
    on.remove_container(second)
    on.remove_volume("kept")
    with pytest.raises(NotFoundError, match="get kept: no such volume"):
        on.volume("kept")


def test_volumes_without_a_name_go_with_their_container_or_when_pruned(on):
    if on.rung.name == "chroot":
        return
    for remove in (True, False):
        container = ended(on, "echo x > /v/x", volumes=(Volume("", "/v"),))
        (volume,) = on.volumes()
        on.remove_container(container, volumes=remove)
        assert [each.name for each in on.volumes()] == ([] if remove else [volume.name])
    on.create_volume("named", {"a": "b"})
    assert on.prune_volumes() == ((volume.name,), 2)
    assert on.volume("named").labels == {"a": "b"}
    assert on.prune_volumes(every=True)[0] == ("named",)


# --- lives of processes -------------------------------------------------------------------------

_START = """
import sys, os
from pathlib import Path
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RunRequest
engine = EmbeddedEngine(Path(sys.argv[1]))
made = engine.create(RunRequest("busybox:test", ("sleep", "98717")), print, Cancellation())
engine.start(made)
print(made, flush=True)
os.kill(os.getpid(), 9)
"""


def test_it_outlives_who_started_it_and_ends_with_its_shim(tmp_path: Path):
    with embedded(tmp_path / "store") as engine:
        command = [sys.executable, "-c", _START, str(tmp_path / "store")]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        container = done.stdout.strip()
        assert engine.container(container).running
        state = engine.inspect(container)["State"]
        assert runs(state["Pid"])
        os.kill(state["Shim"]["Pid"], 9)
        wait_until(lambda: not runs(state["Pid"]), "the container ends")
        found = engine.container(container)
        assert (found.state, found.exit_code) == ("exited", 137)
        assert "shim" in found.error
        engine.start(container)
        assert engine.container(container).running
        engine.remove_container(container, force=True)


def test_it_ends_when_its_store_is_deleted(tmp_path: Path):
    with embedded(tmp_path / "store") as engine:
        rung = engine.rung.name
    command = [sys.executable, "-c", _START, str(tmp_path / "store")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    directory = tmp_path / "store/containers" / done.stdout.strip()[:32]
    state = json.loads((directory / "state.json").read_text())
    processes = (state["Pid"], state["Shim"]["Pid"])
    assert all(map(runs, processes)), rung
    # As a user would; to an ordinary one overlayfs' work directory is locked.
    subprocess.run(["rm", "-rf", tmp_path / "store"], check=False, capture_output=True)
    wait_until(lambda: not any(map(runs, processes)), "the container and its shim end")
    assert not (tmp_path / "store/store.db").exists()


def test_the_log_is_docker_s_json(tmp_path: Path):
    with embedded(tmp_path / "store") as engine:
        container = ended(engine, 'printf "a\\"b\\\\\\\\\\tc\\n"')
        (line,) = Path(engine.inspect(container)["LogPath"]).read_text().splitlines()
        entry = json.loads(line)
        assert entry["log"] == 'a"b\\\tc\n'
        assert (entry["stream"], entry["time"][-1]) == ("stdout", "Z")


def test_a_store_of_before_forgets_its_containers_and_keeps_its_images(tmp_path: Path):
    with embedded(tmp_path / "store") as engine:
        image = engine.image("busybox:test").id
    (tmp_path / "store/containers/old/fs").mkdir(parents=True)
    with sqlite3.connect(tmp_path / "store/store.db") as db:
        db.execute("INSERT INTO containers VALUES ('a', 'old', 'b', '', 'exited', '{}')")
        db.execute("PRAGMA user_version=1")
    db.close()
    engine = EmbeddedEngine(tmp_path / "store")
    try:
        assert engine.containers(every=True) == []
        assert engine.image("busybox:test").id == image
        assert list((tmp_path / "store/containers").iterdir()) == []
    finally:
        engine.close()
