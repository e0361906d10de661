"""Where text goes that is typed or pasted on the session screen: letters always type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from textual import events

from tui_voice.ui.key_queue import is_text

if TYPE_CHECKING:
    from tui_voice.ui.keys import KeyTable
    from tui_voice.ui.session_controller import SessionController
    from tui_voice.ui.widgets.find_bar import FindBar
    from tui_voice.ui.widgets.prompt_input import PromptInput


class TypingScreen(Protocol):
    """The part of the session screen that text needs."""

    prompt: PromptInput
    find: FindBar

    @property
    def selecting(self) -> bool:
        """Whether the screen is in select mode."""
        ...

    @property
    def active_bindings(self) -> Mapping[str, Any]: ...

    def works(self, action_id: str) -> bool: ...

    def show_keys(self) -> None: ...

    def set_focus(self, widget: PromptInput) -> None: ...

    def call_next(self, callback: Callable[..., Any]) -> None: ...


class TextRouting:
    """Gives text to the prompt, wherever the focus is.

    The talk key, where it is a character, talks only where the prompt is empty, or in select mode.
    In select mode a key that acts on the chosen turn is no text.
    """

    def __init__(
        self, screen: TypingScreen, keys: KeyTable, controller: SessionController, *, replay: bool
    ) -> None:
        """`replay`: nothing can be typed."""
        self._screen = screen
        self._keys = keys
        self._controller = controller
        self._replay = replay

    def take(self, event: events.Key | events.Paste) -> bool:
        """Returns whether the event was text, or the talk key."""
        screen, controller = self._screen, self._controller
        if not (isinstance(event, events.Key) and event.key == self._keys.key("stop")):
            controller.armed = False
        screen.call_next(screen.show_keys)
        if self._replay or screen.find.is_typing:
            return False
        if isinstance(event, events.Paste):
            screen.prompt.insert_pasted(event.text)
            return True
        if event.key.startswith("released+"):
            controller.talk_key_released()
            return True
        key, talks = event.key.removeprefix("repeated+"), screen.prompt.is_empty or screen.selecting
        if key == self._keys.key("talk") and talks and event.character:
            self._press_talk_key(repeated=key != event.key)
            return True
        if not (key != event.key or is_text(event)) or self._acts_on_turn(event.key):
            return False
        screen.prompt.insert_typed(event.character or "")
        return True

    def _press_talk_key(self, *, repeated: bool) -> None:
        if repeated:
            return  # the terminal repeats a key that is held
        if self._screen.works("talk"):
            self._controller.talk()
        else:
            self._screen.set_focus(self._screen.prompt)  # a blank at the begin of a turn

    def _acts_on_turn(self, key: str) -> bool:
        """Returns whether a character is a key of select mode."""
        active = self._screen.active_bindings.get(key) if self._screen.selecting else None
        return active is not None and active.enabled
