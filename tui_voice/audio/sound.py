"""Opens microphone and loudspeaker, and says what is missing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tui_voice.audio.capture_gate import PRE_ROLL_MS, CaptureGate
from tui_voice.audio.device_stream import DeviceChange, off_loop
from tui_voice.audio.driver import Driver
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.microphone import Microphone
from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.pcm import FRAME_MS
from tui_voice.audio.speaker import BaseSpeaker, Speaker
from tui_voice.config.program_form import with_extra
from tui_voice.errors import DeviceError


@dataclass(frozen=True, slots=True)
class SoundDevices:
    """An open microphone and loudspeaker.

    `notice`: what the user should know about them, or None.
    """

    microphone: CaptureGate
    speaker: BaseSpeaker
    notice: str | None = None

    @property
    def has_microphone(self) -> bool:
        """Whether a device captures now; one that is plugged in later is used then."""
        return self.microphone.available

    async def close(self) -> None:
        await self.microphone.close()
        await self.speaker.close()


async def open_sound(
    on_frame: Callable[[bytes], None],
    *,
    on_started: Callable[[str], None] | None = None,
    on_finished: Callable[[str, int], None] | None = None,
    on_change: Callable[[DeviceChange], None] | None = None,
    input_device: str | None = None,
    output_device: str | None = None,
    enabled: bool = True,
    cancel_echo: bool = True,
    frame_ms: int = FRAME_MS,
    pre_roll_ms: int = PRE_ROLL_MS,
    volume: float = 1.0,
    driver: Driver | None = None,
) -> SoundDevices:
    """Opens both devices. A missing one is opened as soon as it is there.

    Call it on the loop that is to get the callbacks; devices are opened on a thread of their own.
    Where a named device is missing, the default one is opened. `enabled` False (`--text`) opens no
    device. Never raises DeviceError.
    """
    if not enabled:
        return SoundDevices(NullMicrophone(on_frame), NullSpeaker(on_started, on_finished))
    notices, hints = list[str](), list[str]()
    echo = await _canceller(notices) if cancel_echo else None
    speaker = Speaker(on_started, on_finished, echo=echo, on_change=on_change)
    microphone = Microphone(
        on_frame, frame_ms=frame_ms, pre_roll_ms=pre_roll_ms, echo=echo, on_change=on_change
    )
    # At the same time, so that a sound server that does not answer costs one timeout.
    await asyncio.gather(
        _opened(speaker, output_device, driver, notices, hints, "Replies are shown, not heard."),
        _opened(microphone, input_device, driver, notices, hints, "Type instead."),
    )
    notice = " ".join(dict.fromkeys(notices + hints)) or None
    sound = SoundDevices(microphone, speaker, notice)
    sound.speaker.volume = volume
    return sound


async def _opened(
    device: Speaker | Microphone,
    wanted: str | None,
    driver: Driver | None,
    notices: list[str],
    hints: list[str],
    instead: str,
) -> None:
    """Opens `wanted`, else the default device until `wanted` is there.

    A failure is added to `notices`, with the sentence `instead`, and its remedy to `hints`.
    """
    try:
        await device.open(wanted, driver)
    except DeviceError as error:
        if wanted is not None:
            with suppress(DeviceError):
                await device.use_meanwhile()
                notices.append(f"{error} {error.hint} Using {device.name} until it is there.")
                return
        notices.append(f"{error} {instead}")
        hints.append(error.hint)


async def _canceller(notices: list[str]) -> EchoCanceller | None:
    """Returns an echo canceller; where it is not installed, adds that to `notices`."""
    try:
        return await off_loop(EchoCanceller)
    except ImportError:
        notices.append(
            f"Echo cancellation is not installed: use headphones, or run `{with_extra('sound')}`."
        )
        return None
