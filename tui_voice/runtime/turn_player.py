"""Plays the recorded sound of a turn, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tui_voice.errors import TuiVoiceError

if TYPE_CHECKING:
    from tui_voice.audio.player import Player
    from tui_voice.conversation.turns import Turn

NOT_RECORDED = (
    "There is no sound of this turn: it was typed, or `audio.record` was off. "
    "The settings have it under audio."
)


class TurnPlayer:
    """Plays one turn at a time on the loudspeaker `device`; None: the system's default."""

    def __init__(self, device: str | None = None) -> None:
        self._device = device
        self._player: Player | None = None

    def play(self, journal: Path, turn: Turn, say: Callable[[str], object]) -> None:
        """Plays the turn; while a sound is played, ends that instead.

        `say` is called, in the player's thread, with what the user should know.
        """
        if self._player is not None and self._player.playing:
            self._player.stop()
            return
        threading.Thread(target=self._play, args=(journal, turn, say), daemon=True).start()

    def play_recorded(self, journal: Path, turn: Turn) -> float:
        """Plays the turn where it was recorded; returns its seconds at once, 0 for none."""
        from tui_voice.audio.pcm_format import RATE, WIDTH
        from tui_voice.audio.player import Player
        from tui_voice.runtime.recordings import sound_of

        try:
            sound = sound_of(journal, turn)
        except (OSError, RuntimeError):
            return 0.0
        player = self._player = self._player or Player()
        if sound:
            threading.Thread(
                target=_quietly, args=(player, sound, self._device), daemon=True
            ).start()
        return len(sound) / RATE / WIDTH

    def stop(self) -> None:
        if self._player is not None:
            self._player.stop()

    def _play(self, journal: Path, turn: Turn, say: Callable[[str], object]) -> None:
        from tui_voice.audio.player import Player
        from tui_voice.runtime.recordings import sound_of

        self._player = self._player or Player()
        try:
            sound = sound_of(journal, turn)
            if sound:
                self._player.play(sound, self._device)
            else:
                say(NOT_RECORDED)
        except TuiVoiceError as error:
            say(f"{error} {error.hint}")
        except (OSError, RuntimeError) as error:
            say(f"The recording cannot be read: {error}.")


def _quietly(player: Player, sound: bytes, device: str | None) -> None:
    """Plays a sound; where there is no loudspeaker, the replay is only shown."""
    with suppress(TuiVoiceError):
        player.play(sound, device)
