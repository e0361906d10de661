"""The README says what the program does: its tables and its diagram are held against the code."""

import re
from pathlib import Path

import pytest

from tui_voice.cli.parser import COMMANDS
from tui_voice.config import DEFAULT_KEYS
from tui_voice.config.groups import specs
from tui_voice.conversation.states import diagram
from tui_voice.ui.keys import BY_ID

README = Path(__file__).resolve().parents[1] / "README.md"


@pytest.fixture(scope="module")
def readme() -> str:
    return README.read_text(encoding="utf-8")


def settings_table() -> str:
    rows = ["| setting | default | allowed | what it does |", "|---|---|---|---|"]
    for spec in specs().values():
        if spec.key.startswith("keys."):
            continue
        default = "none" if spec.default in (None, {}) else str(spec.default)
        default = default.lower() if isinstance(spec.default, bool) else default
        about = f"{spec.about} (`{spec.flag}`)" if spec.flag else spec.about
        rows.append(f"| `{spec.key}` | {default} | {spec.check.allowed} | {about} |")
    return "\n".join(rows)


def keys_table() -> str:
    shown = {"escape": "Esc", "space": "Space", "enter": "Enter"}
    rows = ["| key | does | name in `[keys]` |", "|---|---|---|"]
    for action, key in DEFAULT_KEYS.items():
        name = shown.get(key) or re.sub(
            r"ctrl\+(.)|f(\d+)", lambda m: f"Ctrl+{m[1].upper()}" if m[1] else f"F{m[2]}", key
        )
        rows.append(f"| {name} | {BY_ID[action].about} | `{action}` |")
    return "\n".join(rows)


def test_the_diagram_is_the_machines_own(readme: str) -> None:
    drawn = re.search(r"```mermaid\n(.*?)\n```", readme, re.S)
    assert drawn is not None
    assert drawn[1] == diagram()


def test_the_settings_are_all_there(readme: str) -> None:
    assert settings_table() in readme


def test_the_keys_are_all_there(readme: str) -> None:
    assert keys_table() in readme


def test_the_commands_are_all_there(readme: str) -> None:
    missing = [name for name in COMMANDS if f"| `tui-voice {name}" not in readme]
    assert missing == []


def test_its_first_two_commands_run_and_test(readme: str) -> None:
    blocks = re.findall(r"```sh\n(.*?)\n```", readme, re.S)
    assert blocks[:2] == [
        "pip install uv && uv run --extra local tui-voice",
        "pip install uv && uv run pytest",
    ]


def test_what_it_points_to_exists(readme: str) -> None:
    named = re.findall(r"\]\((?!https?:|#)([^)#]+)", readme)
    assert named
    assert [name for name in named if not (README.parent / name).exists()] == []
