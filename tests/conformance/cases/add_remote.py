"""ADD from a server of the tests, whose address stands for `URL`."""

from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "Adding files from a URL",
        Case(
            "add_url",
            HEAD
            + "ADD http://server/file.txt /f\nADD http://server/d/file.txt /x/\nADD http://server/file.txt /tmp/y\n",
        ),
        Case("add_url_no_time", HEAD + "ADD http://server/no-time /t\n"),
        Case("add_url_tar_stays", HEAD + "ADD http://server/a.tar /t/\n"),
        Case("add_url_chown", HEAD + "ADD --chown=me:7 http://server/file.txt /t/\n"),
        Case("add_url_query", HEAD + "ADD http://server/file.txt?x=y /t/\n"),
        Case("add_url_and_file", HEAD + "ADD a http://server/file.txt /t/\n", {"a": "a\n"}),
        Case(
            "add_url_missing",
            HEAD + "ADD http://server/missing /t/\n",
            error="BuildError",
            words="404",
            line=2,
        ),
        Case("add_url_no_name", HEAD + "ADD http://server/ /t/\nADD http://server/a%2Fb%20c /v/\n"),
        Case("add_url_no_name_but_file", HEAD + "ADD http://server/ /t\n"),
    ),
]
