"""The exchanges of a simulated session: invented, or taken from a saved session.

In an invented session the user interrupts some replies, some transcripts come late and some
questions make the model call a function. A seed decides which, so that a session can be repeated.
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
from tui_voice.languages.token_estimate import CHARACTERS_PER_TOKEN, estimate_text_tokens

TYPED_PER_SECOND = 1.0
READ_PER_SECOND = 5.0
"""Text tokens that a user types, or reads, in a second: the time of a session without audio."""
GENERATION_SPEED = 4
"""How many times as fast as playback the server generates a reply."""
CUT, LATE, CALLS = 6, 8, 10
"""In an invented session one reply in 6 is interrupted, one transcript in 8 is late, and one
question in 10 makes the model call a function."""
LATENESS = (2.0, 30.0)
"""Shortest and longest delay of a late transcript, in seconds after the question: it then comes
during the reply, or while the user asks the next question."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its reply. `user_tokens`, `assistant_tokens`: of their words as text."""

    user_ms: int = round(USER_SECONDS * 1000)
    user_tokens: int = USER_WORD_TOKENS
    assistant_ms: int = round(ASSISTANT_SECONDS * 1000)
    assistant_tokens: int = ASSISTANT_WORD_TOKENS
    pause: float = 0.0
    """Seconds of silence before it."""
    cut_ms: int | None = None
    """Milliseconds of the reply that were played when the user interrupted it; None: all."""
    late: float = 0.0
    """Seconds from the end of the question to its transcript; 0: it comes with the reply."""
    call_tokens: int = 0
    """Tokens of the arguments of a function call; 0: no function is called."""
    output_tokens: int = 0
    """Tokens of the function's output."""

    @property
    def user_seconds(self) -> float:
        """Time that the user speaks or types."""
        return self.user_ms / 1000 or self.user_tokens / TYPED_PER_SECOND

    @property
    def assistant_seconds(self) -> float:
        """Time that the user listens or reads."""
        if self.cut_ms is not None:
            return min(self.cut_ms, self.assistant_ms) / 1000
        return self.assistant_ms / 1000 or self.assistant_tokens / READ_PER_SECOND

    @property
    def generated_share(self) -> float:
        """Share of the reply, 0–1, that was generated, and is billed, before the interruption."""
        if self.cut_ms is None or not self.assistant_ms:
            return 1.0
        return min(1.0, GENERATION_SPEED * self.cut_ms / self.assistant_ms)

    @property
    def generated_ms(self) -> int:
        return round(self.assistant_ms * self.generated_share)

    @property
    def generated_tokens(self) -> int:
        return round(self.assistant_tokens * self.generated_share)

    @property
    def seconds(self) -> float:
        return max(1.0, self.pause + self.user_seconds + self.assistant_seconds)


def invented(hours: float, exchange: Exchange | None = None, seed: int = 1) -> Iterator[Exchange]:
    """Yields exchanges of one length that fill this number of hours.

    `seed`: decides which of them are interrupted, late or call a function; 0: none.
    """
    usual, left = exchange or Exchange(), hours * 3600
    drawn = _draws(seed)
    one = _varied(usual, drawn) if seed else usual
    while left >= one.seconds / 2:
        left -= one.seconds
        yield one
        one = _varied(usual, drawn) if seed else usual


def _draws(seed: int) -> Iterator[float]:
    """Yields pseudo-random numbers from 0 to 1, the same for the same seed on every machine.

    The generator is Knuth's MMIX linear congruential generator.
    """
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 11) / 2**53


def _varied(one: Exchange, drawn: Iterator[float]) -> Exchange:
    cut, share, late, delay, call, length = (next(drawn) for _ in range(6))
    if cut < 1 / CUT and one.assistant_ms:
        one = replace(one, cut_ms=round(one.assistant_ms * (0.05 + 0.85 * share)))
    if late < 1 / LATE and one.user_ms:
        one = replace(one, late=round(LATENESS[0] + (LATENESS[1] - LATENESS[0]) * delay, 1))
    if call < 1 / CALLS:
        one = replace(
            one, call_tokens=round(8 + 20 * length), output_tokens=round(30 + 150 * length)
        )
    return one


def exchanges_of(ledger: Ledger, hours: float | None = None) -> Iterator[Exchange]:
    """Yields the exchanges of a saved session with its pauses, repeated until `hours` are full."""
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
        tokens = estimate_text_tokens(turn.text)
        if turn.role == "user":
            ms = turn.audio_ms if turn.heard_ms is None else min(turn.heard_ms, turn.audio_ms)
            one = replace(one, user_ms=one.user_ms + ms, user_tokens=one.user_tokens + tokens)
            began = turn.at if began is None else began
        elif turn.role == "tool" and began is not None:
            call, output = (tokens, 0) if turn.tool else (0, tokens)
            one = replace(
                one, call_tokens=one.call_tokens + call, output_tokens=one.output_tokens + output
            )
        elif turn.role == "assistant" and began is not None:
            heard = turn.heard_ms if turn.heard_ms is not None else turn.audio_ms
            one = replace(
                one,
                assistant_ms=turn.audio_ms,
                assistant_tokens=tokens,
                pause=round(max(0.0, began - ended) if ended else 0.0, 1),
                cut_ms=heard if heard < turn.audio_ms else None,
            )
            yield one
            ended = max(ended, began + one.user_ms / 1000 + min(heard, turn.audio_ms) / 1000)
            one, began = Exchange(0, 0, 0, 0), None


def text_of_tokens(tokens: int, word: str = "word") -> str:
    """Returns a text that `estimate_text_tokens` estimates at exactly this number of tokens.

    `word`: four letters. The user's differ from those of a reply, or an interruption would count as
    an echo of that reply.
    """
    length = int(tokens * CHARACTERS_PER_TOKEN)
    return (f"{word} " * (length // 5 + 1))[:length]
