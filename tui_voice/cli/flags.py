"""Flags that several commands share; most of them are read from the settings model.

    add_common(parser); add_settings(parser)                            # in `add_parser`
    settings, folder = settings_of(args), sessions_dir_of(args)         # in `run`

Each may stand before or after the command's name: `tui-voice --text resume`, `resume --text`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tui_voice import config
from tui_voice.cli import registry
from tui_voice.config.model import all_settings
from tui_voice.config.shipped_profiles import shipped_profiles

_TITLES = {
    "backend": "the server",
    "audio": "sound",
    "context": "window",
    "session": "profiles",
    "privacy": "privacy",
}
"""Group of settings → heading in the help."""

ENGINES = ("backend.llm_url", "backend.llm_model", "backend.llm_path", "backend.stt", "backend.tts")
"""The settings of the embedded server's engines."""


def add_common(parser: argparse.ArgumentParser) -> None:
    """Adds `--profile` and `--sessions-dir`. (`__main__` takes `--debug` from every command.)"""
    group = parser.add_argument_group("in general")
    group.add_argument(
        "--profile",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="tutor, coach, support, meeting, or [profiles.NAME] in the settings file",
    )
    group.add_argument(
        "--sessions-dir",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of the saved sessions",
    )


def add_settings(parser: argparse.ArgumentParser, *keys: str) -> None:
    """Adds the flags of the settings `keys`; without keys, of all settings that have a flag."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for setting in all_settings().values():
        if not setting.flag or (keys and setting.key not in keys):
            continue
        group = setting.key.partition(".")[0]
        if group not in groups:
            groups[group] = parser.add_argument_group(_TITLES[group])
        groups[group].add_argument(
            setting.flag,
            dest=setting.key,
            # A flag before the command's name must not be overwritten by the command's default.
            default=argparse.SUPPRESS,
            help=setting.sentence.replace("%", "%%"),
            **_form(setting.metavar),
        )


def _form(metavar: str) -> dict[str, Any]:
    """Returns how argparse reads the flag: with a value, or alone."""
    return {"metavar": metavar} if metavar else {"action": "store_true"}


def settings_of(args: argparse.Namespace) -> config.Settings:
    """Returns the settings in force for a command. Raises SettingsError."""
    return editor_of(args).settings


def editor_of(args: argparse.Namespace) -> config.SettingsEditor:
    """Returns the settings of a command, which can be changed. Raises SettingsError."""
    return config.SettingsEditor(
        {key: value for key, value in vars(args).items() if "." in key},
        getattr(args, "profile", None),
        choices=registry.CHOICES,
        suggestions=registry.SUGGESTIONS,
        check=registry.check,
    )


def settings_for_session(editor: config.SettingsEditor, journal: Path | None) -> config.Settings:
    """Returns the settings for a session; `journal`: of the one to resume, None for a new one.

    A resumed session keeps its profile, also where it had none, unless the user named one for this
    run: by `--profile`, in the environment or on the screen. The settings in force are used where
    there is no such profile any more. Raises SettingsError.
    """
    settings = editor.settings
    if journal is None or settings.profile_is_explicit:
        return settings
    from tui_voice.store.reading import load

    had = load(journal).ledger.profile
    if had == (settings.profile or ""):
        return settings
    known = {"", *settings.profiles, *shipped_profiles()}
    return editor.with_profile(had or "none") if had in known else settings


def sessions_dir_of(args: argparse.Namespace) -> Path:
    """Returns the folder of the saved sessions for a command."""
    return config.sessions_dir(getattr(args, "sessions_dir", None))
