"""From settings to a talk that runs: choose a server, open or fold a journal, join the parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui_voice.config import Settings, api_key
from tui_voice.conversation import events as e
from tui_voice.conversation import prices
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.policy import Limits
from tui_voice.errors import BackendError
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.profile import INSTRUCTIONS, Profile
from tui_voice.runtime import endpoints
from tui_voice.runtime.live import Endpoint, LiveBackend, OpenSound
from tui_voice.runtime.session import Session
from tui_voice.runtime.summariser import SessionWriter, Style, Summariser, Writer
from tui_voice.runtime.tools import Tools
from tui_voice.runtime.writers import ModelWriter
from tui_voice.store.catalog import new_id
from tui_voice.store.journal import Journal
from tui_voice.store.reading import load

if TYPE_CHECKING:
    from tui_voice.audio.sound import Sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a talk is opened with. `resume`: the journal of the talk to go on with."""

    settings: Settings
    folder: Path
    """Where journals live."""
    resume: Path | None = None
    open_sound: OpenSound | None = None
    """Other ends for the sound than the machine's devices."""
    tools: Tools = field(default_factory=Tools)
    server_limit: int = 0
    """See `Profile.server_limit`."""
    on_fact: Callable[[e.Event], None] | None = None
    """Hears every fact from the first one on, in the talk's own thread."""


def open_talk(opening: Opening) -> Session:
    """A running `Session`. Raises `TuiVoiceError` where there can be no talk at all."""
    settings = opening.settings
    kind = settings.backend_kind()
    model = endpoints.LOCAL_MODEL if kind == "local" else settings.backend.model
    table = prices.merge(prices.PRICES, settings.cost.prices)

    def price(usage: e.Usage) -> float | None:
        return prices.price(model, usage, table)

    def transcription_price(seconds: float, tokens: int) -> float | None:
        if kind == "local":
            return 0.0
        writer = settings.backend.transcription_model
        return prices.transcription_price(writer, seconds or None, tokens or None, table)

    profile = profile_of(settings, model, opening.tools)
    profile = replace(profile, server_limit=opening.server_limit)
    backend = LiveBackend(
        profile,
        _endpoint(settings, kind),
        opening.open_sound or _devices(settings),
        _summariser(settings, kind, model, price, table),
        opening.tools,
        lambda: Adapter(
            audio=profile.audio,
            manual=profile.manual,
            price=price,
            transcription_price=transcription_price,
        ),
    )
    if opening.resume is not None:
        return _resumed(opening, backend, kind, profile)
    now = datetime.now().astimezone()
    opened = e.TalkOpened(
        id=new_id(now),
        started=now.isoformat(timespec="milliseconds"),
        backend=kind,
        model=model,
        voice=profile.voice,
        instructions=profile.instructions,
    )
    journal = Journal.create(opening.folder, opened)
    conversation = Conversation(limits_of(settings, model))
    conversation.receive(opened)
    session = Session(opened.id, conversation, journal, backend, manual=profile.manual)
    if opening.on_fact is not None:
        opening.on_fact(opened)
        session.listen(opening.on_fact)
    return session.start()


def _resumed(opening: Opening, backend: LiveBackend, kind: str, profile: Profile) -> Session:
    assert opening.resume is not None  # the caller looked
    ledger, notes = load(opening.resume)
    if ledger.opened is None:
        raise BackendError(f"{opening.resume} is not a talk.", "`tui-voice sessions list` has all.")
    journal = Journal.open(opening.resume)
    started = datetime.fromisoformat(ledger.opened.started)
    base = max(ledger.at, time.time() - started.timestamp())
    conversation = Conversation(limits_of(opening.settings, profile.model), ledger)
    session = Session(
        ledger.opened.id, conversation, journal, backend, base=base, manual=profile.manual
    )
    if opening.on_fact is not None:
        session.listen(opening.on_fact)
    session.begin_with(
        e.TalkResumed(backend=kind, model=profile.model, voice=profile.voice),
        *(e.Noticed(text=note, severity="warning") for note in notes),
    )
    return session.start()


def limits_of(settings: Settings, model: str) -> Limits:
    """The user's limits, the model's where the user has none."""
    found = prices.PRICES.find(model)
    size = found.window if found is not None and found.window else 128_000
    return Limits(
        trigger=settings.context.trigger or min(16_000, size // 2),
        keep=settings.context.keep,
        size=size,
    )


def profile_of(settings: Settings, model: str, tools: Tools) -> Profile:
    backend = settings.backend
    noise = settings.audio.noise_reduction
    return Profile(
        model=model,
        voice=backend.voice,
        instructions=backend.instructions or INSTRUCTIONS,
        audio=True,
        turn_detection=backend.turn_detection,  # type: ignore[arg-type]  # checked at loading
        threshold=backend.threshold,
        prefix_padding_ms=backend.prefix_padding_ms,
        silence_ms=backend.silence_ms,
        eagerness=backend.eagerness,
        transcription_model=backend.transcription_model,
        language=backend.language or "",
        noise_reduction="" if noise == "off" else noise,
        reasoning_effort=backend.reasoning_effort or "",
        tools=tools.declared(),
    )


def _endpoint(settings: Settings, kind: str) -> Endpoint:
    backend = settings.backend
    if kind == "openai":
        if not (key := api_key("openai")):
            raise BackendError(
                "there is no key for OpenAI.",
                "Set OPENAI_API_KEY, or talk offline with `--backend local`.",
            )
        return endpoints.openai(backend.model, key, backend.url or "")
    if kind == "azure":
        if not (key := api_key("azure")) or not backend.azure_endpoint:
            raise BackendError(
                "Azure needs a key and an address.",
                "Set AZURE_OPENAI_API_KEY, and azure_endpoint under [backend] in the settings.",
            )
        deployment = backend.azure_deployment or backend.model
        return endpoints.azure(backend.azure_endpoint, deployment, key)
    if kind == "ws":
        return endpoints.websocket(backend.url or "", backend.model)
    options: list[str] = []
    for flag, value in (
        ("--llm-url", backend.llm_url),
        ("--llm-model", backend.llm_model),
        ("--llm-path", backend.llm_path),
        ("--stt", backend.stt),
        ("--tts", backend.tts),
    ):
        if value:
            options += [flag, str(value)]
    return endpoints.Local(options)


def _devices(settings: Settings) -> OpenSound:
    async def open_devices(
        on_frame: Callable[[bytes], None], on_finished: Callable[[str, int], None]
    ) -> Sound:
        from tui_voice.audio.sound import open_sound  # numpy: only in the talk's own thread

        return await open_sound(
            on_frame,
            on_finished=on_finished,
            input_device=settings.audio.input_device,
            output_device=settings.audio.output_device,
            enabled=not settings.audio.text_only,
            cancel_echo=settings.audio.echo_cancellation,
            frame_ms=settings.audio.frame_ms,
            pre_roll_ms=settings.audio.preroll_ms,
            volume=settings.audio.volume,
        )

    return open_devices


def _summariser(
    settings: Settings,
    kind: str,
    model: str,
    price: Callable[[e.Usage], float | None],
    table: prices.PriceTable,
) -> Summariser:
    """Who writes, best first; the running session is always the last resort."""
    wanted = settings.summary
    writers: list[Writer] = []
    if wanted.by == "url" or (wanted.by == "auto" and wanted.url):
        writers.append(ModelWriter("", "", wanted.url or ""))
    if wanted.by == "model" or (wanted.by == "auto" and kind == "openai"):
        key = api_key("openai")
        if key:

            def model_price(usage: e.Usage) -> float | None:
                return prices.price(wanted.model, usage, table)

            writers.append(ModelWriter(wanted.model, key, price=model_price))
    writers.append(SessionWriter(model, price))
    style = Style(style=wanted.style, language=wanted.language)
    return Summariser(writers, style, wanted.timeout_s)
