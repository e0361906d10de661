"""The ledger equals a bill by hand over random sessions with doubled, missing and odd usage."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tui_voice.conversation import events as e
from tui_voice.conversation.prices import PRICES, price
from tui_voice.conversation.reducers import fold
from tui_voice.realtime.usage import as_usage
from tui_voice.realtime.wire.usage import (
    CachedTokensDetails,
    InputTokenDetails,
    OutputTokenDetails,
    Usage,
)

TOKENS = st.integers(0, 50_000)
MODELS = st.sampled_from(["gpt-realtime-2.1", "gpt-realtime-2.1-mini"])


@st.composite
def reported(draw: st.DrawFn) -> Usage | None:
    """A usage as a server may send it: also none, or with more cached tokens than input."""
    if draw(st.booleans()) and draw(st.booleans()):
        return None
    text, audio = draw(TOKENS), draw(TOKENS)
    cached_text, cached_audio = draw(TOKENS), draw(TOKENS)
    image, cached_image = draw(TOKENS), draw(TOKENS)
    out_text, out_audio, reasoning = draw(TOKENS), draw(TOKENS), draw(TOKENS)
    return Usage(
        input_tokens=text + audio + image,
        output_tokens=out_text + out_audio + reasoning,
        input_token_details=InputTokenDetails(
            text_tokens=text,
            audio_tokens=audio,
            image_tokens=image,
            cached_tokens=cached_text + cached_audio + cached_image,
            cached_tokens_details=CachedTokensDetails(
                text_tokens=cached_text, audio_tokens=cached_audio, image_tokens=cached_image
            ),
        ),
        output_token_details=OutputTokenDetails(text_tokens=out_text, audio_tokens=out_audio),
    )


def by_hand(model: str, usage: Usage | None) -> float:
    """USD by the list of prices: reasoning is output text, cached is at most what was read."""
    if usage is None:
        return 0.0
    of, read, wrote = PRICES.models[model], usage.input_token_details, usage.output_token_details
    assert read is not None
    assert wrote is not None
    assert read.cached_tokens_details is not None
    text, audio = read.text_tokens or 0, read.audio_tokens or 0
    cached_text = min(text, read.cached_tokens_details.text_tokens or 0)
    cached_audio = min(audio, read.cached_tokens_details.audio_tokens or 0)
    image = read.image_tokens or 0
    cached_image = min(image, read.cached_tokens_details.image_tokens or 0)
    image_in, image_cached = {"gpt-realtime-2.1": (5, 0.5), "gpt-realtime-2.1-mini": (0.8, 0.08)}[
        model
    ]
    reasoning = (usage.output_tokens or 0) - (wrote.text_tokens or 0) - (wrote.audio_tokens or 0)
    if not text + audio + image:
        return 0.0  # such a response counts as failed: the server bills no output without input
    return (
        (text - cached_text) * of.text_in
        + cached_text * of.text_cached
        + (audio - cached_audio) * of.audio_in
        + cached_audio * of.audio_cached
        + (image - cached_image) * image_in
        + cached_image * image_cached
        + ((wrote.text_tokens or 0) + reasoning) * of.text_out
        + (wrote.audio_tokens or 0) * of.audio_out
    ) / 1e6


@settings(max_examples=150, deadline=None)
@given(
    MODELS,
    st.lists(st.tuples(reported(), st.integers(1, 3)), max_size=30),
    st.lists(st.sampled_from(["ready", "failed", "billed", "title"]), max_size=10),
)
def test_the_ledger_equals_a_bill_by_hand(
    model: str, replies: list[tuple[Usage | None, int]], texts: list[str]
) -> None:
    events: list[e.Event] = []
    expected, estimated = 0.0, False
    for number, (sent, times) in enumerate(replies):
        usage = as_usage(sent)
        usd = price(model, usage) if usage is not None else None
        done = e.ResponseDone(response_id=f"r{number}", usage=usage, usd=usd)
        events += [replace(done, at=float(number))] * times
        expected += by_hand(model, sent)
        assert (usd or 0) >= 0
        # A completed reply without usage has cost something that nobody told.
        estimated = estimated or usage is None or usage.estimated or not usage.input
    for number, kind in enumerate(texts):
        usd = 0.001 * (number + 1)
        name = f"memory_{number:04d}"
        events.append(
            {
                "ready": e.SummaryReady(compaction_id=name, text="x", usd=usd),
                "failed": e.SummaryFailed(compaction_id=name, reason="x", usd=usd),
                "billed": e.WritingBilled(purpose="title", usd=usd),
                "title": e.SessionRenamed(title="x", usd=usd),
            }[kind]
        )
        expected += usd
    ledger = fold(events)
    assert abs(ledger.cost - expected) < 1e-8
    assert ledger.spent.estimated is estimated
    assert not ledger.spent.unknown


def test_a_price_that_is_not_known_is_said() -> None:
    ledger = fold(
        [e.WritingBilled(purpose="title"), e.SummaryFailed(compaction_id="m", reason="x")]
    )
    assert (ledger.cost, ledger.spent.unknown) == (0, True)
    assert fold([e.SummaryFailed(compaction_id="m", reason="x", unpriced=True)]).spent.unknown
