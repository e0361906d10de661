"""What can be answered truly without a model: from the talk itself, by arithmetic, by the clock."""

from __future__ import annotations

from collections.abc import Callable

from tui_voice.server.local.skills.clock import tell_time
from tui_voice.server.local.skills.figures import calculate
from tui_voice.server.local.skills.heard import acknowledge
from tui_voice.server.local.skills.lookup import Unknown, look_up
from tui_voice.server.local.skills.review import review
from tui_voice.server.local.skills.talk import Talk

_SKILLS: tuple[Callable[[Talk], str | Unknown | None], ...] = (
    tell_time,
    calculate,
    review,
    look_up,
    acknowledge,
)


def answer(talk: Talk) -> str | Unknown | None:
    """The reply; `Unknown` where the user asks for what is not in the window; None: not for us."""
    for skill in _SKILLS:
        found = skill(talk)
        if found is not None:
            return found
    return None


__all__ = ["Talk", "Unknown", "answer"]
