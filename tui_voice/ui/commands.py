"""The command palette: every command that works now, in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import NamedTuple, Protocol, cast

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Provider
from textual.events import Resize
from textual.screen import Screen

from tui_voice.ui.keys import KeyTable


class Palette(CommandPalette):
    """Textual's palette, whose list moves by a page only once its rows are laid out: before that,
    Textual ends the app with a KeyError."""

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.height < 16, "-tiny")

    def _action_command_list(self, action: str) -> None:
        commands = self.query_one(CommandList)
        laid_out = (commands.highlighted or 0) in commands._index_to_line
        if laid_out or not action.startswith("page_"):
            super()._action_command_list(action)


class PaletteCommand(NamedTuple):
    """One line of the palette, and what it does."""

    name: str
    about: str
    run: Callable[[], object]


class KeyScreen(Protocol):
    """The screen whose keys the palette offers."""

    def label(self, action_id: str) -> str: ...

    def works(self, action_id: str) -> bool: ...

    async def run_key_action(self, action_id: str) -> None: ...


def key_commands(screen: KeyScreen, keys: KeyTable) -> list[PaletteCommand]:
    """Returns a command for each key that works now."""
    return [
        PaletteCommand(
            f"{screen.label(action.id)}  ({keys.name(action.id)})",
            action.about,
            partial(screen.run_key_action, action.id),
        )
        for action in keys.actions
        if action.id not in ("send", "newline", "palette") and screen.works(action.id)
    ]


class PaletteSource(Protocol):
    """The part of the application that the palette needs."""

    def palette_commands(self, screen: Screen[object]) -> list[PaletteCommand]:
        """Returns the commands that work on this screen now."""
        ...


class CommandProvider(Provider):
    """Offers the commands of the application to Textual's command palette."""

    def _commands(self) -> list[PaletteCommand]:
        return cast(PaletteSource, self.app).palette_commands(self.screen)

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        for command in self._commands():
            yield DiscoveryHit(command.name, command.run, help=command.about)

    async def search(self, query: str) -> AsyncIterator[Hit]:
        matcher = self.matcher(query)
        for command in self._commands():
            score = max(matcher.match(command.name), matcher.match(command.about) * 0.8)
            if score > 0:
                yield Hit(score, matcher.highlight(command.name), command.run, help=command.about)
