"""Converts the usage that a server reports into that of the ledger."""

from __future__ import annotations

from tui_voice.conversation import events as e
from tui_voice.realtime.wire import usage as wire_usage


def as_usage(usage: wire_usage.Usage | None) -> e.Usage | None:
    """Returns the tokens by kind, images and reasoning as text; None where none were reported.

    More cached tokens than there was input are cut to the input, and mark the usage as estimated.
    """
    if usage is None or not (usage.input_tokens or usage.output_tokens):
        return None
    text, audio = _split(usage.input_tokens, usage.input_token_details)
    given = usage.input_token_details
    cached = given.cached_tokens_details if given else None
    if cached is not None:
        cached_text = (cached.text_tokens or 0) + (cached.image_tokens or 0)
        cached_audio = cached.audio_tokens or 0
    else:  # only the sum is known: a cache holds the start of the prompt, which is text
        whole = (given.cached_tokens or 0) if given else 0
        cached_text = min(whole, text)
        cached_audio = min(whole - cached_text, audio)
    named = max(cached_text + cached_audio, (given.cached_tokens or 0) if given else 0)
    output_text, output_audio = _split(usage.output_tokens, usage.output_token_details)
    return e.Usage(
        input_text=text,
        input_audio=audio,
        cached_text=max(0, min(cached_text, text)),
        cached_audio=max(0, min(cached_audio, audio)),
        output_text=output_text,
        output_audio=output_audio,
        estimated=named > text + audio or cached_text > text or cached_audio > audio,
    )


def _split(
    total: int | None,
    details: wire_usage.InputTokenDetails | wire_usage.OutputTokenDetails | None,
) -> tuple[int, int]:
    """Returns text and audio tokens. Those of no named kind, such as reasoning, are text."""
    whole = max(0, total or 0)
    if details is None:
        return whole, 0
    images = getattr(details, "image_tokens", 0) or 0
    text, audio = max(0, (details.text_tokens or 0) + images), max(0, details.audio_tokens or 0)
    return max(text, whole - audio), audio
