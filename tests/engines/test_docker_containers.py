"""A container's life on a real dockerd: made, listed, started, stopped, renamed, removed."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from container_magics.engines.build_request import Ulimit
from container_magics.engines.containers import Container, Port
from container_magics.engines.docker import DockerEngine
from container_magics.engines.events import Cancellation, Message
from container_magics.engines.run_request import (
    HealthCheck,
    Mount,
    Publish,
    RestartPolicy,
    RunRequest,
    Tmpfs,
    Volume,
)
from container_magics.errors import (
    ConflictError,
    ContainerMagicsError,
    NotFoundError,
    PullError,
    RunError,
    UsageError,
)
from tests.fixtures.living import alone, background, created, ended, started, written
from tests.fixtures.processes import wait_until
from tests.fixtures.registry import free_port

pytestmark = pytest.mark.docker

MISSING = "No such container: nosuch"


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    with alone(docker_engine) as found:
        yield found


def state(engine: DockerEngine, container: Container) -> str:
    return engine.container(container.id).state


def said(engine: DockerEngine, script: str, **options: object) -> list[str]:
    """The lines that a script writes in a container of its own."""
    container = ended(engine, "sh", "-c", script, **options)
    return written(engine, container.id).decode().splitlines()


class TestCreate:
    def test_does_not_run(self, engine):
        container = created(engine, "echo", "hi", name="box", labels={"a": "b"})
        assert (container.name, container.state, container.running) == ("box", "created", False)
        assert (container.image, container.command) == ("busybox:test", ("echo", "hi"))
        assert container.image_id == engine.image("busybox:test").id
        assert (container.started, container.finished) == (None, None)
        assert (container.networks, dict(container.labels)) == (("bridge",), {"a": "b"})
        assert datetime.now(timezone.utc) - container.created < timedelta(minutes=1)

    def test_name_in_use(self, engine):
        created(engine, name="box")
        with pytest.raises(ConflictError, match='name "/box" is already in use'):
            created(engine, name="box")

    def test_image_that_cannot_be_pulled(self, engine):
        events: list[object] = []
        with pytest.raises(PullError):
            engine.create(RunRequest("localhost:1/nosuch"), events.append, Cancellation())
        assert events[0] == Message("Unable to find image 'localhost:1/nosuch:latest' locally")

    def test_what_the_engine_refuses(self, engine):
        with pytest.raises(RunError, match="working directory") as caught:
            created(engine, workdir="not/absolute")
        assert caught.value.returncode == 125

    def test_files(self, engine, tmp_path):
        (tmp_path / "f").write_text("bound\n")
        engine.create_volume("data", {})
        container = created(
            engine,
            "sh",
            "-c",
            "cat /bound/f; touch /ro/f || echo fixed; ls /copied /empty; touch /here || echo root; "
            "grep -E ' (/t|/s) ' /proc/mounts | cut -d' ' -f2-4",
            read_only=True,
            mounts=(Mount(tmp_path, "/bound", read_only=True),),
            volumes=(
                Volume("data", "/ro", read_only=True),
                Volume("", "/copied/home"),
                Volume("more", "/empty", copy=False),
            ),
            tmpfs=(Tmpfs("/t", size=1 << 20, mode=0o700), Tmpfs("/s", read_only=True)),
        )
        engine.start(container.id)
        assert engine.wait(container.id, Cancellation()) == 0
        lines = written(engine, container.id).decode().splitlines()
        assert lines[:6] == ["bound", "fixed", "/copied:", "home", "", "/empty:"]
        assert lines[6] == "root"
        options = {line.split()[0]: line.split()[2].split(",") for line in lines[7:]}
        assert {"rw", "size=1024k", "mode=700"} <= set(options["/t"])
        assert "ro" in options["/s"]
        assert {"data", "more", str(tmp_path)} < set(container.mounts)

    def test_folder_that_is_not_there(self, engine, tmp_path):
        with pytest.raises(RunError, match="bind source path does not exist"):
            created(engine, mounts=(Mount(tmp_path / "a", "/a", create=False),))
        started(engine, mounts=(Mount(tmp_path / "b", "/b"),))
        assert [path.name for path in tmp_path.iterdir()] == ["b"]

    def test_volume_takes_the_files_of_the_image(self, engine):
        script = "ls /etc"
        assert "passwd" in said(engine, script, volumes=(Volume("kept", "/etc"),))
        assert "passwd" not in said(engine, script, volumes=(Volume("none", "/etc", copy=False),))

    def test_network_and_hosts(self, engine):
        script = "hostname; grep other /etc/hosts"
        hosts = {"other": "192.0.2.7"}
        assert said(engine, script, hostname="box", hosts=hosts) == ["box", "192.0.2.7\tother"]

    def test_limits(self, engine):
        container = created(
            engine,
            memory=64 << 20,
            cpus=0.5,
            pids_limit=20,
            shm_size=1 << 20,
            ulimits=(Ulimit("nofile", 100, 200),),
            cap_add=("NET_ADMIN",),
            cap_drop=("ALL",),
        )
        limits = engine.inspect(container.id)["HostConfig"]
        assert limits["Memory"] == 64 << 20
        assert (limits["NanoCpus"], limits["PidsLimit"]) == (500_000_000, 20)
        assert (limits["CapAdd"], limits["CapDrop"]) == (["NET_ADMIN"], ["ALL"])
        lines = said(
            engine,
            "ulimit -n; df -k /dev/shm | tail -n 1; grep CapEff /proc/self/status",
            shm_size=1 << 20,
            ulimits=(Ulimit("nofile", 100, 200),),
            cap_drop=("ALL",),
        )
        assert (lines[0], lines[1].split()[1], lines[2].split()[1]) == ("100", "1024", "0" * 16)

    def test_init_is_the_first_process(self, engine):
        container = created(engine, init=True)
        assert engine.inspect(container.id)["HostConfig"]["Init"] is True

    def test_stop_settings(self, engine):
        container = created(engine, stop_signal="SIGUSR1", stop_timeout=3)
        config = engine.inspect(container.id)["Config"]
        assert (config["StopSignal"], config["StopTimeout"]) == ("SIGUSR1", 3)

    def test_removes_itself_and_its_nameless_volumes(self, engine):
        container = created(engine, "true", remove=True, volumes=(Volume("", "/data"),))
        engine.start(container.id)
        wait_until(lambda: not engine.containers(every=True), "the container is gone")
        wait_until(lambda: not engine.volumes(), "its volume is gone")

    def test_standard_input_stays_open(self, engine):
        container = started(engine, "cat", open_stdin=True)
        assert state(engine, container) == "running"
        assert ended(engine, "cat").state == "exited"


class TestHealth:
    def test_becomes_healthy(self, engine):
        check = HealthCheck(("CMD-SHELL", "true"), interval=0.1, timeout=5, retries=1)
        container = started(engine, health=check)
        wait_until(lambda: engine.container(container.id).health == "healthy", "healthy")
        assert engine.containers()[0].health == "healthy"

    def test_becomes_unhealthy(self, engine):
        check = HealthCheck(("CMD", "false"), interval=0.1, retries=1)
        container = started(engine, health=check)
        assert container.health in ("starting", "unhealthy")
        wait_until(lambda: engine.container(container.id).health == "unhealthy", "unhealthy")

    def test_none(self, engine):
        assert started(engine).health == ""
        container = created(engine, health=HealthCheck(("NONE",)))
        assert engine.inspect(container.id)["Config"]["Healthcheck"]["Test"] == ["NONE"]

    def test_start_period(self, engine):
        check = HealthCheck(("CMD", "false"), interval=60, start_period=2.5)
        config = engine.inspect(started(engine, health=check).id)["Config"]
        assert config["Healthcheck"]["StartPeriod"] == 2_500_000_000
        assert engine.containers()[0].health == "starting"


class TestPorts:
    def serving(self, engine: DockerEngine, **options: object) -> Container:
        script = "echo hello > /tmp/index.html; exec httpd -f -p 80 -h /tmp"
        return started(engine, "sh", "-c", script, **options)

    def fetched(self, port: int, host: str = "127.0.0.1") -> bytes:
        answers: list[bytes] = []

        def answered() -> bool:
            connection = http.client.HTTPConnection(host, port, timeout=5)
            try:
                connection.request("GET", "/index.html")
                answers.append(connection.getresponse().read())
            except OSError:
                return False
            finally:
                connection.close()
            return True

        wait_until(answered, f"an answer on port {port}")
        return answers[0]

    def test_published_at_a_port(self, engine):
        port = free_port()
        container = self.serving(engine, publish=(Publish(80, host=port, address="127.0.0.1"),))
        assert container.ports == (Port(80, "tcp", port, "127.0.0.1"),)
        assert engine.containers()[0].ports == container.ports
        address = engine.inspect(container.id)["NetworkSettings"]["IPAddress"]
        assert self.fetched(80, address) == b"hello\n"

    def test_published_at_any_one_of_several(self, engine):
        first = free_port()
        asked = Publish(80, host=first, last=first + 9, address="127.0.0.1")
        (port,) = self.serving(engine, publish=(asked,)).ports
        assert first <= port.host <= first + 9

    def test_published_anywhere_at_a_free_port(self, engine):
        container = self.serving(engine, publish=(Publish(80),))
        published = {port.address: port.host for port in container.ports}
        assert published["0.0.0.0"] > 0

    def test_all_that_are_exposed(self, engine):
        container = self.serving(engine, expose=("80/tcp", "81/udp"), publish_all=True)
        found = {(p.container, p.protocol) for p in container.ports if p.host}
        assert found == {(80, "tcp"), (81, "udp")}

    def test_exposed_only(self, engine):
        container = started(engine, expose=("80/tcp",))
        assert container.ports == engine.containers()[0].ports == (Port(80),)

    def test_port_in_use(self, engine):
        ports = (Publish(80, host=free_port(), address="127.0.0.1"),)
        first = started(engine, publish=ports)
        with pytest.raises(RunError, match="port is already allocated") as caught:
            started(engine, publish=ports)
        assert caught.value.returncode == 125
        assert state(engine, first) == "running"


class TestListing:
    def test_newest_first_and_those_that_run(self, engine):
        old = started(engine, name="old")
        new = created(engine, name="new")
        assert [container.id for container in engine.containers(every=True)] == [new.id, old.id]
        assert [container.name for container in engine.containers()] == ["old"]

    def test_says_what_one_says(self, engine):
        one = started(engine, "sh", "-c", "sleep 1000; echo 'a b'", labels={"x": ""})
        listed = engine.containers()[0]
        for name in ("id", "name", "image", "image_id", "state", "networks", "labels", "ports"):
            assert getattr(listed, name) == getattr(one, name)
        assert listed.created == one.created.replace(microsecond=0)
        assert listed.command == one.command == ("sh", "-c", "sleep 1000; echo 'a b'")

    @pytest.mark.parametrize("status", [0, 7])
    def test_ended(self, engine, status):
        one = ended(engine, "sh", "-c", f"exit {status}")
        listed = engine.containers(every=True)[0]
        for found in (one, listed):
            assert (found.state, found.exit_code) == ("exited", status)
            assert found.finished is not None
        assert abs(listed.finished - one.finished) < timedelta(seconds=10)

    def test_paused(self, engine):
        container = started(engine)
        engine.pause(container.id)
        listed = engine.containers()[0]
        assert (listed.state, listed.running, listed.health) == ("paused", True, "")
        assert abs(listed.started - container.started) < timedelta(seconds=10)
        engine.unpause(container.id)
        assert engine.containers()[0].state == "running"

    def test_restarting(self, engine):
        policy = RestartPolicy("on-failure", 1000)
        container = started(engine, "sh", "-c", "exit 3", restart=policy)
        wait_until(lambda: state(engine, container) == "restarting", "restarting")
        wait_until(lambda: engine.container(container.id).restarts > 1, "restarted twice")

    def test_sizes(self, engine):
        ended(engine, "sh", "-c", "head -c 5000 /dev/zero > /five")
        assert engine.containers(every=True)[0].size is None
        assert engine.containers(every=True, sizes=True)[0].size >= 5000

    def test_many_are_one_call(self, engine):
        for _ in range(5):
            created(engine)
        with engine.calling() as api:
            asked: list[str] = []
            watch = lambda response, *_, **__: asked.append(response.url)  # noqa: E731
            api.hooks["response"].append(watch)
            assert len(engine.containers(every=True)) == 5
            api.hooks["response"].remove(watch)
        assert len(asked) == 1

    def test_one_that_is_not_there(self, engine):
        with pytest.raises(NotFoundError, match=MISSING):
            engine.container("nosuch")


class TestStart:
    def test_runs_in_the_background(self, engine):
        container = started(engine)
        assert (container.state, container.running) == ("running", True)
        assert container.started is not None
        engine.start(container.name)

    def test_again(self, engine):
        container = ended(engine, "sh", "-c", "echo x >> /n; wc -l < /n")
        engine.start(container.id)
        engine.wait(container.id, Cancellation())
        assert written(engine, container.id) == b"1\n2\n"

    @pytest.mark.parametrize(("command", "status"), [("nosuch", 127), ("/etc/passwd", 126)])
    def test_what_cannot_run(self, engine, command, status):
        container = created(engine, command)
        with pytest.raises(RunError, match=command) as caught:
            engine.start(container.id)
        assert caught.value.returncode == status
        found = engine.container(container.id)
        assert (found.state, found.exit_code) == ("created", status)
        assert command in found.error

    def test_paused(self, engine):
        container = started(engine)
        engine.pause(container.id)
        with pytest.raises(ConflictError, match="cannot start a paused container"):
            engine.start(container.id)


class TestStop:
    def trapping(self, engine: DockerEngine, signal: str, **options: object) -> Container:
        script = f"trap 'exit 9' {signal}; echo ready; while :; do sleep 0.05; done"
        container = started(engine, "sh", "-c", script, **options)
        wait_until(lambda: written(engine, container.id) == b"ready\n", "it is ready")
        return container

    def test_asks_first(self, engine):
        container = self.trapping(engine, "TERM")
        engine.stop(container.id, 1000)
        assert engine.container(container.id).exit_code == 9

    def test_its_own_signal(self, engine):
        container = self.trapping(engine, "USR1", stop_signal="USR1")
        engine.stop(container.id, -1)
        assert engine.container(container.id).exit_code == 9

    def test_kills_in_the_end(self, engine):
        container = self.trapping(engine, "USR1")
        began = time.monotonic()
        engine.stop(container.id, 1)
        assert engine.container(container.id).exit_code == 137
        assert 1 <= time.monotonic() - began < 9

    def test_its_own_timeout(self, engine):
        container = self.trapping(engine, "USR1", stop_timeout=0)
        engine.stop(container.id)
        assert engine.container(container.id).exit_code == 137

    def test_what_does_not_run(self, engine):
        container = ended(engine, "true")
        engine.stop(container.id)
        assert engine.container(container.id).finished == container.finished

    def test_restart(self, engine):
        container = started(engine, stop_timeout=0)
        engine.restart(container.id)
        again = engine.container(container.id)
        assert again.state == "running"
        assert again.started > container.started
        engine.restart(container.id, 0)
        assert engine.container(container.id).started > again.started


class TestKill:
    def test_kills(self, engine):
        container = started(engine)
        engine.kill(container.id)
        wait_until(lambda: state(engine, container) == "exited", "it ended")
        assert engine.container(container.id).exit_code == 137

    @pytest.mark.parametrize("signal", ["USR1", "SIGUSR1", "10"])
    def test_signals(self, engine, signal):
        script = "trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done"
        container = started(engine, "sh", "-c", script)
        wait_until(lambda: written(engine, container.id) == b"ready\n", "it is ready")
        engine.kill(container.id, signal)
        assert engine.wait(container.id, Cancellation()) == 9

    def test_what_does_not_run(self, engine):
        with pytest.raises(ConflictError, match="is not running"):
            engine.kill(created(engine).id)

    def test_no_signal(self, engine):
        container = started(engine)
        with pytest.raises(UsageError, match=r"(?i)invalid signal: nosuch"):
            engine.kill(container.id, "NOSUCH")


class TestStates:
    def test_pause_what_is_paused(self, engine):
        container = started(engine)
        engine.pause(container.id)
        with pytest.raises(ConflictError, match="is already paused"):
            engine.pause(container.id)

    def test_pause_what_does_not_run(self, engine):
        with pytest.raises(ConflictError, match="is not running"):
            engine.pause(created(engine).id)

    def test_unpause_what_is_not_paused(self, engine):
        with pytest.raises(ConflictError, match="is not paused"):
            engine.unpause(started(engine).id)

    def test_rename(self, engine):
        container = created(engine, name="old")
        engine.rename("old", "new")
        assert engine.container("new").id == container.id
        created(engine, name="other")
        with pytest.raises(ConflictError, match='name "/other" is already in use'):
            engine.rename("new", "other")

    def test_update(self, engine):
        container = created(engine)
        engine.update(container.id, RestartPolicy("on-failure", 4))
        policy = engine.inspect(container.id)["HostConfig"]["RestartPolicy"]
        assert policy == {"Name": "on-failure", "MaximumRetryCount": 4}
        engine.update(container.id, RestartPolicy("unless-stopped"))
        policy = engine.inspect(container.id)["HostConfig"]["RestartPolicy"]
        assert policy["Name"] == "unless-stopped"

    @pytest.mark.parametrize(
        "verb",
        [
            lambda engine: engine.start("nosuch"),
            lambda engine: engine.stop("nosuch"),
            lambda engine: engine.restart("nosuch"),
            lambda engine: engine.kill("nosuch"),
            lambda engine: engine.pause("nosuch"),
            lambda engine: engine.unpause("nosuch"),
            lambda engine: engine.rename("nosuch", "other"),
            lambda engine: engine.update("nosuch", RestartPolicy()),
            lambda engine: engine.remove_container("nosuch"),
            lambda engine: engine.wait("nosuch", Cancellation()),
        ],
    )
    def test_one_that_is_not_there(self, engine, verb):
        with pytest.raises(NotFoundError, match=MISSING):
            verb(engine)


class TestRemove:
    def test_removes(self, engine):
        engine.remove_container(ended(engine, "true").name)
        assert engine.containers(every=True) == []

    def test_one_that_runs(self, engine):
        container = started(engine)
        with pytest.raises(ConflictError, match="You cannot remove a running container"):
            engine.remove_container(container.id)
        engine.remove_container(container.id, force=True)
        assert engine.containers(every=True) == []

    def test_nameless_volumes(self, engine):
        volumes = (Volume("", "/a"), Volume("named", "/b"))
        for volumes_too, left in ((False, 2), (True, 2)):
            container = created(engine, volumes=volumes)
            engine.remove_container(container.id, volumes=volumes_too)
            assert len(engine.volumes()) == left

    def test_prune(self, engine):
        kept = started(engine)
        gone = ended(engine, "sh", "-c", "head -c 7000 /dev/zero > /f")
        deleted, freed = engine.prune_containers()
        assert deleted == (gone.id,)
        assert freed >= 7000
        assert [container.id for container in engine.containers(every=True)] == [kept.id]

    def test_prune_until(self, engine):
        container = created(engine)
        assert engine.prune_containers(container.created.timestamp() - 1) == ((), 0)
        assert engine.prune_containers(time.time() + 1)[0] == (container.id,)


class TestWait:
    def test_gives_the_exit_status(self, engine):
        container = started(engine, "sh", "-c", "exit 4")
        assert engine.wait(container.id, Cancellation()) == 4
        assert engine.wait(container.id, Cancellation()) == 4

    def test_cancelled(self, engine):
        container = started(engine)
        waiting = background(lambda cancel: engine.wait(container.id, cancel))
        waiting.cancel.cancel()
        with pytest.raises(ContainerMagicsError, match="cancelled"):
            waiting.result()
        assert state(engine, container) == "running"
