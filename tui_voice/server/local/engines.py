"""The embedded engines as one set: each is loaded once, at its first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from tui_voice.errors import EnginesMissing
from tui_voice.languages.tokens import count_text_tokens
from tui_voice.server.interfaces import (
    ContextTurn,
    EndOfSentence,
    EndOfTurn,
    Recogniser,
    Responder,
    SpeechDetector,
    Synthesiser,
)
from tui_voice.server.local.chat import ChatResponder
from tui_voice.server.local.chat_probe import find_local_chat
from tui_voice.server.local.gguf_chat import GgufChat
from tui_voice.server.local.hibari import Hibari
from tui_voice.server.local.model_store import folder_of, used_model
from tui_voice.server.local.moonshine import Moonshine
from tui_voice.server.local.pico import PicoVoices
from tui_voice.server.local.remote import SpeechUrl, Whisper, WhisperUrl
from tui_voice.server.local.responder import LocalResponder
from tui_voice.server.local.sentence_end import SentenceEnd
from tui_voice.server.local.smart_turn import SmartTurn
from tui_voice.server.local.smollm import SmolLM
from tui_voice.server.local.speech_gate import SpeechGate
from tui_voice.server.local.vad import SileroDetector

Made = TypeVar("Made")


class Lazy(Generic[Made]):
    """Calls `make` at the first call and keeps the result. Threads that call at the same time get
    the same result. Where `make` raises, nothing is kept and the next call tries again.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: Made | None = None

    def __call__(self) -> Made:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    @property
    def made(self) -> Made | None:
        return self._made


def _no_report(_line: str) -> None:
    return None


def _find_end_of_turn() -> SmartTurn | bool:
    try:
        return SmartTurn()
    except EnginesMissing:
        return False


class LocalEngines:
    """Implements `server.interfaces.Engines`.

    - `llm_url`, `llm_model`: an OpenAI-compatible chat server that replies instead of the built-in
      model. Without it, a fetched model (`tui-voice models get`) is used, else a server on loopback
      (Ollama, LM Studio) if there is one; `probe=False` looks for neither.
    - `llm_path`: a GGUF chat model that replies instead of them.
    - `stt`: a folder with a faster-whisper model, or the URL of a server with
      `/audio/transcriptions`; without it, a fetched model is used.
    - `tts`: the URL of a server with `/audio/speech`.
    - `progress`: called with one line, from any thread, about each model that is being loaded.
    - `speech_on_demand`: `load` leaves out recognition and synthesis, which take 270 MB of memory.
    """

    def __init__(
        self,
        llm_url: str | None = None,
        llm_model: str | None = None,
        llm_path: Path | None = None,
        stt: str | None = None,
        tts: str | None = None,
        progress: Callable[[str], None] = _no_report,
        probe: bool = True,
        speech_on_demand: bool = False,
    ) -> None:
        self._llm_url, self._llm_model, self._llm_path = llm_url, llm_model, llm_path
        self._stt_option, self._tts_option = stt, tts
        self._progress, self._probe = progress, probe
        self._speech_on_demand = speech_on_demand
        self._is_loaded = False
        self._recogniser: Lazy[SpeechGate] = Lazy(lambda: SpeechGate(self._make_recogniser()))
        self._end_of_turn: Lazy[SmartTurn | bool] = Lazy(_find_end_of_turn)
        self._synthesiser: Lazy[Synthesiser] = Lazy(self._make_synthesiser)
        self._chat: Lazy[ChatResponder | GgufChat | bool] = Lazy(self._find_chat)
        self._model: Lazy[SmolLM] = Lazy(self._make_model)
        self._responder: Lazy[LocalResponder] = Lazy(self._make_responder)

    @property
    def voices(self) -> Sequence[str]:
        return Hibari.voices if self._tts_option is None else SpeechUrl.voices

    def describe(self) -> str:
        """Returns who does what, without loading a model, for example
        `moonshine tiny-en · hibari · small chat model (SmolLM2 135M)`.
        """
        stt, tts = self._recogniser.made, self._synthesiser.made
        chat = self._chat()
        replies = SmolLM.built_in if isinstance(chat, bool) else chat.name
        recognises = stt.name if stt else (self._stt_option or Moonshine.name)
        speaks = tts.name if tts else (self._tts_option or Hibari.name)
        return f"{recognises} · {speaks} · {replies}"

    def load(self) -> None:
        """Loads what a session needs now, in the order in which it needs it.

        Raises `EnginesMissing` where something is not installed, `BackendError` where something
        does not work.
        """
        self.detector()
        if not self._speech_on_demand:
            self.recogniser()
            self.synthesiser()
        self.count_tokens("")
        self.responder()
        chat = self._chat()
        if isinstance(chat, GgufChat):
            self._progress(f"loading {chat.name}…")
            chat.load()
        elif isinstance(chat, bool):
            self._model()
        self._progress("embedded engines ready")
        self._is_loaded = True

    def detector(self) -> SpeechDetector:
        return SileroDetector()

    def recogniser(self) -> Recogniser:
        return self._recogniser()

    def end_of_turn(self) -> EndOfTurn | None:
        found = self._end_of_turn()
        return None if isinstance(found, bool) else found

    def end_of_sentence(self) -> EndOfSentence | None:
        if not self._recogniser().scores:
            return None
        try:
            return SentenceEnd(self._model().ends)
        except EnginesMissing:  # another chat model answers
            return None

    def responder(self) -> Responder:
        return self._responder()

    def read_ahead(self, turns: Sequence[ContextTurn]) -> None:
        """Does nothing where another chat model answers and the small one does not judge turns."""
        if isinstance(self._chat(), bool) or self._model.made is not None:
            self._model().read_ahead(turns)

    def synthesiser(self) -> Synthesiser:
        return self._synthesiser()

    def count_tokens(self, text: str) -> int:
        """Returns the number of tokens of `text` in the encoding o200k_base."""
        return count_text_tokens(text)

    def _make_recogniser(self) -> Recogniser:
        option = self._stt_option
        fetched = used_model("speech-to-text") if self._probe else None
        if option is None and fetched is not None:
            option = str(folder_of(fetched))
        if option is None:
            self._progress("loading speech-to-text (44 MB)…")
            return Moonshine()
        if option.startswith(("http://", "https://")):
            return WhisperUrl(option)
        self._progress(f"loading speech-to-text from {option}…")
        return Whisper(Path(option))

    def _make_synthesiser(self) -> Synthesiser:
        if self._tts_option is not None:
            return SpeechUrl(self._tts_option)
        self._progress("loading text-to-speech (16 MB)…")
        english = Hibari()
        try:
            return PicoVoices(english)
        except EnginesMissing:
            return english  # the extra `voices` is not installed

    def _find_chat(self) -> ChatResponder | GgufChat | bool:
        if self._llm_url is not None:
            return ChatResponder(self._llm_url, self._llm_model)
        if self._llm_path is not None:
            return GgufChat(self._llm_path)
        if not self._probe:
            return False
        if self._llm_model is None and (fetched := used_model("chat")) is not None:
            return GgufChat(folder_of(fetched) / fetched.files[0].path, fetched.name)
        found = find_local_chat(self._llm_model)
        return ChatResponder(found.base_url, found.model) if found is not None else False

    def _make_model(self) -> SmolLM:
        self._progress("loading language model (98 MB)…")
        model = SmolLM()
        if self._is_loaded:  # only now, beside another chat model
            self._progress(f"ready: {self.describe()}")
        return model

    def _make_responder(self) -> LocalResponder:
        chat = self._chat()
        return LocalResponder(self._model, None if isinstance(chat, bool) else chat)
