"""The audio path of a session: microphone to server, server to loudspeaker, both to the recorder.

Audio passes here without becoming events. The conversation decides whether the microphone is open
and muted, and the microphone's gate carries that out; this module keeps no copy of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.conversation import events as e
from tui_voice.runtime.care import MicrophoneCare
from tui_voice.runtime.recorder import Recorder
from tui_voice.runtime.reply_playback import ReplyPlayback
from tui_voice.runtime.session_handle import Meters
from tui_voice.runtime.sound_test import a_test_runs
from tui_voice.runtime.speech_buffer import SpeechBuffer

if TYPE_CHECKING:  # loads numpy, which only an open device needs
    from tui_voice.audio.sound import SoundDevices
    from tui_voice.audio.speech_filter import SpeechFilter, WhyNoTurn

REPORT_EVERY_MS = 1000
"""Milliseconds of captured audio between two reports of the length of a turn by key."""
SPEECH_LOST = (
    "There was no connection for so long that only the last 5 minutes of your speech were kept: "
    "the {seconds:.0f} s before them are lost."
)


class Media:
    """Connects the sound devices, the server and the recorder.

    `speech` keeps what the user said until the server has it. `post` takes events. `manual`: the
    talk key begins and ends the turns, so the server does not report how long they are.
    """

    def __init__(
        self,
        speech: SpeechBuffer,
        post: Callable[[e.Event], None],
        *,
        manual: bool = False,
        interrupt_ms: int = 600,
        threshold: float = 0.5,
    ) -> None:
        """`manual`: the talk key ends a turn. `interrupt_ms`: speech that interrupts a reply.

        `threshold`: probability from which sound counts as speech, at most 0.5 here."""
        self._manual, self._interrupt_ms = manual, interrupt_ms
        self._threshold = min(0.5, threshold)
        self._filter: SpeechFilter | None = None
        self._care: MicrophoneCare | None = None
        self.speech = speech
        self.playback = ReplyPlayback(post)
        self.recorder: Recorder | None = None
        self._post = post
        self._turn_bytes = 0  # captured since the microphone was opened
        self._pre_roll: list[bytes] | None = None  # while the microphone delivers it
        self._sound: SoundDevices | None = None

    def attach(self, sound: SoundDevices, *, microphone_open: bool, muted: bool) -> None:
        """Uses these devices from now on, with the microphone as the conversation has it."""
        self._sound = sound
        self.playback.attach(sound.speaker)
        self._filter = self._new_filter(sound)
        sound.speaker.on_played = self._heard
        sound.microphone.on_unsent = self._unsent
        sound.microphone.mute(muted)
        self.open_microphone(microphone_open)

    @property
    def microphone_open(self) -> bool:
        return self._sound is not None and self._sound.microphone.is_open

    def open_microphone(self, is_open: bool) -> None:
        """Opens or closes the microphone's gate. The loudspeaker runs while it is open, since a
        reply comes soon after the user has spoken.
        """
        if is_open:
            self._turn_bytes = 0
            self.speech.expect_speech()
            if self._filter is not None and self._manual:
                self._filter.begin_turn()
        if self._sound is not None:
            self._pre_roll = []
            self._sound.microphone.gate(is_open)
            pre_roll, self._pre_roll = b"".join(self._pre_roll), None
            if self.recorder is not None:
                self.recorder.begin_stretch("you")
                if pre_roll:
                    self.recorder.add("you", pre_roll)  # all of it ends now
        self.playback.allow_rest(not is_open)

    def mute(self, muted: bool) -> None:
        if self._sound is not None:
            self._sound.microphone.mute(muted)
        if self.recorder is not None:
            self.recorder.begin_stretch("you")

    def captured(self, pcm: bytes) -> None:
        """Called by the microphone with each frame that its gate lets through."""
        if self._sound is None:  # its gate is not set yet
            return
        if self._care is not None:
            self._advise(self._care.sent(pcm))
        if self._pre_roll is not None:
            self._pre_roll.append(pcm)
        elif self.recorder is not None:
            self.recorder.add("you", pcm)
        if self._filter is not None:
            self._filter.accept(pcm)
        else:
            self.speech.add(pcm)
        if self._manual:
            self._report_length(len(pcm))

    def _report_length(self, added_bytes: int) -> None:
        """Reports about once a second how long the turn by key is: something is still captured."""
        before, self._turn_bytes = self._turn_bytes, self._turn_bytes + added_bytes
        every = REPORT_EVERY_MS * BYTES_PER_MS
        if before // every != self._turn_bytes // every:
            self._post(e.SpeechGrew(item_id="", audio_ms=self._turn_bytes // BYTES_PER_MS))

    def set_manual(self, manual: bool) -> None:
        """The talk key ends the turns from now on, or the server does."""
        self._manual = manual
        if self._filter is not None:
            self._filter.manual = manual
            self._filter.begin_turn()

    def end_turn(self) -> WhyNoTurn:
        """Ends a turn by talk key; returns why there is none, "" where there is one."""
        return self._filter.end_turn() if self._filter is not None and self._manual else ""

    @property
    def silence_ms(self) -> int:
        """Milliseconds since the user's last word; 0: not known."""
        return self._filter.silence_ms if self._filter is not None else 0

    def require_louder(self) -> None:
        """Echoes have interrupted replies: from now on only a voice louder than them does."""
        if self._filter is not None:
            self._filter.require_louder()

    def _new_filter(self, sound: SoundDevices) -> SpeechFilter | None:
        """Returns the filter of what a device captures; None for sound from a file."""
        from tui_voice.audio.speech_filter import SpeechFilter
        from tui_voice.audio.voice_detector import VoiceDetector, detector_or_none

        if (
            not sound.microphone.is_device
            or (detector := detector_or_none(self._threshold)) is None
        ):
            return None
        self._care = MicrophoneCare(VoiceDetector())
        return SpeechFilter(
            detector,
            self.speech.add,
            self.playback,
            sound.speaker.plays,
            sound.speaker.has_echo,
            min_ms=self._interrupt_ms,
            manual=self._manual,
        )

    def play(self, item_id: str, pcm: bytes) -> None:
        """Plays the next audio of a reply item."""
        self.playback.play(item_id, pcm)

    def _unsent(self, pcm: bytes, muted: bool) -> None:
        """Called with audible sound that is not sent, since the microphone is closed or muted."""
        if self._care is not None and not self.playback.playing and not a_test_runs():
            self._advise(self._care.unsent(pcm, muted=muted))

    def _advise(self, text: str) -> None:
        if text:
            self._post(e.Noticed(text=text))

    def _heard(self, pcm: bytes) -> None:
        """Called with what the loudspeaker plays, on its thread."""
        if self.recorder is not None:
            self.recorder.add("reply", pcm)

    def connection_lost(self) -> tuple[str, ...]:
        """Returns the ids of the turns that will be sent again. The audio of a reply that has been
        received is still played.
        """
        self.playback.end_all()
        return self.speech.connection_lost(microphone_open=self.microphone_open)

    def connection_ready(self) -> None:
        """Sends what was said meanwhile; call it after the seed items are queued."""
        if dropped_ms := self.speech.dropped_ms:
            text = SPEECH_LOST.format(seconds=dropped_ms / 1000)
            self._post(e.Noticed(text=text, severity="warning"))
        self.speech.connection_ready(microphone_open=self.microphone_open)

    def committed(self, item_id: str) -> None:
        """The server has made a turn of what was said."""
        self.speech.committed(item_id, microphone_open=self.microphone_open)

    def meters(self) -> Meters:
        """Returns the levels; may be called from any thread."""
        sound = self._sound
        if sound is None:
            return Meters(opening_sound=True, held_ms=self.speech.waiting_ms)
        return Meters(
            microphone=sound.microphone.level if sound.microphone.is_open else 0.0,
            speaker=self.playback.level,
            input_level=sound.microphone.level,
            has_microphone=sound.has_microphone,
            has_loudspeaker=sound.speaker.available,
            held_ms=self.speech.waiting_ms,
            recording=self.recorder is not None,
        )
