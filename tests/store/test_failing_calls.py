"""Every n-th open, write, fsync, rename and truncate fails, also those of SQLite.

Whatever is done with sessions meanwhile, nothing is lost and nothing incomplete is left.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        reason = "a C compiler on Linux is needed to replace calls of the C library"
        if os.environ.get("CI") == "true" and sys.platform == "linux":
            pytest.fail(reason)
        pytest.skip(reason)
    made = tmp_path_factory.mktemp("failing") / "failing.so"
    source = Path(__file__).with_name("failing.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.mark.parametrize("what", ["journal", "tables", "exports", "fork", "rename", "delete"])
def test_nothing_is_lost_and_nothing_incomplete_is_left(
    what: str, failing: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "tests.store.failing_calls_harness",
            what,
            str(tmp_path),
        ],
        cwd=Path(__file__).parents[2],
        env=os.environ
        | {"LD_PRELOAD": str(failing), "HOME": str(home), "XDG_STATE_HOME": str(home / "state")},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) >= 10  # enough of them to mean something
