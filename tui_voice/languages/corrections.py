"""Finds sentences that correct earlier ones, by what they share and not by what words they use.

A later sentence corrects an earlier one if it repeats all of its words; if it names the old value
and a new one, about the same thing; or if it has another value in the same place about the same
thing. Two facts in the same words ("a meeting at 9", "a meeting at 11") count as one and its
correction; a correction in other words ("the dentist moved it to Thursday") is not found, and both
sentences stay, in the order in which they were said. What is left of a corrected sentence is quoted
with `ELISION` in place of the old value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import product

from tui_voice.languages.statements import Statement, Word

ELISION = "[…]"
"""Stands in a quoted sentence where a value was that has been corrected."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a later sentence does to an earlier one."""

    earlier: int
    """Index of the corrected sentence."""
    later: int
    rest: str
    """The earlier sentence without the old value; "" where nothing of it is left to say."""


def find_corrections(said: Sequence[Statement]) -> list[Correction]:
    """Returns at most one correction for each sentence: by the newest that corrects it."""
    by_stem: dict[str, list[int]] = defaultdict(list)
    found: dict[int, Correction] = {}
    for later, new in enumerate(said):
        candidates = {index for stem in new.content | new.marks for index in by_stem[stem]}
        if later:
            candidates.add(later - 1)
        for earlier in candidates:
            old = said[earlier]
            if old.stems and old.stems <= new.stems:
                found[earlier] = Correction(earlier, later, "")
            elif (value := _replaced(old, new, follows=earlier == later - 1)) is not None:
                found[earlier] = Correction(earlier, later, _rest(old, new, value))
        for stem in new.content | new.marks:
            by_stem[stem].append(later)
    return list(found.values())


def _replaced(old: Statement, new: Statement, *, follows: bool) -> Word | None:
    """Returns the value in `old` that `new` replaces; None where it replaces none.

    `follows`: nothing was said between the two.
    """
    for kind in ("figure", "name"):
        olds = [word for word in old.words if word.kind == kind]
        news = [word for word in new.words if word.kind == kind]
        fresh = [word for word in news if word.key not in old.marks]
        if not olds or not fresh:
            continue
        repeated = [word for word in olds if word.key in new.marks]
        value = (
            _named_again(old, new, repeated, fresh, follows=follows)
            if repeated
            else _in_the_same_place(old, new, olds, fresh)
        )
        if value is not None:
            return value
    return None


def _named_again(
    old: Statement,
    new: Statement,
    repeated: Sequence[Word],
    fresh: Sequence[Word],
    *,
    follows: bool,
) -> Word | None:
    """The later sentence has the old value and a new one: "the 16th of April, not the 14th"."""
    value = next(
        (w for w in repeated if any(_neighbours(old, w) & _neighbours(new, f) for f in fresh)), None
    )
    shared = len(_shared(old, new, repeated[0]))
    if value is not None and (shared >= 1 or follows):
        return value
    if repeated[0].kind == "figure" and shared >= 2:
        return repeated[-1]
    if follows and len(new.content) <= 2 and len(fresh) == 1 and len(repeated) == 1:
        return repeated[0]
    return None


def _in_the_same_place(
    old: Statement, new: Statement, olds: Sequence[Word], fresh: Sequence[Word]
) -> Word | None:
    """The later sentence has another value where the earlier has its own: "the budget is 6100".

    The clauses of the two values are aligned word by word. If another word stands for another word,
    too, each is about something of its own ("the red paint costs 30", "the blue paint costs 25").
    """
    pairs = sorted(
        product(olds, fresh),
        key=lambda pair: len(_neighbours(old, pair[0]) & _neighbours(new, pair[1])),
        reverse=True,
    )
    for before, now in pairs:
        if not _neighbours(old, before) & _neighbours(new, now):
            break
        if not _shared(old, new, before) - old.marks:
            continue
        parts = zip(_beside(old, before), _beside(new, now), strict=True)
        if not any(_one_for_another(left, right) for left, right in parts):
            return before
    return None


def _beside(of: Statement, value: Word) -> tuple[list[str], list[str]]:
    """Content before and after a value: in its clause, or in the sentence if it is a name."""
    near = [
        word
        for word in of.words
        if word.content and (value.kind == "name" or word.clause == value.clause)
    ]
    place = near.index(value)
    return [word.stem for word in near[:place]], [word.stem for word in near[place + 1 :]]


def _one_for_another(old: Sequence[str], new: Sequence[str]) -> bool:
    """Returns whether a word of `new` stands where `old` has another one."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return any(tag == "replace" for tag, *_ in matcher.get_opcodes())


def _shared(old: Statement, new: Statement, value: Word) -> frozenset[str]:
    """Content words, names and numbers that both sentences have, without the value itself."""
    return (old.content | old.marks - {value.key}) & (new.content | new.marks)


def _neighbours(of: Statement, value: Word) -> set[tuple[int, str]]:
    """The words right before and right after a value, each with its side."""
    place = of.words.index(value)
    found = set()
    for side in (-1, 1):
        if 0 <= place + side < len(of.words):
            found.add((side, of.words[place + side].stem))
    return found


def _rest(old: Statement, new: Statement, value: Word) -> str:
    left = (old.content - new.content) | (old.marks - {value.key} - new.marks)
    if not left:
        return ""
    return old.text[: value.start] + ELISION + old.text[value.end :]
