"""What is said in a talk that is only weighed: exchange after exchange, invented or as it was had.

An invented talk is alive: some replies are cut short by the user, some transcripts come late, some
questions have a function called. Which ones, a number decides (`seed`), so a talk can be had again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle

from tui_voice.conversation.estimates import (
    ASSISTANT_SECONDS,
    ASSISTANT_WORD_TOKENS,
    USER_SECONDS,
    USER_WORD_TOKENS,
)
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import CHARACTERS_PER_TOKEN, estimate_text_tokens

TYPED_PER_SECOND = 1.0
READ_PER_SECOND = 5.0
"""Tokens of words; so that a talk without sound takes its time, too."""
MADE_AHEAD = 4
"""A reply is made so many times as fast as it is heard."""
CUT, LATE, CALLS = 6, 8, 10
"""Of an invented talk one reply in so many is cut short, one transcript comes late, one question
has a function called."""
LATENESS = (2.0, 30.0)
"""Seconds after the question: in the middle of the reply, or when the next one is being asked."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Something said and its answer: milliseconds of sound and tokens of words."""

    user_ms: int = round(USER_SECONDS * 1000)
    user_words: int = USER_WORD_TOKENS
    assistant_ms: int = round(ASSISTANT_SECONDS * 1000)
    assistant_words: int = ASSISTANT_WORD_TOKENS
    pause: float = 0.0
    """Seconds of silence before it."""
    cut_ms: int | None = None
    """So much of the reply was heard when the user spoke again; None: all of it."""
    late: float = 0.0
    """Seconds from the end of the question to its transcript; 0: it comes with the reply."""
    call_words: int = 0
    """Tokens of a function's arguments; 0: none is called."""
    output_words: int = 0
    """Tokens of what the function gave."""

    @property
    def user_seconds(self) -> float:
        """How long it takes to say, or to type."""
        return self.user_ms / 1000 or self.user_words / TYPED_PER_SECOND

    @property
    def assistant_seconds(self) -> float:
        """How long it is heard, or read."""
        if self.cut_ms is not None:
            return min(self.cut_ms, self.assistant_ms) / 1000
        return self.assistant_ms / 1000 or self.assistant_words / READ_PER_SECOND

    @property
    def made(self) -> float:
        """The share of the reply that was made before it was cut short: 0–1. It is all billed."""
        if self.cut_ms is None or not self.assistant_ms:
            return 1.0
        return min(1.0, MADE_AHEAD * self.cut_ms / self.assistant_ms)

    @property
    def made_ms(self) -> int:
        return round(self.assistant_ms * self.made)

    @property
    def made_words(self) -> int:
        return round(self.assistant_words * self.made)

    @property
    def seconds(self) -> float:
        return max(1.0, self.pause + self.user_seconds + self.assistant_seconds)


def invented(hours: float, exchange: Exchange | None = None, seed: int = 1) -> Iterator[Exchange]:
    """Exchanges of one length that fill so many hours. `seed`: which of them are cut short, late,
    call a function; 0: none.
    """
    usual, left = exchange or Exchange(), hours * 3600
    drawn = _draws(seed)
    one = _alive(usual, drawn) if seed else usual
    while left >= one.seconds / 2:
        left -= one.seconds
        yield one
        one = _alive(usual, drawn) if seed else usual


def _draws(seed: int) -> Iterator[float]:
    """Numbers from 0 to 1 that look like chance (Knuth's generator, as in MMIX)."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 11) / 2**53


def _alive(one: Exchange, drawn: Iterator[float]) -> Exchange:
    cut, share, late, delay, call, length = (next(drawn) for _ in range(6))
    if cut < 1 / CUT and one.assistant_ms:
        one = replace(one, cut_ms=round(one.assistant_ms * (0.05 + 0.85 * share)))
    if late < 1 / LATE and one.user_ms:
        one = replace(one, late=round(LATENESS[0] + (LATENESS[1] - LATENESS[0]) * delay, 1))
    if call < 1 / CALLS:
        one = replace(one, call_words=round(8 + 20 * length), output_words=round(30 + 150 * length))
    return one


def exchanges_of(ledger: Ledger, hours: float | None = None) -> Iterator[Exchange]:
    """The exchanges of a talk that was had, with its pauses; said again until `hours` are full."""
    found = list(_exchanges(ledger))
    if hours is None or not found:
        yield from found
        return
    left = hours * 3600
    again = cycle(found)
    one = next(again)
    while left >= one.seconds:
        left -= one.seconds
        yield one
        one = next(again)


def _exchanges(ledger: Ledger) -> Iterator[Exchange]:
    one = Exchange(0, 0, 0, 0)
    began: float | None = None
    ended = 0.0
    for turn in ledger.turns:
        words = estimate_text_tokens(turn.text)
        if turn.role == "user":
            ms = turn.audio_ms if turn.heard_ms is None else min(turn.heard_ms, turn.audio_ms)
            one = replace(one, user_ms=one.user_ms + ms, user_words=one.user_words + words)
            began = turn.at if began is None else began
        elif turn.role == "tool" and began is not None:
            call, output = (words, 0) if turn.tool else (0, words)
            one = replace(
                one, call_words=one.call_words + call, output_words=one.output_words + output
            )
        elif turn.role == "assistant" and began is not None:
            heard = turn.heard_ms if turn.heard_ms is not None else turn.audio_ms
            one = replace(
                one,
                assistant_ms=turn.audio_ms,
                assistant_words=words,
                pause=round(max(0.0, began - ended) if ended else 0.0, 1),
                cut_ms=heard if heard < turn.audio_ms else None,
            )
            yield one
            ended = max(ended, began + one.user_ms / 1000 + min(heard, turn.audio_ms) / 1000)
            one, began = Exchange(0, 0, 0, 0), None


def words(tokens: int) -> str:
    """A text of short words that is estimated at exactly so many tokens."""
    length = int(tokens * CHARACTERS_PER_TOKEN)
    return ("word " * (length // 5 + 1))[:length]
