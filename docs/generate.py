"""Writes the documents that are read from the code: `uv run python docs/generate.py`.

Each function returns the whole text of one document. A test compares the files with these texts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui_voice.cli import registry
from tui_voice.config.loading import allowed
from tui_voice.config.model import GROUPS, PREFIX, Setting, all_settings, variable
from tui_voice.config.sources import OTHER_VARIABLES

DOCS = Path(__file__).resolve().parent

_SETTINGS = f"""\
# Settings

This file is generated from `tui_voice/config/model.py` by `docs/generate.py`.

A setting is read from four sources; a later one wins over an earlier one:

1. the settings file, a TOML file whose path `tui-voice config path` prints;
   `tui-voice config edit` creates it with every setting as a comment, and opens it;
2. a profile in that file: `--profile cheap` chooses `[profiles.cheap.context]` and the other
   groups under `profiles.cheap`;
3. environment variables: `{variable("context.keep")}=8` sets `context.keep`;
4. flags, where a setting has one.

`tui-voice config show` prints every setting with its value and its source. A wrong value is refused
at the start, with the file, the name, what was found and what is allowed. An API key is not a
setting: it is read from `OPENAI_API_KEY`, `AZURE_OPENAI_API_KEY` or the system's keyring.

Other variables: `{PREFIX}CONFIG` names another settings file, `{PREFIX}PROFILE` a profile,
`{PREFIX}SESSIONS_DIR` the folder of the saved sessions, `{PREFIX}CACHE_DIR` that of the caches.
Where a value may be *none*, write `"none"` in the file, `none` elsewhere.
"""


def settings() -> str:
    """Return the text of `settings.md`: every setting, group by group."""
    assert all(PREFIX + name in _SETTINGS for name in OTHER_VARIABLES)
    parts = [_SETTINGS]
    for group, model in GROUPS.items():
        parts.append(f"## [{group}]\n\n{model.__doc__}\n")
        parts.append(settings_table(key for key in all_settings() if key.startswith(f"{group}.")))
    parts.append('## [keys]\n\nThe key of each action, such as `talk = "f5"`.\n')
    return "\n".join(parts)


def settings_table(keys: Any) -> str:
    """Return a Markdown table of these settings."""
    rows = ["| setting | default | allowed | what it does |", "|---|---|---|---|"]
    rows += [_row(all_settings()[key]) for key in keys]
    return "\n".join(rows) + "\n"


def _row(setting: Setting) -> str:
    default = "none" if setting.default in (None, {}) else str(setting.default)
    if isinstance(setting.default, bool):
        default = default.lower()
    flag = f" (`{setting.flag}`)" if setting.flag else ""
    range_ = allowed(setting.key, registry.CHOICES)
    return f"| `{setting.key}` | {default} | {range_} | {setting.sentence}{flag} |"


DOCUMENTS: dict[str, Callable[[], str]] = {"settings.md": settings}
"""File name → the function that returns its text."""


def main() -> None:
    """Write every document."""
    for name, text in DOCUMENTS.items():
        (DOCS / name).write_text(text(), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
