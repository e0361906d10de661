"""Whether a pruning pays: tokens freed against the cache it breaks, in replies and in dollars.

Costs fall when a reply is made: it re-reads the whole window, cheaply as far as the prompt cache
still holds its beginning word for word. Changing an item makes everything behind it dear once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.limits import SUMMARY_TOKENS, Plan
from tui_voice.conversation.prices import PRICES, Price, PriceTable
from tui_voice.conversation.turns import Turn

WRITER = "gpt-6-luna"
"""The model by whose price a summary is foreseen; afterwards its real cost is known."""
WRITER_PRICE = PRICES.models[WRITER]
REQUEST_TOKENS = 250
"""What the request for a summary says beside the turns."""
SAMPLES_WANTED = 3
USUAL_SECONDS = 20.0
"""Between two replies, before the talk has told."""
COLD_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What a pruning is worth. Tokens, replies, USD; estimates before, figures of ours after."""

    freed: int
    """Tokens that are no longer re-read."""
    broken: int
    """Tokens that the next reply reads uncached although it would not have had to."""
    usd_once: float
    """The dear next reply (against not pruning), and the summary. Below 0: it pays at once."""
    usd_per_reply: float
    """Saved on every later reply."""
    replies_to_pay_back: float | None
    """None: never."""
    usd_per_hour: float
    """Saved an hour of talk, at the pace of now."""


def per_million(price: Price, text: float, audio: float, cached: float = 0.0) -> float:
    """USD for reading so many tokens of which the share `cached` (0–1) comes from the cache."""
    text_price = cached * price.text_cached + (1 - cached) * price.text_in
    audio_price = cached * price.audio_cached + (1 - cached) * price.audio_in
    return (text * text_price + audio * audio_price) / 1e6


def hit_rate(ledger: Ledger) -> float:
    """How much of what the cache should have held it held, lately: 0–1. 1 until it is known."""
    expected = cached = samples = 0
    before: float | None = None
    for reply in ledger.recent:
        idle = before is None or reply.at - before > COLD_SECONDS
        before = reply.at
        if idle or reply.expected < 512:
            continue
        samples += 1
        expected += reply.expected
        # Caches work in blocks of 64 and what we expect is an estimate: a little less is no miss.
        if reply.usage.cached:
            cached += min(reply.expected, round(reply.usage.cached * 1.05) + 64)
    return cached / expected if samples >= SAMPLES_WANTED else 1.0


def seconds_per_reply(ledger: Ledger) -> float:
    """The pace of the talk: seconds from one reply to the next, pauses left out."""
    times = [reply.at for reply in ledger.recent]
    gaps = [b - a for a, b in pairwise(times) if 0 < b - a <= COLD_SECONDS]
    return sum(gaps) / len(gaps) if gaps else USUAL_SECONDS


def usd_per_hour(ledger: Ledger) -> float | None:
    """What an hour of talk costs now, by the newest replies. None: not known (yet)."""
    paid = [reply.usd for reply in ledger.recent[1:]]
    known = [usd for usd in paid if usd is not None]
    if not known or len(known) < len(paid):
        return None
    return sum(known) / len(known) / seconds_per_reply(ledger) * 3600


def growth(ledger: Ledger, textified: bool) -> float:
    """Tokens that one exchange adds to the window, by the newest turns; at least 20."""
    newest: list[Turn] = []
    for turn in ledger.turns.held_backwards():
        if turn.words != "open":
            newest.append(turn)
            if len(newest) == 12:
                break
    if len(newest) < 2:
        return 100.0
    weights = (t.as_text_tokens if textified else t.tokens for t in newest)
    return max(20.0, 2 * sum(weights) / len(newest))


def appraise(
    ledger: Ledger,
    work: Plan | Compaction,
    model: str = "",
    table: PriceTable = PRICES,
    textifies: bool = True,
) -> Appraisal | None:
    """What beginning this plan (or this compaction, as it began) is worth now.

    `model`: "" for the ledger's. `textifies`: what a summary leaves as sound becomes words right
    after it, as every policy but `notebook` does. None: the model is in no table.
    """
    price = table.find(model or ledger.model)
    writer = table.find(WRITER)
    return None if price is None else weigh(ledger, work, price, writer or Price(), textifies)


def weigh(
    ledger: Ledger, work: Plan | Compaction, price: Price, writer: Price, textifies: bool = True
) -> Appraisal:
    """As `appraise`, by given prices."""
    wanted = [turn if isinstance(turn, str) else turn.id for turn in work.turns]
    turns = [turn for turn in map(ledger.turns.get, wanted) if turn is not None]
    if isinstance(work, Compaction) and work.stage == "confirmed":
        return _afterwards(ledger, work, turns, price)
    rate = hit_rate(ledger)
    changed = {turn.id for turn in turns}
    front = ledger.fixed if work.kind == "summary" else None
    cached, fresh, new_text = 0.0, 0.0, 0.0
    text_gone = audio_gone = 0
    broken = 0
    place = ledger.fixed + ledger.memory_tokens
    for turn in ledger.turns.held():
        readable = _share(place, turn.tokens, ledger.intact) * rate
        place += turn.tokens
        cached += per_million(price, turn.text_tokens, turn.audio_tokens, readable)
        if turn.id in changed:
            if front is None:
                front = place - turn.tokens
            new = turn.as_text_tokens if work.kind == "textify" else 0
            new_text += new
            text_gone += turn.text_tokens - new
            audio_gone += turn.audio_tokens
            fresh += per_million(price, new, 0)
        elif front is None:
            fresh += per_million(price, turn.text_tokens, turn.audio_tokens, readable)
        else:
            if work.kind == "summary" and textifies and turn.words == "done":
                fresh += per_million(price, turn.as_text_tokens, 0)
            else:
                fresh += per_million(price, turn.text_tokens, turn.audio_tokens)
            broken += round(turn.tokens * readable)
    once = fresh - cached
    if work.kind == "summary":
        memory = summary_tokens(ledger, sum(turn.tokens for turn in turns))
        source = sum(turn.as_text_tokens for turn in turns) + memory + REQUEST_TOKENS
        once += source * writer.text_in * writer.cache_write / 1e6
        once += memory * writer.text_out / 1e6
        once += per_million(price, memory, 0)
        if ledger.memory_tokens:
            once -= per_million(price, memory, 0, rate if ledger.intact else 0)
        text_gone += ledger.memory_tokens - memory
    return _appraisal(ledger, text_gone, audio_gone, broken, once, price, rate)


def summary_tokens(ledger: Ledger, source: int) -> int:
    """What the next summary will weigh: as the last one did, or by what it is made of."""
    return ledger.memory_tokens or min(SUMMARY_TOKENS, source // 2)


def _share(place: int, tokens: int, intact: int) -> float:
    """The share of an item that lies within the intact front of the window."""
    return min(1.0, max(0.0, (intact - place) / tokens)) if tokens else 1.0


def _afterwards(ledger: Ledger, done: Compaction, turns: Sequence[Turn], price: Price) -> Appraisal:
    """The same of one that is over, by what the window weighed before and after."""
    freed = max(0, done.tokens_before - (done.tokens_after or done.tokens_before))
    audio = min(freed, sum(_spoken_tokens(turn) for turn in turns if turn.spoken))
    broken = 0
    if done.kind == "summary":
        gone = set(done.turns)
        broken = sum(t.tokens for t in ledger.held() if t.at <= done.at and t.id not in gone)
    once = (done.usd or 0.0) + per_million(price, broken, 0) - per_million(price, broken, 0, 1.0)
    return _appraisal(ledger, freed - audio, audio, broken, once, price, hit_rate(ledger))


def _spoken_tokens(turn: Turn) -> int:
    return round(turn.audio_ms / (100 if turn.role == "user" else 50))


def _appraisal(
    ledger: Ledger, text: int, audio: int, broken: int, once: float, price: Price, rate: float
) -> Appraisal:
    saved = per_million(price, text, audio, rate)
    return Appraisal(
        freed=text + audio,
        broken=broken,
        usd_once=once,
        usd_per_reply=saved,
        replies_to_pay_back=max(0.0, once / saved) if saved > 0 else None,
        usd_per_hour=saved * 3600 / seconds_per_reply(ledger),
    )
