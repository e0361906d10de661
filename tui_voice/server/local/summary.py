"""Summaries that cannot invent: the telling clauses of the talk itself, sorted by kind.

Each clause is weighed by how much it says (rarity of its words), by cues (who speaks, names,
figures, wishes, decisions), and by whether an earlier summary already held it; then the best are
taken one by one, each time the one least like those taken (maximal marginal relevance).
What is kept is quoted, so that a later summary, or a look-up, can read it back unharmed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui_voice.languages import detect_language, find_language, is_spoken_language
from tui_voice.realtime.wire.contract import Layout
from tui_voice.server.interfaces import ContextTurn, ReplyRequest
from tui_voice.server.local.lexis import Rarity, content
from tui_voice.server.local.skills.clause import Line
from tui_voice.server.local.skills.corrections import mended
from tui_voice.server.local.skills.names import name_in
from tui_voice.server.local.skills.person import bare
from tui_voice.server.local.skills.talk import lines

KINDS = ("People and facts", "Preferences", "Decisions", "Open questions", "Also said")
_FACTS, _WISHES, _DECISIONS, _QUESTIONS, _OTHER = KINDS
_KEYS = dict(
    zip(KINDS, ("facts", "preferences", "decisions", "open_questions", "other"), strict=True)
)

_SELF = re.compile(
    r"\b(?:my|our|i'm|i am|we're|we are|i've|i have|we have|i live|i work|i \w+ed)\b", re.I
)
_PREFERS = re.compile(
    r"\b(?:prefer|favou?rite|like|love|hate|dislike|allergic|vegetarian|vegan|rather|enjoy|"
    r"can't stand|don't (?:want|like|eat|drink)|cannot|never|always|must not|only)\b",
    re.I,
)
_DECIDES = re.compile(
    r"\b(?:let's|we'll|i'll|decided?|decision|agreed?|we (?:should|will|are going to)|i will|"
    r"settled|deal|book(?:ed)?|go with|chose|choose|instead|actually|not .{1,30} but|changed)\b",
    re.I,
)
_NAMED = re.compile(r"(?<=[a-z,;:'’] )[A-Z][a-zà-ÿ]+")
_FIGURE = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|"
    r"forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million)\b",
    re.I,
)
_REQUEST = re.compile(
    r"^\W*(?:please\s+)?(?:summari[sz]e|write (?:a|the) summary|create a summary)", re.I
)
_SMALL_TALK = re.compile(
    r"^\W*(?:hi|hello|hey|thanks?|thank you|ok|okay|yes|no|yeah|sure|great|good|bye|goodbye|fine|"
    r"right|exactly|i see|nice to meet you|how are you|noted|i've got that|good to know|"
    r"i'll keep that in mind|you're welcome|what did i|what is my|what's my|do you remember)\b",
    re.I,
)
_SUBJECT = re.compile(
    r"^(?:my|our|the)\s+((?:[\w']+\s+){1,3}?)(?:is|are|was|were|leaves?|starts?|costs?|will be)\b|"
    r"^(?:i|we)\s+(?:now\s+)?((?:live|work|moved|prefer))\b",
    re.I,
)
_CORRECTS = re.compile(
    r"\b(?:actually|instead|now|changed?|correction|sorry|rather|after all|not|no longer)\b", re.I
)
_FIGURES = re.compile(r"\d[\d.,:]*")
_TOLD_BACK = re.compile(
    r"^\W*(?:you (?:told|said)|you(?:'re| are)\b|i said|so you|so your|your |my notes|yes, |"
    r"i can't find|i looked|it's \d)",
    re.I,
)
"""What an assistant said of the user is in the user's own words already."""
_AGREES = re.compile(r"\b(?:let's|we'll|we (?:will|should|agreed|decided)|agreed|decided)\b", re.I)
_ALIKE = 0.8
_TELLING = 1.2
"""Weight from which a clause is kept though it is of no kind: the focus lifts it there."""
_LEAST, _FULL, _MOST = 240, 1700, 2400
"""Characters: a summary is not cut below the first, nor grows over the last."""


@dataclass(slots=True)
class _Point:
    line: Line
    text: str
    kind: str
    weight: float
    roots: frozenset[str]
    order: int
    subject: str | None
    marks: frozenset[str]
    """Names and figures: clauses that differ in them do not say the same."""
    nearest: float = 0.0
    """Likeness to the nearest one taken already."""


def summarise(request: ReplyRequest, share: float = 0.5) -> str:
    """A summary of `request.turns`; "" where nothing was said. It is always shorter than they are,
    unless they are short themselves: no fact is lost for the sake of a heading.

    `request.metadata`: `layout`, `focus` (words that
    weigh more), `language` (it cannot translate, and says so). `share` of the source's length is
    aimed at. Summaries among the turns (role `system`) are carried over first of all.
    """
    turns = [turn for turn in _said(request.turns) if turn.text.strip()]
    source = sum(len(turn.text) for turn in turns)
    memory = sum(len(turn.text) for turn in turns if turn.role == "system")
    new = source - memory
    room = int(min(_MOST, max(_LEAST, memory + max(share * new, min(new, _LEAST)))))
    # A memory that is full must let go of something: then the new is worth more than the old.
    points = _points(turns, request.metadata.focus, 0.5 if memory < _FULL else -0.4)
    layout = request.metadata.layout
    chosen = _choose(points, room)
    words = ". ".join(point.text for point in chosen)
    note = _untranslated(request.metadata.language, words)
    while chosen:
        text = _write(sorted(chosen, key=lambda p: p.order), layout, note)
        if len(text) < max(source, _LEAST):
            return text
        chosen.remove(min(chosen, key=lambda p: p.weight))
    return ""


def telling(turns: Sequence[ContextTurn], room: int) -> list[Line]:
    """The most telling clauses of `turns`, in order, at most `room` characters of them."""
    chosen = _choose((p for p in _points(_said(turns), "", 0.5) if p.kind != _OTHER), room)
    ordered = sorted(chosen, key=lambda p: p.order)
    return [Line(p.text, p.line.speaker, p.line.question) for p in ordered]


def _said(turns: Sequence[ContextTurn]) -> list[ContextTurn]:
    """Without the request itself, where it comes as the last turn."""
    if turns and turns[-1].role in ("user", "system") and _REQUEST.match(turns[-1].text):
        turns = turns[:-1]
    return [turn for turn in turns if turn.role in ("user", "assistant", "system")]


def _points(turns: Sequence[ContextTurn], focus: str, old: float) -> list[_Point]:
    wanted = set(content(focus))
    said = [(turn, line) for turn in turns for line in lines(turn)]
    found = [(said[at][0], line) for at, line in mended([line for _, line in said])]
    roots = [content(line.text) for _, line in found]
    rarity = Rarity(roots)
    last = {line.speaker: order for order, (_, line) in enumerate(found)}
    points = []
    for order, ((turn, line), have) in enumerate(zip(found, roots, strict=True)):
        text = bare(line.text).replace('"', "'").strip(" .,;")
        name = name_in((line,))
        if name is not None and name_in((Line(text, line.speaker, line.question),)) is None:
            text = f"my name is {name}"  # it was its greeting that told the name
        remembered = turn.role == "system"
        small = name is None and len(have) < 4 and _SMALL_TALK.match(line.text)
        if not have or (small and not remembered):
            continue
        # A question is answered as soon as anybody else said something after it.
        answered = any(at > order for speaker, at in last.items() if speaker != line.speaker)
        kind = _kind(line, text, answered)
        if line.speaker == "assistant" and _TOLD_BACK.match(line.text):
            continue
        if kind is None or (kind == _OTHER and len(have) < 3 and not wanted & set(have)):
            continue
        weight = sum(rarity(root) for root in set(have)) / (3 + len(have))
        weight += 0.5 * (line.speaker != "assistant") + 0.35 * len(_NAMED.findall(text)[:2])
        weight += 0.35 * bool(_FIGURE.search(text)) + 0.4 * bool(_SELF.search(text))
        weight += 0.4 * (kind in (_WISHES, _DECISIONS)) - 0.8 * (kind in (_QUESTIONS, _OTHER))
        weight += 0.6 * (name is not None) + old * remembered
        weight += 1.5 * bool(wanted & set(have))
        marks = frozenset(m.lower() for m in _NAMED.findall(text) + _FIGURES.findall(text))
        points.append(
            _Point(line, text, kind, weight, frozenset(have), order, _subject(text), marks)
        )
    return _standing(points)


def _standing(points: Sequence[_Point]) -> list[_Point]:
    """Without those of which a later one says another figure, or that it is changed."""
    newer: dict[tuple[str, str], _Point] = {}
    kept = []
    for point in reversed(points):
        if point.subject is not None:
            key = (point.subject, point.line.speaker)
            later = newer.setdefault(key, point)
            if later is not point and (
                _CORRECTS.search(later.line.text)
                or (_FIGURE.search(later.text) and _FIGURE.search(point.text))
            ):
                continue
        kept.append(point)
    return kept[::-1]


def _subject(text: str) -> str | None:
    found = _SUBJECT.match(text)
    return " ".join(content(found[1] or found[2])) if found is not None else None


def _kind(line: Line, text: str, answered: bool) -> str | None:
    if line.question:
        return None if answered or line.speaker == "assistant" else _QUESTIONS
    if (_AGREES if line.speaker == "assistant" else _DECIDES).search(text):
        return _DECISIONS
    if _PREFERS.search(text) and line.speaker != "assistant":
        return _WISHES
    if line.speaker != "assistant" and (_SELF.search(text) or _FIGURE.search(text)):
        return _FACTS
    return _FACTS if _NAMED.search(text) and line.speaker != "assistant" else _OTHER


def _choose(points: Iterable[_Point], room: int) -> list[_Point]:
    """At most `room` characters of clauses, each unlike the others."""
    pool = list(points)
    chosen: list[_Point] = []
    used = others = 0
    while pool:
        # Of two that say the same the newer is the truer.
        best = max(pool, key=lambda p: (p.weight - 1.2 * p.nearest, p.order))
        pool.remove(best)
        small = best.kind == _OTHER and best.weight < _TELLING
        cost = len(best.text) + 4
        if best.nearest > _ALIKE or (chosen and used + cost > room) or (small and others >= 3):
            continue
        chosen.append(best)
        used += cost
        others += small
        for point in pool:
            point.nearest = max(point.nearest, _likeness(point, best))
    return chosen


def _likeness(one: _Point, other: _Point) -> float:
    """Shared roots among all, 0–1; less where names or figures differ."""
    shared = len(one.roots & other.roots)
    if not shared:
        return 0.0
    alike = shared / (len(one.roots) * len(other.roots)) ** 0.5
    return float(alike if one.marks == other.marks else 0.6 * alike)


def _write(points: Sequence[_Point], layout: Layout, note: str) -> str:
    groups = {kind: [_quote(p) for p in points if p.kind == kind] for kind in KINDS}
    groups = {kind: told for kind, told in groups.items() if told}
    if layout == "json":
        plain = {_KEYS[k]: [_bare(p) for p in points if p.kind == k] for k in groups}
        return json.dumps(plain | ({"note": note} if note else {}), ensure_ascii=False)
    if layout == "paragraph":
        text = " ".join(f"{kind}: {', '.join(told)}." for kind, told in groups.items())
    elif layout in ("bullets", "labelled bullets"):
        marked = [
            f"- {kind + ': ' if layout == 'labelled bullets' else ''}{told}"
            for kind, quotes in groups.items()
            for told in quotes
        ]
        text = "\n".join(marked)
    else:
        text = "\n".join(f"{kind}: {', '.join(told)}." for kind, told in groups.items())
    return f"{text}\n{note}" if note else text


def _quote(point: _Point) -> str:
    return f'{"assistant: " if point.line.speaker == "assistant" else ""}"{point.text}"'


def _bare(point: _Point) -> str:
    return f"{'assistant: ' if point.line.speaker == 'assistant' else ''}{point.text}"


def _untranslated(language: str, words: str) -> str:
    """That the wish cannot be met; "" where the talk is in the wanted language anyway."""
    if is_spoken_language(language):
        return ""
    wanted, found = find_language(language), detect_language(words)
    if wanted is not None and (found == wanted.name or (wanted.name == "English" and not found)):
        return ""
    spoken = f", which are {found}" if found else ""
    return (
        f"[The embedded summariser cannot translate into {language}; "
        f"the words are the talk's own{spoken}.]"
    )
