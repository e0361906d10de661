"""The file for a bug report: what `doctor` found, versions, settings, and where errors happened.

It contains nothing that was said, no key and no free text of the settings. Of the log it has the
places in the code and the kinds of errors, not their messages, which may quote what was said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from tui_voice.cli.checkup import Finding
from tui_voice.config import Settings, log_path
from tui_voice.config.model import all_settings

_PLACE = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<name>\w+)$')
_KIND = re.compile(
    r"(?P<kind>[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Timeout|Missing))(?::.*)?$"
)
_LAST_LINES = 200
_SHOWN_TEXTS = (
    "backend.kind",
    "backend.turn_detection",
    "context.policy",
    "summary.by",
    "ui.theme",
)
"""Settings whose value is a name from a table; other texts may be private."""


def bug_report(findings: Sequence[Finding], settings: Settings) -> dict[str, Any]:
    """Returns the report as a JSON object."""
    return {
        "checks": [
            {"name": one.name, "status": one.status, "detail": _without_home(one.detail)}
            for one in findings
        ],
        "versions": _versions(),
        "settings": {
            key: _shown(key, settings.value(key))
            for key in all_settings()
            if key in settings.origins
        },
        "errors": _errors(log_path()),
    }


def _versions() -> dict[str, str]:
    names = ["tui-voice"]
    for requirement in requires("tui-voice") or ():
        names += re.findall(r"^[A-Za-z0-9._-]+", requirement)
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _shown(key: str, value: object) -> object:
    if isinstance(value, bool | int | float) or value is None or key in _SHOWN_TEXTS:
        return value
    return "set"


def _errors(log: Path) -> list[str]:
    """Returns the places and the kinds of the newest errors in the log, without messages."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        if place := _PLACE.match(line):
            found.append(f"{Path(place['file']).name}:{place['line']} {place['name']}")
        elif kind := _KIND.match(line):
            found.append(kind["kind"])
    return found[-_LAST_LINES:]


def _without_home(text: str) -> str:
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text
