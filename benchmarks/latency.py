"""How long one waits: from the end of a sentence to the first sound of the answer, and for the
first picture of the app.

Run: `python benchmarks/latency.py`. Speech to sound is measured twice: through the whole app in a
pseudo-terminal with a virtual sound card (silence to silence, in recorded samples, so the devices'
own delay is in it), and in a session without devices (the last sample given to the first sound
received). First paint: ours and a Textual app of one line in turn, each in a pseudo-terminal.
Needs the extra `local`; flite, pulseaudio and pulseaudio-utils (Debian) for the app's part.
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

from tests.e2e.heard import is_quiet, loud, sounding_ms
from tests.e2e.room import Room
from tests.e2e.talk import Talk
from tests.e2e.terminal import Terminal
from tests.sound_server_harness import RATE, Recording, VirtualSound, missing
from tui_voice.conversation import events as e

QUESTION = "What time is it?"
"""Answered by the clock, without a language model."""
OPEN = "What do you think about the sea?"
"""Answered by the small chat model."""
_MINIMAL = """
from textual.app import App
from textual.widgets import Static

class Minimal(App):
    def compose(self):
        yield Static("minimal")

Minimal().run()
"""


def clean() -> dict[str, str]:
    """An environment without keys and settings."""
    ours = ("TUI_VOICE_", "OPENAI_", "AZURE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def row(what: str, values: list[float]) -> None:
    """Median and 95th percentile of milliseconds."""
    p95 = float(np.percentile(values, 95))
    print(f"{what:46} {statistics.median(values):7.0f} {p95:7.0f} {len(values):4}", flush=True)


# ── through the app and the air ──────────────────────────────────────────────────────────────


def last_sound(recording: Recording, since: int) -> float:
    """When (`time.monotonic`) the last sound after byte `since` ended."""
    sound = np.frombuffer(bytes(recording.pcm[since : len(recording.pcm) // 2 * 2]), "<i2")
    return recording.began + (since / 2 + int(loud(sound)[-1])) / RATE


def first_sound(recording: Recording, since: int) -> float:
    """When the first sound after byte `since` began."""
    sound = np.frombuffer(bytes(recording.pcm[since : len(recording.pcm) // 2 * 2]), "<i2")
    return recording.began + (since / 2 + int(loud(sound)[0])) / RATE


def ended(talk: Talk, after: int) -> bool:
    """Whether a reply was played, or stopped, behind so many facts."""
    return bool(talk.facts("playback_interrupted", after) + talk.facts("playback_finished", after))


def through_the_app(silence_ms: int, rounds: int, question: str) -> list[float]:
    """Milliseconds from the last sound in the microphone to the first from the loudspeaker."""
    waits = []
    with VirtualSound() as sound, tempfile.TemporaryDirectory() as folder:
        room = Room(sound, Path(folder))
        wav = room.voice(question, "rms")
        env = clean() | room.env | {"TUI_VOICE_BACKEND_SILENCE_MS": str(silence_ms)}
        talk = Talk("--backend", "local", env=env, folder=Path(folder), size=(120, 36))
        try:
            talk.online()
            room.listens(talk)
            talk.open_microphone()
            for number in range(rounds + 1):
                ear, mouth = len(room.microphone.pcm), len(room.loudspeaker.pcm)
                before = len(talk.journal())
                room.say(wav)
                room.loudspeaker.wait_for(lambda pcm, at=mouth: sounding_ms(pcm, at) > 100)
                wait = first_sound(room.loudspeaker, mouth) - last_sound(room.microphone, ear)
                if number:  # the first waits for the engines to be loaded
                    waits.append(wait * 1000)
                talk.press("escape")
                talk.until(lambda after=before: ended(talk, after), "the end of the reply")
                room.loudspeaker.wait_for(lambda pcm: is_quiet(pcm, 500))
            talk.quit()
        finally:
            talk.close()
    return waits


# ── a session without devices ────────────────────────────────────────────────────────────────


def spoken(question: str) -> bytes:
    """A question by flite as the microphone gives it, from its first to its last sound."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "q.wav")
        subprocess.run(["flite", "-voice", "rms", "-t", question, "-o", str(path)], check=True)
        from tui_voice.audio.files import read_sound

        sound = np.frombuffer(read_sound(path), "<i2")
    at = loud(sound)
    return sound[at[0] : at[-1] + 1].tobytes()


def in_a_session(silence_ms: int, rounds: int, question: str) -> list[float]:
    """Milliseconds from the last sample given to the server to the first sound it sends."""
    from tui_voice.audio.null import NullMicrophone, NullSpeaker
    from tui_voice.audio.sound import SoundDevices
    from tui_voice.config import load
    from tui_voice.runtime.session_factory import SessionOptions, open_session

    ears: list[NullMicrophone] = []

    async def open_ends(
        on_frame: Callable[[bytes], None], on_finished: Callable[[str, int], None], *_more: object
    ) -> SoundDevices:
        ears.append(NullMicrophone(on_frame))
        return SoundDevices(ears[0], NullSpeaker(None, on_finished))

    settings = load(env={}, path=Path(os.devnull))
    settings = replace(
        settings, backend=replace(settings.backend, kind="local", silence_ms=silence_ms)
    )
    heard, over = threading.Event(), threading.Event()
    came = 0.0

    def listen(fact: e.Event) -> None:
        nonlocal came
        if isinstance(fact, e.AudioReceived) and not heard.is_set():
            came = time.monotonic()
            heard.set()
        elif isinstance(fact, e.PlaybackFinished | e.PlaybackInterrupted):
            over.set()

    waits = []
    pcm, silence = spoken(question), bytes(RATE // 50 * 2)
    with tempfile.TemporaryDirectory() as folder:
        session = open_session(
            SessionOptions(settings=settings, folder=Path(folder), open_sound=open_ends)
        )
        session.listen(listen)
        while session.subscribe(lambda _now: None).ledger.connection.status != "online":
            time.sleep(0.05)
        session.post(e.TalkPressed())
        for number in range(rounds + 1):
            heard.clear()
            over.clear()
            session.call(ears[0].feed(pcm)).result()
            ended = time.monotonic()
            while not heard.is_set():
                session.call(ears[0].feed(silence)).result()
            if number:
                waits.append((came - ended) * 1000)
            session.post(e.StopPressed())
            over.wait(10)
        session.close()
    return waits


# ── the first picture ────────────────────────────────────────────────────────────────────────


def painted(terminal: Terminal, words: str) -> float:
    """Milliseconds from the start until these words are on the screen."""
    began = time.perf_counter()
    try:
        terminal.wait_for(words, 30)
        return (time.perf_counter() - began) * 1000
    finally:
        terminal.close()


def first_paint(rounds: int) -> tuple[list[float], list[float]]:
    """Of the minimal app, and of ours, started in turn."""
    minimal, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "minimal.py")
        script.write_text(_MINIMAL)
        env = clean() | {"HOME": folder}
        for number in range(rounds + 1):
            one = painted(Terminal([str(script)], env, command=(sys.executable,)), "minimal")
            arguments = ["--text", "--backend", "local", "--sessions-dir", folder]
            two = painted(Terminal(arguments, env), "tui-voice")
            if number:  # the first fills the disk's cache
                minimal.append(one)
                ours.append(two)
    return minimal, ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", choices=("app", "session", "paint"))
    chosen = parser.parse_args()
    parts = {"app": through_the_app, "session": in_a_session}
    print(f"{'milliseconds':46} {'median':>7} {'p95':>7} {'of':>4}")
    for name, measure in parts.items():
        if chosen.only not in (None, name):
            continue
        if name == "app" and (lacking := missing()):
            print(f"no virtual sound: {', '.join(lacking)} missing")
            continue
        for silence_ms in (500, 300):
            for question, by in ((QUESTION, "clock"), (OPEN, "model")):
                row(
                    f"{name}: speech end → first sound, {by}, {silence_ms} ms",
                    measure(silence_ms, chosen.rounds, question),
                )
    if chosen.only in (None, "paint"):
        minimal, ours = first_paint(max(5, chosen.rounds))
        row("first paint, minimal Textual app", minimal)
        row("first paint, tui-voice", ours)
        ratios = [two / one for one, two in zip(minimal, ours, strict=True)]
        print(f"{'ratio, median of pairs':46} {statistics.median(ratios):7.2f}")


if __name__ == "__main__":
    main()
