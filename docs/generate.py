"""Writes the documents and parts of documents that are read from the code.

    uv run python docs/generate.py

Each function in `DOCUMENTS` returns the whole text of one file; a test compares the files with
these texts. In a file that is written by hand, a generated part stands between two comments:

    <!-- generated: settings -->
    ...
    <!-- end -->
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from tui_voice.cli import registry
from tui_voice.config.loading import allowed
from tui_voice.config.model import GROUPS, PREFIX, Setting, all_settings, variable
from tui_voice.conversation.policies import POLICIES
from tui_voice.conversation.states import diagram

ROOT = Path(__file__).resolve().parents[1]

MOST_USED = (
    *("backend.kind", "backend.model", "backend.voice"),
    *("backend.turn_detection", "backend.silence_ms", "audio.echo_cancellation"),
    *("context.policy", "context.trigger", "context.keep", "cost.limit"),
)
"""The settings that the README shows."""

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
    """Return the text of `docs/settings.md`: every setting, group by group."""
    parts = [_SETTINGS]
    for group, model in GROUPS.items():
        keys = [key for key in all_settings() if key.startswith(f"{group}.")]
        parts += [f"## [{group}]\n\n{model.__doc__}\n", settings_table(keys)]
        if group == "context":
            parts += ["The policies:\n", policies_table()]
    parts.append('## [keys]\n\nThe key of each action, such as `talk = "f5"`.\n')
    return "\n".join(parts)


def readme() -> str:
    """Return the text of the README with its generated parts renewed."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, part in (
        ("settings", settings_table(MOST_USED)),
        ("policies", policies_table()),
        ("states", f"```mermaid\n{diagram()}\n```\n"),
    ):
        text = replace_part(text, name, part)
    return text


def replace_part(text: str, name: str, part: str) -> str:
    """Return the text with the generated part `name` replaced. Raises ValueError without one."""
    begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->\n"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"there is no generated part {name}")
    return before + begin + part + end + after


def settings_table(keys: Iterable[str]) -> str:
    """Return a Markdown table of these settings."""
    rows = ["| setting | default | allowed | what it does |", "|---|---|---|---|"]
    rows += [_settings_row(all_settings()[key]) for key in keys]
    return "\n".join(rows) + "\n"


def _settings_row(setting: Setting) -> str:
    default = "none" if setting.default in (None, {}) else str(setting.default)
    if isinstance(setting.default, bool):
        default = default.lower()
    flag = f" (`{setting.flag}`)" if setting.flag else ""
    values = allowed(setting.key, registry.CHOICES)
    return f"| `{setting.key}` | {default} | {values} | {setting.sentence}{flag} |"


def policies_table() -> str:
    """Return a Markdown table of all policies, the laboratory's among them."""
    rows = [f"| `{name}` | {POLICIES[name].sentence} |" for name in registry.policies()]
    return "\n".join(["| policy | does |", "|---|---|", *rows]) + "\n"


DOCUMENTS: dict[str, Callable[[], str]] = {"docs/settings.md": settings, "README.md": readme}
"""Path of a document → the function that returns its text."""


def main() -> None:
    """Write every document."""
    for name, text in DOCUMENTS.items():
        (ROOT / name).write_text(text(), encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
