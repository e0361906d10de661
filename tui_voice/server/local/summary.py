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

from tui_voice.server.contracts import ContextTurn, ReplyRequest
from tui_voice.server.local.lexis import Rarity, content, likeness
from tui_voice.server.local.skills.lookup import name_in
from tui_voice.server.local.skills.person import bare
from tui_voice.server.local.skills.talk import Line, lines

KINDS = ("People and facts", "Preferences", "Decisions", "Open questions", "Also said")
_FACTS, _WISHES, _DECISIONS, _QUESTIONS, _OTHER = KINDS
_KEYS = dict(
    zip(KINDS, ("facts", "preferences", "decisions", "open_questions", "other"), strict=True)
)

_SELF = re.compile(r"\b(?:my|our|i'm|i am|we're|we are|i've|i have|we have|i live|i work)\b", re.I)
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
_ALIKE = 0.8
_LEAST, _MOST = 240, 2400
"""Characters: a summary is not cut below the first, nor grows over the second."""
_LANGUAGES = frozenset(("", "same", "auto", "en", "english"))


@dataclass(slots=True)
class _Point:
    line: Line
    text: str
    kind: str
    weight: float
    roots: Sequence[str]
    order: int


def summarise(request: ReplyRequest, share: float = 0.35) -> str:
    """A summary of `request.turns`, always shorter than they are; "" where nothing was said.

    `request.options`: `style` (structured, paragraph, bullets, json, minutes), `focus` (words that
    weigh more), `language` (it cannot translate, and says so). `share` of the source's length is
    aimed at. Summaries among the turns (role `system`) are carried over first of all.
    """
    turns = [turn for turn in _said(request.turns) if turn.text.strip()]
    source = sum(len(turn.text) for turn in turns)
    points = _points(turns, request.options.get("focus", ""))
    memory = sum(len(turn.text) for turn in turns if turn.role == "system")
    room = int(min(_MOST, max(_LEAST, memory + share * (source - memory)), source * 0.8))
    note = _untranslated(request.options.get("language", ""))
    style = request.options.get("style", "structured")
    chosen = _choose(points, room)
    while chosen:
        text = _write(sorted(chosen, key=lambda p: p.order), style, note)
        if len(text) < source or len(chosen) == 1:
            return text
        chosen.remove(min(chosen, key=lambda p: p.weight))
    return ""


def telling(turns: Sequence[ContextTurn], room: int) -> list[Line]:
    """The most telling clauses of `turns`, in order, at most `room` characters of them."""
    chosen = _choose((p for p in _points(_said(turns), "") if p.kind != _OTHER), room)
    ordered = sorted(chosen, key=lambda p: p.order)
    return [Line(p.text, p.line.speaker, p.line.question) for p in ordered]


def _said(turns: Sequence[ContextTurn]) -> list[ContextTurn]:
    """Without the request itself, where it comes as the last turn."""
    if turns and turns[-1].role in ("user", "system") and _REQUEST.match(turns[-1].text):
        turns = turns[:-1]
    return [turn for turn in turns if turn.role in ("user", "assistant", "system")]


def _points(turns: Sequence[ContextTurn], focus: str) -> list[_Point]:
    wanted = set(content(focus))
    found = [(turn, line) for turn in turns for line in lines(turn)]
    roots = [content(line.text) for _, line in found]
    rarity = Rarity(roots)
    points = []
    for order, ((turn, line), have) in enumerate(zip(found, roots, strict=True)):
        text = bare(line.text).replace('"', "'").strip(" .,;")
        remembered = turn.role == "system"
        if not have or (not remembered and _SMALL_TALK.match(line.text) and len(have) < 4):
            continue
        kind = _kind(line, text, order, found)
        if kind is None:
            continue
        weight = sum(rarity(root) for root in set(have)) / (3 + len(have))
        weight += 0.5 * (line.speaker != "assistant") + 0.35 * len(_NAMED.findall(text)[:2])
        weight += 0.35 * bool(_FIGURE.search(text)) + 0.4 * bool(_SELF.search(text))
        weight += 0.4 * (kind in (_WISHES, _DECISIONS)) - 0.8 * (kind in (_QUESTIONS, _OTHER))
        weight += 0.6 * (name_in((line,)) is not None)
        weight += 2.0 * remembered + 1.0 * bool(wanted & set(have))
        points.append(_Point(line, text, kind, weight, have, order))
    return [p for p in points if not _superseded(p, points)]


def _superseded(point: _Point, points: Sequence[_Point]) -> bool:
    """A later clause says of the same thing another figure, or says that it corrects."""
    about = _subject(point.text)
    return about is not None and any(
        later.order > point.order
        and later.line.speaker == point.line.speaker
        and _subject(later.text) == about
        and (
            _CORRECTS.search(later.line.text) is not None
            or bool(_FIGURE.search(later.text) and _FIGURE.search(point.text))
        )
        for later in points
    )


def _subject(text: str) -> str | None:
    found = _SUBJECT.match(text)
    return " ".join(content(found[1] or found[2])) if found is not None else None


def _kind(
    line: Line, text: str, order: int, found: Sequence[tuple[ContextTurn, Line]]
) -> str | None:
    if line.question:
        # Answered as soon as the other side said something after it.
        later = any(other.speaker != line.speaker for _, other in found[order + 1 :])
        return None if later or line.speaker == "assistant" else _QUESTIONS
    if _DECIDES.search(text):
        return _DECISIONS
    if _PREFERS.search(text) and line.speaker != "assistant":
        return _WISHES
    if line.speaker != "assistant" and (_SELF.search(text) or _FIGURE.search(text)):
        return _FACTS
    return _FACTS if _NAMED.search(text) and line.speaker != "assistant" else _OTHER


def _choose(points: Iterable[_Point], room: int) -> list[_Point]:
    pool = sorted(points, key=lambda p: (-p.weight, -p.order))
    rarity = Rarity(p.roots for p in pool)
    chosen: list[_Point] = []
    used = 0
    nearest = dict.fromkeys((p.order for p in pool), 0.0)
    while pool:
        best = max(pool, key=lambda p: p.weight - 1.2 * nearest[p.order])
        pool.remove(best)
        # Of two that say the same, the newer is the truer; it was weighed in the draw above.
        if nearest[best.order] > _ALIKE or (used + len(best.text) + 4 > room and chosen):
            continue
        chosen.append(best)
        used += len(best.text) + 4
        for point in pool:
            alike = likeness(point.roots, best.roots, rarity)
            nearest[point.order] = max(nearest[point.order], alike)
    return chosen


def _write(points: Sequence[_Point], style: str, note: str) -> str:
    groups = {kind: [_quote(p) for p in points if p.kind == kind] for kind in KINDS}
    groups = {kind: told for kind, told in groups.items() if told}
    if style == "json":
        plain = {_KEYS[k]: [_bare(p) for p in points if p.kind == k] for k in groups}
        return json.dumps(plain | ({"note": note} if note else {}), ensure_ascii=False)
    if style == "paragraph":
        text = " ".join(f"{kind}: {', '.join(told)}." for kind, told in groups.items())
    elif style in ("bullets", "minutes"):
        marked = [
            f"- {kind + ': ' if style == 'minutes' else ''}{told}"
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


def _untranslated(language: str) -> str:
    if language.strip().lower() in _LANGUAGES:
        return ""
    return (
        f"[The embedded summariser cannot translate into {language}; the words are the talk's own.]"
    )
