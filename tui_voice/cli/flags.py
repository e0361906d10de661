"""Flags that several commands share, made from the settings they set.

    add_common(parser); add_settings(parser)                            # in `add_parser`
    settings, folder = settings_of(args), sessions_dir_of(args)         # in `run`

Each may stand before or after the command's name: `tui-voice --text resume`, `resume --text`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tui_voice import config
from tui_voice.config import checks
from tui_voice.config.groups import Spec, specs

_TITLES = {"backend": "the other end", "audio": "sound", "context": "window"}
"""Group of settings → heading in the help."""

ENGINES = ("backend.llm_url", "backend.llm_model", "backend.llm_path", "backend.stt", "backend.tts")
"""The settings of the embedded server's engines."""


def add_common(parser: argparse.ArgumentParser) -> None:
    """`--profile` and `--sessions-dir`; `--debug` is everywhere anyway."""
    group = parser.add_argument_group("in general")
    group.add_argument(
        "--profile",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="settings from [profiles.NAME] in the settings file",
    )
    group.add_argument(
        "--sessions-dir",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of the saved talks",
    )


def add_settings(parser: argparse.ArgumentParser, *keys: str) -> None:
    """The flags of the settings named, by default of all that have one."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for spec in specs().values():
        if not spec.flag or (keys and spec.key not in keys):
            continue
        title = spec.key.partition(".")[0]
        if title not in groups:
            groups[title] = parser.add_argument_group(_TITLES[title])
        # SUPPRESS: a flag given before the command must outlive the command's own default.
        if isinstance(spec.check, checks.Flag):
            groups[title].add_argument(
                spec.flag,
                dest=spec.key,
                action="store_true",
                default=argparse.SUPPRESS,
                help=spec.about,
            )
        else:
            groups[title].add_argument(
                spec.flag,
                dest=spec.key,
                metavar=_metavar(spec),
                default=argparse.SUPPRESS,
                help=spec.about.replace("%", "%%"),
            )


def settings_of(args: argparse.Namespace) -> config.Settings:
    """The settings in force for a command. Raises SettingsError."""
    flags = {key: value for key, value in vars(args).items() if "." in key}
    return config.load(flags, profile=getattr(args, "profile", None))


def sessions_dir_of(args: argparse.Namespace) -> Path:
    """The folder of the saved talks for a command."""
    return config.sessions_dir(getattr(args, "sessions_dir", None))


def _metavar(spec: Spec) -> str:
    check = spec.check.check if isinstance(spec.check, checks.Maybe) else spec.check
    if spec.key == "backend.kind":
        return "auto|openai|azure|local|ws://…"
    if isinstance(check, checks.Choice):
        return "|".join(check.options)
    kinds = {checks.Whole: "N", checks.Number: "X", checks.Url: "URL", checks.File: "PATH"}
    return kinds.get(type(check), "NAME")
