"""`tui-voice config`: the settings in force and where each came from; their file."""

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
from tui_voice.cli.flags import add_common, add_settings, settings_of
from tui_voice.cli.table import columns, print_json, short
from tui_voice.config.groups import specs
from tui_voice.config.settings import DEFAULT
from tui_voice.errors import TuiVoiceError

_EDITORS = ("nano", "vim", "vi", "notepad")


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "config",
        help="the settings in force and where each came from",
        description="The settings in force and where each came from. Flags given here count too.",
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("show", "path", "edit"),
        default="show",
        help="show: all settings (the default); path: where the file is; edit: open it",
    )
    parser.add_argument("--json", action="store_true", help="for a program to read")
    add_settings(parser)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
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


def _as_dict(settings: config.Settings) -> dict[str, Any]:
    return {
        "path": str(settings.path),
        "exists": settings.path is not None and settings.path.exists(),
        "profile": settings.profile,
        "profiles": list(settings.profiles),
        "settings": [row._asdict() for row in settings.rows()],
    }


def _as_lines(settings: config.Settings) -> Iterator[str]:
    path = settings.path
    if path is not None:
        yield short(path) if path.exists() else f"{short(path)} (not there: all of it is optional)"
    if settings.profiles:
        names = (f"{n} (in force)" if n == settings.profile else n for n in settings.profiles)
        yield f"profiles: {', '.join(names)}"
    rows = [
        (*row.key.split(".", 1), _shown(row.value), "" if row.origin == DEFAULT else row.origin)
        for row in settings.rows()
    ]
    widest = max(len(name) for _, name, _, _ in rows)
    for group in dict.fromkeys(row[0] for row in rows):
        yield f"\n{group}"
        yield columns(
            (name.ljust(widest), value, short(origin))
            for of, name, value, origin in rows
            if of == group
        )


def _shown(value: Any) -> str:
    if value is None or value == {}:
        return "none"
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
    config.load(path=path)  # says what is wrong while the user still knows what was changed
    print(f"{path} is in order.")
    return 0


def _editor(path: Path) -> list[str]:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    command = shlex.split(named, posix=sys.platform != "win32") if named else []
    if not command:
        command = [name for name in _EDITORS if shutil.which(name)][:1]
    if not command or shutil.which(command[0]) is None:
        raise TuiVoiceError(
            f'The editor "{command[0]}" was not found.' if command else "No editor was found.",
            f"Set EDITOR to one, or open {path} by other means.",
        )
    return command


def template() -> str:
    """A settings file that sets nothing: every setting as a comment, with its default."""
    lines = ["# Settings of tui-voice. Take the sign # away where you want something else."]
    group = ""
    for spec in specs().values():
        of, _, name = spec.key.partition(".")
        if of != group:
            lines += ["", f"[{of}]"]
            group = of
        if spec.key == "cost.prices":
            lines += [f"# {spec.about}", '# prices."gpt-realtime-2.1".text_in = 4.00']
        elif of == "keys":
            lines.append(f"# {name} = {json.dumps(spec.default)}")
        else:
            lines += [f"# {spec.about} ({spec.check.allowed})", f"# {name} = {_toml(spec.default)}"]
    lines += ["", "# A profile is a set of these under a name, chosen by --profile NAME:"]
    lines += ["# [profiles.cheap.backend]", '# model = "gpt-realtime-2.1-mini"', ""]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if value is None:
        return '"none"'
    return json.dumps(value, ensure_ascii=False)  # text, numbers and truth look alike in both
