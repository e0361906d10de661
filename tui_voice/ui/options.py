"""What the application is told when it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tui_voice.config import DEFAULT_KEYS, Ui
from tui_voice.ui.glyphs import ASCII, UNICODE, Glyphs
from tui_voice.ui.view import Rates


@dataclass(frozen=True, slots=True)
class Options:
    """`manual`: the talk key makes turns, there is no voice detection. `sound`: there is a
    microphone and a loudspeaker. `live`: time goes on by itself (not in a replay).
    """

    ui: Ui = field(default_factory=Ui)
    keys: Mapping[str, str] = field(default_factory=lambda: DEFAULT_KEYS)
    manual: bool = False
    sound: bool = True
    live: bool = True
    budget: float | None = None
    rates: Rates | None = None
    sessions: Path | None = None
    """The folder of the saved talks; None: the platform's."""

    @property
    def glyphs(self) -> Glyphs:
        return ASCII if self.ui.ascii else UNICODE

    def key(self, action: str) -> str:
        return self.keys.get(action) or DEFAULT_KEYS[action]


@dataclass(frozen=True, slots=True)
class Left:
    """What the application returns: the talk that was open when the user left."""

    talk_id: str
    path: Path
