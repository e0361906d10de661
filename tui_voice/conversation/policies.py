"""The policies that keep the window small, as a table that other modules may extend.

To add a policy: write a `PolicySpec` and put it into `POLICIES` under its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui_voice.conversation.estimates import (
    AUDIO_TURN_TOKENS,
    MIXED_TURN_TOKENS,
    TEXT_TURN_TOKENS,
)
from tui_voice.conversation.kept_audio import half_of_recent_replies, no_audio
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.payback import cheapest_regrowth
from tui_voice.conversation.prices import Price
from tui_voice.conversation.turns import Turn

KeptAudio = Callable[[Ledger, Sequence[Turn]], set[str]]
"""Given the ledger and the turns that the model has: ids of the turns that stay audio."""
TriggerRule = Callable[[Price, float, float], float]
"""Given a price, the tokens left after a pruning and the tokens that an exchange adds: the
default trigger in tokens."""

SERVER_TRIGGER = 8_000
"""Default trigger of the policy `server`, in tokens without the instructions: the figure of
OpenAI's example of a retention ratio."""


def cheapest_trigger(price: Price, after: float, growth: float) -> float:
    """The trigger at which re-reading and pruning together cost least. Tokens, in hundreds."""
    return round((after + cheapest_regrowth(price, after, growth)) / 100) * 100


def server_trigger(_price: Price, _after: float, _growth: float) -> float:
    return SERVER_TRIGGER


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """One policy: what it does with the window, and its defaults."""

    sentence: str
    """What it does, in one sentence, for the settings and the README."""
    turn_tokens: float
    """Tokens that a kept turn weighs on average."""
    keep: int = 12
    """Default number of the newest turns that stay verbatim."""
    trigger: TriggerRule = cheapest_trigger
    """Computes the default trigger."""
    prunes: bool = True
    """We change the window; otherwise the server drops turns when it must."""
    summarises: bool = True
    """A summary is made at the trigger, and not only shortly before the server drops turns."""
    kept_audio: KeptAudio | None = None
    """Which turns stay audio while the others are textified. None: nothing is textified."""
    economises: bool = True
    """It waits while pruning would lose money, and prunes early once the prompt cache is lost."""
    server_truncates: bool = False
    """The trigger is given to the server, as the size at which it drops the oldest turns."""

    @property
    def textifies(self) -> bool:
        return self.kept_audio is not None


POLICIES: dict[str, PolicySpec] = {
    "balanced": PolicySpec(
        "the user's audio becomes text once it is answered, half of the newest replies stay audio "
        "while the prompt cache holds it; summaries are rare and cover much",
        MIXED_TURN_TOKENS,
        kept_audio=half_of_recent_replies,
    ),
    "thrift": PolicySpec(
        "all audio becomes text once it is answered; summaries are rare and cover much",
        TEXT_TURN_TOKENS,
        keep=24,
        kept_audio=no_audio,
    ),
    "none": PolicySpec(
        "nothing is pruned; the server drops the oldest turns when its window is full",
        AUDIO_TURN_TOKENS,
        prunes=False,
        summarises=False,
    ),
    "server": PolicySpec(
        "nothing is summarised; the server drops the oldest turns from the trigger on",
        AUDIO_TURN_TOKENS,
        trigger=server_trigger,
        prunes=False,
        summarises=False,
        server_truncates=True,
    ),
}
"""Every policy by the name that a user writes in the settings."""
