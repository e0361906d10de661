"""Tells the user, who looks elsewhere, that a reply or a summary has ended.

The terminal's bell, and a notification of the desktop by a control sequence: OSC 777 in rxvt and in
the terminals that use VTE, OSC 9 in all others. A terminal that knows neither ignores it.
https://iterm2.com/documentation-escape-codes.html
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tui_voice.conversation.states import BUSY, State
from tui_voice.ui.ascii_filter import ascii_form
from tui_voice.ui.options import AppOptions
from tui_voice.ui.wrapping import clean, fit_phrase

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger

LONGEST = 120
"""Columns of the words of a reply in a notification."""
BELL = "\x07"


def what_ended(before: State, now: State) -> str:
    """Returns what the change of the state means to somebody who waits; "" for nothing."""
    if before in BUSY and now in (State.IDLE, State.SUMMARISING):
        return "The reply has ended."
    return "The summary is ready." if before is State.SUMMARISING and now is State.IDLE else ""


def signals(ended: str, ledger: Ledger, options: AppOptions) -> str:
    """Returns what is written to the terminal: by the user's settings the bell, a notification,
    both or nothing. `ended`: the sentence of `what_ended`.
    """
    text = BELL if options.bell else ""
    if options.notify == "off":
        return text
    if options.notify == "words" and not ledger.private:
        last = ledger.turns.last
        if last is not None and last.role == "assistant" and last.heard_text:
            ended = f"{ended} {last.heard_text}"
    line = fit_phrase(" ".join(clean(ended).split()), LONGEST)
    if options.ascii:
        line = ascii_form(line, options.encoding)
    return text + notification(line, os.environ)


def notification(line: str, environment: Mapping[str, str]) -> str:
    """Returns the control sequence that shows one line of text. tmux passes it on to the terminal
    where its option `allow-passthrough` is on.
    """
    if environment.get("TERM", "").startswith("rxvt") or environment.get("VTE_VERSION"):
        sequence = f"\x1b]777;notify;tui-voice;{line.replace(';', ',')}\x1b\\"
    else:
        sequence = f"\x1b]9;tui-voice: {line}\x1b\\"
    if environment.get("TMUX"):
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    return sequence
