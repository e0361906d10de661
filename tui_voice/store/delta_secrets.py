"""Removes API keys from the events of a session, also where a key comes in pieces.

The words of a reply come in deltas. The end of a delta that may be the beginning of a key waits
for the next one, so that no piece of a key is journaled or shown. When the reply ends, the rest
comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tui_voice.conversation import events as e
from tui_voice.store.secrets import MASK, SHORTEST_KEY, Redactor

_OPENAI_LIKE = re.compile(r"(?<![A-Za-z0-9_])s(?:k(?:-[A-Za-z0-9_-]*)?)?\Z", re.ASCII)
"""The beginning of an OpenAI-like key at the end of a text."""
_LEADING = re.compile(r"[A-Za-z0-9+/_-]*={0,2}", re.ASCII)
_TRAILING = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\Z", re.ASCII)
_SUSPECT_WORD = 12
"""Characters. A word of letters of base64 that is as long, and not over, waits for its end."""
_LONGEST_WORD = 4_096
"""Characters. A longer word is no key."""
_ENDS_REPLY = (
    e.ResponseDone,
    e.ReplyCut,
    e.PlaybackInterrupted,
    e.ConnectionLost,
    e.SessionClosed,
)
"""Events after which no more deltas may come."""


class EventRedactor:
    """The filter of one session."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._kept_back: dict[str, str] = {}
        """By item: the end of its last delta, which may be the beginning of a key."""
        self._word: dict[str, str] = {}
        """By item: the letters directly before that, of a word that may be base64."""

    def events(self, event: e.Event) -> Iterator[e.Event]:
        """The event without keys; of a delta, the part that cannot be the beginning of a key.

        Before the end of a reply comes what was kept back of its deltas.
        """
        if isinstance(event, e.TranscriptGrew):
            yield self._delta(event)
            return
        if isinstance(event, e.TranscriptDone):  # it has the whole text
            self._kept_back.pop(event.item_id, None)
            self._word.pop(event.item_id, None)
            clean = self._redactor.event(event)
            # The places of uncertain words would be wrong where a key was replaced.
            yield event if clean is event else replace(clean, uncertain=())
            return
        if isinstance(event, _ENDS_REPLY):
            yield from self._rest(event.at)
        yield self._redactor.event(event)

    def _delta(self, event: e.TranscriptGrew) -> e.TranscriptGrew:
        text = self._kept_back.pop(event.item_id, "") + event.text
        before = self._word.pop(event.item_id, "")
        lead = _LEADING.match(text)
        assert lead is not None  # it may be empty
        word = before + lead[0]
        if before and len(word) > _SUSPECT_WORD and self._redactor.holds_encoded_key(word):
            text, before = MASK + text[lead.end() :], ""
        cut = self._begin_of_key(before, text)
        if cut < len(text):
            self._kept_back[event.item_id] = text[cut:]
        end = _TRAILING.search(before + text[:cut], max(0, len(before) + cut - _LONGEST_WORD))
        if end is not None:
            self._word[event.item_id] = end[0]
        clean = self._redactor.text(text[:cut]) if cut >= SHORTEST_KEY else text[:cut]
        return event if clean == event.text else replace(event, text=clean)

    def _begin_of_key(self, before: str, text: str) -> int:
        """The index from which the end of `text` may be the beginning of a key.

        `before`: the letters directly before the text, which are journaled already.
        """
        begin = len(text)
        if found := _OPENAI_LIKE.search(text, max(0, len(text) - _LONGEST_WORD)):
            begin = found.start()
        word = _TRAILING.search(before + text, max(0, len(before) + len(text) - _LONGEST_WORD))
        if word and _SUSPECT_WORD <= len(word[0]) < _LONGEST_WORD:
            begin = min(begin, max(0, word.start() - len(before)))
        for key in self._redactor.spellings:
            at = text.find(key[0], max(0, len(text) - len(key) + 1))
            while 0 <= at < begin and not key.startswith(text[at:]):
                at = text.find(key[0], at + 1)
            if at >= 0:
                begin = min(begin, at)
        return begin

    def _rest(self, at: float) -> Iterator[e.Event]:
        """Deltas with what was kept back. The long beginning of a key is masked, too."""
        for item_id, text in self._kept_back.items():
            is_key = text.startswith("sk-") or any(text in key for key in self._redactor.spellings)
            hidden = is_key and len(text) >= SHORTEST_KEY
            yield e.TranscriptGrew(at=at, item_id=item_id, text=MASK if hidden else text)
        self._kept_back.clear()
        self._word.clear()
