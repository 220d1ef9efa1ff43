"""The flags of `docker build`, and those that are refused by name.

Names, short forms and help are buildx's. Some only say what happens here anyway, and are taken
where they say just that.
"""

from __future__ import annotations

from ...errors import UnsupportedError
from ..grammar import Arguments, Flag, refuse

__all__ = ["FLAGS", "REFUSED", "check_harmless", "only_checks"]

FLAGS = (
    Flag("add-host", 'add a custom host-to-IP mapping (format: "host:ip")', value="HOST:IP"),
    Flag("build-arg", "set a build-time variable; NAME alone takes yours", value="NAME[=VALUE]"),
    Flag(
        "build-context",
        "an additional build context: a folder, docker-image://, oci-layout://, a URL",
        value="NAME=PATH",
    ),
    Flag("builder", "the builder: default is the only one", value="NAME", default="default"),
    Flag(
        "cache-from",
        'external cache sources (e.g. "user/app:cache", "type=local,src=path/to/dir")',
        value="SOURCE",
    ),
    Flag(
        "cache-to",
        'cache export destinations (e.g. "type=inline", "type=local,dest=path/to/dir")',
        value="DESTINATION",
    ),
    Flag("call", "what to do with the Dockerfile: build or check", value="METHOD", default="build"),
    Flag("check", 'shorthand for "--call=check": advice on the Dockerfile, and no build'),
    Flag("compress", "nothing is sent here, so nothing is compressed"),
    Flag("force-rm", "no intermediate container is ever kept"),
    Flag("iidfile", "write the image ID to a file", value="FILE"),
    Flag("label", "set a label of the image", value="NAME=VALUE"),
    Flag("load", 'shorthand for "--output=type=docker": what a build does without --output'),
    Flag("metadata-file", "write build result metadata to a file", value="FILE"),
    Flag("network", "the network of RUN: host, none or default", "", "NETWORK", "default"),
    Flag("no-cache", "do not use the cache when building the image"),
    Flag("no-cache-filter", "do not cache specified stages", value="STAGE[,STAGE]"),
    Flag(
        "output", 'output destination (format: "type=local,dest=path")', "o", "DIR|type=…[,dest=…]"
    ),
    Flag("platform", "the platform to build for", value="OS/ARCH"),
    Flag("progress", "auto, plain, tty or quiet", value="TYPE", default="auto"),
    Flag("provenance", "false is the only value: no attestation is written", value="VALUE"),
    Flag("pull", "always ask for a newer version of the base images"),
    Flag("push", 'shorthand for "--output=type=registry": push every name of -t'),
    Flag("quiet", "show nothing but the image ID", "q"),
    Flag("rm", "no intermediate container is ever kept", default="true"),
    Flag("sbom", "false is the only value: no attestation is written", value="VALUE"),
    Flag(
        "secret",
        'secret to expose to the build (format: "id=mysecret[,src=/local/secret]")',
        value="SECRET",
    ),
    Flag("shm-size", 'size of "/dev/shm", such as 64m', value="BYTES"),
    Flag(
        "ssh",
        "SSH agent socket or keys to expose to the build "
        '(format: "default|<id>[=<socket>|<key>[,<key>]]")',
        value="SSH",
    ),
    Flag("tag", "name, and optionally a tag, as name:tag", "t", "NAME"),
    Flag("target", "the build stage to build", value="STAGE"),
    Flag("ulimit", "a limit of RUN's processes, such as nofile=1024:2048", value="LIMIT"),
)
"""What `docker build` and a cell have in common."""

REFUSED = {
    **refuse("squash", "To flatten an image: run it, then `export -o x.tar` and `import x.tar`."),
    **refuse("isolation", "Linux has one kind, which is taken: leave it out."),
    **refuse(
        "memory/m memory-swap cpu-period cpu-quota cpu-shares/c cpuset-cpus cpuset-mems",
        "Steps run without limits of memory and processors; --ulimit limits a process.",
    ),
    **refuse("cgroup-parent", "Steps run in the control group of this program."),
    **refuse("annotation", "Set a --label."),
    **refuse("attest", "No attestation is written: leave it out."),
    **refuse("allow", "No entitlement has to be granted here: leave it out."),
    **refuse("security-opt", "Steps run with the default profile of this machine's rung."),
    **refuse("debug/D disable-content-trust"),
}
"""What docker has besides."""

_PROGRESS = ("auto", "plain", "tty", "quiet")


def only_checks(arguments: Arguments) -> bool:
    """Whether the Dockerfile is to be checked, and not built.

    Raises:
        UnsupportedError: another method than these two.
    """
    method = arguments.one("call")
    if method not in ("", "build", "check", "lint"):
        raise _unavailable(f"--call={method}", "build and check are.")
    return arguments.on("check") or method in ("check", "lint")


def check_harmless(arguments: Arguments) -> None:
    """Refuse other values of the flags that only say what happens here anyway.

    Raises:
        UnsupportedError: such a value, with what can be written.
    """
    if arguments.one("progress") not in _PROGRESS:
        raise _unavailable(
            f"--progress={arguments.one('progress')}", "auto, plain, tty, quiet are."
        )
    if arguments.one("builder") not in ("", "default"):
        raise _unavailable(
            f"--builder {arguments.one('builder')}", "%docker context use NAME chooses an engine."
        )
    for flag in ("provenance", "sbom"):
        if arguments.given(flag) and arguments.one(flag) not in ("false", "0", "f", "F", "False"):
            raise _unavailable(
                f"--{flag}={arguments.one(flag)}", "No attestation is written: leave it out."
            )
    if not arguments.on("rm"):
        raise _unavailable("--rm=false", "There are no intermediate containers: leave it out.")


def _unavailable(shown: str, hint: str) -> UnsupportedError:
    return UnsupportedError(
        f"docker build {shown} is not available in this version of container-magics", hint=hint
    )
