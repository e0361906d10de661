"""Whether a compaction pays: the tokens it frees against the prompt cache it breaks.

Every reply re-reads the whole window. The part of it from the front that is unchanged since the
last reply is read from the prompt cache, at a tenth of the price or less. A change of one item
makes everything behind it be read once at the full price.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from msgspec.structs import replace

from tui_voice.conversation.estimates import (
    FIXED_TOKENS,
    REQUEST_TOKENS,
    SECONDS_PER_REPLY,
    SUMMARY_TOKENS,
)
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.plan import Plan
from tui_voice.conversation.prices import PRICES, Price
from tui_voice.conversation.turns import ITEM_OVERHEAD, Turn
from tui_voice.languages.token_estimate import estimate_text_tokens

SUMMARY_MODEL = "gpt-6-luna"
"""The model at whose price a summary is estimated, until its real cost is known."""
SUMMARY_PRICE = PRICES.models[SUMMARY_MODEL]
SAMPLES_WANTED = 3
"""Smallest number of replies from which a cache hit rate is computed."""
COLD_SECONDS = 300.0
"""Seconds after which the cache is dropped. A longer gap between replies counts as a pause."""
CACHED_FROM_TOKENS = 512
"""Replies with a smaller expectation are left out of the hit rate: the cache works in blocks, and
only from 1,024 tokens on."""
NEWEST_TURNS = 12
"""Turns from which the growth of the window is computed."""


@dataclass(frozen=True, slots=True)
class Payback:
    """What a compaction costs and saves, by what is known before its first step."""

    freed: int
    """Tokens that later replies do not read again."""
    broken: int
    """Tokens that the next reply reads uncached because of it."""
    usd_once: float
    """What the next reply costs more, plus the summary, in USD. Below 0: it saves at once."""
    usd_per_reply: float
    """USD that every later reply costs less."""
    replies_to_pay_back: float | None
    """Replies until the cost is saved again. None: never."""
    usd_per_hour: float
    """USD saved in an hour, at the present number of replies in an hour."""


def usd_for_input(
    price: Price, text: float, audio: float, cached: float = 0.0, image: float = 0.0
) -> float:
    """USD for reading so many tokens, of which the share `cached` (0–1) comes from the cache."""
    text_price = cached * price.text_cached + (1 - cached) * price.text_in
    audio_price = cached * price.audio_cached + (1 - cached) * price.audio_in
    image_price = cached * price.of_cached_image + (1 - cached) * price.of_image
    return (text * text_price + audio * audio_price + image * image_price) / 1e6


def _usd_for_turn(price: Price, turn: Turn, cached: float = 0.0) -> float:
    """USD for reading a turn as the server holds it now."""
    text = turn.text_tokens - turn.image_tokens
    return usd_for_input(price, text, turn.audio_tokens, cached, turn.image_tokens)


def cheapest_regrowth(price: Price, after: float, growth: float, hit_rate: float = 1.0) -> float:
    """Tokens that the window should regrow between two prunings: the cheapest number.

    `after`: tokens right after a pruning, of which all but the instructions are read uncached
    once. `growth`: tokens that an exchange adds. `hit_rate`: share of cache hits (0–1).

    With a cost B per pruning, and r per token and reply for re-reading, a window that regrows by
    s tokens between prunings costs B·growth/s + r·s/2 a reply. The minimum is s = √(2·B·growth/r).
    """
    read = hit_rate * price.text_cached + (1 - hit_rate) * price.text_in
    broken = max(0.0, after - FIXED_TOKENS) * hit_rate * (price.text_in - price.text_cached)
    # In USD per million tokens times tokens: a text model costs about 1 USD per million tokens, and
    # it reads the turns besides writing the summary.
    summary = SUMMARY_TOKENS * 1.5
    return math.sqrt(2 * (broken + summary) * growth / read) if read else after


def cache_hit_rate(ledger: Ledger) -> float:
    """Share (0–1) of the expected cached tokens that the newest replies did read from the cache.

    1 until `SAMPLES_WANTED` replies have shown it.
    """
    expected = cached = samples = 0
    before: float | None = None
    for reply in ledger.recent_replies:
        idle = before is None or reply.at - before > COLD_SECONDS
        before = reply.at
        if idle or reply.expected_cached < CACHED_FROM_TOKENS:
            continue
        samples += 1
        expected += reply.expected_cached
        # The expectation is an estimate, and the cache works in blocks of 64 tokens, so 5 % and
        # one block less than expected still count as a full hit.
        if reply.usage.cached:
            cached += min(reply.expected_cached, round(reply.usage.cached * 1.05) + 64)
    return cached / expected if samples >= SAMPLES_WANTED else 1.0


def seconds_per_reply(ledger: Ledger) -> float:
    """Seconds from one reply to the next, on average of the newest, without pauses."""
    times = [reply.at for reply in ledger.recent_replies]
    gaps = [b - a for a, b in pairwise(times) if 0 < b - a <= COLD_SECONDS]
    return sum(gaps) / len(gaps) if gaps else SECONDS_PER_REPLY


def usd_per_hour(ledger: Ledger) -> float | None:
    """USD that an hour costs now, by the newest replies without pauses.

    None: there are not three replies yet, or the price of one is not known.
    """
    if len(ledger.recent_replies) < SAMPLES_WANTED:
        return None
    paid = [reply.usd for reply in ledger.recent_replies[1:]]
    known = [usd for usd in paid if usd is not None]
    if not known or len(known) < len(paid):
        return None
    return sum(known) / len(known) / seconds_per_reply(ledger) * 3600


def tokens_per_exchange(ledger: Ledger, textified: bool) -> float:
    """Tokens that an exchange adds to the window, by the newest turns; at least 20.

    `textified`: what the turns weigh as text. 100 until there are two turns.
    """
    done = (turn for turn in ledger.turns.held_backwards() if turn.words != "open")
    newest = list(islice(done, NEWEST_TURNS))
    if len(newest) < 2:
        return 100.0
    weights = (turn.as_text_tokens if textified else turn.tokens for turn in newest)
    return max(20.0, 2 * sum(weights) / len(newest))


def payback_of(
    ledger: Ledger,
    work: Plan | Compaction,
    price: Price,
    writer: Price,
    kept_audio: Callable[[Ledger, Sequence[Turn]], set[str]] | None = None,
) -> Payback:
    """What beginning this plan is worth now, or this compaction before its first step.

    `price`: of the session's model. `writer`: of the model that writes summaries. `kept_audio`: as
    in `PolicySpec`. What it does not name of the audio that a summary leaves in the window becomes
    text right after the summary, so the next reply reads it as text.
    """
    ids = [turn if isinstance(turn, str) else turn.id for turn in work.turns]
    turns = [turn for turn in map(ledger.turns.get, ids) if turn is not None]
    hit_rate = cache_hit_rate(ledger)
    changed = {turn.id for turn in turns}
    behind_change = work.kind == "summary"  # a summary is placed in front of all turns
    usd_before, usd_after = 0.0, 0.0
    text_freed = audio_freed = image_freed = broken = 0
    becomes_text: set[str] = set()
    if work.kind == "summary" and kept_audio is not None:
        left = [turn for turn in ledger.turns.held() if turn.id not in changed]
        stays = kept_audio(replace(ledger, cacheable_prefix_tokens=0), left)
        becomes_text = {
            t.id for t in left if t.words == "done" and t.id not in stays and not t.image
        }
    place = ledger.fixed_tokens + ledger.memory_tokens
    for turn in ledger.turns.held():
        behind_change = behind_change or turn.id in changed
        if not behind_change:  # the next reply reads it as before
            place += turn.tokens
            continue
        cached = _cached_share(place, turn.tokens, ledger.cacheable_prefix_tokens) * hit_rate
        usd_before += _usd_for_turn(price, turn, cached)
        if turn.id in changed:
            text_left = turn.as_text_tokens if work.kind == "textify" else 0
            text_freed += turn.text_tokens - turn.image_tokens - text_left
            image_freed += turn.image_tokens
            audio_freed += turn.audio_tokens
            usd_after += usd_for_input(price, text_left, 0)
        else:
            if turn.id in becomes_text:
                usd_after += usd_for_input(price, turn.as_text_tokens, 0)
            else:
                usd_after += _usd_for_turn(price, turn)
            broken += round(turn.tokens * cached)
        place += turn.tokens
    once = usd_after - usd_before
    if work.kind == "summary":
        memory = summary_tokens(ledger, sum(turn.tokens for turn in turns))
        if isinstance(work, Compaction) and work.summary:  # it is written: the figures are known
            memory = estimate_text_tokens(work.summary) + ITEM_OVERHEAD
            once += work.usd or 0.0
        else:
            source = sum(turn.as_text_tokens for turn in turns) + memory + REQUEST_TOKENS
            once += source * writer.text_in * writer.cache_write / 1e6
            once += memory * writer.text_out / 1e6
        once += usd_for_input(price, memory, 0)
        if ledger.memory_tokens:
            cached = hit_rate if ledger.cacheable_prefix_tokens else 0
            once -= usd_for_input(price, ledger.memory_tokens, 0, cached)
        text_freed += ledger.memory_tokens - memory
    saved = usd_for_input(price, text_freed, audio_freed, hit_rate, image_freed)
    return Payback(
        freed=text_freed + audio_freed + image_freed,
        broken=broken,
        usd_once=once,
        usd_per_reply=saved,
        replies_to_pay_back=max(0.0, once / saved) if saved > 0 else None,
        usd_per_hour=saved * 3600 / seconds_per_reply(ledger),
    )


def summary_tokens(ledger: Ledger, source: int) -> int:
    """Tokens of the next summary (estimate): those of the last one, or else half of its source.

    `source`: tokens of the turns that it summarises.
    """
    return ledger.memory_tokens or min(SUMMARY_TOKENS, source // 2)


def _cached_share(place: int, tokens: int, prefix: int) -> float:
    """Share (0–1) of an item of so many tokens at `place` that lies in the cacheable prefix."""
    return min(1.0, max(0.0, (prefix - place) / tokens)) if tokens else 1.0


def usd_saved(ledger: Ledger) -> float:
    """USD that all prunings of the session have saved so far, less what they cost.

    Each reply since a pruning was confirmed saves what the pruning was valued at.
    """
    saved, after_summary = 0.0, -1
    for done in ledger.compactions:
        if done.stage != "confirmed" or done.worth is None:
            continue
        if done.kind == "summary":
            after_summary = done.replies
        since = ledger.replies - done.replies
        # The value of a summary counts the audio that it leaves as the text that it then becomes.
        counted = done.kind == "textify" and done.replies == after_summary
        if since > 0:
            saved += since * done.worth.usd_per_reply - (0 if counted else done.worth.usd_once)
    return saved
