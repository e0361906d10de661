"""What the user allows: when the window is pruned, how deep, and which settings make no sense."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from tui_voice.conversation.prices import PRICES, Price, PriceTable
from tui_voice.conversation.turns import Turn

Policy = Literal["balanced", "thrift", "notebook", "textify", "none", "server"]
"""How the window is kept small.

`balanced`: what the user said becomes text once it is answered, half of the newest replies stay
sound; summaries rare and deep. `thrift`: both sides become text at once. `notebook`: as the
cookbook does it, sound stays sound, a summary at 2,000 tokens. `textify`: to text, summaries only
where the server would truncate. `none`: nothing is done, the server truncates when it must.
`server`: nothing is done but to tell the server from where on it truncates.
"""

SUMMARY_TOKENS = 300
"""What a summary weighs before the first one is known; of a short talk, half of what it is of."""
FIXED_TOKENS = 400
"""What instructions and tools weigh before the first reply tells it."""
LEAST_TURN = 25
"""Tokens that a kept turn weighs at least, on average: a few typed words, a short answer."""
LEAST_SUMMARY = 30
"""What a summary weighs at least: its heading and a sentence."""
SERVER_TRIGGER = 8_000
"""Tokens beside the instructions from which the server drops turns under policy `server`: those of
OpenAI's example of a retention ratio."""
EXCHANGE_SECONDS = (8.0, 12.0)
"""A usual exchange, user and assistant: for settings that are judged before the talk."""
EXCHANGE_WORDS = (30, 60)
"""Text tokens of the same."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user allows. Tokens, turns and seconds."""

    trigger: int = 4_000
    """Tokens in the window from which on old turns are summarised; under policy `server`, tokens
    beside the instructions from which the server drops the oldest."""
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
    def summarises(self) -> bool:
        """Whether summaries are made at a trigger (and not only where the server would drop)."""
        return self.policy in ("balanced", "thrift", "notebook")

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
    if policy == "server":
        trigger = SERVER_TRIGGER
    elif policy == "notebook":
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


def usual_weight(limits: Limits, fixed: int = FIXED_TOKENS, spoken: bool = True) -> int:
    """Tokens that usually stay after a pruning: instructions, summary, kept turns.

    `fixed`: tokens of instructions and tools. `spoken`: 8 s, then 12 s of answer; else their words.
    """
    turn = turn_tokens(limits.policy if spoken else "textify")
    return round(fixed + SUMMARY_TOKENS + limits.keep * turn)


class Refusal(NamedTuple):
    """Limits with which no talk can be had."""

    setting: str
    """The one that is to blame: `trigger`, `keep` or `messages`."""
    reason: str
    """The end of a sentence that begins with the setting's value."""
    remedy: str


def refuse(limits: Limits, fixed: int) -> Refusal | None:
    """Why no talk fits these limits: every turn would be pruned, or none. None: some talk does.

    `fixed`: tokens of instructions and tools.
    """
    if limits.policy in ("none", "textify"):
        return None  # there is no trigger
    if limits.trigger > limits.usable:
        return Refusal(
            "trigger",
            f"is never reached: the server drops turns by itself from {limits.usable:,} tokens on",
            f"Lower the trigger to {limits.ceiling:,} or less.",
        )
    if limits.policy == "server":
        return None
    around = fixed + LEAST_SUMMARY
    least = around + limits.keep * LEAST_TURN
    if least > limits.ceiling:
        return Refusal(
            "keep",
            f"is more than the window holds: so many turns weigh at least {least:,} tokens with "
            f"the instructions, and from {limits.ceiling:,} on it is pruned in any case",
            f"Keep at most {max(0, limits.ceiling - around) // LEAST_TURN:,} turns.",
        )
    if limits.trigger < least:
        fits = (limits.trigger - around) // LEAST_TURN
        return Refusal(
            "trigger",
            f"is below what stays after a pruning: the instructions ({fixed:,} tokens), a summary "
            f"and {limits.keep:,} kept turns weigh at least {least:,}, so every turn would be "
            "pruned",
            f"Set the trigger to {least:,} or more"
            + (f", or keep at most {fits:,} turn{'s' * (fits != 1)}." if fits >= 0 else "."),
        )
    if limits.messages is not None and limits.messages <= limits.keep + 1:
        return Refusal(
            "messages",
            f"is too few while {limits.keep:,} turns are kept: every turn would be pruned",
            f"Let messages be at least {limits.keep + 2:,}, or keep fewer turns.",
        )
    return None


def check(limits: Limits) -> str | None:
    """Why a usual spoken talk does not fit these limits, with the remedy; None: it does."""
    if limits.summarises and limits.trigger < (kept := usual_weight(limits)):
        fits = (limits.trigger - usual_weight(replace(limits, keep=0))) / turn_tokens(limits.policy)
        fewer = f", or keep at most {int(fits)} turns" if fits >= 1 else ""
        return (
            f"a trigger of {limits.trigger:,} tokens is below what {limits.keep} kept turns, the "
            f"summary and the instructions weigh (about {round(kept, -2):,}), so every turn "
            f"would be pruned: raise it{fewer}"
        )
    if refusal := refuse(limits, FIXED_TOKENS):
        found = getattr(limits, refusal.setting)
        return f"{refusal.setting} {found:,} {refusal.reason}. {refusal.remedy.rstrip('.')}"
    return None
