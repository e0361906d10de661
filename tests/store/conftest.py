"""Fixtures: every store test has its own cache folder; `small` is a small disk of its own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requirements_harness import require


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        require(False, "a small file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
