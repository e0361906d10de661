"""A talk that grows, read again and again: only what is new is read and folded.

What it added up to the last time is remembered in this process, for the few talks that were read
last. `reading.load` would be right, too, but takes longer the longer the talk is.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from tui_voice.conversation.folding import fold
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn
from tui_voice.store import checkpoint, codec
from tui_voice.store.folder_scan import FileStamp
from tui_voice.store.parsing import Progress, stream
from tui_voice.store.reading import load

MOST = 4
"""Talks that are remembered: nobody has more of them open."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A journal up to `offset`, where a line ends."""

    print_: FileStamp
    offset: int
    seal: bytes
    version: int
    ledger: Ledger


_read: OrderedDict[Path, _Read] = OrderedDict()


class Grown(NamedTuple):
    """A talk as it is, and what of it may differ from what it was at another print."""

    ledger: Ledger
    touched: dict[str, Turn | None] | None
    """Turns with another role or other words, by id; None: it is gone. Instead of all this None:
    any of them may differ.
    """


def follow(path: Path, print_: FileStamp, known: FileStamp | None, cache: Path | None) -> Grown:
    """The talk as `load` reads it. `print_`: of the file now; `known`: as the asker has it. Raises
    `StoreError` like `load`.
    """
    before = _read.pop(path, None)
    grown = _go_on(path, before) if before else None
    if before is None or grown is None:
        ledger = load(path, cache).ledger
        grown = _end_of(path, print_, ledger)
        touched = None
    else:
        ledger = grown.ledger
        touched = _touched(before.ledger, ledger) if known == before.print_ else None
    if grown is not None:
        _read[path] = replace(grown, print_=print_)
        while len(_read) > MOST:
            _read.popitem(last=False)
    return Grown(ledger, touched)


def _go_on(path: Path, before: _Read) -> _Read | None:
    """None: it is not the file that it was."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < before.offset:
                return None
            if checkpoint.seal(file, before.offset) != before.seal:
                return None
            file.seek(before.offset)
            data = file.read()
            end = data.rfind(b"\n") + 1
            whole, rest = data[:end], data[end:]
            if rest and not _torn(rest):  # `load` would take it for a line
                return None
            progress = Progress(before.version)
            ledger = fold(stream(whole, progress), before.ledger)
            return _at(file, before.offset + len(whole), progress.version, ledger)
    except OSError:
        return None


def _torn(line: bytes) -> bool:
    """Whether it is being written just now."""
    try:
        codec.decode(line)
    except codec.LineError:
        return True
    return False


def _end_of(path: Path, print_: FileStamp, ledger: Ledger) -> _Read | None:
    """Where the next reading begins, if `ledger` is all that the file has until there."""
    try:
        with path.open("rb") as file:
            data = file.read()
            if len(data) != print_[0] or not data.endswith(b"\n"):
                return None  # it grew while it was read: another time
            told = map(codec.version_of, reversed(data.splitlines()))
            version = next(filter(None, told), codec.VERSION)
            return _at(file, len(data), version, ledger)
    except OSError:
        return None


def _at(file: BufferedReader, offset: int, version: int, ledger: Ledger) -> _Read:
    return _Read((0, 0), offset, checkpoint.seal(file, offset), version, ledger)


def _touched(before: Ledger, after: Ledger) -> dict[str, Turn | None]:
    old = {turn.id: turn for turn in before.turns}
    touched: dict[str, Turn | None] = {}
    for turn in after.turns:
        was = old.pop(turn.id, None)
        if was is not turn and (was is None or (was.role, was.text) != (turn.role, turn.text)):
            touched[turn.id] = turn
    return touched | dict.fromkeys(old)
