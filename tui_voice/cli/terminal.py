"""Asks the terminal what it supports: key releases, and copies by OSC 52.

Two queries are sent: kitty's keyboard query, and device attributes (DA1), which every terminal
answers. A terminal that answers only the second does not report key releases. Sources: kitty,
"Comprehensive keyboard handling in terminals"; ECMA-48 DA1, where attribute 52 means OSC 52.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from functools import cache
from typing import NamedTuple

_QUERY = b"\x1b[?u\x1b[c"
_TIMEOUT_S = 0.5
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")


class TerminalFeatures(NamedTuple):
    """What a terminal supports."""

    key_release: bool = False
    clipboard: bool = False


@cache
def ask() -> TerminalFeatures:
    """Returns the features of the controlling terminal; none where it does not answer."""
    if sys.platform == "win32":
        return TerminalFeatures()
    import termios
    import tty

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return TerminalFeatures()
    try:
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal)
            os.write(terminal, _QUERY)
            return parse_answer(_read(terminal))
        finally:
            termios.tcsetattr(terminal, termios.TCSANOW, before)
    finally:
        os.close(terminal)


def parse_answer(answer: bytes) -> TerminalFeatures:
    """Returns the features that the terminal's answer reports."""
    attributes = _ATTRIBUTES.search(answer)
    return TerminalFeatures(
        key_release=re.search(rb"\x1b\[\?\d+u", answer) is not None,
        clipboard=attributes is not None and b"52" in attributes[1].split(b";"),
    )


def _read(terminal: int) -> bytes:
    answer, deadline = b"", time.monotonic() + _TIMEOUT_S
    while not _ATTRIBUTES.search(answer):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            break
        answer += os.read(terminal, 1024)
    return answer
