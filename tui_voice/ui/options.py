"""What the application is told when it is built, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tui_voice.ui.glyphs import ASCII, UNICODE, Glyphs
from tui_voice.ui.keys import BY_ID

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger


class Options(NamedTuple):
    """The first five come from the settings' groups `ui` and `keys`."""

    theme: str | None = None
    ascii: bool = False
    side_panel: bool = True
    timestamps: bool = True
    keys: Mapping[str, str] = {}
    """Action → key, where it differs from the defaults."""
    manual: bool = False
    """The talk key makes turns; there is no voice detection."""
    sound: bool = True
    """There is a microphone and a loudspeaker."""
    live: bool = True
    """Time goes on by itself; not so in a replay."""
    budget: float | None = None
    """USD, only shown."""
    minutes: Callable[[Ledger], str] | None = None
    """Writes minutes of a talk; blocks. Raises `TuiVoiceError`. None: nobody does."""
    sessions: Path | None = None
    """The folder of the saved talks; None: the platform's."""

    @property
    def replay(self) -> bool:
        """What is shown has been: nothing can be added to it."""
        return not (self.live or self.sound)

    @property
    def glyphs(self) -> Glyphs:
        return ASCII if self.ascii else UNICODE

    def key(self, action: str) -> str:
        return self.keys.get(action) or BY_ID[action].key


class ExitSummary(NamedTuple):
    """What the application returns: the talk that was open when the user left."""

    session_id: str
    path: Path
