"""The command palette: everything that can be done, in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Provider

from tui_voice.ui.keys import ACTIONS, key_name

if TYPE_CHECKING:
    from tui_voice.ui.navigator import Navigator


class CommandProvider(Provider):
    """What works now, with its key; then what has no key."""

    def _deeds(self) -> list[tuple[str, str, Callable[[], object]]]:
        app: Navigator = self.app  # type: ignore[assignment]  # no other application has this
        talk, options = app.talk, app.options
        if self.screen is not talk:
            return []
        found: list[tuple[str, str, Callable[[], object]]] = []
        for action in ACTIONS:
            if action.id in ("send", "palette") or not talk.works(action.id):
                continue
            key = key_name(options.key(action.id), options.glyphs.control)
            node = app if hasattr(app, f"action_{action.id}") else talk
            found.append(
                (
                    f"{talk.word(action.id)}  ({key})",
                    action.about,
                    getattr(node, f"action_{action.id}"),
                )
            )
        return found + app.more_deeds()

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        for name, about, deed in self._deeds():
            yield DiscoveryHit(name, deed, help=about)

    async def search(self, query: str) -> AsyncIterator[Hit]:
        matcher = self.matcher(query)
        for name, about, deed in self._deeds():
            score = max(matcher.match(name), matcher.match(about) * 0.8)
            if score > 0:
                yield Hit(score, matcher.highlight(name), deed, help=about)
