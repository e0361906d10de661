"""What the user allows: when the window is pruned and how much of it stays. Checks such limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tui_voice.conversation.estimates import FIXED_TOKENS, SUMMARY_TOKENS, TEXT_TURN_TOKENS
from tui_voice.conversation.policies import POLICIES, PolicySpec
from tui_voice.conversation.prices import PRICES, Price, PriceTable

MIN_TURN_TOKENS = 25
"""Smallest average weight of a kept turn in tokens: a few typed words, a short answer."""
MIN_SUMMARY_TOKENS = 30
"""Smallest weight of a summary in tokens: its heading and one sentence."""
_REFERENCE = PRICES.models["gpt-realtime-2.1"]
"""Prices that are used for a model that is free or unknown."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user allows. Tokens, turns and seconds."""

    trigger: int = 4_000
    """Size of the window, in tokens, from which old turns are summarised. Under a policy with
    `server_truncates`: size without the instructions from which the server drops old turns."""
    keep: int = 12
    """Number of the newest turns that stay verbatim."""
    size: int = 128_000
    """Tokens of the model's whole window."""
    policy: str = "balanced"
    """A name in `POLICIES`."""
    messages: int | None = None
    """Number of turns in the window from which it is pruned as well. None: any number."""
    every: float | None = None
    """Seconds after the last pruning until the next one is made in any case. None: no limit."""
    usable: int = 96_000
    """Input tokens beyond which the server drops turns by itself, without notice."""
    cold_after: float = 300.0
    """Seconds without a reply after which the prompt cache has probably been dropped."""
    free: bool = False
    """The model costs nothing: a pruning need not pay, it only has to free tokens."""
    price: Price = field(default=_REFERENCE, repr=False)
    """Prices by which it is judged whether a pruning pays. A free model has those of the full-size
    model, so that a session with it also reads little again."""

    @property
    def spec(self) -> PolicySpec:
        return POLICIES[self.policy]

    @property
    def ceiling(self) -> int:
        """Tokens at which every policy that prunes makes a summary: three quarters of `usable`."""
        return self.usable * 3 // 4


def default_limits(
    model: str,
    policy: str = "balanced",
    table: PriceTable = PRICES,
    keep: int | None = None,
) -> Limits:
    """The limits that cost least with this model, by its prices and its window.

    `keep`: None for the policy's default. A model that is free or unknown is treated as the
    full-size one.
    """
    found = table.find(model) or _REFERENCE
    priced = found if found.text_in else _REFERENCE
    limits = Limits(size=found.window, usable=found.usable, free=not found.text_in, price=priced)
    return with_policy(limits, policy, keep)


def with_policy(limits: Limits, policy: str, keep: int | None = None) -> Limits:
    """The limits that cost least with the same model under a policy. `keep`: as above."""
    spec = POLICIES[policy]
    keep = spec.keep if keep is None else keep
    after = FIXED_TOKENS + SUMMARY_TOKENS + keep * spec.turn_tokens
    trigger = round(spec.trigger(limits.price, after, 2 * spec.turn_tokens))
    return replace(limits, trigger=min(trigger, limits.ceiling), keep=keep, policy=policy)


def usual_weight(limits: Limits, fixed: int = FIXED_TOKENS, spoken: bool = True) -> int:
    """Tokens that usually stay after a pruning: instructions, summary, kept turns.

    `fixed`: tokens of instructions and tools. `spoken`: the turns are spoken, not typed.
    """
    turn = limits.spec.turn_tokens if spoken else TEXT_TURN_TOKENS
    return round(fixed + SUMMARY_TOKENS + limits.keep * turn)


class Refusal(NamedTuple):
    """Why no session fits certain limits."""

    setting: str
    """The setting to change: `trigger`, `keep` or `messages`."""
    reason: str
    """The end of a sentence that begins with the setting's value."""
    remedy: str
    """What to do, as a sentence."""


def refuse(limits: Limits, fixed: int) -> Refusal | None:
    """Why no session fits these limits: every turn would be pruned, or none. None: they can fit.

    `fixed`: tokens of instructions and tools.
    """
    spec = limits.spec
    if not (spec.summarises or spec.server_truncates):
        return None  # there is no trigger
    if limits.trigger > limits.usable:
        return Refusal(
            "trigger",
            f"is never reached: the server drops turns by itself from {limits.usable:,} tokens on",
            f"Lower the trigger to {limits.ceiling:,} or less.",
        )
    if not spec.prunes:
        return None
    base = fixed + MIN_SUMMARY_TOKENS
    least = base + limits.keep * MIN_TURN_TOKENS
    if least > limits.ceiling:
        return Refusal(
            "keep",
            f"is more than the window holds: so many turns weigh at least {least:,} tokens with "
            f"the instructions, and from {limits.ceiling:,} on it is pruned in any case",
            f"Keep at most {max(0, limits.ceiling - base) // MIN_TURN_TOKENS:,} turns.",
        )
    if limits.trigger < least:
        fits = (limits.trigger - base) // MIN_TURN_TOKENS
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


def check_limits(limits: Limits) -> str | None:
    """Why a usual spoken session does not fit these limits, with the remedy. None: it fits."""
    if limits.spec.summarises and limits.trigger < (kept := usual_weight(limits)):
        free = limits.trigger - usual_weight(replace(limits, keep=0))
        fits = free / limits.spec.turn_tokens
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
