"""Voices for German, Spanish, French and Italian replies, by SVOX Pico (the package py-nanotts).

The voice of hibari reads English only. Each clause is spoken by the voice of its own language.
"""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tui_voice.audio import pcm
from tui_voice.languages import most_likely
from tui_voice.server.interfaces import SPEECH_RATE, Synthesiser
from tui_voice.weights import Weights, library

FILES = tuple(
    Weights("py_nanotts", "py-nanotts==0.1.1", f"lang/{name}.bin", sha256)
    for name, sha256 in (
        ("de-DE_gl0_sg", "39147b816d08bbbe64b23797804cf691a761ab73a7689ca9e2b6f87ace722654"),
        ("de-DE_ta", "df292826754713d5efb6c95d60582c17753e95856b4c735c3150db722b2c218a"),
        ("es-ES_ta", "b18c60baf249466bf8785d333d8cb4cf1f6b62e5545986f621c66568f1851961"),
        ("es-ES_zl0_sg", "82e724d3c788767ec95f0d22b0ab738e677ad397f26ec0bbbf2c07aafdf29000"),
        ("fr-FR_nk0_sg", "85e2d63cf9f5522ea2a483d25ddd1cb0c6bfeecc39c92884aecfe7d3f179837a"),
        ("fr-FR_ta", "d9da5eb3cd7aac7071ab8ff7fee8d716f58572ee5393c1f0a8db946d6bf32f97"),
        ("it-IT_cm0_sg", "c48be4dc1f5a3c77a3dc4c8a457949b69bc433d674fac4fac91d49c01770e7e4"),
        ("it-IT_ta", "9b243c3470660293691d0d4e000901d7c5d0fa71976b33986e92e93a860ade33"),
    )
)
PICO_RATE = 16_000
"""Samples per second that Pico makes."""
PICO_VOICES = {"de": "de-DE", "es": "es-ES", "fr": "fr-FR", "it": "it-IT"}
"""ISO 639-1 code of a language → Pico's voice for it."""
MIN_CONFIDENCE = 0.5
"""Probability, 0–1, below which a clause is spoken as English. Of 38 short clauses ("Ja, genau.",
"Va bene,") in the five languages, 37 got the right voice."""


class PicoVoices:
    """Implements `server.interfaces.Synthesiser`: Pico speaks its languages, `english` the rest."""

    def __init__(self, english: Synthesiser) -> None:
        """Raises `EnginesMissing` where py-nanotts is not installed, or has other files."""
        for weights in FILES:
            weights.find()
        self._english = english
        self._pico = library("py_nanotts").NanoTTS()
        self._lock = Lock()  # the engine keeps one state for the whole process
        clause_language("")  # loads its model, so that the first clause does not wait for it
        self.name = f"{english.name} and pico"

    def speak(self, text: str, voice: str, speed: float) -> NDArray[np.int16]:
        """Returns one clause as mono samples at 24 kHz. Pico has one voice for each language,
        whatever `voice` says. `speed`: 0.25–4.
        """
        pico_voice = PICO_VOICES.get(clause_language(text))
        if pico_voice is None:
            return self._english.speak(text, voice, speed)
        with self._lock:
            sound = self._pico.speak(text, voice=pico_voice, speed=speed)
        return pcm.samples(pcm.resample(sound, PICO_RATE, SPEECH_RATE))


def clause_language(text: str) -> str:
    """Returns which of the languages that have a voice a clause is in (ISO 639-1); "en" where that
    is not clear. Loads a model of 4.5 MB at the first call.
    """
    code, confidence = most_likely(text, ("en", *PICO_VOICES))
    return code if confidence >= MIN_CONFIDENCE else "en"
