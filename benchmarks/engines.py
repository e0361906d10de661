"""Measures what the embedded engines cost, and how many words speech-to-text gets wrong.

Run: `python benchmarks/engines.py`. Times are medians in ms; other work on the machine makes
them longer. Needs the extra `local`; flite and pocketsphinx-testdata (Debian) for the voices.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.figures import note
from tests.server.local.speech_harness import (
    SENTENCES,
    error_rate,
    flite,
    for_recogniser,
    missing_packages,
    recordings,
)
from tests.server.local.turns_harness import session_with_facts, turns, with_question
from tui_voice.server.interfaces import ReplyRequest
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.hibari import Hibari
from tui_voice.server.local.moonshine import Moonshine
from tui_voice.server.local.quotes import quote_for
from tui_voice.server.local.smollm import SmolLM
from tui_voice.server.local.summary import summarise
from tui_voice.server.local.vad import SileroDetector, speech_share


def ms(work: Callable[[], object], rounds: int = 5) -> float:
    """Returns the median milliseconds of one call of `work`."""
    return statistics.median(timed(work) for _ in range(rounds))


def timed(work: Callable[[], object]) -> float:
    """Returns the milliseconds of one call of `work`."""
    began = perf_counter()
    work()
    return (perf_counter() - began) * 1000


def row(what: str, value: str) -> None:
    """Prints one result."""
    print(f"{what:58} {value:>16}", flush=True)
    note(what, value)


def loading() -> None:
    for name, make in (
        ("VAD", SileroDetector),
        ("speech-to-text", Moonshine),
        ("text-to-speech", Hibari),
        ("small chat model, its prompt read", SmolLM),
    ):
        row(f"load {name}, weights checked", f"{timed(make):.0f} ms")
    row(
        "load everything, weights already checked",
        f"{timed(LocalEngines(probe=False).load):.0f} ms",
    )


def recognising(engines: LocalEngines) -> None:
    stt, tts = engines.recogniser(), engines.synthesiser()
    if missing := missing_packages():
        print(f"no voices to recognise: apt install {' '.join(missing)}")
    else:
        clips = recordings()
        rate = error_rate([(clip.words, stt.transcribe(clip.samples)) for clip in clips])
        row(f"word errors, {len(clips)} recordings of people", f"{rate:.1%}")
        for voice in ("slt", "rms"):
            pairs = [(text, stt.transcribe(flite(text, voice))) for text in SENTENCES]
            row(f"word errors, flite {voice}", f"{error_rate(pairs):.1%}")
    for voice in sorted(engines.voices):
        said = [for_recogniser(tts.speak(text, voice, 1.0)) for text in SENTENCES]
        pairs = [(text, stt.transcribe(x)) for text, x in zip(SENTENCES, said, strict=True)]
        row(f"word errors, own voice {voice}", f"{error_rate(pairs):.1%}")
    clip = for_recogniser(tts.speak(" ".join(SENTENCES[:2]), "marin", 1.0))
    seconds = len(clip) / 16_000
    recognise, detect = ms(lambda: stt.transcribe(clip)), ms(lambda: speech_share(clip))
    row(f"speech-to-text of {seconds:.1f} s", f"{recognise:.0f} ms")
    row("speech-to-text, share of real time", f"{recognise / seconds / 1000:.3f}")
    row("VAD, share of real time", f"{detect / seconds / 1000:.3f}")


def speaking(engines: LocalEngines) -> None:
    tts = engines.synthesiser()
    text = " ".join(SENTENCES)
    seconds = len(tts.speak(text, "marin", 1.0)) / 24_000
    for voice in ("marin", "cedar"):
        took = ms(lambda voice=voice: tts.speak(text, voice, 1.0))
        row(f"text-to-speech {voice}, share of real time", f"{took / seconds / 1000:.4f}")
    first = ms(lambda: tts.speak("Well, hello.", "marin", 1.0))
    row("text-to-speech of a first clause", f"{first:.0f} ms")


def replying(engines: LocalEngines) -> None:
    for rounds in (6, 60, 400):
        session = with_question(session_with_facts(rounds), "What is my dog called?")
        took = ms(lambda session=session: quote_for(session))
        row(f"quote out of {len(session)} turns", f"{took:.1f} ms")
        took = ms(lambda session=session: summarise(session))
        row(f"summary of {len(session)} turns", f"{took:.1f} ms")
    firsts, wholes, words = [], [], 0
    for subject in ("the sea", "trains", "tea", "winter", "music"):
        request = ReplyRequest("", turns(("user", f"Tell me about {subject}.")))
        began = perf_counter()
        pieces = engines.responder().reply(request, Event())
        said = [next(pieces)]
        firsts.append((perf_counter() - began) * 1000)
        said += pieces
        wholes.append((perf_counter() - began) * 1000)
        words += len("".join(map(str, said)).split())
    row("small chat model, first whole sentence", f"{statistics.median(firsts):.0f} ms")
    row("small chat model, whole reply", f"{statistics.median(wholes):.0f} ms")
    row("small chat model, words in five replies", str(words))
    model = SmolLM()
    row("small chat model, first piece", f"{ms(lambda: first_piece(model)):.0f} ms")
    row(
        "small chat model, from stop to end",
        f"{statistics.median(stopped(model) for _ in range(5)):.0f} ms",
    )


def first_piece(model: SmolLM) -> None:
    next(model.reply(turns(("user", f"Tell me about {perf_counter()}.")), Event()))


def stopped(model: SmolLM) -> float:
    """Returns the milliseconds from the stop to the end of the reply."""
    stop = Event()
    pieces = model.reply(turns(("user", "Tell me about the sea.")), stop)
    next(pieces)
    stop.set()
    return timed(lambda: list(pieces))


def main() -> None:
    loading()
    engines = LocalEngines(probe=False)
    engines.load()
    recognising(engines)
    speaking(engines)
    replying(engines)


if __name__ == "__main__":
    main()
