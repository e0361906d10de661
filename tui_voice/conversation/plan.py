"""The plan of a compaction: what it will change, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui_voice.conversation.turns import Turn


@dataclass(frozen=True, slots=True)
class Plan:
    """A compaction worth beginning: which turns to summarise and prune, which to textify, or which
    function calls to prune without a summary (`tools`).
    """

    kind: Literal["summary", "textify", "tools"]
    turns: tuple[Turn, ...]
    cause: str
    """Why now, in a few words, for the pruning log."""
