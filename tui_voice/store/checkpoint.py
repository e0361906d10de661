"""What a long journal added up to, kept in the cache folder: the next reading begins there.

A checkpoint is good for a journal that still begins as it did, and for the very code that folded
it. It may vanish at any time.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import Any

import msgspec

from tui_voice.conversation import turns
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn, Turns
from tui_voice.store.parsing import Progress

WORTH_LINES = 2_000
"""Fewer lines are folded as fast as a checkpoint is read."""
_LOOK = 4_096
_CHUNK = 64


class Checkpoint(msgspec.Struct, array_like=True):
    """A ledger (its turns apart), and the place in the journal that it stands for."""

    code: str
    offset: int
    seal: bytes
    version: int
    newest: int
    lines: int
    corrupt: list[int]
    unknown: dict[str, int]
    ledger: Ledger
    turns: list[Turn]

    def restored(self) -> Ledger:
        chunks = tuple(tuple(self.turns[i : i + _CHUNK]) for i in range(0, len(self.turns), _CHUNK))
        return replace(self.ledger, turns=Turns(chunks, len(self.turns)))

    def progress(self) -> Progress:
        return Progress(self.version, self.lines, self.corrupt, Counter(self.unknown), self.newest)


def _no_turns(_kind: type, _value: Any) -> Turns:
    return Turns()


_encode = msgspec.msgpack.Encoder(enc_hook=lambda _turns: None).encode
_decode = msgspec.msgpack.Decoder(Checkpoint, dec_hook=_no_turns).decode


@cache
def _code() -> str:
    """A print of the code that folds: when it changes, so may what a journal adds up to."""
    digest = hashlib.blake2b(digest_size=16)
    for source in sorted(Path(turns.__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _place(folder: Path, journal: Path) -> Path:
    name = hashlib.blake2b(os.fsencode(journal.absolute()), digest_size=16).hexdigest()
    return folder / "folded" / f"{name}.msgpack"


def seal(file: BufferedReader, offset: int) -> bytes:
    """A print of the journal's first bytes, and of the last before `offset`."""
    file.seek(0)
    digest = hashlib.blake2b(file.read(min(_LOOK, offset)), digest_size=16)
    file.seek(max(0, offset - _LOOK))
    digest.update(file.read(min(_LOOK, offset)))
    return digest.digest()


def find(folder: Path, journal: Path, file: BufferedReader) -> Checkpoint | None:
    """The checkpoint of this journal, if there is one and it still holds."""
    try:
        found = _decode(_place(folder, journal).read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    if found.code != _code() or found.offset > os.fstat(file.fileno()).st_size:
        return None
    return found if found.seal == seal(file, found.offset) else None


def keep(
    folder: Path, journal: Path, file: BufferedReader, offset: int, ledger: Ledger, at: Progress
) -> None:
    """Writes a checkpoint; where that cannot be, the next reading is slower and that is all."""
    checkpoint = Checkpoint(
        _code(),
        offset,
        seal(file, offset),
        at.version,
        at.newest,
        at.lines,
        at.corrupt,
        dict(at.unknown),
        ledger,
        list(ledger.turns),
    )
    place = _place(folder, journal)
    fresh = place.with_suffix(f".{os.getpid()}.new")
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as out:
            out.write(_encode(checkpoint))
        os.replace(fresh, place)


def forget(folder: Path, journal: Path) -> None:
    with suppress(OSError):
        _place(folder, journal).unlink(missing_ok=True)
