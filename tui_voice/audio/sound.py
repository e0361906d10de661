"""The one door to sound: a microphone and a loudspeaker, or stand-ins and a sentence saying so."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from tui_voice.audio.capture_gate import PRE_ROLL_MS, CaptureGate
from tui_voice.audio.device_stream import DeviceChange, off_loop
from tui_voice.audio.driver import Driver
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.microphone import Microphone
from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.pcm import FRAME_MS
from tui_voice.audio.speaker import BaseSpeaker, Speaker
from tui_voice.errors import DeviceError


@dataclass(frozen=True, slots=True)
class SoundDevices:
    """Both ends, ready; `notice` is what the user should know about them, or None. `hears`: there
    is a microphone, so that it makes sense to talk.
    """

    microphone: CaptureGate
    speaker: BaseSpeaker
    notice: str | None = None
    hears: bool = True

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
    """Open what there is; a device that is missing is replaced by one that does nothing.

    Call it on the loop that shall get the callbacks; the opening itself happens in a thread.
    A device that was asked for by name and is not there gives way to the default one. `enabled`
    False is `--text`: no device is touched. Never raises DeviceError.
    """
    if not enabled:
        return SoundDevices(
            NullMicrophone(on_frame), NullSpeaker(on_started, on_finished), hears=False
        )
    notices, hints = list[str](), list[str]()
    echo = await _canceller(notices) if cancel_echo else None
    speaker = Speaker(on_started, on_finished, echo=echo, on_change=on_change)
    microphone = Microphone(
        on_frame, frame_ms=frame_ms, pre_roll_ms=pre_roll_ms, echo=echo, on_change=on_change
    )
    # Together, so that a sound server that hangs is waited for once.
    heard, hears = await asyncio.gather(
        _opened(speaker, output_device, driver, notices, hints, "Replies are shown, not heard."),
        _opened(microphone, input_device, driver, notices, hints, "Type instead."),
    )
    sound = SoundDevices(
        microphone if hears else NullMicrophone(on_frame, frame_ms=frame_ms),
        speaker if heard else NullSpeaker(on_started, on_finished),
        " ".join(dict.fromkeys(notices + hints)) or None,
        hears,
    )
    sound.speaker.volume = volume
    return sound


async def _opened(
    end: Speaker | Microphone,
    wanted: str | None,
    driver: Driver | None,
    notices: list[str],
    hints: list[str],
    instead: str,
) -> bool:
    try:
        await end.open(wanted, driver)
    except DeviceError as error:
        if wanted is not None and await _opened(end, None, driver, notices, hints, instead):
            notices.append(f"{error} Using {end.name}.")
            return True
        if wanted is None:
            notices.append(f"{error} {instead}")
            hints.append(error.hint)
        return False
    return True


async def _canceller(notices: list[str]) -> EchoCanceller | None:
    try:
        return await off_loop(EchoCanceller)
    except ImportError:
        notices.append("Echo cancellation is not installed: use headphones.")
        return None
