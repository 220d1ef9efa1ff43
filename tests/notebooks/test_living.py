"""The notebooks on Dockerfiles, managing images and flattening: what they claim is settled."""

from __future__ import annotations

import re

import pytest

from tests.notebooks.executing import DOCKER, EMBEDDED, execute

__all__ = ["execute"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("bases"),
    pytest.mark.parametrize("execute", [EMBEDDED, DOCKER], indirect=True),
]


def test_dockerfile(execute):
    done = execute("03-dockerfile")
    assert done.errors == []
    assert "Welcome to nginx!" in done.text("%docker exec lab-web sh -c 'curl")
    cached = re.findall(r"RUN apt-get .* CACHED", done.text("%%dockerfile -t lab-web:2"))
    assert len(cached) == 2
    assert "Hello World!" in done.text("%docker rm -f lab-web\n%docker run -d -p 80")
    started = done.text("%docker rm -f lab-web\n%docker run -d -P --name lab-web lab-web:3\n")
    assert "(health: starting)" in started
    assert "lab-web is healthy" in done.text("def wait_for")
    assert "11 rows of history, 5 layers" in done.text("web = cm.layers")

    both = done.text("%docker exec lab-patient cat /asked")
    assert re.match(r"\w+ \w+ +\d+ [\d:]+ UTC \d+\n", both)
    assert re.search(r"\(health: starting\) +lab-patient", both)
    assert re.search(r"\(unhealthy\) +lab-strict", both)
    assert "lab-patient is healthy" in done.text("%docker exec lab-patient touch /ready")

    assert re.search(r"Up .*\(unhealthy\)", done.text("%docker ps --filter name=lab-web"))
    assert "lab-web is healthy" in done.text("def watch")
    restarts = done.text("%docker inspect -f '{{.Name}} was started again")
    assert restarts.splitlines() == [
        "/lab-once was started again 0 times",
        "/lab-twice was started again 2 times",
    ]
    quick, polite = done.text("from IPython.utils.capture").split("lab-polite")
    assert "(SIGTERM) received, exiting" in quick
    assert "(SIGQUIT) received, shutting down" in polite
    assert ("gracefully" in quick, "gracefully" in polite) == (False, True)

    assert done.texts("%docker run --rm lab-last") == ["last\n", "mine\n"]
    assert done.text('for name in ("lab-web:3", "lab-last")').splitlines() == [
        "lab-web:3 entrypoint: None command: ['nginx', '-g', 'daemon off;']",
        "lab-last entrypoint: None command: ['/bin/sh', '-c', 'echo last']",
    ]
    assert '"/bin/sh": no such file' in done.text(
        "%docker run --rm --no-raise-error lab-no-shell"
    ).replace("stat /bin/sh: ", "")
    assert done.text("%docker run --rm lab-no-shell").strip() == "hello"
    assert 'invalid option: "off;"' in done.text("%docker run --rm --no-raise-error lab-entry")
    assert "test is successful" in done.text("%docker run --rm -P lab-entry 'daemon off;'")
    assert "Hello World!" in done.text("%docker run --rm --entrypoint cat lab-entry")
    assert "a build takes a context" in done.text("%docker run --rm --no-raise-error lab-web:3 .")
    assert done.text("%docker run --rm lab-archives").split("\n\n") == [
        "/added:\nfrom-tar.html\npages.zip",
        "/copied:\npages.tar.gz\npages.zip\n",
    ]


def test_managing_images(execute):
    done = execute("05-managing-images")
    flag, operator, prune = done.errors
    assert "unknown shorthand flag: 'f' in -f" in flag
    assert "Give each command a %docker line of its own" in operator
    assert "docker image prune" in prune

    assert done.texts("%docker run --rm lab-greeter") == [
        "version 2, which has a mistake\n",
        "version 1\n",
    ]
    assert "cannot pull" in done.text("%docker run --rm --no-raise-error --pull always")
    assert "cannot remove a running container" in done.text("%docker rm --no-raise-error")
    assert re.search(
        r'conflict: unable to remove repository reference "lab-greeter:1.1" \(must force\)',
        done.text("%docker run -d --name lab-worker lab-greeter:1.1"),
    )
    cells = re.findall("<td>(.*?)</td>", done.html("import re"))
    rows = [tuple(cells[start : start + 5]) for start in range(0, len(cells), 5)]
    assert [row[:4] for row in rows] == [
        ("name", "running", "has no name", "running"),
        ("name", "stopped", "gone", "exited"),
        ("ID", "running", "has its name", "running"),
        ("ID", "stopped", "gone", "exited"),
    ]
    assert "cannot be forced" in rows[2][4]
    assert "I am still here" in done.text("%docker start lab-holder")

    dangling, pruned, failed = done.texts("%docker images -f dangling=true")
    assert "<none>" in dangling
    assert "<none>" not in pruned
    assert "<none>" not in failed
    sizes = re.findall(r"'lab-runs:(\w+)': '([\d.]+) MB'", done.text("sizes = {}"))
    megabytes = {name: float(size) for name, size in sizes}
    assert abs(megabytes["two"] - megabytes["one"]) < 1
    assert megabytes["one"] - megabytes["clean"] > 5

    assert "API_KEY=hunter2" in done.text("%docker history --no-trunc")
    assert "API_KEY=hunter2" in done.text("%docker inspect -f '{{.Config.Env}}'")
    assert re.search(r"COPY key.txt", done.text('cm.layers("lab-secret:deleted")'))
    mounted = done.text("%docker run --rm --no-raise-error lab-secret:mounted")
    assert mounted.startswith("8\n")
    assert "key" not in mounted


def test_flattening(execute):
    done = execute("06-flatten")
    redirected, piped = done.errors
    assert "`%docker export lab-before -o flat.tar`" in redirected
    assert "`%docker import x.tar lab-flat:after`" in piped

    _, row = done.text("%docker history lab-flat:after").splitlines()
    assert row.endswith("Imported from -")
    assert len(done.text("%docker history lab-flat:before").splitlines()) == 12
    wasted, less = map(float, re.findall(r"([\d.]+) MB", done.text("before = cm.layers")))
    assert 0 < less <= wasted < 5
    listed = done.text("%docker create --name lab-other")
    sizes = dict(re.findall(r"lab-flat +(download\S*) .* ([\d.]+)MB", listed))
    assert float(sizes["download"]) - float(sizes["download-after"]) == pytest.approx(20, abs=0.1)

    configuration = done.text("import pandas as pd")
    assert len(re.findall(r" -$", configuration, re.M)) == 5
    assert "SIGQUIT" in configuration
    assert "No command specified" in done.text("%docker run --rm --no-raise-error lab-flat:after")
    listed = done.text("%docker run -d -P --name lab-after")
    assert re.search(r"->80/tcp +lab-before", listed)
    assert not re.search(r"->80/tcp +lab-after", listed)
    assert "Hello World!" in done.text("%docker import -c")
    assert "they share no layers" in done.text("%compare lab-flat:before lab-flat:after")
    layered, flattened = map(int, re.findall(r"(\d+) MB on one node", done.text("for versions in")))
    assert flattened > 1.9 * layered
