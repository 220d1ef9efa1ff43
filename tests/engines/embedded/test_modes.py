"""`--chmod`: symbolic modes as the chmod program understands them."""

from __future__ import annotations

import stat
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container_magics.engines.embedded.building.copying.modes import parse_mode
from container_magics.errors import BuildError

FILE, DIRECTORY = stat.S_IFREG, stat.S_IFDIR

WHO = st.text("ugoa", max_size=3)
WHAT = st.one_of(st.text("rwx", max_size=3), st.sampled_from("ugo"))
CLAUSES = st.builds(
    lambda who, actions: who + "".join(actions),
    WHO,
    st.lists(st.builds("{}{}".format, st.sampled_from("+-="), WHAT), min_size=1, max_size=3),
)
MODES = st.builds(
    lambda first, rest: ",".join([*first, *rest]),
    st.lists(st.sampled_from(["u=rwX", "+X", "a-X", "go=rX", "=rwX"]), max_size=1),
    st.lists(CLAUSES, min_size=1, max_size=3),
)


@settings(max_examples=150, deadline=None)
@given(before=st.integers(0, 0o777), is_directory=st.booleans(), text=MODES)
def test_it_is_what_chmod_makes(tmp_path_factory, before, is_directory, text):
    path = tmp_path_factory.mktemp("mode") / "it"
    path.mkdir() if is_directory else path.touch()
    path.chmod(before)
    subprocess.run(["chmod", "--", text, path], check=True, umask=0)
    kind = DIRECTORY if is_directory else FILE
    assert parse_mode(text)(kind | before) == path.stat().st_mode


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("755", 0o600, 0o755),
        ("0", 0o777, 0),
        ("7777", 0o600, 0o7777),
        ("000644", 0o600, 0o644),
        ("u+s,g+s", 0o755, 0o6755),
        ("+s", 0o755, 0o6755),
        ("o+s", 0o755, 0o755),
        ("u=rwx", 0o4600, 0o700),
        ("g=", 0o2675, 0o605),
        ("+t", 0o755, 0o1755),
        ("a-t", 0o1755, 0o755),
        ("o+t", 0o755, 0o755),
        ("a=r,a+X", 0o711, 0o555),
    ],
)
def test_octal_and_special_bits(text, before, after):
    assert parse_mode(text)(FILE | before) == FILE | after


@pytest.mark.parametrize(
    "text", ["", "8", "78", "10000", "0x1", "0o7", "-1", "rw", "u", "u+z", "+x,"]
)
def test_no_mode(text):
    with pytest.raises(BuildError, match="invalid chmod parameter"):
        parse_mode(text)
