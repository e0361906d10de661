"""The folders and files of tui-voice, by the custom of each platform."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tui_voice.errors import UsageError

APP = "tui-voice"
MOST_LOG_BYTES = 2_000_000
"""A new log is begun beyond it. Without a sound server, libraries write 0.7 MB an hour."""


def sessions_dir(override: str | Path | None = None) -> Path:
    """Returns the folder of the saved sessions.

    That is `override`, else TUI_VOICE_SESSIONS_DIR, else a folder in the user's data folder. Raises
    UsageError, as the other functions here, for a text that can be no path.
    """
    named = override if override is not None else os.environ.get("TUI_VOICE_SESSIONS_DIR") or None
    if named is not None:
        folder = user_path(str(named), "the folder of the sessions")
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is not a folder, so it has no sessions.", "Name a folder.")
        return folder
    return data_dir() / "sessions"


def data_dir() -> Path:
    """Returns the folder of what the user would miss: the sessions, and what was remembered."""
    from platformdirs import user_data_path

    return user_data_path(APP, appauthor=False)


def cache_dir() -> Path:
    """Returns the folder of what may be deleted at any time: search index, checkpoints, prompts."""
    if named := os.environ.get("TUI_VOICE_CACHE_DIR"):
        return user_path(named, "the folder of TUI_VOICE_CACHE_DIR")
    from platformdirs import user_cache_path

    return user_cache_path(APP, appauthor=False)


def config_path(env: Mapping[str, str] | None = None) -> Path:
    """Returns the settings file: TUI_VOICE_CONFIG, else `config.toml` in the config folder."""
    if named := (os.environ if env is None else env).get("TUI_VOICE_CONFIG"):
        return user_path(named, "the file of TUI_VOICE_CONFIG")
    from platformdirs import user_config_path

    return user_config_path(APP, appauthor=False) / "config.toml"


def state_dir() -> Path:
    """Returns the folder of the log, and of journals that their own disk did not take."""
    from platformdirs import user_log_path

    return user_log_path(APP, appauthor=False)


def log_path() -> Path:
    """Returns the log file, for what libraries print and for tracebacks, and creates its folder.

    A file of more than `MOST_LOG_BYTES` becomes `tui-voice.log.1`, in place of the one before.
    """
    path = state_dir() / "tui-voice.log"
    with suppress(OSError):  # opening the file will fail, and the user sees that error
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.stat().st_size > MOST_LOG_BYTES:
            path.replace(path.with_name("tui-voice.log.1"))
    return path


def user_path(text: str, what: str) -> Path:
    """Returns the path that a user typed, `~` expanded. It need not exist.

    `what`: what it is the path of, for the sentence: "the folder of --sessions-dir". Raises
    UsageError for a text that can be no path.
    """
    if not text.strip():
        raise UsageError(f"{what[:1].upper()}{what[1:]} is empty.", "Name one, or leave it out.")
    if "\0" in text:
        raise UsageError(f"{what[:1].upper()}{what[1:]} contains a zero byte.", "Name another one.")
    try:
        path = Path(text).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError):
            path.stat()
    except RuntimeError:
        user = text.partition("/")[0]
        raise UsageError(f"There is no user {user[1:]}, so {text} is no path.", "") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError(
                f"The path {text[:60]}... is too long.", "Name a shorter one."
            ) from None
        return Path(text).expanduser()  # whoever uses it reports the error
    return path
