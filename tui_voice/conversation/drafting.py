"""A ledger while many facts are folded into it: written in place, made a value at the end.

Recorders need not know: a draft answers as a ledger does, and `evolve` and the methods of `Turns`
give back the draft itself. All they must keep to is to go on with what these returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import TypeVar

from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import CHUNK, Chunk, Place, Turn, Turns, place_in
from tui_voice.conversation.values import evolve, written_in_place

L = TypeVar("L", bound=Ledger)


class Sheet(list[Turn]):
    """Some turns in a row that may still be changed; `touched` whenever they are."""

    __slots__ = ("_held", "_loose")

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        super().__init__(turns)
        self.touched()

    def touched(self) -> None:
        self._held: tuple[Turn, ...] | None = None
        self._loose: bool | None = None

    @property
    def held(self) -> tuple[Turn, ...]:
        if self._held is None:
            self._held = tuple(turn for turn in self if turn.wire_id is not None)
        return self._held

    @property
    def loose(self) -> bool:
        if self._loose is None:
            self._loose = any(turn.loose for turn in self)
        return self._loose


class TurnsDraft(Turns):
    """`Turns` that are changed in place. A name leads to its sheet without a search."""

    __slots__ = ("_doubled", "_names")
    _chunks: list[Sheet]

    def __init__(self, turns: Turns) -> None:
        self._chunks = [Sheet(chunk) for chunk in turns.chunks]
        self._length = len(turns)
        self._names: dict[str | None, Sheet] = {}
        self._doubled: set[str] = set()  # names that may stand in several sheets
        for sheet in self._chunks:
            for turn in sheet:
                self._enter(turn, sheet)

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """As the finished turns will have them."""
        return tuple(map(Chunk, self._chunks))

    def append(self, turn: Turn) -> Turns:
        if not self._chunks or len(self._chunks[-1]) >= CHUNK:
            self._chunks.append(Sheet())
        return self._insert(self._chunks[-1], len(self._chunks[-1]), turn)

    def insert_after(self, previous_id: str | None, turn: Turn) -> Turns:
        place = self.find(previous_id)
        if place is None or place == (len(self._chunks) - 1, len(self._chunks[-1]) - 1):
            return self.append(turn)
        return self._insert(self._chunks[place[0]], place[1] + 1, turn)

    def remove(self, item_id: str) -> Turns:
        place = self.find(item_id)
        if place is None:
            return self
        c, i = place
        sheet = self._chunks[c]
        turn = sheet.pop(i)
        sheet.touched()
        self._length -= 1
        if not sheet:
            del self._chunks[c]
        for name in _names(turn):
            if name not in self._doubled:
                del self._names[name]
        return self

    def put(self, place: Place, turn: Turn) -> Turns:
        self._write(self._chunks[place[0]], place[1], turn)
        return self

    def map_loose(self, function: Callable[[Turn], Turn]) -> Turns:
        for sheet in self._chunks:
            if sheet.loose:
                for index, turn in enumerate(sheet):
                    if turn.loose:
                        self._write(sheet, index, function(turn))
        return self

    def finished(self) -> Turns:
        return Turns(self.chunks, self._length)

    def _insert(self, sheet: Sheet, index: int, turn: Turn) -> Turns:
        sheet.insert(index, turn)
        sheet.touched()
        self._length += 1
        self._enter(turn, sheet)
        return self

    def _write(self, sheet: Sheet, index: int, turn: Turn) -> None:
        before = sheet[index]
        sheet[index] = turn
        sheet.touched()
        if turn.wire_id != before.wire_id or turn.id != before.id:
            self._enter(turn, sheet, _names(before))

    def _enter(self, turn: Turn, sheet: Sheet, known: tuple[str, ...] = ()) -> None:
        """Notes where a turn is found by its names, but for those that it had already."""
        for name in _names(turn):
            if name in known:
                continue
            if name in self._names:
                self._doubled.add(name)
            self._names[name] = sheet

    def find(self, item_id: str | None) -> Place | None:
        sheet = self._names.get(item_id)
        if sheet is None or item_id is None:
            return None
        if item_id in self._doubled:
            return self._search(item_id)
        place = place_in(sheet, item_id)
        if place is None:
            return None
        c = len(self._chunks) - 1
        while self._chunks[c] is not sheet:
            c -= 1
        return c, place

    def _search(self, item_id: str) -> Place | None:
        for c in range(len(self._chunks) - 1, -1, -1):
            place = place_in(self._chunks[c], item_id)
            if place is not None:
                return c, place
        return None


def _names(turn: Turn) -> tuple[str, ...]:
    if turn.wire_id is None or turn.wire_id == turn.id:
        return (turn.id,)
    return (turn.id, turn.wire_id)


@written_in_place
class Draft(Ledger):
    """All that a ledger is, its turns as a draft."""

    __slots__ = ()


def draft(ledger: Ledger) -> Ledger:
    """One that `evolve` writes into. `ledger` itself stays as it is."""
    return evolve(_recast(ledger, Draft), turns=TurnsDraft(ledger.turns))


def finished(ledger: Ledger) -> Ledger:
    """The value of a draft. The draft is not to be written to any more."""
    turns = ledger.turns
    assert isinstance(turns, TurnsDraft)
    return evolve(_recast(ledger, Ledger), turns=turns.finished())


def _recast(ledger: Ledger, kind: type[L]) -> L:
    return kind(**{part.name: getattr(ledger, part.name) for part in fields(Ledger)})
