"""VOLUME."""

from ..model import Case, section
from .material import HEAD, SMALL

CASES = [
    *section(
        "VOLUME",
        Case("volume", 'FROM busybox:test\nENV V=/v\nVOLUME $V /w\nVOLUME ["/x y"]\n'),
        Case("volume_empty", HEAD + "VOLUME []\n", error="DockerfileError", line=2),
        Case(
            "volume_json_and_words",
            HEAD + 'VOLUME ["/var/log/", "/a b"]\nVOLUME /var/log /var/db\nVOLUME [ /x ]\n',
        ),
        Case(
            "volume_keeps_what_was_there",
            HEAD + 'RUN mkdir /myvol && echo "hello world" > /myvol/greeting\nVOLUME /myvol\n',
        ),
        Case("volume_single_quotes", HEAD + "VOLUME ['/a']\n"),
        Case(
            "volume_of_a_base",
            "FROM volume:1\nVOLUME /w\nRUN echo 2 > /v/2\n",
            before={"volume:1": HEAD + "RUN mkdir /v\nVOLUME /v\n"},
        ),
    ),
    *section(
        "Notes about specifying volumes",
        Case(
            "run_volume_then_write",
            HEAD + "RUN mkdir /v && echo 1 > /v/1\nVOLUME /v\nRUN echo 2 > /v/2\nCOPY top /v/\n",
            SMALL,
        ),
    ),
]
