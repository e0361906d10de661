"""The table of the screens that the user opens by a key or from the command palette.

To add a screen, write its module and one row here (`docs/architecture.md` has an example). The
row gives its key, its texts for footer, help and palette, and how it is created. A module is
imported when its screen is first opened, so that the first paint does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from textual.screen import Screen

from tui_voice.ui.keys import ALWAYS, KEY_ACTIONS, PLACES, SESSION, SESSIONS, KeyAction
from tui_voice.ui.screen_context import ScreenContext


def _ignore_result(_context: ScreenContext, _result: Any) -> None:
    """For screens that return nothing."""


class ScreenSpec(NamedTuple):
    """One row of the table. The name is also the id of the key in the settings group `[keys]`."""

    name: str
    key: str
    """The default key, in Textual's notation."""
    label: str
    """One word for the footer and the palette."""
    about: str
    """One phrase for the help screen and the palette."""
    create: Callable[[ScreenContext], Screen[Any]]
    on_result: Callable[[ScreenContext, Any], None] = _ignore_result
    """Takes what the screen returned, unless the user cancelled it (None)."""
    needs: str = ""
    """As in `KeyAction.needs`."""
    in_footer: bool = False
    places: tuple[str, ...] = (SESSION,)
    """The screens in which the key works."""

    @property
    def key_action(self) -> KeyAction:
        """This screen as a row of the key table."""
        opens = f"open_screen({self.name!r})"
        return KeyAction(
            self.name,
            self.key,
            self.label,
            self.about,
            self.needs,
            ALWAYS if self.in_footer else "",
            opens,
            self.places,
        )


def _sessions(context: ScreenContext) -> Screen[Any]:
    from tui_voice.ui.screens.sessions import SessionsScreen

    return SessionsScreen(
        context.options, context.keys, context.sessions_folder, context.session_id
    )


def _search(context: ScreenContext) -> Screen[Any]:
    from tui_voice.ui.screens.search import SearchScreen

    return SearchScreen(context.options, context.keys, context.sessions_folder)


def _log(context: ScreenContext) -> Screen[Any]:
    from tui_voice.ui.screens.log import LogScreen

    return LogScreen(context.options, context.keys, context.journal)


def _memory(context: ScreenContext) -> Screen[Any]:
    from tui_voice.ui.screens.memory import FactSource, MemoryScreen

    return MemoryScreen(FactSource(context.facts, context.post), context.options.glyphs)


def _export(context: ScreenContext) -> Screen[Any]:
    from tui_voice.ui.screens.export import ExportDialog

    return ExportDialog(context.options.glyphs)


def _settings(context: ScreenContext) -> Screen[Any]:
    from tui_voice.ui.screens.settings import SettingsScreen

    assert context.settings is not None  # what the screen needs
    return SettingsScreen(context, context.settings)


def _help(context: ScreenContext) -> Screen[Any]:
    from tui_voice.ui.screens.help import HelpScreen

    return HelpScreen(context.keys, context.topic)


def _resume(context: ScreenContext, result: Any) -> None:
    context.resume(result)


def _write_export(context: ScreenContext, result: Any) -> None:
    context.export(result)


SCREENS: dict[str, ScreenSpec] = {
    spec.name: spec
    for spec in (
        ScreenSpec(
            "sessions",
            "ctrl+r",
            "sessions",
            "list the saved sessions",
            _sessions,
            _resume,
            in_footer=True,
        ),
        ScreenSpec(
            "search",
            "ctrl+f",
            "search",
            "search in all saved sessions",
            _search,
            _resume,
            in_footer=True,
        ),
        ScreenSpec(
            "memory",
            "f5",
            "memory",
            "read, correct, add, delete and pin what is remembered",
            _memory,
        ),
        ScreenSpec(
            "export",
            "ctrl+e",
            "export",
            "export the session to a file",
            _export,
            _write_export,
            needs="export",
            places=(SESSION, SESSIONS),
        ),
        ScreenSpec(
            "log",
            "f8",
            "log",
            "list the events and errors of this session",
            _log,
        ),
        ScreenSpec(
            "settings",
            "f3",
            "settings",
            "change the settings: sound, voice, model, window",
            _settings,
            needs="settings",
            in_footer=True,
        ),
        ScreenSpec(
            "help",
            "f1",
            "help",
            "explain the keys and the numbers",
            _help,
            in_footer=True,
            places=PLACES,
        ),
    )
}


def key_actions() -> tuple[KeyAction, ...]:
    """Returns the whole key table: the built-in actions, then one action for each screen.

    The palette and the help are the last ones of the footer: it keeps the last two where it has
    little room. To quit, which is not in the footer, is the last of all.
    """
    actions = {action.id: action for action in KEY_ACTIONS}
    actions |= {name: spec.key_action for name, spec in SCREENS.items()}
    last = [actions.pop(name) for name in ("palette", "help", "quit")]
    return (*actions.values(), *last)
