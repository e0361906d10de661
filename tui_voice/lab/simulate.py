"""Simulates a session under given limits: the real `Conversation` with a server that counts tokens.

No model is asked: replies and summaries have a length and no meaning. See `ASSUMPTIONS`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.estimates import FIXED_TOKENS, REQUEST_TOKENS
from tui_voice.conversation.items import MEMORY_HEADING
from tui_voice.conversation.kept_audio import RELIABLE_HIT_RATE
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.planning import next_check_at
from tui_voice.conversation.prices import PRICES, PriceTable, price, transcription_price
from tui_voice.conversation.turns import ITEM_OVERHEAD
from tui_voice.lab.exchanges import CALLS, CUT, LATE, LATENESS, Exchange, text_of_tokens
from tui_voice.lab.fake_server import FakeServer
from tui_voice.languages.token_estimate import estimate_text_tokens

LIVE_POLICY, LIVE_MODEL = "gpt-live", "gpt-live-1"
LIVE_USD_PER_MINUTE = 0.05
"""Price of OpenAI's GPT-Live, for each minute of the session, whatever is said. It is another
protocol, whose server keeps the history itself, so it is only a row for comparison."""
ASSUMPTIONS = (
    "user speech 10 audio tokens a second, replies 20 and the tokens of their text; list prices",
    "the prompt cache holds the longest unchanged run of items, in blocks of 64 tokens",
    "a reply is not cached when it is first read back",
    "summaries have 250 tokens; nothing but the session itself is billed",
    f"GPT-Live costs ${LIVE_USD_PER_MINUTE:.2f} a minute of the session, pauses included",
    f"in an invented session one reply in {CUT} is interrupted and billed as far as it was "
    f"generated, one transcript in {LATE} comes {LATENESS[0]:.0f} to {LATENESS[1]:.0f} s late, one "
    f"question in {CALLS} makes the model call a function",
)


KEPT_AUDIO_REMARK = (
    f"balanced keeps the sound of some replies, for their tone, while at least "
    f"{RELIABLE_HIT_RATE:.0%} of the replies find the prompt cache filled; below that the sound "
    "would be read at the full price, so it keeps none, and costs less than with a good cache"
)
"""Why `balanced` gets cheaper as the cache gets worse."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a simulation assumes about models, prices and the prompt cache. Sizes are tokens."""

    model: str = "gpt-realtime-2.1"
    transcriber: str = "gpt-transcribe"
    writer: str = "gpt-6-luna"
    fixed: int = FIXED_TOKENS
    summary: int = 250
    cache_hit: float = 1.0
    """Share of the replies, 0–1, that find the cache filled; the others find it empty."""
    forgotten_after: float = 300.0
    """Seconds without a reply after which the cache is empty."""
    overhead: int = ITEM_OVERHEAD
    table: PriceTable = field(default=PRICES, repr=False)


@dataclass(frozen=True, slots=True)
class Point:
    """The session at one reply."""

    at: float
    """Seconds since the session was opened."""
    window: int
    """Tokens that the reply read."""
    usd: float
    """Cost of the session so far."""
    floor_usd: float
    """`SimulationResult.floor_usd` so far."""


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """The result of a session under one policy."""

    policy: str
    model: str
    hours: float
    usd: float
    floor_usd: float
    """Cost of a session without memory: each reply reads its own question and nothing else."""
    prunings: int
    """Number of summaries; textifying is not counted."""
    truncations: int
    """Number of times that the server dropped turns by itself."""
    peak_window: int
    mean_window: float
    verbatim_min: int
    """Smallest number of verbatim exchanges in the window after the first one was pruned."""
    points: tuple[Point, ...] = field(repr=False)
    ledger: Ledger = field(repr=False)

    @property
    def of_floor(self) -> float:
        return self.usd / self.floor_usd if self.floor_usd else 1.0


def simulate(
    exchanges: Iterable[Exchange], limits: Limits, setup: Setup | None = None
) -> SimulationResult:
    """Runs a session under these limits."""
    return _Simulation(limits, setup or Setup()).run(exchanges)


def live_usd(one: SimulationResult) -> float:
    """Returns what the same session would cost with GPT-Live."""
    return one.hours * 60 * LIVE_USD_PER_MINUTE


def live_is_cheaper_from(one: SimulationResult) -> float | None:
    """Returns from which minute of the session on GPT-Live would have cost less; None: never."""
    cheaper: float | None = None
    for point in one.points:
        if point.usd <= point.at / 60 * LIVE_USD_PER_MINUTE:
            cheaper = None
        elif cheaper is None:
            cheaper = point.at / 60
    return cheaper


def compare(
    exchanges: Sequence[Exchange], limits: Iterable[Limits], setup: Setup | None = None
) -> list[SimulationResult]:
    """Runs the same session under several limits."""
    return [simulate(exchanges, each, setup) for each in limits]


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply that is generated or played, and the events that it leads to."""

    number: int
    exchange: Exchange
    usage: e.Usage
    usd: float | None

    @property
    def item_id(self) -> str:
        return f"a{self.number}"

    def received(self) -> e.Event:
        return e.AudioReceived(
            item_id=self.item_id,
            response_id=f"r{self.number}",
            audio_ms=self.exchange.generated_ms,
        )

    def ended(self, status: str) -> tuple[e.Event, ...]:
        """Returns the transcript and the end of the response."""
        text = text_of_tokens(self.exchange.generated_tokens)
        return (
            e.TranscriptDone(item_id=self.item_id, text=text),
            e.ResponseDone(
                response_id=f"r{self.number}", status=status, usage=self.usage, usd=self.usd
            ),
        )

    def interrupted(self) -> e.Event:
        played = min(self.exchange.cut_ms or 0, self.exchange.generated_ms)
        received = self.exchange.generated_ms
        return e.PlaybackInterrupted(item_id=self.item_id, played_ms=played, received_ms=received)

    def finished(self) -> e.Event:
        return e.PlaybackFinished(item_id=self.item_id, played_ms=self.exchange.generated_ms)


class _Simulation:
    def __init__(self, limits: Limits, setup: Setup) -> None:
        self.limits, self.setup = limits, setup
        self.server = FakeServer(
            fixed=setup.fixed,
            truncate_at=limits.usable,
            overhead=setup.overhead,
            summarise=self._summarise,
        )
        if limits.spec.server_truncates:
            self.server.truncate_at, self.server.retain = limits.trigger, 0.8
        self.conversation = Conversation(limits)
        self.at = 0.0
        self.floor = 0.0
        self.cache_credit = 0.0
        self.replied_at = float("-inf")
        self.playing: _Reply | None = None
        self.late: list[tuple[float, e.Event]] = []
        self.points: list[Point] = []
        self.exchanges = 0
        self.verbatim: list[int] = []

    def run(self, exchanges: Iterable[Exchange]) -> SimulationResult:
        self._receive(
            e.SessionOpened(
                id="simulated",
                started="2026-01-01T00:00:00+00:00",
                backend="simulated",
                model=self.setup.model,
            )
        )
        self._receive(e.ConnectionOpened(model=self.setup.model))
        for number, exchange in enumerate(exchanges):
            self._exchange(number, exchange)
        self._finish_playback()
        self._wait(max((at for at, _ in self.late), default=self.at) - self.at)
        ledger = self.conversation.ledger
        windows = [point.window for point in self.points] or [0]
        return SimulationResult(
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
            verbatim_min=min(self.verbatim, default=self.exchanges),
            points=tuple(self.points),
            ledger=ledger,
        )

    def _receive(self, *events: e.Event) -> None:
        queue = deque(events)
        while queue:
            event = queue.popleft()
            object.__setattr__(event, "at", self.at)
            for effect in self.conversation.receive(event).effects:
                match effect, self.playing:
                    case x.InterruptPlayback(), _Reply() as reply:
                        queue.append(reply.interrupted())
                    case x.CancelResponse(), _Reply() as reply:
                        queue.extend(reply.ended("cancelled"))
                    case _:
                        queue.extend(self.server.perform(effect))

    def _exchange(self, number: int, exchange: Exchange) -> None:
        if exchange.pause:
            self._finish_playback()
        self._wait(exchange.pause)
        user = f"u{number}"
        self._ask(user, exchange)
        usd = None
        if exchange.user_ms:
            seconds = exchange.user_ms / 1000
            usd = transcription_price(self.setup.transcriber, seconds, table=self.setup.table)
        transcript = e.TranscriptDone(
            item_id=user, text=text_of_tokens(exchange.user_tokens, "said"), usd=usd
        )
        if exchange.user_ms and exchange.late:
            self.late.append((self.at + exchange.late, transcript))
        if exchange.call_tokens:
            self._call(number, exchange)
        self._receive(e.ResponseStarted(response_id=f"r{number}"))
        usage = self._respond(exchange.generated_tokens, exchange.generated_ms // 50)
        self._count_verbatim()
        reply = _Reply(number, exchange, usage, price(self.setup.model, usage, self.setup.table))
        self._receive(e.TurnAdded(item_id=reply.item_id, role="assistant"))
        self.server.add(reply.item_id, exchange.generated_tokens, exchange.generated_ms // 50)
        if exchange.assistant_ms:
            self._receive(reply.received())
            self.playing = reply
        if exchange.user_ms and not exchange.late:
            self._receive(transcript)
        if exchange.generated_share == 1.0:
            self._receive(*reply.ended("completed"))
        self._wait(exchange.assistant_seconds)
        if exchange.cut_ms is None:
            self._finish_playback()
        self.floor += (usd or 0.0) + self._floor(exchange)
        ledger = self.conversation.ledger
        self.points.append(Point(self.at, usage.input, ledger.cost, self.floor))

    def _ask(self, user: str, exchange: Exchange) -> None:
        """The user speaks or types, which interrupts a reply that is still played."""
        if not exchange.user_ms:
            self._wait(exchange.user_seconds)
            self._receive(
                e.TextSubmitted(item_id=user, text=text_of_tokens(exchange.user_tokens, "said"))
            )
            self.playing = None
            return
        last = self.conversation.ledger.turns.last
        previous = last.wire_id if last is not None else None
        if not self.conversation.situation.microphone.open:
            self._receive(e.TalkPressed())
        self._receive(e.SpeechStarted(item_id=user))
        self.playing = None
        self._wait(exchange.user_seconds)
        self._receive(e.SpeechStopped(item_id=user, audio_ms=exchange.user_ms))
        self.server.add(user, 0, exchange.user_ms // 100)
        self._receive(e.SpeechCommitted(item_id=user, previous_item_id=previous))

    def _call(self, number: int, exchange: Exchange) -> None:
        """A first response calls a function; its output is an item before the second one begins."""
        call, output, name = f"f{number}", f"o{number}", f"c{number}"
        self._receive(e.ResponseStarted(response_id=f"{name}r"))
        usage = self._respond(exchange.call_tokens, 0)
        self.server.add(call, exchange.call_tokens, 0, turn=False)
        arguments = text_of_tokens(exchange.call_tokens)
        self._receive(e.ToolCalled(item_id=call, call_id=name, tool="look", arguments=arguments))
        usd = price(self.setup.model, usage, self.setup.table)
        self._receive(e.ResponseDone(response_id=f"{name}r", usage=usage, usd=usd))
        self.server.add(output, exchange.output_tokens, 0, turn=False)
        self._receive(
            e.ToolAnswered(
                item_id=output, call_id=name, output=text_of_tokens(exchange.output_tokens)
            ),
            e.ItemPlaced(item_id=output),
        )

    def _finish_playback(self) -> None:
        """Playback of the reply ends, or the user stops it."""
        reply = self.playing
        if reply is None:
            return
        if reply.exchange.cut_ms is None:
            self.playing = None
            self._receive(reply.finished())
        else:
            self._receive(e.StopPressed())
            self.playing = None

    def _wait(self, seconds: float) -> None:
        """Lets time pass: late transcripts arrive, and `TimePassed` when the policy asks for it."""
        end = self.at + max(0.0, seconds)
        while True:
            check = next_check_at(self.conversation.ledger, self.limits)
            due = min((at for at, _ in self.late), default=None)
            times = [at for at in (check, due) if at is not None and at <= end]
            if not times:
                break
            self.at = max(self.at, min(times))
            arrived = [event for at, event in self.late if at <= self.at]
            self.late = [(at, event) for at, event in self.late if at > self.at]
            self._receive(*(arrived or [e.TimePassed()]))
        self.at = end

    def _respond(self, text: int, audio: int) -> e.Usage:
        # The credit spreads the misses evenly: with cache_hit 0.5 every second reply misses.
        self.cache_credit += self.setup.cache_hit
        hit = self.cache_credit >= 1.0
        self.cache_credit -= hit
        hit = hit and self.at - self.replied_at <= self.setup.forgotten_after
        usage = self.server.respond(text, audio, hit)
        self.replied_at = self.at
        return usage

    def _count_verbatim(self) -> None:
        """Records how many earlier exchanges the window holds verbatim, once it does not hold all.

        Two turns make an exchange; function calls and outputs do not count.
        """
        held = sum(1 for item in self.server.items if item.turn) - 1
        if held < 2 * self.exchanges:
            self.verbatim.append(held // 2)
        self.exchanges += 1

    def _floor(self, exchange: Exchange) -> float:
        """Returns the cost of a reply that reads only its own question and function output."""
        typed = 0 if exchange.user_ms else exchange.user_tokens
        called = exchange.call_tokens + exchange.output_tokens
        own = e.Usage(
            input_text=self.setup.fixed + typed + called,
            input_audio=exchange.user_ms // 100,
            cached_text=self.setup.fixed if self.exchanges > 1 else 0,
            output_text=exchange.generated_tokens + exchange.call_tokens,
            output_audio=exchange.generated_ms // 50,
        )
        return price(self.setup.model, own, self.setup.table) or 0.0

    def _summarise(self, request: x.RequestSummary) -> e.Event:
        source = sum(estimate_text_tokens(turn.text) for turn in request.turns)
        memory = estimate_text_tokens(request.memory) if request.memory else 0
        usage = e.Usage(input_text=source + memory + REQUEST_TOKENS, output_text=self.setup.summary)
        heading = estimate_text_tokens(MEMORY_HEADING)
        return e.SummaryReady(
            compaction_id=request.compaction_id,
            text=text_of_tokens(max(1, self.setup.summary - heading)),
            source=self.setup.writer,
            usage=usage,
            usd=price(self.setup.writer, usage, self.setup.table),
        )
