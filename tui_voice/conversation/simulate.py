"""What given limits would do to a talk: the real `Conversation`, a server that only weighs.

`ASSUMPTIONS` says what is assumed. Nothing here asks a model: answers and summaries have a length
and no meaning.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.compacting import MEMORY_HEADING
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.economist import REQUEST_TOKENS
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import (
    EXCHANGE_SECONDS,
    EXCHANGE_WORDS,
    FIXED_TOKENS,
    Limits,
)
from tui_voice.conversation.policy import next_look
from tui_voice.conversation.prices import PRICES, PriceTable, price, transcription_price
from tui_voice.conversation.standin import StandIn
from tui_voice.conversation.turns import CHARACTERS_PER_TOKEN, ITEM_OVERHEAD, estimate_text_tokens

ASSUMPTIONS = (
    "user speech 10 audio tokens a second, replies 20 and their words; list prices",
    "the prompt cache holds the longest unchanged run of items, in blocks of 64 tokens",
    "a reply is not cached when it is first read back",
    "transcripts are there when the reply ends; summaries weigh 250 tokens",
    "no reply is interrupted, and nothing but the talk itself is billed",
)


TYPED_PER_SECOND = 1.0
READ_PER_SECOND = 5.0
"""Tokens of words; so that a talk without sound takes its time, too."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Something said and its answer: milliseconds of sound and tokens of words."""

    user_ms: int = round(EXCHANGE_SECONDS[0] * 1000)
    user_words: int = EXCHANGE_WORDS[0]
    assistant_ms: int = round(EXCHANGE_SECONDS[1] * 1000)
    assistant_words: int = EXCHANGE_WORDS[1]
    pause: float = 0.0
    """Seconds of silence before it."""

    @property
    def user_seconds(self) -> float:
        """How long it takes to say, or to type."""
        return self.user_ms / 1000 or self.user_words / TYPED_PER_SECOND

    @property
    def assistant_seconds(self) -> float:
        """How long it takes to hear, or to read."""
        return self.assistant_ms / 1000 or self.assistant_words / READ_PER_SECOND

    @property
    def seconds(self) -> float:
        return max(1.0, self.pause + self.user_seconds + self.assistant_seconds)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the world is like. Tokens, USD by `table`."""

    model: str = "gpt-realtime-2.1"
    transcriber: str = "gpt-transcribe"
    writer: str = "gpt-6-luna"
    fixed: int = FIXED_TOKENS
    summary: int = 250
    cache_hit: float = 1.0
    """How many of the replies find the cache as they should, 0–1; the others find it empty."""
    forgotten_after: float = 300.0
    """Seconds without a reply after which the cache is empty."""
    overhead: int = ITEM_OVERHEAD
    table: PriceTable = field(default=PRICES, repr=False)


@dataclass(frozen=True, slots=True)
class Point:
    """The window when a reply was made."""

    at: float
    window: int
    usd: float
    """So far."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a talk came to under one policy."""

    policy: str
    model: str
    hours: float
    usd: float
    floor_usd: float
    """Only the replies themselves, and what they answer, read once: no memory at all."""
    prunings: int
    """Summaries; making sound into words is not counted."""
    truncations: int
    """How often the server dropped turns by itself."""
    peak_window: int
    mean_window: float
    verbatim_min: int
    """Exchanges that the model had word for word, at the worst moment after it lost the first."""
    points: tuple[Point, ...] = field(repr=False)
    ledger: Ledger = field(repr=False)

    @property
    def of_floor(self) -> float:
        return self.usd / self.floor_usd if self.floor_usd else 1.0


def invented(hours: float, exchange: Exchange | None = None) -> Iterator[Exchange]:
    """Exchanges of one length that fill so many hours."""
    exchange = exchange or Exchange()
    for _ in range(round(hours * 3600 / exchange.seconds)):
        yield exchange


def exchanges_of(ledger: Ledger, hours: float | None = None) -> Iterator[Exchange]:
    """The exchanges of a talk that was had, with its pauses; said again until `hours` are full."""
    found = list(_exchanges(ledger))
    if hours is None or not found:
        yield from found
        return
    left = hours * 3600
    again = cycle(found)
    one = next(again)
    while left >= one.seconds:
        left -= one.seconds
        yield one
        one = next(again)


def _exchanges(ledger: Ledger) -> Iterator[Exchange]:
    user_ms = user_words = 0
    began: float | None = None
    ended = 0.0
    for turn in ledger.turns:
        words = estimate_text_tokens(turn.text)
        ms = turn.audio_ms if turn.heard_ms is None else min(turn.heard_ms, turn.audio_ms)
        if turn.role == "user":
            user_ms, user_words = user_ms + ms, user_words + words
            began = turn.at if began is None else began
        elif turn.role == "assistant" and began is not None:
            pause = max(0.0, began - ended) if ended else 0.0
            yield Exchange(user_ms, user_words, ms, words, round(pause, 1))
            ended = max(ended, began + (user_ms + ms) / 1000)
            user_ms, user_words, began = 0, 0, None


def words(tokens: int) -> str:
    """A text that is estimated at exactly so many tokens."""
    return "w" * int(tokens * CHARACTERS_PER_TOKEN)


def simulate(exchanges: Iterable[Exchange], limits: Limits, setup: Setup | None = None) -> Outcome:
    """Has the talk under these limits, at once."""
    return _Talk(limits, setup or Setup()).run(exchanges)


def compare(
    exchanges: Sequence[Exchange], limits: Iterable[Limits], setup: Setup | None = None
) -> list[Outcome]:
    """The same talk under several limits."""
    return [simulate(exchanges, each, setup) for each in limits]


class _Talk:
    def __init__(self, limits: Limits, setup: Setup) -> None:
        self.limits, self.setup = limits, setup
        self.server = StandIn(
            fixed=setup.fixed,
            truncate_at=limits.usable,
            overhead=setup.overhead,
            summarise=self._summarise,
        )
        if limits.policy == "server":
            self.server.truncate_at, self.server.retain = limits.trigger, 0.8
        self.conversation = Conversation(limits)
        self.at = 0.0
        self.floor = 0.0
        self.luck = 0.0
        self.replied_at = float("-inf")
        self.points: list[Point] = []
        self.said = 0
        self.verbatim: list[int] = []

    def run(self, exchanges: Iterable[Exchange]) -> Outcome:
        self._tell(
            e.TalkOpened(
                id="simulated",
                started="2026-01-01T00:00:00+00:00",
                backend="simulated",
                model=self.setup.model,
            )
        )
        self._tell(e.LinkOpened(model=self.setup.model))
        for number, exchange in enumerate(exchanges):
            self._exchange(number, exchange)
        ledger = self.conversation.ledger
        windows = [point.window for point in self.points] or [0]
        return Outcome(
            policy=self.limits.policy,
            model=self.setup.model,
            hours=self.at / 3600,
            usd=ledger.cost,
            floor_usd=self.floor,
            prunings=sum(
                1 for c in ledger.compactions if c.kind == "summary" and c.stage == "confirmed"
            ),
            truncations=self.server.truncations,
            peak_window=max(windows),
            mean_window=sum(windows) / len(windows),
            verbatim_min=min(self.verbatim, default=self.said),
            points=tuple(self.points),
            ledger=ledger,
        )

    def _tell(self, *events: e.Event) -> None:
        queue = deque(events)
        while queue:
            event = queue.popleft()
            object.__setattr__(event, "at", self.at)
            for effect in self.conversation.receive(event):
                queue.extend(self.server.perform(effect))

    def _exchange(self, number: int, exchange: Exchange) -> None:
        self._pause(exchange.pause)
        user, reply, response = f"u{number}", f"a{number}", f"r{number}"
        last = self.conversation.ledger.turns.last
        previous = last.wire_id if last is not None else None
        ms = exchange.user_ms
        if ms:
            self._tell(e.SpeechStarted(item_id=user))
            self.at += exchange.user_seconds
            self._tell(e.SpeechStopped(item_id=user, audio_ms=ms))
            self.server.add(user, 0, ms // 100)
            self._tell(e.SpeechCommitted(item_id=user, previous_item_id=previous))
            seconds = ms / 1000
            usd = transcription_price(self.setup.transcriber, seconds, table=self.setup.table)
        else:
            text = words(exchange.user_words)
            self.at += exchange.user_seconds
            self._tell(e.TextSubmitted(item_id=user, text=text))
            usd = None
        self._tell(e.ResponseStarted(response_id=response))
        usage = self._respond(exchange)
        spoken = exchange.assistant_ms // 50
        self._tell(e.TurnAdded(item_id=reply, role="assistant", previous_item_id=user))
        self.server.add(reply, exchange.assistant_words, spoken)
        if exchange.assistant_ms:
            heard = e.AudioReceived(
                item_id=reply, response_id=response, audio_ms=exchange.assistant_ms
            )
            self._tell(heard)
        if ms:
            text = words(exchange.user_words)
            self._tell(e.TranscriptDone(item_id=user, text=text, usd=usd))
        self._tell(e.TranscriptDone(item_id=reply, text=words(exchange.assistant_words)))
        cost = price(self.setup.model, usage, self.setup.table)
        self._tell(e.ResponseDone(response_id=response, usage=usage, usd=cost))
        self.at += exchange.assistant_seconds
        if exchange.assistant_ms:
            self._tell(e.PlaybackFinished(item_id=reply, played_ms=exchange.assistant_ms))
        self.floor += (usd or 0.0) + self._floor(exchange)
        self.points.append(Point(self.at, usage.input, self.conversation.ledger.cost))

    def _pause(self, seconds: float) -> None:
        """A silence, in which the program looks again when the policy wants it to."""
        end = self.at + seconds
        while True:
            ledger = self.conversation.ledger
            look = next_look(ledger, self.limits)
            if look is None or look >= end:
                break
            self.at = look
            self._tell(e.TimePassed())
        self.at = end

    def _respond(self, exchange: Exchange) -> e.Usage:
        self.luck += self.setup.cache_hit
        hit = self.luck >= 1.0
        self.luck -= hit
        hit = hit and self.at - self.replied_at <= self.setup.forgotten_after
        usage = self.server.respond(exchange.assistant_words, exchange.assistant_ms // 50, hit)
        self.replied_at = self.at
        self._count_verbatim()
        return usage

    def _count_verbatim(self) -> None:
        """Earlier turns that stand in the window, against those that were said: two make an
        exchange.
        """
        held = sum(1 for item in self.server.items if item.turn) - 1
        if held < 2 * self.said:
            self.verbatim.append(held // 2)
        self.said += 1

    def _floor(self, exchange: Exchange) -> float:
        own = e.Usage(
            input_text=self.setup.fixed + (0 if exchange.user_ms else exchange.user_words),
            input_audio=exchange.user_ms // 100,
            cached_text=self.setup.fixed if self.said > 1 else 0,
            output_text=exchange.assistant_words,
            output_audio=exchange.assistant_ms // 50,
        )
        return price(self.setup.model, own, self.setup.table) or 0.0

    def _summarise(self, request: x.RequestSummary) -> e.Event:
        source = sum(estimate_text_tokens(turn.text) for turn in request.turns)
        memory = estimate_text_tokens(request.memory) if request.memory else 0
        usage = e.Usage(input_text=source + memory + REQUEST_TOKENS, output_text=self.setup.summary)
        heading = estimate_text_tokens(MEMORY_HEADING)
        return e.SummaryReady(
            compaction_id=request.compaction_id,
            text=words(max(1, self.setup.summary - heading)),
            source=self.setup.writer,
            usage=usage,
            usd=price(self.setup.writer, usage, self.setup.table),
        )
