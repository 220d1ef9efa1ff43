"""USER."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "USER",
        Case("user", "FROM busybox:test\nUSER me\nRUN id > /tmp/a\nUSER 1000:0\nRUN id > /tmp/b\n"),
        Case(
            "user_number_unknown", "FROM busybox:test\nUSER 4321\nRUN id > /tmp/a; touch /tmp/x\n"
        ),
        Case(
            "user_group",
            HEAD
            + "USER me:0\nRUN id > /tmp/a\nUSER 5:6\nRUN id > /tmp/b\nUSER 1000\nRUN id > /tmp/c\nUSER me:7\nRUN id > /tmp/d\n",
        ),
        Case(
            "user_home",
            HEAD
            + "USER me\nRUN echo $HOME > /tmp/a\nUSER 77\nRUN echo $HOME > /tmp/b\nENV HOME=/h\nRUN echo $HOME > /tmp/c\nUSER root\nRUN echo $HOME > /tmp/d\n",
        ),
        Case("user_empty", HEAD + "ARG U\nUSER $U\n"),
        Case("unknown_user", HEAD + "USER nobody-here\nRUN true\n", error="BuildError", line=3),
        Case("user_badgroup", HEAD + "USER me:nogroup\nRUN true\n", error="BuildError", line=3),
        Case(
            "user_groups_of_his",
            HEAD
            + "RUN echo 'extra:x:55:me' >> /etc/group\nUSER me\nRUN id -G > /tmp/a\nUSER me:me\nRUN id -G > /tmp/b\nUSER 1000\nRUN id -G > /tmp/c\n",
        ),
        Case(
            "user_of_a_base",
            "FROM user:1\nRUN id > /tmp/a\nUSER root\nRUN id > /tmp/b\n",
            before={"user:1": HEAD + "USER me\n"},
        ),
        Case("user_does_not_own_copies", HEAD + "USER me\nCOPY a /a\nADD a /tmp/b\n", {"a": "a"}),
        Case(
            "user_may_not_write", HEAD + "USER me\nRUN touch /x\n", error="StepFailedError", line=3
        ),
        Case(
            "user_made_by_a_run",
            HEAD
            + "RUN echo 'new:x:77:78::/home/new:/bin/sh' >> /etc/passwd\nUSER new\nRUN echo $HOME > /tmp/h && touch /tmp/x\n",
        ),
        Case("user_two_words", HEAD + "USER a b\n"),
    ),
]
