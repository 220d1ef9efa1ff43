"""RUN: what its layer keeps of what the process did."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "RUN",
        Case("run_changes_nothing", "FROM busybox:test\nRUN true\nRUN echo out; echo err >&2\n"),
        Case(
            "run_removes",
            "FROM busybox:test\nRUN mkdir -p /d/e && echo 1 > /d/e/f && echo 2 > /d/g\n"
            "RUN rm /d/g /bin/yes\nRUN rm -r /d/e && mkdir /d/e && echo 3 > /d/e/h\nRUN rm -r /root\n",
            differs=("layer ",),
            why="removed by name, not by an opaque mark: so the layer is the same on every rung",
        ),
        Case(
            "run_types",
            "FROM busybox:test\nRUN umask 027; mkdir /t /t/dir && echo x > /t/file && ln -s file /t/link"
            " && ln /t/file /t/hard && mkfifo /t/fifo && chmod 6755 /t/file && chmod 1777 /t/dir"
            " && ln -s /nowhere /t/dangling\n",
        ),
        Case("run_device", "FROM busybox:test\nRUN mknod /null c 1 3 && mknod /disk b 7 9\n"),
        Case(
            "run_owner",
            "FROM busybox:test\nRUN echo 1 > /a && chown 1000:5 /a && chown -h me /bin/yes\n",
        ),
        Case(
            "run_links_of_the_base",
            "FROM busybox:test\nRUN echo x > /1 && ln /1 /2 && ln /1 /3\nRUN echo y >> /2\nRUN rm /1\n",
        ),
        Case(
            "run_metadata_of_the_base",
            "FROM busybox:test\nRUN chmod 700 /etc && chown me /etc/passwd\n",
        ),
        Case(
            "run_replaces",
            "FROM busybox:test\nRUN rm -r /root && echo file > /root\nRUN rm /root && ln -s tmp /root\n"
            "RUN rm /root && mkdir /root && echo 1 > /root/1\n",
            differs=("layer ",),
            why="removed by name, not by an opaque mark: so the layer is the same on every rung",
        ),
        Case(
            "run_old_times",
            "FROM busybox:test\nRUN touch -d '2001-02-03 04:05:06' /old && mkdir /d "
            "&& touch -d '1999-01-01 00:00:00' /d\n",
        ),
        Case(
            "run_names",
            "FROM busybox:test\nRUN touch '/a b' /ü /-x '/q\"uote'\n",
        ),
        Case(
            "run_long_name",
            "FROM busybox:test\nRUN d=$(printf '%0120d' 1) && mkdir -p /$d/$d && echo x > /$d/$d/$d\n",
        ),
        Case(
            "run_mv_dir",
            HEAD
            + "RUN mkdir /d && echo 1 > /d/f\nRUN mv /d /e\nRUN mv /root /r2\nRUN mv /e/f /e/g\n",
        ),
        Case(
            "run_opaque",
            HEAD
            + "RUN mkdir -p /d/e && echo 1 > /d/e/f && echo 2 > /d/g\nRUN rm -r /d && mkdir /d && echo 3 > /d/g\nRUN rm -r /d; echo file > /d\nRUN rm /d; mkdir -p /d/e; echo 4 > /d/e/f\n",
            differs=("layer ",),
            why="removed by name, not by an opaque mark: so the layer is the same on every rung",
        ),
        Case(
            "run_wh_file",
            HEAD + "RUN touch /.wh.foo /.whx; ls -a / > /l\n",
            differs=("layer ",),
            why="removed by name, not by an opaque mark: so the layer is the same on every rung",
        ),
        Case(
            "run_odd_names",
            HEAD
            + "RUN touch \"$(printf '/nl\\n.')\" \"$(printf '/t\\tb')\" '/back\\\\slash' '/*' '/[a]'\n",
        ),
        Case("run_bad_utf8", HEAD + "RUN touch \"$(printf '/b\\377d')\"\n"),
        Case(
            "run_sparse",
            HEAD
            + "RUN dd if=/dev/zero of=/s bs=1 count=1 seek=1000000 2>/dev/null; : > /empty; truncate -s 3000000 /t\n",
        ),
        Case(
            "run_modes",
            HEAD
            + "RUN touch /0 /1 && chmod 000 /0 && chmod 7777 /1 && mkdir -m 2770 /g && touch /g/x && mkdir /g/y && mkdir -m 000 /z\n",
        ),
        Case(
            "run_link_times",
            HEAD
            + "RUN ln -s a /l && touch -h -d '2001-02-03 04:05:06' /l\nRUN ln -sf b /l\nRUN chown -h 5:5 /l\n",
        ),
    ),
]
