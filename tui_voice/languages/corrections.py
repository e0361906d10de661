"""Finds sentences that correct earlier ones, by what they share and not by what words they use.

A later sentence corrects an earlier one if it repeats all of its words; if it names the old value
and a new one, about the same thing; or if it has another value in the same place about the same
thing. What is left of a corrected sentence is quoted with `ELISION` in place of the old value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
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
    """The later sentence has another value where the earlier has its own: "the budget is 6100"."""
    pairs = sorted(
        product(olds, fresh),
        key=lambda pair: len(_neighbours(old, pair[0]) & _neighbours(new, pair[1])),
        reverse=True,
    )
    for before, now in pairs:
        if not _neighbours(old, before) & _neighbours(new, now):
            break
        others_old, others_new = old.marks - {before.key}, new.marks - {now.key}
        one_subject = others_old <= new.marks, others_new <= old.marks
        if before.kind == "name":
            if all(one_subject) and _stems_before(old, before) <= _stems_before(new, now):
                return before
            continue
        if not any(one_subject):
            continue  # each is about something of its own
        subject, again = _content_before(old, before), _content_before(new, now)
        first = next((n for n, stem in enumerate(again) if stem in subject), len(again))
        tail = set(again[first:])
        if subject and ((len(tail) >= 2 and tail <= set(subject)) or set(subject) <= set(again)):
            return before
    return None


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


def _stems_before(of: Statement, value: Word) -> set[str]:
    return {word.stem for word in of.words[: of.words.index(value)]}


def _content_before(of: Statement, value: Word) -> list[str]:
    place = of.words.index(value)
    return [word.stem for word in of.words[:place] if word.content and not word.key]


def _rest(old: Statement, new: Statement, value: Word) -> str:
    left = (old.content - new.content) | (old.marks - {value.key} - new.marks)
    if not left:
        return ""
    return old.text[: value.start] + ELISION + old.text[value.end :]
