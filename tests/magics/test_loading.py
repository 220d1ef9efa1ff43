"""What loading the extension does and leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import container_magics
from container_magics.magics.statements import ShowStatements

HEAVY = {
    "IPython.display",
    "docker",
    "isal",
    "matplotlib",
    "numpy",
    "pandas",
    "platformdirs",
    "requests",
    "sqlite3",
    "zstandard",
    "container_magics.commands.dispatch",
    "container_magics.views",
    "container_magics.engines.discovery",
}
PROGRAM = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before, names = set(sys.modules), set(shell.user_ns)
shell.run_line_magic("load_ext", "container_magics")
print(json.dumps([sorted(set(sys.modules) - before), sorted(set(shell.user_ns) - names)]))
"""


def test_loading_imports_nothing_heavy_and_defines_nothing():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    modules, names = json.loads(done.stdout.splitlines()[-1])
    assert "container_magics.magics.docker" in modules
    assert HEAVY & set(modules) == set()
    assert names == []


def test_importing_the_package_imports_nothing_else():
    program = "import sys, container_magics; print([m for m in sys.modules if 'container_m' in m])"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "['container_magics']"


def test_no_builtin_magic_is_shadowed(session_shell):
    def table():
        magics = session_shell.magics_manager.magics
        return {(kind, name): magics[kind][name] for kind in magics for name in magics[kind]}

    # IPython puts a magic of its own that is used for the first time in the table anew.
    for name in ("load_ext", "reload_ext", "unload_ext"):
        session_shell.run_line_magic(name, "container_magics")
    before = table()
    session_shell.run_line_magic("load_ext", "container_magics")
    try:
        after = table()
    finally:
        session_shell.run_line_magic("unload_ext", "container_magics")
    assert {key: after[key] for key in before} == before
    ours = {"compare", "containers", "docker", "dockerfile", "layers"}
    assert {name for _, name in after.keys() - before.keys()} == ours
    assert table() == before


def test_loading_twice_shows_things_once(shell):
    shell.run_line_magic("reload_ext", "container_magics")
    kinds = [type(each) for each in shell.ast_transformers]
    assert kinds.count(ShowStatements) == 1


@pytest.mark.parametrize("name", ["__version__", *container_magics.__all__])
def test_public_names_are_there(name):
    assert getattr(container_magics, name) is not None
    assert name in dir(container_magics)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = container_magics.nothing_like_it
