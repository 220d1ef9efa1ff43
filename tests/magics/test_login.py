"""`%docker login` in a real kernel: who is asked, and that no output holds a password."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

from tests.distribution.clouds import SECRET, DockerHub
from tests.distribution.conftest import serve

__all__ = ["serve"]


@dataclass
class Kernel:
    """A kernel, and a front end that answers what it is asked."""

    client: object
    asked: list[tuple[str, bool]] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)

    def __call__(self, code: str, *, typist: bool = True) -> str:
        """Run a cell; all that it sent back, as one text."""
        said: list[str] = []

        def answer(message: dict) -> None:
            content = message["content"]
            self.asked.append((content["prompt"], content["password"]))
            self.client.input(self.replies.pop(0))

        def keep(message: dict) -> None:
            if message["header"]["msg_type"] != "execute_input":
                said.append(str(message["content"]))

        reply = self.client.execute_interactive(
            code,
            allow_stdin=typist,
            stdin_hook=answer,
            output_hook=keep,
            timeout=60,
        )
        return "".join([*said, str(reply["content"])])


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("docker-config") / "config.json"


@pytest.fixture(scope="module")
def kernel(configuration: Path) -> Iterator[Kernel]:
    env = {k: v for k, v in os.environ.items() if k not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    env |= {"DOCKER_CONFIG": str(configuration.parent), "DOCKER_CONTEXT": "embedded"}
    manager, client = start_new_kernel(env={**env, "PYTHONPATH": str(Path(__file__).parents[2])})
    kernel = Kernel(client)
    kernel("%load_ext container_magics")
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def cloud(serve, configuration):
    configuration.unlink(missing_ok=True)
    return DockerHub(serve)


def test_the_front_end_asks(kernel, cloud, configuration):
    kernel.replies, kernel.asked = ["me", cloud.secret], []
    said = kernel(f"%docker login {cloud.host}")
    assert kernel.asked == [("Username: ", False), ("Password: ", True)]
    assert "Login Succeeded" in said
    assert SECRET not in said
    assert cloud.host in configuration.read_text()


@pytest.mark.parametrize(
    "cell",
    [
        "secret = open({path!r}).read()\n%docker login -u me -p {{secret}} {host}",
        "secret = open({path!r}).read()\n%docker login -u me --password=$secret {host}",
        "secret = !cat {path}\n%docker --no-raise-error login -u me -p {{secret}} {host}",
        "import os; os.environ['TOKEN'] = open({path!r}).read()\n"
        'logged = %docker login -u me -p "${{TOKEN}}" {host}',
    ],
)
def test_a_variable_holds_the_password(kernel, cloud, cell, tmp_path):
    (tmp_path / "secret").write_text(cloud.secret)
    said = kernel(cell.format(path=str(tmp_path / "secret"), host=cloud.host), typist=False)
    assert "Login Succeeded" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "words",
    [
        f"-u me -p {SECRET}",
        f"-ume -p{SECRET}",
        f"--password={SECRET} -u me",
        f"--username me --password '{SECRET}'",
        f"-u me -p '{{{{{SECRET}}}}}'",
        f"-u me -p {SECRET}-{{x}}",
    ],
)
@pytest.mark.parametrize("start", ["%docker", "%docker --no-raise-error", "r = %docker"])
def test_a_password_in_a_cell_is_refused(kernel, cloud, configuration, words, start):
    said = kernel(f"x = 1\n{start} login {words} {cloud.host}")
    assert "a password in a cell is saved with the notebook" in said
    assert "-p {name}" in said
    assert SECRET not in said
    assert not configuration.exists()
    assert cloud.asked == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (f"['an error', '{SECRET}']", "holds 3 words, and a password is one"),
        ("['sh: aws: command not found']", "holds 5 words, and a password is one"),
        ("[]", "holds nothing"),
        ("''", "holds nothing"),
    ],
)
def test_a_variable_that_holds_no_password(kernel, cloud, configuration, given, said):
    shown = kernel(f"secret = {given}\n%docker login -u me -p {{secret}} {cloud.host}")
    assert f"{{secret}} {said}" in shown
    assert "'an error'" not in shown.partition("UsageError")[2]
    assert not configuration.exists()
    assert cloud.asked == []


def test_the_end_of_input_is_no_name(kernel, cloud):
    kernel.replies, kernel.asked = ["\x04"], []
    said = kernel(f"%docker login {cloud.host}")
    assert "username is empty" in said
    assert "EOFError" not in said


def test_a_body_is_no_place_for_it(kernel, cloud):
    said = kernel(f"%%docker login -u me --password-stdin {cloud.host}\n{SECRET}\n")
    assert "would be saved with the password in it" in said
    assert SECRET not in said


def test_nobody_is_there(kernel, cloud):
    said = kernel(f"%docker login -u me {cloud.host}", typist=False)
    assert "UsageError" in said
    assert "nobody can be asked for a name or password here" in said
