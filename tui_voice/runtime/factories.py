"""Makes the parts of a session from the settings: prices, limits, configuration, summariser."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial

from tui_voice.config import Settings
from tui_voice.conversation import events as e
from tui_voice.conversation import prices
from tui_voice.conversation.limits import Limits, default_limits, refuse, usual_weight
from tui_voice.errors import SettingsError
from tui_voice.languages.token_estimate import estimate_text_tokens
from tui_voice.languages.tokens import count_text_tokens
from tui_voice.protocol.session_config import (
    DEFAULT_INSTRUCTIONS,
    Pricing,
    ServerSessionConfig,
)
from tui_voice.runtime.backends import OPENAI_KEY, backend_of, uses_text_model
from tui_voice.runtime.summariser import Summariser
from tui_voice.runtime.summary_questions import SummaryQuestions
from tui_voice.runtime.summary_styles import SummaryForm
from tui_voice.runtime.tools import Tools
from tui_voice.runtime.writers import ModelWriter, SessionWriter, SummaryWriter

ANY_LANGUAGE = "the language that the user wants to learn (ask which one)"
"""What `{target_language}` stands for where `session.target_language` is not set."""


@dataclass(frozen=True, slots=True)
class SessionPrices:
    """Prices of the responses and transcriptions of a session."""

    model: str
    transcriber: str
    table: prices.PriceTable

    def of_response(self, usage: e.Usage) -> float | None:
        """Returns USD of one response; None where the price of the model is not known."""
        return prices.price(self.model, usage, self.table)

    def pricing(self) -> Pricing:
        """Returns the prices in the form that a protocol client needs."""
        return Pricing(reply=self.of_response, transcription=self.of_transcription)

    def of_transcription(self, seconds: float, tokens: int) -> float | None:
        """Returns USD of one transcription, whose usage is given in seconds or in audio tokens."""
        return prices.transcription_price(
            self.transcriber, seconds or None, tokens or None, self.table
        )


def prices_of(settings: Settings) -> SessionPrices:
    """Returns the price list, with the user's own prices.

    A server of the user's own costs what `cost.prices` says of its model, else nothing.
    """
    backend = backend_of(settings)
    model, transcriber = backend.model(settings), settings.backend.transcription_model
    if not backend.free:
        return SessionPrices(model, transcriber, prices.merge(prices.PRICES, settings.cost.prices))
    table = prices.merge(prices.without_prices(prices.PRICES), settings.cost.prices)
    answering = table.find(settings.backend.llm_model or model) or table.find(model)
    table = replace(
        table,
        models={**table.models, model: answering or prices.Price()},
        transcription={transcriber: 0.0, **table.transcription},
    )
    return SessionPrices(model, transcriber, table)


def check_cost_limit(settings: Settings) -> None:
    """Raises `SettingsError` where `cost.limit` is set and a price is not known: then nobody could
    tell when it is reached.
    """
    if settings.cost.limit is None:
        return
    found = prices_of(settings)
    unknown = found.model if found.table.find(found.model) is None else ""
    if not unknown and not settings.audio.text_only and found.of_transcription(60, 0) is None:
        unknown = found.transcriber
    if unknown:
        raise SettingsError(
            f"cost.limit is {settings.cost.limit:g} USD ({settings.origin('cost.limit')}), and the "
            f"price of {unknown} is not known, so the limit cannot be kept.",
            f'Add [cost.prices."{unknown}"] to the settings, or remove cost.limit.',
        )


def limits_of(
    settings: Settings, config: ServerSessionConfig
) -> tuple[Limits, e.TriggerChecked | None]:
    """Returns the limits, and a warning where a usual session would not fit them.

    The user's values come first, then the best values for the model. Raises `SettingsError` where
    no session can fit. `config`: its instructions and tools always stay in the window.
    """
    wanted = settings.context
    table = prices_of(settings).table
    limits = default_limits(config.model, wanted.policy, table, wanted.keep)
    limits = replace(limits, messages=wanted.messages, every=wanted.every)
    if wanted.trigger:
        limits = replace(limits, trigger=wanted.trigger)
    fixed = fixed_tokens(config, limits)
    if (refusal := refuse(limits, fixed)) is not None:
        setting = refusal.setting
        found = f"{getattr(limits, setting):,} ({settings.origin(f'context.{setting}')})"
        raise SettingsError(f"context.{setting} {found} {refusal.reason}.", refusal.remedy)
    usual = usual_weight(limits, fixed, spoken=config.audio)
    if not limits.spec.summarises or not wanted.trigger or limits.trigger >= usual:
        return limits, None
    return limits, e.TriggerChecked(
        trigger=limits.trigger,
        keep=limits.keep,
        kept=limits.keep,
        weighs=usual,
        instead=limits.trigger,
        usual=True,
    )


def fixed_tokens(config: ServerSessionConfig, limits: Limits) -> int:
    """Returns the tokens of instructions and tools.

    An estimate is enough unless the limits are narrow; then they are counted, which takes 0.5 s.
    """
    tools = json.dumps(config.tools, separators=(",", ":")) if config.tools else ""
    text = config.instructions + tools
    guess = estimate_text_tokens(text)
    if not limits.spec.summarises or refuse(limits, round(guess * 1.5)) is None:
        return guess
    return count_text_tokens(text)


def session_config_of(settings: Settings, tools: Tools) -> ServerSessionConfig:
    """Returns the configuration of the server session."""
    backend = settings.backend
    noise = settings.audio.noise_reduction
    return ServerSessionConfig(
        model=backend_of(settings).model(settings),
        voice=backend.voice,
        speed=backend.speed,
        instructions=_instructions(settings),
        audio=not settings.audio.text_only,  # audio costs more than text
        turn_detection=backend.turn_detection,
        threshold=backend.threshold,
        prefix_padding_ms=backend.prefix_padding_ms,
        silence_ms=backend.silence_ms,
        idle_timeout_ms=None if backend.idle_timeout_s is None else 1000 * backend.idle_timeout_s,
        eagerness=backend.eagerness,
        answers_turns=not settings.session.call_name,
        transcription_model=backend.transcription_model,
        language=backend.language or "",
        languages=backend.languages,
        keywords=backend.keywords,
        transcription_prompt=backend.transcription_prompt or "",
        uncertain_below=backend.uncertain_below,
        noise_reduction="" if noise == "off" else noise,
        reasoning_effort=backend.reasoning_effort or "",
        tools=tools.declared(),
    )


def _instructions(settings: Settings) -> str:
    """Returns the instructions, with the values of `[session]` in their places."""
    text, session = settings.backend.instructions or DEFAULT_INSTRUCTIONS, settings.session
    for place, value in (
        ("{target_language}", session.target_language or ANY_LANGUAGE),
        ("{strictness}", session.strictness),
        ("{call_name}", session.call_name or "the assistant"),
    ):
        text = text.replace(place, value)
    return text


def summariser_of(settings: Settings) -> Summariser:
    """Returns the summariser with its writers, best first; the running session is the last."""
    wanted, session_prices = settings.summary, prices_of(settings)
    writers: list[SummaryWriter] = [*_text_models(settings)]
    writers.append(SessionWriter(session_prices.model, session_prices.of_response))
    form = SummaryForm(style=wanted.style, language=wanted.language, prompt=wanted.prompt or "")
    return Summariser(writers, form, wanted.timeout_s, probe=wanted.probe)


def questions_of(settings: Settings) -> SummaryQuestions | None:
    """Returns what asks questions about each summary; None where no text model is at hand, or the
    user does not want it.
    """
    models = _text_models(settings)
    return SummaryQuestions(models[0]) if models and settings.summary.questions else None


def _text_models(settings: Settings) -> list[ModelWriter]:
    """Returns the text models that may write summaries, best first."""
    wanted, session_prices = settings.summary, prices_of(settings)
    found = []
    if wanted.by == "url" or (wanted.by == "auto" and wanted.url):
        found.append(ModelWriter("", "", wanted.url or "", price=partial(_own_price, settings)))
    if uses_text_model(settings) and (key := OPENAI_KEY.read()):
        text_prices = replace(session_prices, model=wanted.model)
        found.append(ModelWriter(wanted.model, key, price=text_prices.of_response))
    return found


def _own_price(settings: Settings, usage: e.Usage) -> float:
    """Returns USD of a response by a server of the user's own: by the price of `summary.model` in
    `cost.prices`, else nothing.
    """
    own = settings.cost.prices
    table = prices.merge(prices.PriceTable({}, {}), own)
    return prices.price(settings.summary.model, usage, table) or 0.0
