"""The options that the application is built with, and the value that it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from tui_voice.ui.glyphs import ASCII, UNICODE, Glyphs

if TYPE_CHECKING:
    from tui_voice.config.editor import SettingsEditor
    from tui_voice.conversation.events import Event
    from tui_voice.conversation.ledger import Ledger
    from tui_voice.conversation.turns import Turn


class SoundTest(Protocol):
    """Tests a device, by its id or name; None: the system's default. Blocks; raises
    `DeviceError`.
    """

    def play_tone(self, device: str | None) -> None: ...

    def record(self, device: str | None, on_level: Callable[[float], None]) -> str:
        """Records and plays it back. Returns a sentence about it. `on_level`: called in another
        thread with the level, 0 to 1.
        """
        ...


class Welcome(NamedTuple):
    """The welcome at the first start."""

    who_answers: Callable[[], list[str]]
    """Returns sentences about the server that answers; may block."""
    remember: Callable[[], object]
    """Called when it is shown: it is never shown again."""


class AppOptions(NamedTuple):
    """The first ones come from the settings groups `ui` and `keys`."""

    theme: str | None = None
    ascii: bool = False
    side_panel: bool = True
    timeline: bool = True
    timestamps: bool = True
    keys: Mapping[str, str] = {}
    """Action id → key, where it differs from the default."""
    bell: bool = False
    """The terminal's bell rings when a reply or a summary ends and the terminal has no focus."""
    notify: Literal["off", "on", "words"] = "off"
    """A notification of the desktop says the same; "words": with the beginning of the reply."""
    manual: bool = False
    """The talk key begins and ends each turn of the user; there is no voice detection."""
    sound: bool = True
    """The session uses a microphone and a loudspeaker."""
    live: bool = True
    """The session's clock runs by itself. False in a replay, where the events move it."""
    play_turn: Callable[[Path, Turn, Callable[[str], object]], object] | None = None
    """Plays the recorded sound of a turn: its session's journal, the turn, and what to call with a
    sentence for the user. Returns at once. None: not available."""
    devices: Callable[[Literal["input", "output"]], list[tuple[str, str]]] | None = None
    """Lists the ids and names of the microphones ("input") or loudspeakers; blocks for some ms."""
    budget: float | None = None
    """USD that the user wants to spend; it is only shown."""
    minutes: Callable[[Ledger, Callable[[Event], object]], str] | None = None
    """Writes minutes of a session; blocks. Takes what the event that states the cost is given to.
    Raises `TuiVoiceError`. None: not available."""
    sessions: Path | None = None
    """The folder of the saved sessions; None: the platform's folder."""
    encoding: str = "utf-8"
    """The encoding of the terminal; with `ascii`, characters that it lacks are replaced."""
    change_settings: Callable[[Mapping[str, str]], None] | None = None
    """Changes settings, `group.name` → value, for the sessions that are opened later. Raises
    `SettingsError`. None: not available."""

    editor: SettingsEditor | None = None
    """The settings, for the settings screen. None: not available."""
    welcome: Welcome | None = None
    """None: it is not shown."""
    sound_test: SoundTest | None = None
    hear_voice: Callable[[str], None] | None = None
    """Plays a sample of a voice of the embedded server; blocks. Raises `TuiVoiceError`."""

    @property
    def replay(self) -> bool:
        """Whether a recorded session is replayed, to which nothing can be added."""
        return not (self.live or self.sound)

    @property
    def glyphs(self) -> Glyphs:
        return ASCII if self.ascii else UNICODE


class ExitSummary(NamedTuple):
    """What the application returns: the session that was open when the user quit."""

    session_id: str
    path: Path
