"""Every command, flag, setting and key is in the README or in docs/."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tui_voice.cli import parser
from tui_voice.config.model import all_settings
from tui_voice.ui.keys import LIST_ACTIONS, key_name
from tui_voice.ui.screen_table import key_actions

ROOT = Path(__file__).parents[1]
KEYS = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
ALL = "\n".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
)


@pytest.mark.parametrize("command", ["", *parser.COMMANDS, *(f"sessions {one}" for one in (
    "list", "show", "search", "export", "rename", "delete", "stats"
))])  # fmt: skip
def test_what_the_help_names_is_documented(command: str) -> None:
    """The flags are read from what the program prints, not from what the document is made of."""
    printed = subprocess.run(
        [sys.executable, "-m", "tui_voice", *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"tui-voice {command}".strip() in ALL
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]", printed))
    assert sorted(flag for flag in flags if flag not in ALL) == []


def test_every_setting_is_documented() -> None:
    names = [key for key in all_settings() if not key.startswith("keys.")]
    assert [key for key in names if f"`{key}`" not in ALL] == []


def test_every_key_is_documented() -> None:
    actions = (*key_actions(), *LIST_ACTIONS)
    rows = [f"| {key_name(action.key, 'Ctrl+')} | " for action in actions]
    assert [row for row in rows if row not in KEYS] == []
    assert [action.id for action in actions if f"| `{action.id}` |" not in KEYS] == []
