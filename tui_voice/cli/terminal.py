"""Asking the terminal what it can do: the kitty keyboard query, then the one every terminal knows.

Whoever answers the second (device attributes) without the first does not report key releases.
Sources: kitty's "comprehensive keyboard handling"; ECMA-48 DA1, where 52 stands for OSC 52.
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
_PATIENCE_S = 0.5
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")


class Abilities(NamedTuple):
    key_release: bool = False
    clipboard: bool = False


@cache
def ask() -> Abilities:
    """What the controlling terminal answers within half a second; nothing on Windows."""
    if sys.platform == "win32":
        return Abilities()
    import termios
    import tty

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return Abilities()
    try:
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal)
            os.write(terminal, _QUERY)
            return understand(_read(terminal))
        finally:
            termios.tcsetattr(terminal, termios.TCSANOW, before)
    finally:
        os.close(terminal)


def understand(answer: bytes) -> Abilities:
    """What the bytes that came back say."""
    attributes = _ATTRIBUTES.search(answer)
    return Abilities(
        key_release=re.search(rb"\x1b\[\?\d+u", answer) is not None,
        clipboard=attributes is not None and b"52" in attributes[1].split(b";"),
    )


def _read(terminal: int) -> bytes:
    answer, deadline = b"", time.monotonic() + _PATIENCE_S
    while not _ATTRIBUTES.search(answer):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            break
        answer += os.read(terminal, 1024)
    return answer
