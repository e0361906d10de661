"""Handles keys and pasted text one at a time, in the order in which the terminal sent them.

Textual puts each key into the queue of the focused widget. A key that is bound then goes from queue
to queue up to the application, which runs its action; the characters behind it are inserted
meanwhile, and a key that moves the focus or opens a screen comes too late for those behind it. Here
the next key waits until the one before has had its whole effect.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.events import Key, Paste
from textual.message import Message
from textual.message_pump import MessagePump

_PATIENCE = 0.5
"""Seconds to wait for what a key has caused. Only a widget that hangs takes as long."""


def is_text(key: Key) -> bool:
    """Returns whether the key types its character: no control or Alt key, no reported release."""
    modifier = key.key.rpartition("+")[0]
    return bool(key.is_printable and key.character) and modifier in ("", "shift")


class NextKey(Message):
    """The application has to handle the next key. Behind it in the queue: later keys; before it:
    the messages that the key before has sent.
    """

    bubble = False


class KeyQueue:
    """The application owns one. All methods are called in the application's own task."""

    def __init__(self, app: App[Any], take_first: Callable[[Key | Paste], bool]) -> None:
        """`take_first(event)` may take a key before Textual looks for its binding; it returns
        whether it did.
        """
        self._app = app
        self._take_first = take_first
        self._events: deque[Key | Paste] = deque()
        self._open = False
        self._asked = False  # a `NextKey` is on its way
        self._screen: object = None  # the one that has received all it was sent when it opened

    def open(self) -> None:
        """Handles keys from now on, those first that came before."""
        self._open = True
        self._ask()

    def add(self, event: Key | Paste) -> None:
        """Handles this key after all keys before it."""
        self._events.append(event)
        self._ask()

    def _ask(self) -> None:
        if self._events and self._open and not self._asked:
            self._asked = self._app.post_message(NextKey())

    async def handle_next(self) -> None:
        """Handles the oldest key, and asks for the next one."""
        self._asked = False
        if not self._events:
            return
        event = self._events.popleft()
        try:
            await self._handle(event)
        finally:
            self._ask()

    async def _handle(self, event: Key | Paste) -> None:
        screen = self._app.screen
        if screen is not self._screen:
            await _messages_handled(screen)  # a new screen sets its focus by a message
            self._screen = screen
        self._app.app_focus = True
        if isinstance(event, Key) and event.key.startswith("alt+") and event.character:
            bound = event.key in screen.active_bindings
            if not bound:  # Esc and this character came in one read
                typed = Key(event.character, event.character)
                self._events.extendleft([typed, Key("escape", "\x1b")])
                return
        if self._take_first(event):
            return
        if isinstance(event, Key) and await self._app._check_bindings(event.key, priority=True):
            target: MessagePump = screen
        else:
            target = self._app.focused or screen
            await self._deliver(event, target)
        if not (isinstance(event, Key) and is_text(event)):
            node: MessagePump | None = target
            while node is not None and node is not self._app:
                await _messages_handled(node)
                node = node._parent

    async def _deliver(self, event: Key | Paste, target: MessagePump) -> None:
        """Calls the handlers of the target and of what contains it, then the bound action."""
        event._set_forwarded()
        event.bubble = False  # type: ignore[misc]  # for this event; the loop below replaces it
        node: MessagePump | None = target
        while node is not None and node is not self._app:
            with node._context():
                await node._dispatch_message(event)
            if event._stop_propagation:
                return
            event._no_default_action = False
            node = node._parent
        if isinstance(event, Key):
            await self._app._check_bindings(event.key)


async def _messages_handled(node: MessagePump) -> None:
    """Waits until a widget or screen has handled the messages that it has now."""
    handled = asyncio.Event()
    if node.is_running and node.call_later(handled.set):
        try:
            await asyncio.wait_for(handled.wait(), _PATIENCE)
        except TimeoutError:
            return
