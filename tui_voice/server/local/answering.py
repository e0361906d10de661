"""What can be answered truly without a model: from the talk itself, by arithmetic, by the clock."""

from __future__ import annotations

from collections.abc import Callable

from tui_voice.server.local.review import review
from tui_voice.server.local.skills.clock import tell_time
from tui_voice.server.local.skills.figures import calculate
from tui_voice.server.local.skills.heard import acknowledge
from tui_voice.server.local.skills.lookup import Unknown, look_up
from tui_voice.server.local.skills.talk import Talk

Skill = Callable[[Talk], str | Unknown | None]
_SURE: tuple[Skill, ...] = (tell_time, calculate, look_up)
"""What no model does better."""
_ALL: tuple[Skill, ...] = (tell_time, calculate, review, look_up, acknowledge)


def answer(talk: Talk, sure_only: bool = False) -> str | Unknown | None:
    """The reply; `Unknown` where the user asks for what is not in the window; None: not for us.

    `sure_only`: leave to a good model what it does better, as looking back and small talk.
    """
    for skill in _SURE if sure_only else _ALL:
        found = skill(talk)
        if found is not None:
            return found
    return None
