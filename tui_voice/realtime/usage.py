"""Converts the usage that a server reports into that of the ledger."""

from __future__ import annotations

from tui_voice.conversation import events as e
from tui_voice.realtime.wire import usage as wire_usage


def as_usage(usage: wire_usage.Usage | None) -> e.Usage | None:
    """Returns the tokens by kind, images as text; None where the server reported none."""
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
    output_text, output_audio = _split(usage.output_tokens, usage.output_token_details)
    return e.Usage(
        input_text=text,
        input_audio=audio,
        cached_text=cached_text,
        cached_audio=cached_audio,
        output_text=output_text,
        output_audio=output_audio,
    )


def _split(
    total: int | None,
    details: wire_usage.InputTokenDetails | wire_usage.OutputTokenDetails | None,
) -> tuple[int, int]:
    """Returns text and audio tokens; all are text where the server does not tell them apart."""
    if details is None:
        return total or 0, 0
    images = getattr(details, "image_tokens", 0) or 0
    text, audio = (details.text_tokens or 0) + images, details.audio_tokens or 0
    return (text, audio) if text or audio else (total or 0, 0)
