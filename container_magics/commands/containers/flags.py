"""The flags of `docker create` and `docker run`, and those that are refused by name.

Names, short forms and help are docker's.
"""

from __future__ import annotations

from ..grammar import Flag, refuse

__all__ = ["FLAGS", "REFUSED"]

FLAGS = (
    Flag("add-host", "add a custom host-to-IP mapping (host:ip)", value="HOST:IP"),
    Flag("cap-add", "add a Linux capability, or ALL", value="CAPABILITY"),
    Flag("cap-drop", "drop a Linux capability, or ALL", value="CAPABILITY"),
    Flag("cidfile", "write the container ID to the file", value="FILE"),
    Flag("cpus", "number of CPUs, such as 1.5", value="NUMBER"),
    Flag("entrypoint", "overwrite the default ENTRYPOINT of the image", value="COMMAND"),
    Flag("env", "set an environment variable; NAME alone takes yours", "e", "NAME[=VALUE]"),
    Flag("env-file", "read environment variables from a file", value="FILE"),
    Flag("expose", "expose a port or a range of ports", value="PORT[/PROTOCOL]"),
    Flag("health-cmd", "command to run to check health", value="COMMAND"),
    Flag("health-interval", "time between running the check, such as 30s", value="DURATION"),
    Flag("health-retries", "consecutive failures needed to report unhealthy", value="NUMBER"),
    Flag("health-start-period", "time in which failures do not count", value="DURATION"),
    Flag("health-timeout", "maximum time to allow one check to run", value="DURATION"),
    Flag("hostname", "container host name", "h", "NAME"),
    Flag("init", "run an init inside the container that forwards signals and reaps processes"),
    Flag("interactive", "feed standard input: the body of a %%docker cell", "i"),
    Flag("label", "set a label", "l", "NAME[=VALUE]"),
    Flag("label-file", "read labels from a file", value="FILE"),
    Flag("memory", "memory limit, such as 512m", "m", "BYTES"),
    Flag("mount", "mount a folder, a volume or memory", value="type=…,src=…,dst=…"),
    Flag("name", "assign a name to the container", value="NAME"),
    Flag("network", "host, none, or a network's name", value="NETWORK", default="default"),
    Flag("net", "the same as --network", value="NETWORK"),
    Flag("no-healthcheck", "disable the image's HEALTHCHECK"),
    Flag("pids-limit", "limit of processes; -1 is none", value="NUMBER"),
    Flag("publish", "publish a port to the host", "p", "[[ADDRESS:]HOST:]PORT[/PROTOCOL]"),
    Flag("publish-all", "publish all exposed ports to random ports", "P"),
    Flag("pull", "pull the image first: always, missing, never", "", "WHEN", "missing"),
    Flag("quiet", "do not show the pull", "q"),
    Flag("read-only", "mount the container's root file system as read only"),
    Flag("restart", "no, on-failure[:max-retries], always or unless-stopped", "", "POLICY", "no"),
    Flag("rm", "remove the container and its nameless volumes when it exits"),
    Flag("shm-size", "size of /dev/shm, such as 64m", value="BYTES"),
    Flag("stop-signal", "signal to stop the container", value="SIGNAL"),
    Flag("stop-timeout", "seconds until a stop kills; -1 is never", value="SECONDS"),
    Flag("tmpfs", "mount memory", value="TARGET[:size=…,mode=…,ro]"),
    Flag("tty", "give the container a terminal", "t"),
    Flag("ulimit", "a limit of its processes, such as nofile=1024:2048", value="LIMIT"),
    Flag("user", "user name or UID, and group", "u", "USER[:GROUP]"),
    Flag("volume", "mount a folder or a volume", "v", "[SOURCE:]TARGET[:ro]"),
    Flag("workdir", "working directory inside the container", "w", "DIR"),
)
"""What the two have in common."""

REFUSED = {
    **refuse("attach/a", "Standard output and error are shown, -i feeds standard input."),
    **refuse("volumes-from", "Name the volumes: -v NAME:TARGET."),
    **refuse("volume-driver storage-opt", "Volumes are folders of this machine: leave it out."),
    **refuse(
        "memory-swap memory-reservation memory-swappiness kernel-memory oom-kill-disable "
        "oom-score-adj",
        "--memory limits it.",
    ),
    **refuse(
        "cpu-shares/c cpuset-cpus cpuset-mems cpu-period cpu-quota cpu-rt-period cpu-rt-runtime",
        "--cpus limits them.",
    ),
    **refuse("cpu-count cpu-percent io-maxbandwidth io-maxiops isolation", "It is of Windows."),
    **refuse("privileged security-opt", "--cap-add gives single capabilities."),
    **refuse("device device-cgroup-rule gpus", "Devices of this machine stay outside."),
    **refuse("health-start-interval", "--health-interval holds from the start."),
    **refuse("platform", "This machine's platform is taken."),
    **refuse("annotation", "Set a --label."),
    **refuse("group-add", "-u USER:GROUP names the group."),
    **refuse("dns dns-option dns-search domainname", "Names are looked up as the engine does it."),
    **refuse("link link-local-ip ip ip6 mac-address network-alias", "--name is a host name too."),
    **refuse("ipc pid uts userns cgroupns cgroup-parent", "Every container has its own."),
    **refuse("sysctl", "The kernel's settings stay as they are."),
    **refuse("runtime", "The engine's own is taken."),
    **refuse("log-driver log-opt", "`logs` shows what the engine keeps."),
    **refuse("device-read-bps device-read-iops device-write-bps device-write-iops blkio-weight"),
    **refuse("blkio-weight-device disable-content-trust use-api-socket"),
}
"""What docker has besides."""
