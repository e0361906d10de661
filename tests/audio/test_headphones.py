"""With headphones there is no echo: the first words over a reply are sent as they were said."""

import numpy as np
import pytest

from tests.audio.echo_harness import FRAME, db
from tests.audio.test_self_interruption import PlayedReply
from tests.server.local.speech_harness import flite
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.pcm import RATE, Resampler, samples
from tui_voice.audio.similarity import is_echo
from tui_voice.audio.speech_filter import SpeechFilter
from tui_voice.audio.voice_detector import VoiceDetector


@pytest.mark.parametrize("after_ms", [150, 400, 800, 1_100])
@pytest.mark.parametrize("voice", ["rms", "awb"])
def test_words_in_the_first_second_of_the_first_reply_are_sent(
    sentence: bytes, voice: str, after_ms: int
) -> None:
    reply = np.tile(np.frombuffer(sentence, "<i2"), 2)
    spoken = (flite("No, a table for five people.", voice) * 32_767).astype("<i2")
    said = np.frombuffer(Resampler(16_000, RATE).feed(spoken.tobytes()), "<i2")
    said = said[int(np.flatnonzero(np.abs(said.astype(int)) > 500)[0]) :]
    user = np.zeros(len(reply), np.int16)
    at = RATE * after_ms // 1000
    user[at : at + len(said)] = said
    canceller = EchoCanceller()
    sent = bytearray()
    speech = SpeechFilter(
        VoiceDetector(),
        sent.extend,
        PlayedReply(),
        lambda captured: is_echo(samples(captured), canceller.history),
        lambda: canceller.has_echo,
        min_ms=600,
    )
    for start in range(0, len(user) - FRAME + 1, FRAME):
        canceller.played(reply[start : start + FRAME].tobytes())
        for ready in canceller.clean(user[start : start + FRAME].tobytes()):
            speech.accept(ready)
    heard = np.frombuffer(bytes(sent), "<i2")
    for part in range(at, at + len(said) - RATE // 2, RATE // 2):  # half a second each
        piece = user[part : part + RATE // 2]
        assert db(piece) - db(heard[part : part + RATE // 2]) < 9, (part - at) * 1000 // RATE
