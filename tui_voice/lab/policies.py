"""Policies for comparison only, chosen by name in `simulate`, `eval` and the settings."""

from __future__ import annotations

from tui_voice.conversation.estimates import AUDIO_TURN_TOKENS, TEXT_TURN_TOKENS
from tui_voice.conversation.kept_audio import no_audio
from tui_voice.conversation.policies import PolicySpec
from tui_voice.conversation.prices import Price

NOTEBOOK_TRIGGER = 2_000
"""Tokens: the trigger of the cookbook's notebook."""


def notebook_trigger(_price: Price, after: float, _growth: float) -> float:
    """The notebook's own trigger, raised so far that half of what stays can grow. Tokens."""
    return max(NOTEBOOK_TRIGGER, round(after * 1.5))


LAB_POLICIES: dict[str, PolicySpec] = {
    "notebook": PolicySpec(
        "as OpenAI's cookbook does it: audio stays audio, a summary at 2,000 tokens",
        AUDIO_TURN_TOKENS,
        keep=2,
        trigger=notebook_trigger,
        economises=False,
    ),
    "textify": PolicySpec(
        "all audio becomes text once it is answered; a summary only before the server drops turns",
        TEXT_TURN_TOKENS,
        summarises=False,
        kept_audio=no_audio,
    ),
}
"""Rows for `POLICIES`. The command line and the tests add them."""
