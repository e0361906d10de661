"""Converts the usage that a server reports into that of the ledger."""

from __future__ import annotations

from tui_voice.conversation import events as e
from tui_voice.realtime.wire import usage as wire_usage


def as_usage(usage: wire_usage.Usage | None) -> e.Usage | None:
    """Returns the tokens by kind, reasoning as text; None where none were reported.

    More cached tokens than there was input are cut to the input, and mark the usage as estimated.
    """
    if usage is None or not (usage.input_tokens or usage.output_tokens):
        return None
    given = usage.input_token_details
    image = max(0, (given.image_tokens or 0) if given else 0)
    text, audio = _split(usage.input_tokens, given, image)
    cached = given.cached_tokens_details if given else None
    if cached is not None:
        cached_text, cached_audio = cached.text_tokens or 0, cached.audio_tokens or 0
        cached_image = cached.image_tokens or 0
    else:  # only the sum is known: a cache holds the start of the prompt, which is text
        whole = (given.cached_tokens or 0) if given else 0
        cached_text = min(whole, text)
        cached_audio = min(whole - cached_text, audio)
        cached_image = min(whole - cached_text - cached_audio, image)
    named = max(
        cached_text + cached_audio + cached_image, (given.cached_tokens or 0) if given else 0
    )
    output_text, output_audio = _split(usage.output_tokens, usage.output_token_details)
    return e.Usage(
        input_text=text,
        input_audio=audio,
        input_image=image,
        cached_text=max(0, min(cached_text, text)),
        cached_audio=max(0, min(cached_audio, audio)),
        cached_image=max(0, min(cached_image, image)),
        output_text=output_text,
        output_audio=output_audio,
        estimated=named > text + audio + image
        or cached_text > text
        or cached_audio > audio
        or cached_image > image,
    )


def _split(
    total: int | None,
    details: wire_usage.InputTokenDetails | wire_usage.OutputTokenDetails | None,
    image: int = 0,
) -> tuple[int, int]:
    """Returns text and audio tokens. Those of no named kind, such as reasoning, are text.

    `image`: how many of the tokens are of images.
    """
    whole = max(0, total or 0)
    if details is None:
        return whole, 0
    text, audio = max(0, details.text_tokens or 0), max(0, details.audio_tokens or 0)
    return max(text, whole - audio - image), audio
