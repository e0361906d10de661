"""Where things are, and what it costs to know."""

import subprocess
import sys
from pathlib import Path

import pytest

from tui_voice.config import cache_dir, config_path, log_path, sessions_dir


def test_the_last_word_on_a_folder_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sessions_dir().parts[-2:] == ("tui-voice", "sessions")
    monkeypatch.setenv("TUI_VOICE_SESSIONS_DIR", "~/talks")
    assert sessions_dir() == Path.home() / "talks"
    assert sessions_dir("there") == Path("there")
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", "~/cache")
    assert cache_dir() == Path.home() / "cache"


def test_each_place_is_ours_alone() -> None:
    places = [sessions_dir(), cache_dir(), config_path({}), log_path()]
    assert len(set(places)) == len(places)
    assert all("tui-voice" in place.parts for place in places)


def test_loading_settings_leaves_the_slow_libraries_alone(tmp_path: Path) -> None:
    """A screen that waits for settings must not wait for these (measured: 12 to 500 ms each)."""
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
