"""The scan over the test run sees a secret wherever a test can show one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLANTED = """
import os, pytest
from switchgear import Secret
from tests import leaks

VALUE = "sk-" + "planted-" + "0123456789"
KEPT = Secret(VALUE)

def test_masked():
    print(KEPT, repr(KEPT))

def test_printed():
    print(VALUE)

def test_written_by_a_process_of_its_own():
    os.write(2, VALUE.encode())

def test_answered():
    leaks.answered("an answer", b"x" + VALUE.encode())

def test_logged_and_looked_at(log_output):
    print(VALUE)
    log_output.readouterr()

@pytest.fixture
def late():
    yield
    print(VALUE)

def test_at_the_very_end(late):
    pass

def test_a_traceback():
    os.write(2, str(ValueError(VALUE)).encode())

def test_nothing():
    pass
"""


def test_a_planted_secret_fails_the_test_that_shows_it_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\nfrom tests.conftest import _logs\n")
    (tmp_path / "test_planted.py").write_text(PLANTED)
    paths = [str(ROOT), str(ROOT / "core"), str(ROOT / "plugins")]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-p", "no:randomly", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    broken = set(re.findall(r"^(?:FAILED|ERROR) .*::test_(\w+)", ran.stdout, re.MULTILINE))
    everything = set(re.findall(r"def test_(\w+)", PLANTED))
    assert broken == everything - {"masked", "nothing"}, ran.stdout + ran.stderr
    assert "a secret is in" in ran.stdout
