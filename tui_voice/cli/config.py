"""`tui-voice config`: shows the settings in force and their origin; edits their file; prints the
profiles that come with the program.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui_voice import config
from tui_voice.cli import registry
from tui_voice.cli.flags import add_common, add_settings, settings_of
from tui_voice.cli.output import print_json
from tui_voice.cli.table import short, table
from tui_voice.config.loading import allowed
from tui_voice.config.model import all_settings
from tui_voice.config.shipped_profiles import about, read_shipped, shipped_profiles
from tui_voice.errors import TuiVoiceError, UsageError

_EDITORS = ("nano", "vim", "vi", "notepad")


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "config",
        help="the settings in force and where each came from",
        description="Shows the settings in force and where each came from, flags included.",
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("show", "path", "edit", "profile"),
        default="show",
        help="show: all settings (default); path: the path of the file; edit: open the file; "
        "profile: print a profile as TOML",
    )
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="for `profile`: which one; without it, all are listed",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    add_settings(parser)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    if args.name is not None and args.what != "profile":
        raise UsageError(f"config {args.what} takes no name.", "`tui-voice config --help`")
    if args.what == "profile":
        return _print_profile(args)
    if args.what == "path":
        path = config.config_path()
        if args.json:
            print_json({"path": str(path), "exists": path.exists()})
        else:
            print(path)
        return 0
    if args.what == "edit":
        return _edit(config.config_path())
    settings = settings_of(args)
    if args.json:
        print_json(_as_dict(settings))
    else:
        print("\n".join(_as_lines(settings)))
    return 0


def _print_profile(args: argparse.Namespace) -> int:
    """Prints a shipped profile as its file has it; without a name, a table of all profiles."""
    shipped = shipped_profiles()
    if args.name is None:
        own = settings_of(args).profiles
        rows = [(name, "your own, in the settings file") for name in own]
        rows += [(name, about(name)) for name in shipped if name not in own]
        if args.json:
            print_json([{"name": name, "about": sentence} for name, sentence in rows])
        else:
            print(table(rows, indent=0))
        return 0
    if args.name not in shipped:
        raise UsageError(
            f"No profile {args.name} comes with tui-voice.", f"There are {', '.join(shipped)}."
        )
    if args.json:
        print_json({"name": args.name, "settings": read_shipped(args.name)})
    else:
        print(shipped[args.name].read_text(encoding="utf-8"), end="")
    return 0


def _as_dict(settings: config.Settings) -> dict[str, Any]:
    return {
        "path": str(settings.path),
        "exists": settings.path is not None and settings.path.exists(),
        "profile": settings.profile,
        "profiles": list(settings.profiles),
        "settings": [
            {"key": key, "value": settings.value(key), "origin": settings.origin(key)}
            for key in all_settings()
        ],
    }


def _as_lines(settings: config.Settings) -> Iterator[str]:
    path = settings.path
    if path is not None:
        yield short(path) if path.exists() else f"{short(path)} (no such file; none is needed)"
    known = dict.fromkeys([*settings.profiles, *shipped_profiles()])
    names = (f"{name} (in force)" if name == settings.profile else name for name in known)
    yield f"profiles: {', '.join(names)}"
    yield table(
        [
            (key, _shown(settings.value(key)), short(settings.origins.get(key, "")))
            for key in all_settings()
        ],
        indent=0,
    )


def _shown(value: Any) -> str:
    if value is None or value in ({}, ()):
        return "none"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return short(value) if isinstance(value, Path) else str(value)


def _edit(path: Path) -> int:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(template())
    subprocess.run([*_editor(path), str(path)], check=False)
    # A mistake is reported while the user still knows what was changed.
    config.load(path=path, choices=registry.CHOICES)
    print(f"{path} is correct.")
    return 0


def _editor(path: Path) -> list[str]:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    command = shlex.split(named, posix=sys.platform != "win32") if named else []
    if not command:
        command = [name for name in _EDITORS if shutil.which(name)][:1]
    if not command or shutil.which(command[0]) is None:
        raise TuiVoiceError(
            f'The editor "{command[0]}" was not found.' if command else "No editor was found.",
            f"Set EDITOR to one, or open {path} in another way.",
        )
    return command


def template() -> str:
    """Returns a settings file that sets nothing: every setting as a comment, with its default."""
    lines = ["# Settings of tui-voice. Remove the # in front of a setting to change it."]
    last = ""
    for key, setting in all_settings().items():
        group, _, name = key.partition(".")
        if group != last:
            lines += ["", f"[{group}]"]
            last = group
        if key == "cost.prices":
            lines += [f"# {setting.sentence}", '# prices."gpt-realtime-2.1".text_in = 4.00']
            continue
        if group != "keys":
            lines.append(f"# {setting.sentence} ({allowed(key, registry.CHOICES)})")
        lines.append(f"# {name} = {_toml(setting.default)}")
    lines += [
        "",
        "# A profile is a set of settings with a name; `--profile cheap` chooses this one.",
        "# `tui-voice config profile NAME` prints one of those that come with tui-voice, to copy:",
    ]
    lines += ["# [profiles.cheap.backend]", '# model = "gpt-realtime-2.1-mini"', ""]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if value is None:
        return '"none"'
    return json.dumps(value, ensure_ascii=False)  # TOML writes text, numbers and booleans like JSON
