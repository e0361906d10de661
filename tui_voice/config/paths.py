"""The folders and files of tui-voice, by the custom of each platform."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

APP = "tui-voice"


def sessions_dir(override: str | Path | None = None) -> Path:
    """Returns the folder of the saved sessions.

    That is `override`, else TUI_VOICE_SESSIONS_DIR, else a folder in the user's data folder.
    """
    if named := override or os.environ.get("TUI_VOICE_SESSIONS_DIR"):
        return Path(named).expanduser()
    return data_dir() / "sessions"


def data_dir() -> Path:
    """Returns the folder of what the user would miss: the sessions, and what was remembered."""
    from platformdirs import user_data_path

    return user_data_path(APP, appauthor=False)


def cache_dir() -> Path:
    """Returns the folder of files that may be deleted at any time: search index, checkpoints."""
    if named := os.environ.get("TUI_VOICE_CACHE_DIR"):
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path(APP, appauthor=False)


def config_path(env: Mapping[str, str] | None = None) -> Path:
    """Returns the settings file: TUI_VOICE_CONFIG, else `config.toml` in the config folder."""
    if named := (os.environ if env is None else env).get("TUI_VOICE_CONFIG"):
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path(APP, appauthor=False) / "config.toml"


def state_dir() -> Path:
    """Returns the folder of the log, and of journals that their own disk did not take."""
    from platformdirs import user_log_path

    return user_log_path(APP, appauthor=False)


def log_path() -> Path:
    """Returns the log file, for what libraries print and for tracebacks, and create its folder."""
    path = state_dir() / "tui-voice.log"
    with suppress(OSError):  # opening the file will fail, and the user sees that error
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
