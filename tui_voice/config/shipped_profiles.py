"""The profiles that come with the program: one TOML file each, in the form of the settings file.

    shipped_profiles()             # {"coach": Path(".../config/profiles/coach.toml"), ...}
    read_shipped("coach")          # {"backend": {"voice": "cedar", ...}, "session": {...}, ...}

A profile of the same name in the user's file replaces a shipped one. `tui-voice config profile
NAME` prints one, to be copied there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("profiles")


def shipped_profiles() -> dict[str, Path]:
    """Returns the file of each shipped profile, by its name."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.toml"))}


def read_shipped(name: str) -> dict[str, Any]:
    """Returns the groups of a shipped profile. Raises `KeyError` where there is none."""
    import tomllib

    text = shipped_profiles()[name].read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)["profiles"][name]
    return found


def about(name: str) -> str:
    """Returns the sentence that a shipped profile begins with, without the name."""
    first = shipped_profiles()[name].read_text(encoding="utf-8").partition("\n")[0]
    return first.partition(": ")[2]
