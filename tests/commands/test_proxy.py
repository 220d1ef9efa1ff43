"""Whether ports are reached through the notebook server, asked of real ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from container_magics.commands.containers.proxy import proxy_root
from container_magics.engines.docker import DockerEngine
from tests.fixtures.jupyter import running_jupyter

from .engine import MemoryEngine


@pytest.mark.parametrize("there", [True, False])
def test_the_server_that_started_this_process_is_asked(tmp_path, monkeypatch, there):
    settings = {"ServerApp": {"jpserver_extensions": {"jupyter_server_proxy": there}}}
    Path(tmp_path, "config").mkdir()
    Path(tmp_path, "config", "jupyter_server_config.json").write_text(json.dumps(settings))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    with running_jupyter(tmp_path, {}):
        (noted,) = Path(tmp_path, "runtime").glob("jpserver-*[0-9].json")
        monkeypatch.setenv("JPY_PARENT_PID", noted.stem.partition("-")[2])
        assert proxy_root(MemoryEngine()) == ("/" if there else "")
        # Its ports are on another machine.
        assert proxy_root(DockerEngine("far", "ssh://somewhere")) == ""


def test_without_a_server_there_is_none(monkeypatch):
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert proxy_root(MemoryEngine()) == ""
