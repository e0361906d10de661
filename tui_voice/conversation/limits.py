"""What the user allows: when the window is pruned, how deep, and which settings make no sense."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from tui_voice.conversation.prices import PRICES, Price, PriceTable
from tui_voice.conversation.turns import Turn

Policy = Literal["balanced", "thrift", "notebook", "textify", "none", "server"]
"""How the window is kept small.

`balanced`: what the user said becomes text once it is answered, half of the newest replies stay
sound; summaries rare and deep. `thrift`: both sides become text at once. `notebook`: as the
cookbook does it, sound stays sound, a summary at 2,000 tokens. `textify`: to text, summaries only
where the server would truncate. `none`, `server`: nothing is done (the server truncates).
"""

SUMMARY_TOKENS = 300
"""What a summary weighs before the first one is known; of a short talk, half of what it is of."""
FIXED_TOKENS = 400
"""What instructions and tools weigh before the first reply tells it."""
EXCHANGE_SECONDS = (8.0, 12.0)
"""A usual exchange, user and assistant: for settings that are judged before the talk."""
EXCHANGE_WORDS = (30, 60)
"""Text tokens of the same."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user allows. Tokens, turns and seconds."""

    trigger: int = 4_000
    """Tokens in the window from which on old turns are summarised."""
    keep: int = 12
    """So many of the newest turns stay word for word."""
    size: int = 128_000
    """The model's whole window."""
    policy: Policy = "balanced"
    messages: int | None = None
    """Prunes also from so many turns in the window on."""
    every: float | None = None
    """Prunes also when the last pruning is so many seconds ago."""
    usable: int = 96_000
    """Input tokens beyond which the server drops turns by itself, without a word."""
    cold_after: float = 300.0
    """Seconds without a reply after which the prompt cache has probably been forgotten."""
    free: bool = False
    """The model costs nothing: a pruning need not pay, it only has to make room."""
    weights: Price = field(default=PRICES.models["gpt-realtime-2.1"], repr=False)
    """Prices by which is judged what pays. Of a free model: those of the full-size one, so that
    it, too, re-reads little."""

    @property
    def ceiling(self) -> int:
        """A quarter before the server would truncate: here every policy that prunes does."""
        return self.usable * 3 // 4

    @property
    def prunes(self) -> bool:
        return self.policy not in ("none", "server")

    @property
    def textifies(self) -> bool:
        return self.policy in ("balanced", "thrift", "textify")


@dataclass(frozen=True, slots=True)
class Plan:
    """A compaction that is worth beginning."""

    kind: Literal["summary", "textify"]
    turns: tuple[Turn, ...]
    cause: str


KEEP: dict[Policy, int] = {"balanced": 12, "thrift": 24, "notebook": 2}
"""Turns kept word for word where the user says nothing; else as `balanced`."""


def turn_tokens(policy: Policy) -> float:
    """What a kept turn of a usual talk weighs under a policy, on average of both sides."""
    sound = EXCHANGE_SECONDS[0] * 10, EXCHANGE_SECONDS[1] * 20 + EXCHANGE_WORDS[1]
    words = EXCHANGE_WORDS
    if policy in ("thrift", "textify"):
        return sum(words) / 2
    if policy == "balanced":
        return (words[0] + (words[1] + sound[1]) / 2) / 2
    return sum(sound) / 2


def default_limits(
    model: str,
    policy: Policy = "balanced",
    table: PriceTable = PRICES,
    keep: int | None = None,
) -> Limits:
    """The limits that cost least with this model, by its prices and its window.

    The trigger lies where two costs meet: re-reading what has grown since the last pruning, and
    re-reading, uncached, what is kept after the next one (`best_span`). A model that is free, or
    unknown, is treated as the full-size one.
    """
    found = table.find(model) or PRICES.models["gpt-realtime-2.1"]
    priced = found if found.text_in else PRICES.models["gpt-realtime-2.1"]
    keep = KEEP.get(policy, KEEP["balanced"]) if keep is None else keep
    after = FIXED_TOKENS + SUMMARY_TOKENS + keep * turn_tokens(policy)
    if policy == "notebook":
        trigger = max(2_000, round(after * 1.5))
    else:
        growth = 2 * turn_tokens(policy)
        trigger = round((after + best_span(priced, after, growth)) / 100) * 100
    return Limits(
        trigger=min(trigger, found.usable * 3 // 4),
        keep=keep,
        size=found.window,
        policy=policy,
        usable=found.usable,
        free=not found.text_in,
        weights=priced,
    )


def best_span(price: Price, after: float, growth: float, hit: float = 1.0) -> float:
    """Tokens that the window should regrow between two prunings: the cheapest.

    `after`: tokens right after a pruning, of which all but the instructions are read uncached
    once. `growth`: tokens an exchange adds. `hit`: how often the cache still has what it should.
    With a cost per pruning B and r per token and reply for re-reading, a saw tooth of height s
    costs B·growth/s + r·s/2 a reply; its lowest point is s = √(2·B·growth/r).
    """
    read = hit * price.text_cached + (1 - hit) * price.text_in
    breaks = max(0.0, after - FIXED_TOKENS) * hit * (price.text_in - price.text_cached)
    summary = SUMMARY_TOKENS * 1.5  # USD per million: written by a text model, some source read
    return math.sqrt(2 * (breaks + summary) * growth / read) if read else after


def check(limits: Limits) -> str | None:
    """Why these limits make no sense, in one sentence with the remedy; None: they do.

    Judged by a usual talk (8 s, then 12 s of answer); the policy judges again by the real one.
    """
    if not limits.prunes:
        return None
    kept = FIXED_TOKENS + SUMMARY_TOKENS + limits.keep * turn_tokens(limits.policy)
    if limits.policy != "textify" and limits.trigger < kept:
        fits = (limits.trigger - FIXED_TOKENS - SUMMARY_TOKENS) / turn_tokens(limits.policy)
        fewer = f", or keep at most {int(fits)} turns" if fits >= 1 else ""
        return (
            f"a trigger of {limits.trigger:,} tokens is below what {limits.keep} kept turns, the "
            f"summary and the instructions weigh (about {round(kept, -2):,.0f}), so every turn "
            f"would be pruned: raise it{fewer}"
        )
    if limits.trigger > limits.usable:
        return (
            f"a trigger of {limits.trigger:,} tokens is never reached: the server drops turns by "
            f"itself from {limits.usable:,} on. Lower it to {limits.ceiling:,} or less"
        )
    if limits.messages is not None and limits.messages <= limits.keep + 1:
        return (
            f"pruning from {limits.messages} turns on while keeping {limits.keep} would prune "
            f"on every turn: let messages be at least {limits.keep + 2}"
        )
    return None
