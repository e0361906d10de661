"""Judges from the words of a turn whether its speaker has finished.

Two models say how likely it is that the turn ends here: the recogniser, which has heard the sound,
by the probability of the mark with which its text ends; and the small chat model, which has read
the conversation, by that of a mark or the end of the turn behind the last word. So "Tuesday" ends a
turn after "Which day suits you?". Both know English only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tui_voice.realtime.wire.items import LogProb
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.smollm import MARKS

FINISHED_FROM = 0.941
"""Probability from which a speaker counts as finished: of the sentences in which the speaker stops
between two words, one in ten is cut (`benchmarks/turn_ends.py`)."""
_LEAST = 1e-4
"""A model that is surer than this does not outweigh the other one."""


class SentenceEnd:
    """Implements `server.interfaces.EndOfSentence`. `ends`: `SmolLM.ends`."""

    def __init__(self, ends: Callable[[Sequence[ContextTurn]], float]) -> None:
        self._ends = ends

    def __call__(
        self, text: str, tokens: Sequence[LogProb], before: Sequence[ContextTurn] = ()
    ) -> bool:
        """Returns whether the speaker has finished."""
        return self.probability(text, tokens, before) > FINISHED_FROM

    def probability(
        self, text: str, tokens: Sequence[LogProb], before: Sequence[ContextTurn] = ()
    ) -> float:
        """Returns how likely it is, 0 to 1, that the speaker has finished.

        `text`, `tokens`: of the turn until its pause, as a `ScoringRecogniser` returns them.
        `before`: the items before the turn. 0 where the text does not end with a mark.
        """
        mark = tokens[-1] if tokens else None
        if mark is None or not mark.token.strip().startswith(MARKS):
            return 0.0
        ends = self._ends([*before, ContextTurn("", "user", text)])
        odds = _odds(math.exp(mark.logprob)) * _odds(ends)
        return odds / (1 + odds)


def _odds(probability: float) -> float:
    sure = min(max(probability, _LEAST), 1 - _LEAST)
    return sure / (1 - sure)
