"""Judges from the words of a turn whether its speaker has finished.

Two models say how likely it is that a sentence ends here: the recogniser, which has heard the
sound, by the probability of the mark with which its text ends; and the small chat model, which
knows how sentences go on, by that of a mark behind the last word. Both know English only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tui_voice.realtime.wire.items import LogProb

FINISHED_FROM = 0.83
"""Probability from which a speaker counts as finished: of the sentences in which the speaker stops
between two words, one in ten is cut (`benchmarks/turn_ends.py`)."""
MARKS = (".", "?", "!")
"""End a sentence; a recogniser's token may have more behind them."""
_LEAST = 1e-4
"""A model that is surer than this does not outweigh the other one."""
_MOST_CHARACTERS = 200
"""Of the text that the chat model reads: its end."""


class SentenceEnd:
    """Implements `server.interfaces.EndOfSentence`. `ends`: `SmolLM.ends`."""

    def __init__(self, ends: Callable[[str], float]) -> None:
        self._ends = ends

    def __call__(self, text: str, tokens: Sequence[LogProb]) -> bool:
        """Returns whether the speaker has finished."""
        return self.probability(text, tokens) > FINISHED_FROM

    def probability(self, text: str, tokens: Sequence[LogProb]) -> float:
        """Returns how likely it is, 0 to 1, that the speaker has finished.

        `text`, `tokens`: of the turn until its pause, as a `ScoringRecogniser` returns them. 0
        where the text does not end with a mark.
        """
        mark = tokens[-1] if tokens else None
        words = text.rstrip("".join(MARKS) + " ")
        if mark is None or not words or not mark.token.strip().startswith(MARKS):
            return 0.0
        if len(words) > _MOST_CHARACTERS:
            words = words[-_MOST_CHARACTERS:].partition(" ")[2]
        odds = _odds(math.exp(mark.logprob)) * _odds(self._ends(words))
        return odds / (1 + odds)


def _odds(probability: float) -> float:
    sure = min(max(probability, _LEAST), 1 - _LEAST)
    return sure / (1 - sure)
