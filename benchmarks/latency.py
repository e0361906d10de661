"""Measures two delays: from the end of a spoken turn to the first sound of the reply, and from the
start of the app to its first paint.

Run: `python benchmarks/latency.py`. The first delay is measured twice: in the app in a
pseudo-terminal with virtual sound devices (between the recorded samples, so it includes the delay
of the devices), and in a session without devices (from the last sample sent to the first sound
received). The first paint is compared with that of a Textual app of one line, started in turn.
Needs the extra `local`; the app's part also flite, pulseaudio and pulseaudio-utils (Debian).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.figures import note
from tests.e2e.app_harness import AppUnderTest
from tests.e2e.recorded_audio_harness import audible, is_silent, ms_since_first_sound
from tests.e2e.sound_setup_harness import SoundSetup
from tests.e2e.terminal_harness import TerminalProgram
from tests.sound_server_harness import RATE, Recording, VirtualSound, missing
from tui_voice.conversation import events as e

QUESTION = "What time is it?"
"""The server answers this from its clock, without a language model."""
OPEN_QUESTION = "What do you think about the sea?"
"""The small chat model answers this."""
RECORDED = "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"
"""A person says this sentence (Debian's `pocketsphinx-testdata`), which the end-of-turn models take
for finished: "He was not an ill-disposed young man." The small chat model answers it."""
_MINIMAL = """
from textual.app import App
from textual.widgets import Static

class Minimal(App):
    def compose(self):
        yield Static("minimal")

Minimal().run()
"""


def clean_env() -> dict[str, str]:
    """Returns the environment without API keys and settings."""
    ours = ("TUI_VOICE_", "OPENAI_", "AZURE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def row(what: str, values: list[float]) -> None:
    """Prints the median and the 95th percentile of the values, in milliseconds."""
    p95 = float(np.percentile(values, 95))
    print(f"{what:46} {statistics.median(values):7.0f} {p95:7.0f} {len(values):4}", flush=True)
    note(f"{what}: median", statistics.median(values), "ms")
    note(f"{what}: p95", p95, "ms")


# ── the app, with virtual sound devices ──────────────────────────────────────────────────────


def end_of_sound(recording: Recording, start: int) -> float:
    """Returns when (`time.monotonic`) the last sound after byte `start` ended."""
    sound = np.frombuffer(bytes(recording.pcm[start : len(recording.pcm) // 2 * 2]), "<i2")
    return recording.began + (start / 2 + int(audible(sound)[-1])) / RATE


def start_of_sound(recording: Recording, start: int) -> float:
    """Returns when (`time.monotonic`) the first sound after byte `start` began."""
    sound = np.frombuffer(bytes(recording.pcm[start : len(recording.pcm) // 2 * 2]), "<i2")
    return recording.began + (start / 2 + int(audible(sound)[0])) / RATE


def delays_in_the_app(
    turn_detection: dict[str, str], rounds: int, question: str
) -> tuple[list[float], list[float]]:
    """Returns the ms from the last sound in the microphone to the first of the loudspeaker, and
    those from Esc to the last sound of the loudspeaker. `turn_detection`: settings by variable.
    """
    delays, silences = [], []
    with VirtualSound() as server, tempfile.TemporaryDirectory() as folder:
        sound = SoundSetup(server, Path(folder))
        is_recorded = question.endswith(".wav")
        wav = sound.recording(question) if is_recorded else sound.synthesize(question, "rms")
        env = clean_env() | sound.env | turn_detection
        app = AppUnderTest("--backend", "local", env=env, folder=Path(folder), size=(120, 36))

        def playback_ended(after: int) -> bool:
            ends = ("playback_interrupted", "playback_finished")
            return any(app.events(name, after) for name in ends)

        try:
            app.wait_until_connected()
            sound.wait_for_capture(app)
            app.open_microphone()
            for number in range(rounds + 1):
                before = len(app.journal())
                asked, played = len(sound.microphone.pcm), len(sound.loudspeaker.pcm)
                sound.speak(wav)
                sound.loudspeaker.wait_for(
                    lambda pcm, start=played: ms_since_first_sound(pcm, start) > 100
                )
                answered = start_of_sound(sound.loudspeaker, played)
                if number:  # during the first round the server loads its engines
                    delays.append((answered - end_of_sound(sound.microphone, asked)) * 1000)
                app.press("escape")
                pressed = time.monotonic()
                app.wait_until(lambda after=before: playback_ended(after), "the end of the reply")
                sound.loudspeaker.wait_for(lambda pcm: is_silent(pcm, 500))
                if number:
                    silences.append((end_of_sound(sound.loudspeaker, played) - pressed) * 1000)
            app.quit()
        finally:
            app.close()
    return delays, silences


# ── a session without devices ────────────────────────────────────────────────────────────────


def spoken(question: str) -> bytes:
    """Returns the question in a flite voice, from its first to its last sound (PCM, 24 kHz)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "q.wav")
        subprocess.run(["flite", "-voice", "rms", "-t", question, "-o", str(path)], check=True)
        from tui_voice.audio.files import read_sound

        sound = np.frombuffer(read_sound(path), "<i2")
    at = audible(sound)
    return sound[at[0] : at[-1] + 1].tobytes()


def delays_in_a_session(silence_ms: int, rounds: int, question: str) -> list[float]:
    """Returns the ms from the last sample sent to the server to the first sound received."""
    from tui_voice.audio.null import NullMicrophone, NullSpeaker
    from tui_voice.audio.sound import SoundDevices
    from tui_voice.config import load
    from tui_voice.runtime.session_factory import SessionOptions, open_session

    microphones: list[NullMicrophone] = []

    async def open_devices(
        on_frame: Callable[[bytes], None], on_finished: Callable[[str, int], None], *_more: object
    ) -> SoundDevices:
        microphones.append(NullMicrophone(on_frame))
        return SoundDevices(microphones[0], NullSpeaker(None, on_finished))

    settings = load(env={}, path=Path(os.devnull))
    settings = replace(
        settings, backend=replace(settings.backend, kind="local", silence_ms=silence_ms)
    )
    sound_received, playback_ended = threading.Event(), threading.Event()
    received_at = 0.0

    def listen(event: e.Event) -> None:
        nonlocal received_at
        if isinstance(event, e.AudioReceived) and not sound_received.is_set():
            received_at = time.monotonic()
            sound_received.set()
        elif isinstance(event, e.PlaybackFinished | e.PlaybackInterrupted):
            playback_ended.set()

    delays = []
    pcm, silence = spoken(question), bytes(RATE // 50 * 2)
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(
            SessionOptions(settings=settings, folder=Path(folder), open_sound=open_devices)
        )
        session.listen(listen)
        while session.subscribe(lambda _now: None).ledger.connection.status != "online":
            time.sleep(0.05)
        session.post(e.TalkPressed())
        for number in range(rounds + 1):
            sound_received.clear()
            playback_ended.clear()
            session.call(microphones[0].feed(pcm)).result()
            sent_at = time.monotonic()
            while not sound_received.is_set():
                session.call(microphones[0].feed(silence)).result()
            if number:
                delays.append((received_at - sent_at) * 1000)
            session.post(e.StopPressed())
            playback_ended.wait(10)
        session.close()
    return delays


# ── the first paint ──────────────────────────────────────────────────────────────────────────


def ms_until_painted(program: TerminalProgram, text: str) -> float:
    """Returns the ms until this text is on the screen of a program that was just started."""
    started = time.perf_counter()
    try:
        program.wait_for(text, 30)
        return (time.perf_counter() - started) * 1000
    finally:
        program.close()


def first_paint(rounds: int) -> tuple[list[float], list[float]]:
    """Returns the ms until the first paint of the minimal app, and of ours."""
    minimal, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "minimal.py")
        script.write_text(_MINIMAL)
        env = clean_env() | {"HOME": folder}
        arguments = ["--text", "--backend", "local", "--sessions-dir", folder]
        for number in range(rounds + 1):
            program = TerminalProgram([str(script)], env, command=(sys.executable,))
            one = ms_until_painted(program, "minimal")
            two = ms_until_painted(TerminalProgram(arguments, env), "tui-voice")
            if number:  # in the first round the files are not in the disk cache
                minimal.append(one)
                ours.append(two)
    return minimal, ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--silence-ms", type=int, help="after speech (500, then 300)")
    parser.add_argument("--only", choices=("app", "semantic", "session", "paint"))
    chosen = parser.parse_args()
    print(f"{'milliseconds':46} {'median':>7} {'p95':>7} {'of':>4}")
    for name in ("app", "session"):
        if chosen.only not in (None, name):
            continue
        if name == "app" and (lacking := missing()):
            print(f"no virtual sound: {', '.join(lacking)} missing")
            continue
        for silence_ms in (chosen.silence_ms,) if chosen.silence_ms else (500, 300):
            for question, by in ((QUESTION, "clock"), (OPEN_QUESTION, "model")):
                what = f"{name}: speech end → first sound, {by}, {silence_ms} ms"
                if name == "app":
                    after = {"TUI_VOICE_BACKEND_SILENCE_MS": str(silence_ms)}
                    delays, silences = delays_in_the_app(after, chosen.rounds, question)
                    row(what, delays)
                    row(f"app: Esc → silence, {by}, {silence_ms} ms", silences)
                else:
                    row(what, delays_in_a_session(silence_ms, chosen.rounds, question))
    if chosen.only in (None, "semantic") and not missing():
        semantic = {"TUI_VOICE_BACKEND_TURN_DETECTION": "semantic_vad"}
        delays, _ = delays_in_the_app(semantic, chosen.rounds, RECORDED)
        row("app: speech end → first sound, model, semantic_vad, a person", delays)
    if chosen.only in (None, "paint"):
        minimal, ours = first_paint(max(5, chosen.rounds))
        row("first paint, minimal Textual app", minimal)
        row("first paint, tui-voice", ours)
        note(
            "first paint in a terminal",
            statistics.median(ours),
            "ms",
            by="Textual app of one line",
            other=statistics.median(minimal),
        )
        ratios = [two / one for one, two in zip(minimal, ours, strict=True)]
        print(f"{'ratio, median of pairs':46} {statistics.median(ratios):7.2f}")


if __name__ == "__main__":
    main()
