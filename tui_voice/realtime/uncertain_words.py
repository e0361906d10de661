"""Finds the words of a transcript of which the recogniser was not sure.

Source: `conversation.item.input_audio_transcription.completed` → `logprobs`, the tokens of the
transcript in order, each with the natural logarithm of its probability.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tui_voice.realtime.wire.items import LogProb

_WORD = re.compile(r"\S+")


def uncertain_words(
    text: str, tokens: Sequence[LogProb], below: float
) -> tuple[tuple[int, int], ...]:
    """Returns the places of the words whose probability is below `below` (0 to 1), as (first
    character, the one behind it).

    The probability of a word is the product of those of its tokens; tokens of punctuation do not
    count. A text without blanks is taken token by token. Returns () where the tokens are not those
    of the text.

    Example: `uncertain_words("My dentist is Okafor", …, 0.5)` is `((14, 20),)`.
    """
    if below <= 0 or not tokens:
        return ()
    places = _places(text, tokens)
    if places is None:
        return ()
    spans = [found.span() for found in _WORD.finditer(text)] if " " in text else [*pairwise(places)]
    return tuple(
        span for span in spans if math.exp(sum(_logprobs(text, span, tokens, places))) < below
    )


def _places(text: str, tokens: Sequence[LogProb]) -> list[int] | None:
    """Returns where each token begins in the text, and where the last one ends; None where the
    tokens together are another text. A token may be a part of a character.
    """
    raw = [token.token.encode() if token.bytes is None else bytes(token.bytes) for token in tokens]
    whole = b"".join(raw)
    decoded = whole.decode(errors="ignore")
    if decoded.strip() != text:
        return None
    before = len(decoded) - len(decoded.lstrip())
    places, end = [0], 0
    for piece in raw:
        end += len(piece)
        place = len(whole[:end].decode(errors="ignore")) - before
        places.append(min(max(0, place), len(text)))
    return places


def _logprobs(
    text: str, span: tuple[int, int], tokens: Sequence[LogProb], places: Sequence[int]
) -> Iterator[float]:
    """Yields the log probabilities of the tokens in a word, without those of punctuation."""
    for token, (begin, end) in zip(tokens, pairwise(places), strict=True):
        inside = text[max(begin, span[0]) : min(end, span[1])]
        if any(char.isalnum() for char in inside):
            yield token.logprob
