"""RUN --mount."""

from ..contexts import NOW, Plain
from ..model import REFERENCE, Case, Expected, section, stated
from .material import HEAD, PATH, STAGE

CASES = [
    *section(
        "RUN --mount",
        Case(
            "mount_bind_is_the_default",
            HEAD + "RUN --mount=target=/tmp cp /tmp/a /a && ls /tmp > /l\n",
            {"a": "a\n", "d/b": "b"},
        ),
        Case(
            "mounts_several",
            STAGE
            + "RUN echo s > /s\n"
            + HEAD
            + "RUN --mount=target=/tmp --mount=from=s,target=/root \\\n  cat /tmp/a /root/s > /o\n",
            {"a": "a\n"},
        ),
        Case(
            "mount_in_exec_form",
            HEAD + 'RUN --mount=target=/tmp ["/bin/cp", "/tmp/a", "/a"]\n',
            {"a": "a\n"},
        ),
        Case(
            "mount_of_unknown_type",
            HEAD + "RUN --mount=type=nope,target=/tmp true\n",
            error="DockerfileError",
            words="nope",
            line=2,
        ),
        Case(
            "mount_with_unknown_option",
            HEAD + "RUN --mount=type=bind,target=/tmp,nope=1 true\n",
            error="DockerfileError",
            words="nope",
            line=2,
        ),
        Case(
            "mount_without_target",
            HEAD + "RUN --mount=type=bind true\n",
            error="DockerfileError",
            words="target",
            line=2,
        ),
        Case(
            "mount_option_of_another_type",
            HEAD + "RUN --mount=type=bind,target=/tmp,required=true true\n",
            error="DockerfileError",
            words="required",
            line=2,
        ),
    ),
    *section(
        "RUN --mount=type=bind",
        Case(
            "bind_source",
            HEAD
            + "RUN --mount=type=bind,source=d,dst=/tmp --mount=source=a,destination=/etc/hosts.allow ls /tmp > /l && cat /etc/hosts.allow >> /l\n",
            {"a": "a\n", "d/b": "b"},
        ),
        Case(
            "bind_onto_a_file",
            HEAD
            + "RUN --mount=source=a,target=/etc/group cat /etc/group > /o\nRUN cat /etc/group > /p\n",
            {"a": "a\n"},
        ),
        Case(
            "bind_relative_target",
            HEAD
            + "WORKDIR /tmp\nRUN --mount=type=bind,target=. cp a /a\nRUN --mount=target=../root cp /root/a /b\n",
            {"a": "a\n"},
        ),
        Case(
            "bind_from_a_stage",
            STAGE
            + "RUN mkdir /x && echo 1 > /x/y && chown 7:8 /x/y\n"
            + HEAD
            + "RUN --mount=from=s,source=/x,target=/tmp stat -c '%n %u:%g' /tmp/y > /o\n",
        ),
        Case(
            "bind_from_an_image",
            "FROM scratch\nCOPY --from=busybox:test /bin/busybox /bin/busybox\nCOPY --from=busybox:test /tmp /mnt\n"
            'RUN --mount=from=busybox:test,source=/etc,target=/mnt ["/bin/busybox", "cp", "/mnt/passwd", "/p"]\n',
            differs=(
                "layer 2 names",
                "/dev: missing",
                "/etc: missing",
                "/proc: missing",
                "/sys: missing",
            ),
            why="mount points, which no instruction asked for",
        ),
        Case(
            "bind_is_read_only",
            HEAD
            + "RUN --mount=target=/tmp ! touch /tmp/new 2> /dev/null && ! rm /tmp/a 2> /dev/null\n",
            {"a": "a\n"},
        ),
        Case(
            "bind_writes_are_dropped",
            HEAD
            + "RUN --mount=target=/tmp,rw echo x > /tmp/new && rm /tmp/a && ls /tmp > /l\nRUN --mount=target=/tmp ls /tmp > /m; ls /tmp >> /m\n",
            {"a": "a\n"},
        ),
        Case(
            "bind_sees_the_ignore_file",
            HEAD + "RUN --mount=target=/tmp ls -a /tmp > /l\n",
            {"a": "a\n", "b": "b", ".dockerignore": "b\n"},
        ),
        Case(
            "bind_without_its_source",
            HEAD + "RUN --mount=source=nope,target=/tmp true\n",
            {"a": "a\n"},
            error="BuildError",
            words="nope",
            line=2,
        ),
        Case(
            "bind_from_a_later_stage",
            HEAD + "RUN --mount=from=later,target=/tmp true\nFROM busybox:test AS later\n",
        ),
        Case(
            "bind_keeps_what_is_below",
            HEAD
            + "RUN echo kept > /tmp/kept\nRUN --mount=target=/tmp test ! -e /tmp/kept\nRUN cat /tmp/kept > /o\n",
            {"a": "a\n"},
        ),
        Case(
            "bind_makes_its_mount_point",
            HEAD + "RUN --mount=target=/new/deep cat /new/deep/a > /o\n",
            {"a": "a\n"},
        ),
        Case(
            "bind_with_variables",
            HEAD + "ENV D=/tmp\nARG S=d\nRUN --mount=source=$S,target=$D cp /tmp/b /b\n",
            {"d/b": "b"},
            oracle=REFERENCE,
            expect=Expected(
                {"b": Plain("b", mtime=NOW)},
                {"Env": [PATH, "D=/tmp"]},
                ("ENV D=/tmp", "ARG S=d", "RUN |1 S=d /bin/sh -c cp /tmp/b /b # buildkit"),
            ),
        ),
    ),
    *section(
        "RUN --mount=type=cache",
        Case(
            "cache_is_kept_between_steps",
            HEAD
            + "RUN --mount=type=cache,target=/root echo 1 > /root/x\nRUN ls /root > /l\nRUN --mount=type=cache,target=/root cat /root/x > /o\n",
        ),
        Case(
            "cache_by_id",
            HEAD
            + "RUN --mount=type=cache,id=one,target=/root echo 1 > /root/x\nRUN --mount=type=cache,id=one,target=/tmp cat /tmp/x > /o\nRUN --mount=type=cache,id=two,target=/tmp ls /tmp > /l\n",
        ),
        Case(
            "cache_mode_and_owner",
            HEAD
            + "RUN --mount=type=cache,id=mode,mode=0711,uid=5,gid=6,target=/tmp stat -c '%a %u %g' /tmp > /o\nRUN --mount=type=cache,id=plain,target=/tmp stat -c '%a %u %g' /tmp > /p\n",
        ),
        Case(
            "cache_from_a_stage",
            STAGE
            + "RUN mkdir /x && echo 1 > /x/y\n"
            + HEAD
            + "RUN --mount=type=cache,id=seeded,from=s,source=/x,target=/tmp cat /tmp/y > /o && echo 2 > /tmp/y\nRUN --mount=type=cache,id=seeded,from=s,source=/x,target=/tmp cat /tmp/y > /p\n",
        ),
        Case(
            "cache_read_only",
            HEAD
            + "RUN --mount=type=cache,id=ro,target=/tmp echo 1 > /tmp/x\nRUN --mount=type=cache,id=ro,ro,target=/tmp cat /tmp/x > /o && ! touch /tmp/y 2> /dev/null\n",
        ),
        Case(
            "cache_locked",
            HEAD
            + "RUN --mount=type=cache,id=lock,sharing=locked,target=/tmp echo 1 > /tmp/x\nRUN --mount=type=cache,id=lock,sharing=locked,target=/tmp cat /tmp/x > /o\n",
        ),
        Case(
            "cache_private",
            HEAD
            + "RUN --mount=type=cache,id=priv,sharing=private,target=/tmp echo 1 > /tmp/x\nRUN --mount=type=cache,id=priv,sharing=private,target=/tmp cat /tmp/x > /o\n",
        ),
        Case(
            "cache_sharing_unknown",
            HEAD + "RUN --mount=type=cache,sharing=nope,target=/tmp true\n",
            error="DockerfileError",
            words="nope",
            line=2,
        ),
    ),
    *section(
        "RUN --mount=type=tmpfs",
        Case(
            "tmpfs_is_dropped",
            HEAD
            + "RUN echo kept > /tmp/kept\nRUN --mount=type=tmpfs,target=/tmp echo x > /tmp/x && grep -c ' /tmp tmpfs' /proc/mounts > /o && ls /tmp > /l\n",
        ),
        stated(
            "tmpfs_size",
            HEAD
            + "RUN --mount=type=tmpfs,size=1m,target=/tmp ! dd if=/dev/zero of=/tmp/x bs=2M count=1 2> /dev/null && echo full > /o\n",
            {},
            {"o": Plain("full\n", mtime=NOW)},
            "RUN /bin/sh -c ! dd if=/dev/zero of=/tmp/x bs=2M count=1 2> /dev/null && echo full > /o # buildkit",
        ),
    ),
    *section(
        "RUN --mount=type=secret",
        Case(
            "secret_at_its_default_place",
            HEAD + "RUN mkdir -p /run/secrets && touch -d '2001-01-01 00:00:00' /run /run/secrets\n"
            "RUN --mount=type=secret,id=token cat /run/secrets/token > /o && stat -c '%a %u %g' /run/secrets/token >> /o\nRUN ls /run/secrets > /l\n",
            secrets={"token": "s3cret\n"},
        ),
        Case(
            "secret_named_by_its_target",
            HEAD + "RUN --mount=type=secret,target=/etc/group cat /etc/group > /o\n",
            secrets={"group": "s3cret\n"},
        ),
        Case(
            "secret_mode_and_owner",
            HEAD
            + "RUN --mount=type=secret,id=token,target=/etc/group,mode=0440,uid=7,gid=8 stat -c '%a %u %g' /etc/group > /o\n",
            secrets={"token": "s3cret\n"},
        ),
        Case(
            "secret_that_is_not_there",
            HEAD + "RUN --mount=type=secret,id=none,target=/tmp/s ! test -e /tmp/s\n",
        ),
        Case(
            "secret_required",
            HEAD + "RUN --mount=type=secret,id=none,required=true true\n",
            error="BuildError",
            words="none",
            line=2,
        ),
        stated(
            "secret_in_the_environment",
            HEAD
            + "RUN --mount=type=secret,id=token,env=TOKEN echo ${#TOKEN} > /o && ! test -e /run/secrets/token\n",
            {},
            {"o": Plain("6\n", mtime=NOW)},
            "RUN /bin/sh -c echo ${#TOKEN} > /o && ! test -e /run/secrets/token # buildkit",
            secrets={"token": "s3cret"},
        ),
    ),
    *section(
        "RUN --mount=type=ssh",
        Case("ssh_that_is_not_there", HEAD + "RUN --mount=type=ssh echo x$SSH_AUTH_SOCK > /o\n"),
        Case(
            "ssh_required",
            HEAD + "RUN --mount=type=ssh,required=true true\n",
            error="BuildError",
            line=2,
        ),
    ),
]
