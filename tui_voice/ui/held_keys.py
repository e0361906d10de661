"""A Textual driver that reports when the talk key is held and released, for push-to-talk.

Textual uses the kitty keyboard protocol, but asks the terminal for key presses alone, and its
parser cannot read other key events. This driver asks for them. The release of the talk key arrives
as the key `released+KEY`, its repetition as `repeated+KEY`; releases of other keys are dropped. A
terminal without the protocol ignores the request, and the talk key stays a toggle.
https://sw.kovidgoyal.net/kitty/keyboard-protocol/#event-types

The driver also recognises text that is pasted by a terminal without bracketed paste, or typed by a
program: otherwise its letters would act on the turn that is chosen in select mode. And it
recognises the Esc key where the terminal sent it together with the text behind it.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import sys
import threading
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, ClassVar, TextIO, cast

from textual._xterm_parser import (
    BRACKETED_PASTE_END,
    BRACKETED_PASTE_START,
    XTermParser,
)  # there is no public way to read keys
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Paste
from textual.keys import Keys
from textual.message import Message

_ASK = "\x1b[=2;2u\x1b[?u"
"""Adds "report event types" to the modes that Textual sets; Textual resets all of them. Then asks
which modes are set; a terminal without the protocol does not answer.
"""
_MODES = re.compile(r"\x1b\[\?(\d+)u")
_EVENT = re.compile(r"\x1b\[([\d:]*);(\d*):([123])((?:;[\d:]*)?)([u~A-HPQRS])")
_REPEATED, _RELEASED = "2", "3"
_SEQUENCE = re.compile(r"\x1b(?:\[|O[A-DFHMP-S]|[\r\x1b]|.\Z|\Z)", re.DOTALL)
"""How a sequence of a terminal begins: CSI; SS3 with a key that Textual knows without the keypad's
application mode; Alt+Enter; Alt and one character, if nothing follows in the same read.
"""
_ALT = re.compile(r"\x1b[^\[O\x1b]", re.DOTALL)
_BURST = 4
"""Characters in one read of the terminal that nobody can have typed so fast."""


def as_pasted(events: Iterable[Message]) -> Iterator[Message]:
    """Returns the events of one read, with a burst of characters as one `Paste`. A held key comes
    in bursts as well, but of one character.
    """
    run: list[Key] = []

    def finish_run() -> Iterator[Message]:
        text = "".join(key.character or "" for key in run)
        if len(run) >= _BURST and len(set(text)) > 1:
            yield Paste(text)
        else:
            yield from run
        run.clear()

    for event in events:
        if isinstance(event, Key) and event.is_printable:
            run.append(event)
        else:
            yield from finish_run()
            yield event
    yield from finish_run()


class HeldKeyParser(XTermParser):
    """Textual's parser, which reads the types of key events and Esc before text as well."""

    held = "space"
    """The key whose release is reported, in Textual's notation."""
    reports_release = False
    """The terminal has said that it reports releases."""
    _begun = ""  # the end of the last read, where it may be the begin of a sequence
    _pasting = False

    def read(self, text: str) -> Iterator[Message]:
        """Returns the events of one read of the terminal.

        Textual takes Esc and a character for Alt and this character. A user who presses Esc and
        types on may be so fast that both come in one read.
        """
        if self._begun and not _SEQUENCE.match(self._begun + text):
            yield from self._end_escape()
        position = 0
        while (escape := text.find("\x1b", position)) >= 0:
            yield from self.feed(text[position:escape]) if escape > position else ()
            self._follow_paste(text, escape)
            position = escape + 1
            if self._pasting and text[position : position + 1] not in ("[", ""):
                continue  # Textual would take it for the end of the pasted text
            yield from self.feed("\x1b")
            if not (self._pasting or _SEQUENCE.match(text, escape)):
                yield from self._end_escape()
        if position < len(text):
            yield from self.feed(text[position:])
        self._begun = text[text.rfind("\x1b") :] if "\x1b" in text else self._begun + text
        if _ALT.fullmatch(self._begun):
            yield from self._end_escape()
        if self._timeout_time is None or self._pasting:
            self._begun = ""

    def _follow_paste(self, text: str, position: int) -> None:
        """Notes where a bracketed paste begins and ends: there, Esc is no key."""
        if text.startswith(BRACKETED_PASTE_START, position):
            self._pasting = True
        elif text.startswith(BRACKETED_PASTE_END, position):
            self._pasting = False

    @property
    def waits(self) -> bool:
        """Whether what was read so far is taken as it is, if nothing follows for a while."""
        return self._timeout_time is not None

    def _end_escape(self) -> Iterator[Message]:
        """Returns what was read of a sequence as keys, without waiting for the rest of it."""
        if self._timeout_time is not None:
            self._timeout_time = 0.0
            yield from self.tick()

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[Key]:
        if modes := _MODES.fullmatch(sequence):
            self.reports_release = bool(int(modes[1]) & 2)
            return [Key(Keys.Ignore.value, None)]
        if sequence == "\x1b\r":
            return [Key("alt+enter", None)]
        return super()._sequence_to_key_events(sequence, alt)

    def _parse_extended_key(self, sequence: str) -> list[Key] | None:  # type: ignore[override]  # not cached
        # (the ignore: Textual's own is wrapped in a cache, which this need not be)
        match = _EVENT.fullmatch(sequence)
        if match is None:
            return super()._parse_extended_key(sequence)
        code, modifiers, kind, text, end = match.groups()
        keys = super()._parse_extended_key(f"\x1b[{code};{modifiers}{text}{end}") or []
        if kind == _REPEATED:
            return [
                Key(f"repeated+{key.key}", key.character) if key.key == self.held else key
                for key in keys
            ]
        if kind == _RELEASED:
            return [
                Key(f"released+{key.key}" if key.key == self.held else Keys.Ignore.value, None)
                for key in keys
            ]
        return keys


class _EndOfInput(threading.Event):
    """An event that also wakes a thread that waits for the terminal: `woken` can then be read."""

    def __init__(self) -> None:
        super().__init__()
        self.woken, self._wake = os.pipe()

    def set(self) -> None:
        super().set()
        os.write(self._wake, b"!")

    def clear(self) -> None:
        super().clear()
        os.read(self.woken, 1)


class HeldKeyDriver(LinuxDriver):
    """Textual's driver with this parser and the request for key releases."""

    held: ClassVar[str] = "space"
    reports_release: ClassVar[bool] = False
    """The terminal reports when a key is released."""
    _typed_before = 0
    """Bytes that were typed before this driver changed the terminal's mode."""

    _in_application_mode = False

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._file = cast(Any, _LostTerminal(cast(TextIO, self._file)))
        self.exit_event: _EndOfInput = _EndOfInput()

    def start_application_mode(self) -> None:
        self._typed_before = self._waiting_bytes()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual has no types here
        self._in_application_mode = True
        self.write(_ASK)
        self.flush()

    def stop_application_mode(self) -> None:
        self._in_application_mode = False
        super().stop_application_mode()

    def _sigcont_application(self, *_: object) -> None:
        """Takes the terminal again after the process was stopped, and draws the screen anew.

        After SIGTSTP, Textual has left the terminal; after SIGSTOP, which nobody can handle, it has
        not: it would start a second thread that reads the terminal.
        """
        if not self._auto_restart:
            return
        if self._in_application_mode:
            self.suspend_application_mode()
        self.resume_application_mode()
        self._loop.call_soon_threadsafe(self._draw_again)

    def _draw_again(self) -> None:
        for screen in self._app.screen_stack:
            self._app.call_later(screen.refresh, layout=True)

    def _run_input_thread(self) -> None:
        """Reads keys; an error in here ends the application like any other."""
        try:
            self.run_input_thread()
        except Exception as error:  # noqa: BLE001  # the application reports it
            self._loop.call_soon_threadsafe(self._app._handle_exception, error)

    def run_input_thread(self) -> None:
        """Reads the terminal until the driver has to stop. Textual would look for that ten times a
        second, which took a quarter of what a session at rest costs.
        """
        parser = HeldKeyParser(self._debug)
        parser.held = self.held
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self.exit_event.woken, selectors.EVENT_READ)
            while True:
                ready = selector.select(0.1 if parser.waits else None)
                if self.exit_event.is_set():
                    return
                if ready:
                    data = self._read()
                    if not data:
                        self._end_without_terminal()
                        return
                    text = decode(data)
                    for event in as_pasted(parser.read(text)) if text else ():
                        self.process_message(event)
                    HeldKeyDriver.reports_release = parser.reports_release
                for event in parser.tick():
                    self.process_message(event)

    def _end_without_terminal(self) -> None:
        """Ends the application: the terminal is gone, and its hang-up signal may not come."""
        end = getattr(self._app, "end_by_signal", None)
        if end is not None:
            self._loop.call_soon_threadsafe(end, signal.SIGHUP)

    def _waiting_bytes(self) -> int:
        """Returns how many bytes have been typed already. Until this driver changes the terminal's
        mode, the terminal turns Enter into a line feed.
        """
        import fcntl
        import termios

        try:
            return int.from_bytes(
                fcntl.ioctl(self.fileno, termios.FIONREAD, bytes(4)), sys.byteorder
            )
        except OSError:
            return 0

    def _read(self) -> bytes:
        """Returns nothing where the terminal is gone."""
        try:
            if (before := self._typed_before) > 0:
                data = os.read(self.fileno, min(before, 4096))
                self._typed_before -= len(data)
                return data.replace(b"\n", b"\r")
            return os.read(self.fileno, 4096)
        except OSError:
            return b""


class _LostTerminal:
    """A terminal's stream to which writing does not fail once the terminal is gone. Textual's
    writing thread would end, and the application would wait for it forever.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def driver_for(held: str) -> type[LinuxDriver]:
    """Returns the driver that reports when this key is released."""
    HeldKeyDriver.held = held
    return HeldKeyDriver
