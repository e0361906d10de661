"""A checkpoint: the ledger that a long journal was folded into, kept in the cache folder.

The next reading starts from it and folds only the lines after it. A checkpoint is used only if
the journal still begins with the same bytes and the code that folds journals is the same. Without a
checkpoint, reading a journal of 10 000 turns takes 0.75 s instead of 5 ms.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from contextlib import suppress
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from tui_voice import conversation
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn, Turns
from tui_voice.store import codec
from tui_voice.store.parsing import Progress

WORTH_LINES = 2_000
"""A checkpoint is written after more new lines than this: fewer are folded in 15 ms."""
_SEAL_BYTES = 4_096


class Checkpoint(msgspec.Struct, array_like=True):
    """A journal folded up to `offset` (bytes, the end of a line), and the figures of `Progress`."""

    code: str
    offset: int
    seal: bytes
    version: int
    newest: int
    lines: int
    corrupt: list[int]
    unknown: dict[str, int]
    ledger: Ledger
    """Without its turns: they follow, as a list."""
    turns: list[Turn]

    def restored(self) -> Ledger:
        """The ledger with its turns."""
        return structs.replace(self.ledger, turns=Turns.of(self.turns))

    def progress(self) -> Progress:
        """The `Progress` at `offset`, for reading the lines after it."""
        return Progress(self.version, self.lines, self.corrupt, Counter(self.unknown), self.newest)


def _no_turns(_kind: type, _value: Any) -> Turns:
    return Turns()


_encode = msgspec.msgpack.Encoder(enc_hook=lambda _turns: None).encode
_decode = msgspec.msgpack.Decoder(Checkpoint, dec_hook=_no_turns).decode


@cache
def code_digest() -> str:
    """A digest of the code that decides what a journal folds into."""
    digest = hashlib.blake2b(digest_size=16)
    for source in sorted(Path(conversation.__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    digest.update(Path(codec.__file__).read_bytes())
    return digest.hexdigest()


def _path(cache: Path, journal: Path) -> Path:
    name = hashlib.blake2b(os.fsencode(journal.absolute()), digest_size=16).hexdigest()
    return cache / "folded" / f"{name}.msgpack"


def _seal(file: BufferedReader, offset: int) -> bytes:
    """A digest of the journal's first bytes and of the last bytes before `offset`."""
    file.seek(0)
    digest = hashlib.blake2b(file.read(min(_SEAL_BYTES, offset)), digest_size=16)
    file.seek(max(0, offset - _SEAL_BYTES))
    digest.update(file.read(min(_SEAL_BYTES, offset)))
    return digest.digest()


def find(cache: Path, journal: Path, file: BufferedReader) -> Checkpoint | None:
    """The checkpoint of this journal, open as `file`; None if there is none that can be used."""
    try:
        found = _decode(_path(cache, journal).read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    if found.code != code_digest() or found.offset > os.fstat(file.fileno()).st_size:
        return None
    return found if found.seal == _seal(file, found.offset) else None


def save(
    cache: Path,
    journal: Path,
    file: BufferedReader,
    offset: int,
    ledger: Ledger,
    progress: Progress,
) -> None:
    """Writes the checkpoint of a journal that was folded up to `offset`, if the disk lets it."""
    checkpoint = Checkpoint(
        code_digest(),
        offset,
        _seal(file, offset),
        progress.version,
        progress.newest,
        progress.lines,
        progress.corrupt,
        dict(progress.unknown),
        ledger,
        list(ledger.turns),
    )
    path = _path(cache, journal)
    unfinished = path.with_suffix(f".{os.getpid()}.new")
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(fd, "wb") as out:
            out.write(_encode(checkpoint))
        os.replace(unfinished, path)


def delete(cache: Path, journal: Path) -> None:
    """Removes the checkpoint of a journal, if there is one."""
    with suppress(OSError):
        _path(cache, journal).unlink(missing_ok=True)
