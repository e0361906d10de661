"""The folders and files of tui-voice, and the cost of importing the settings."""

import subprocess
import sys
from pathlib import Path

import pytest

from tui_voice.config import cache_dir, config_path, log_path, sessions_dir


def test_folders_can_be_named_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sessions_dir().parts[-2:] == ("tui-voice", "sessions")
    monkeypatch.setenv("TUI_VOICE_SESSIONS_DIR", "~/saved")
    assert sessions_dir() == Path.home() / "saved"
    assert sessions_dir("there") == Path("there")
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", "~/cache")
    assert cache_dir() == Path.home() / "cache"


def test_each_path_is_different_and_named_after_the_program() -> None:
    paths = [sessions_dir(), cache_dir(), config_path({}), log_path()]
    assert len(set(paths)) == len(paths)
    assert all("tui-voice" in path.parts for path in paths)


def test_a_long_log_makes_way_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui_voice.config.paths.MOST_LOG_BYTES", 10)
    path = log_path()
    older = path.with_name("tui-voice.log.1")
    path.write_text("ten bytes.")
    assert log_path().read_text() == "ten bytes."
    for text in ("some more bytes", "still more bytes"):
        path.write_text(text)
        assert not log_path().exists()
        assert older.read_text() == text


def test_loading_settings_without_a_file_imports_no_slow_library(tmp_path: Path) -> None:
    """The first paint waits for the settings; these libraries take 12 to 500 ms each."""
    code = (
        "import sys, pathlib; from tui_voice.config import load;"
        "load(path=pathlib.Path(sys.argv[1]) / 'none.toml', env={});"
        "print(*sorted(sys.modules))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
    )
    loaded = set(out.stdout.split())
    assert "tui_voice.config" in loaded
    assert not loaded & {"msgspec", "keyring", "numpy", "openai", "tomllib", "textual", "pydantic"}
