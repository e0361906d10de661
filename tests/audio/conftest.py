"""A spoken sentence, and both drivers."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.requirements_harness import require
from tui_voice.audio.devices import load_driver
from tui_voice.audio.driver import Driver
from tui_voice.audio.files import read_sound

PHRASE = "A table for four people, please."
SENTENCE = "Hello there. I would like to book a table for four people, please."


@pytest.fixture(scope="session")
def sentence_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence spoken by flite, as a WAV file."""
    require(shutil.which("flite"), "flite is not installed (apt: flite)")
    path = tmp_path_factory.mktemp("speech") / "sentence.wav"
    subprocess.run(["flite", "-t", SENTENCE, "-o", str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def sentence(sentence_wav: Path) -> bytes:
    """The same as 24 kHz mono."""
    return read_sound(sentence_wav)


@pytest.fixture(scope="session")
def phrase_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds spoken by flite, as a WAV file: for tests that play it in real time."""
    require(shutil.which("flite"), "flite is not installed (apt: flite)")
    path = tmp_path_factory.mktemp("speech") / "phrase.wav"
    subprocess.run(["flite", "-t", PHRASE, "-o", str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def phrase(phrase_wav: Path) -> bytes:
    """The same as 24 kHz mono."""
    return read_sound(phrase_wav)


@pytest.fixture(params=["miniaudio", "sounddevice"])
def driver(request: pytest.FixtureRequest) -> Driver:
    found = load_driver(request.param)
    require(found, f"{request.param} does not load here")
    assert found is not None
    return found
