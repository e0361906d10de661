"""Writes the documents and parts of documents that are read from the code.

    uv run python docs/generate.py

Each function in `DOCUMENTS` returns the whole text of one file; a test compares the files with
these texts. In a file that is written by hand, a generated part stands between two comments:

    <!-- generated: settings -->
    ...
    <!-- end -->
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tui_voice.audio.sound_classifier import WEIGHTS as YAMNET
from tui_voice.cli import parser, registry
from tui_voice.config.loading import allowed
from tui_voice.config.model import GROUPS, PREFIX, Setting, all_settings, variable
from tui_voice.conversation.policies import POLICIES
from tui_voice.conversation.states import diagram
from tui_voice.errors import EXIT_STATUS_MEANINGS
from tui_voice.server.local.hibari import MODEL
from tui_voice.server.local.moonshine import DECODER, ENCODER, TOKENIZER
from tui_voice.server.local.pico import FILES as PICO
from tui_voice.server.local.smart_turn import WEIGHTS as SMART_TURN
from tui_voice.server.local.smollm import SMOLLM2
from tui_voice.server.local.vad import SILERO
from tui_voice.ui.key_hints import FIND_KEYS, PANE_KEYS, PROMPT_KEYS, SELECT_KEYS
from tui_voice.ui.keys import BUILT_IN, key_name
from tui_voice.ui.live_settings import NEXT_START
from tui_voice.ui.screen_table import key_actions
from tui_voice.ui.screens.list_screen import LIST_KEYS
from tui_voice.ui.screens.log import LogScreen
from tui_voice.ui.screens.reader import READER_KEYS, ReaderScreen
from tui_voice.ui.screens.search import SearchScreen
from tui_voice.ui.screens.sessions import SessionsScreen
from tui_voice.ui.screens.settings import SETTINGS_HINTS, SETTINGS_KEYS
from tui_voice.ui.widgets.memory_panel import MemoryPanel
from tui_voice.ui.widgets.pane import keys_of
from tui_voice.ui.widgets.pruning_log import PruningLog
from tui_voice.ui.widgets.timeline import Timeline

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
2. a profile: `--profile cheap` chooses `[profiles.cheap.context]` and the other groups under
   `profiles.cheap` in that file, or else the profile `cheap` that comes with tui-voice
   (`tui-voice config profile` lists those);
3. environment variables: `{variable("context.keep")}=8` sets `context.keep`;
4. flags, where a setting has one.

The settings screen (F3) shows all of them, in groups, each with its sentence, its default, what is
allowed, and where its value comes from. What you change there is checked, and saved in the file:
comments, order and everything else stay. If another program has changed the same setting meanwhile,
nothing is overwritten. A value of the profile in force is changed in the profile. A variable, a
flag and a shipped profile are stronger than the file; the screen says so, and saves your value all
the same. A change counts:

- *at once*: microphone, loudspeaker, volume, speaking speed, turn detection and pause tolerance
  (`silence_ms`), policy and limits of the window, theme, side panel, bell, and most keys;
- *when you leave the settings*: the rest of `backend`, such as voice and model; the session is
  opened again, and its turns stay;
- *at the next start*: {", ".join(f"`{key}`" for key in sorted(NEXT_START))};
- *from the next session on*: all others.

`tui-voice config show` prints every setting with its value and its source. A wrong value is refused
at the start, with the file, the name, what was found and what is allowed. An API key is not a
setting: it is read from `OPENAI_API_KEY`, `AZURE_OPENAI_API_KEY` or the system's keyring.

Other variables: `{PREFIX}CONFIG` names another settings file, `{PREFIX}PROFILE` a profile,
`{PREFIX}SESSIONS_DIR` the folder of the saved sessions, `{PREFIX}CACHE_DIR` that of the caches.
Where a value may be *none*, write `"none"` in the file, `none` elsewhere.
"""


_TOOLS = """\
## [tools.NAME]

A server of the Model Context Protocol (MCP), whose functions the model may call as `NAME_FUNCTION`.
It needs the extra `tools`: `uv run --extra tools tui-voice`.

```toml
[tools.notes]
command = "mcp-server-filesystem"     # or url = "https://…/mcp" for a server over HTTP
args = ["/notes"]
env = { TOKEN = "${NOTES_TOKEN}" }    # ${NAME} is replaced by your environment variable
allow = "ask"                         # every call is asked for; or always, or never
functions.read_file = "always"        # the same for one function
timeout_s = 60                        # seconds after which a call is given up
result_limit = 8000                   # characters of a result that the model gets
```

With `url`, `headers` gives HTTP headers, with `${NAME}` as in `env`. A function that you allow for
good on the screen is remembered in `allowed-tools.json`, in the folder above the sessions. Where
no screen can ask, as in `tui-voice say`, a call that has to be asked for is refused. A server that
ends is started again once.
"""


_PRICES = """\
A table of `cost.prices`; what you leave out stays as the program knows it, else it costs nothing:

```toml
[cost.prices."gpt-realtime-2.1"]
text_in = 4           # USD per million tokens; so are the next seven
text_cached = 0.40
text_out = 24
audio_in = 32
audio_cached = 0.40
audio_out = 64
image_in = 5          # left out of a new model: what text costs; so is image_cached
image_cached = 0.50
cache_write = 1.0     # text that is written to the cache costs so many times `text_in`
window = 128000       # tokens that the model can carry, its answer included
max_output = 32000    # tokens of one answer at most

[cost.prices.gpt-transcribe]
per_minute = 0.0045   # USD per minute of transcribed audio
```
"""


def settings() -> str:
    """Return the text of `docs/settings.md`: every setting, group by group."""
    parts = [_SETTINGS]
    for group, model in GROUPS.items():
        keys = [key for key in all_settings() if key.startswith(f"{group}.")]
        parts += [f"## [{group}]\n\n{model.__doc__}\n", settings_table(keys)]
        if group == "cost":
            parts.append(_PRICES)
        if group == "context":
            parts += ["The policies:\n", policies_table()]
    parts.append(_TOOLS)
    parts.append(
        '## [keys]\n\nThe key of each action, such as `talk = "f5"`: see [keys](keys.md).\n'
    )
    return "\n".join(parts)


def readme() -> str:
    """Return the text of the README with its generated parts renewed."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, part in (
        ("exit statuses", exit_statuses_table()),
        ("keys", keys_table()),
        ("settings", settings_table(MOST_USED)),
        ("policies", policies_table()),
        ("states", f"```mermaid\n{diagram()}\n```\n"),
    ):
        text = replace_part(text, name, part)
    return text


_ENGINES = (SILERO, ENCODER, DECODER, TOKENIZER, MODEL, SMOLLM2)


def dependencies() -> str:
    """Return the text of `docs/dependencies.md` with the table of model files renewed."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = [
        f"| `{model.file}` | `{model.release}` | `{model.sha256}` |\n"
        for model in (*_ENGINES, SMART_TURN, YAMNET, *PICO)
    ]
    return replace_part(
        text, "weights", "| file | package | SHA-256 |\n|---|---|---|\n" + "".join(rows)
    )


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
    default = "none" if setting.default in (None, {}, ()) else str(setting.default)
    if isinstance(setting.default, bool):
        default = default.lower()
    flag = f" (`{setting.flag}`)" if setting.flag else ""
    values = allowed(setting.key, registry.CHOICES)
    return f"| `{setting.key}` | {default} | {values} | {setting.sentence}{flag} |"


def exit_statuses_table() -> str:
    """Return a Markdown table of the exit statuses."""
    rows = [f"| {int(status)} | {text} |" for status, text in EXIT_STATUS_MEANINGS.items()]
    return "\n".join(["| status | means |", "|---|---|", *rows]) + "\n"


def policies_table() -> str:
    """Return a Markdown table of all policies, the laboratory's among them."""
    rows = [f"| `{name}` | {POLICIES[name].sentence} |" for name in registry.policies()]
    return "\n".join(["| policy | does |", "|---|---|", *rows]) + "\n"


_KEYS = """\
# Keys

This file is generated from the key table (`tui_voice/ui/keys.py`), the screen table
(`tui_voice/ui/screen_table.py`) and the screens, by `docs/generate.py`.

## Session screen

Each of these keys can be moved in the settings: `talk = "f5"` under `[keys]`. The footer shows the
keys that work at the moment.

**Letters always type**, wherever the focus is. Space talks only where the prompt is empty, or in
select mode. In *select mode* the footer begins with `select`, one turn is lit, and the keys that
are one letter act on this turn; every other letter goes to the prompt and ends the mode.

The up key in the empty prompt brings your earlier inputs, as in a shell; those of earlier sessions
too. So it does not begin select mode. Ctrl+T does, Tab, a click on a turn, and Esc pressed twice
where there is nothing to stop and nothing typed. One Esc never does: whoever presses Esc out of
habit and types on must not pin or copy with the first letters.

What you send before the session is open is sent when it is. What is half typed is kept for its
session: when you open another one, quit, or the process is ended.

"""


_SETTINGS_SCREEN = """\
F3 opens the settings, and `/settings WORDS` those that contain the words. A switch changes at once,
the others open a list or a line; a long text and the prices open several lines, which Ctrl+S saves.
A value that is not allowed is explained there, and nothing is saved. [settings](settings.md) says
when a change counts."""


def keys_table() -> str:
    """Return a Markdown table of the keys of the session screen."""
    rows = [
        f"| {key_name(action.key, 'Ctrl+')} | {action.about} | `{action.id}` |"
        for action in key_actions()
    ]
    return "\n".join(["| key | does | name in `[keys]` |", "|---|---|---|", *rows]) + "\n"


def keys() -> str:
    """Return the text of `docs/keys.md`: the keys of every screen."""
    parts = [_KEYS + keys_table().rstrip()]
    parts.append("These keys belong to a part of the screen and cannot be moved:")
    fixed = [("prompt", PROMPT_KEYS), ("select mode", SELECT_KEYS), ("find", FIND_KEYS)]
    for pane in (Timeline, PruningLog, MemoryPanel):
        own = keys_of(pane)
        rows = [(key, word) for _action, key, word in own.keys]
        fixed.append((own.name, (*rows, ("Esc", "go back to the prompt"), *PANE_KEYS)))
    lines = [f"| {place} | {key} | {word} |" for place, rows in fixed for key, word in rows]
    parts.append("\n".join(["| part | key | does |", "|---|---|---|", *lines]))
    for title, screen, more in (
        ("Saved sessions", SessionsScreen, LIST_KEYS),
        ("Search", SearchScreen, LIST_KEYS),
        ("Reader", ReaderScreen, READER_KEYS),
        ("Log", LogScreen, LIST_KEYS),
    ):
        movable = {**BUILT_IN, **{action.id: action for action in key_actions()}}
        names = [(movable[name], word) for name, word in screen.HINTS if name in movable]
        names += [(movable[name], movable[name].label) for name in ("help", "jump", "quit")]
        lines = [f"| {key_name(a.key, 'Ctrl+')} | {word} | `{a.id}` |" for a, word in names]
        lines += [f"| {key} | {word} | |" for key, word in more]
        parts.append(f"## {title}")
        parts.append("\n".join(["| key | does | name in `[keys]` |", "|---|---|---|", *lines]))
    own = [(BUILT_IN[name], word) for name, word in SETTINGS_HINTS if name in BUILT_IN]
    lines = [f"| {key_name(a.key, 'Ctrl+')} | {word} | `{a.id}` |" for a, word in own]
    lines += [f"| {key} | {word} | |" for key, word in SETTINGS_KEYS]
    parts += ["## Settings", _SETTINGS_SCREEN]
    parts.append("\n".join(["| key | does | name in `[keys]` |", "|---|---|---|", *lines]))
    return "\n\n".join(parts) + "\n"


_COMMANDS = """\
# Commands

This file is generated from the parsers of the commands by `docs/generate.py`. The
[README](../README.md) explains the commands with examples, [settings](settings.md) the settings
that flags set. Each command explains itself with `--help`.

`--debug` may stand with every command: tracebacks are then written to a log file.
"""


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Return the name and the parser of each command, and of the commands below it."""
    yield "tui-voice", parser.build([])
    for name in parser.COMMANDS:
        # Only the command that the arguments name has its flags.
        yield from _below(f"tui-voice {name}", _subcommands(parser.build([name]))[name])


def _below(
    name: str, one: argparse.ArgumentParser
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, one
    for word, below in _subcommands(one).items():
        yield from _below(f"{name} {word}", below)


def _subcommands(one: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [part for part in one._actions if isinstance(part, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def commands() -> str:
    """Return the text of `docs/commands.md`: every command with its arguments and flags."""
    parts = [_COMMANDS]
    for name, one in parsers():
        shown = [
            part
            for part in one._actions
            if part.help != argparse.SUPPRESS
            and not isinstance(part, argparse._SubParsersAction | argparse._HelpAction)
        ]
        rows = [_argument_row(one, part) for part in shown]
        parts.append(f"## {name}\n\n{one.description or ''}\n")
        if rows:
            parts.append("| argument | does |\n|---|---|\n" + "".join(rows))
    return "\n".join(parts)


def _argument_row(one: argparse.ArgumentParser, part: argparse.Action) -> str:
    formatter = one._get_formatter()
    names = ", ".join(part.option_strings)
    value = formatter._format_args(part, part.dest.upper()) if part.nargs != 0 else ""
    about = " ".join(formatter._expand_help(part).split()) if part.help else ""
    shown = " ".join(filter(None, (names, value))).replace("|", "\\|")
    return f"| `{shown}` | {about.replace('|', chr(92) + '|')} |\n"


_TESTS = """\
# Tests

This file is generated by `docs/generate.py`.

Each folder tests the package of the same name; `e2e` runs the whole program in a terminal. The rest
of this page lists the harness files: code that runs a part of the program for several tests, or
replaces what is outside of it, such as a server, a disk or a sound device. `conftest.py` files
contain the fixtures of a folder; `test_quality.py` checks rules for the whole repository,
`test_readme.py` the documents, and `test_recipes.py` adds rows to the tables that can be extended.

Tests marked `slow` take more than a few seconds, `local` need the embedded engines, `sound` need
PulseAudio: `uv run pytest -m "not slow and not sound"` leaves them out.

| file | what it does |
|---|---|
"""


def harnesses() -> str:
    """Return the text of `tests/README.md`: the first sentence of every harness file."""
    rows = []
    for path in sorted((ROOT / "tests").rglob("*_harness.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        sentence = " ".join(docstring.partition("\n\n")[0].split())
        name = path.relative_to(ROOT / "tests").as_posix()
        rows.append(f"| [{name}]({name}) | {sentence} |")
    return _TESTS + "\n".join(rows) + "\n"


DOCUMENTS: dict[str, Callable[[], str]] = {
    "README.md": readme,
    "docs/commands.md": commands,
    "docs/dependencies.md": dependencies,
    "docs/keys.md": keys,
    "docs/settings.md": settings,
    "tests/README.md": harnesses,
}
"""Path of a document → the function that returns its text."""


def main() -> None:
    """Write every document."""
    for name, text in DOCUMENTS.items():
        (ROOT / name).write_text(text(), encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
