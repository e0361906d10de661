"""What a screen gets from the application when it is created."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui_voice.ui.keys import KeyTable
from tui_voice.ui.options import AppOptions

if TYPE_CHECKING:
    from tui_voice.conversation.events import Event
    from tui_voice.conversation.ledger import Ledger
    from tui_voice.ui.fact_rows import FactRow
    from tui_voice.ui.live_settings import LiveSettings


class ResumeRequest(NamedTuple):
    """The result of a screen: the user wants to resume this saved session."""

    session_id: str
    turn: str = ""
    """Id of the turn to show; "" for the end of the session."""


class ExportChoice(NamedTuple):
    """The result of the export dialog."""

    format: str
    target: Path
    """A folder, or the name of the file."""


class HelpTopic(NamedTuple):
    """What the help explains first: the part of the screen that has the focus, and its keys."""

    name: str
    rows: tuple[tuple[str, str], ...]
    """Keys as people write them, and what they do."""


class ScreenContext(NamedTuple):
    """Settings and session of this moment, and what a screen may ask the application to do."""

    options: AppOptions
    keys: KeyTable
    sessions_folder: Path
    session_id: str
    """Id of the open session, "" while none is open."""
    journal: Path | None
    """Journal of the open session; None while none is open."""
    ledger: Ledger | None
    """Ledger of the open session."""
    topic: HelpTopic
    """Where the user is."""
    facts: Callable[[], tuple[FactRow, ...]]
    """Returns the facts of the open session's memory, as they are now."""
    post: Callable[[Event], None] | None
    """Hands an event of the user to the open session; None where nothing can be changed."""
    resume: Callable[[ResumeRequest], None]
    """Leaves the open session and resumes a saved one."""
    export: Callable[[ExportChoice], None]
    """Exports the open session to a file."""
    level: Callable[[Literal["input", "output"]], float]
    """Returns the level, 0 to 1, of the microphone or the loudspeaker in use."""
    settings: LiveSettings | None
    """None where settings cannot be changed."""
    hear_voice: Callable[[str], None] | None
    """Plays a sample of a voice. None where the server in use cannot."""
