"""Everything around a `Conversation`, in memory and with faults on demand: a server that takes its
time, a speaker, somebody who writes summaries. It watches what it is asked to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.folding import fold
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.prices import price
from tui_voice.conversation.trigger import regrown
from tui_voice.lab.fake_server import FakeServer, Item

MODEL = "gpt-realtime-2.1"
FAULTS = ("refuse", "unknown", "lose", "unacknowledged", "twice", "cut")
"""What may happen to one step: refused, refused as unknown, lost, done without a word, told twice,
or the line breaks."""

ASKED_FOR = ("by hand", "again after a break")
"""Causes of summaries that nothing keeps waiting."""


def fine(_effect: x.Effect) -> str:
    return "ok"


class World:
    """`fault` is asked about each thing the server is to do; "ok" or one of `FAULTS`."""

    def __init__(self, limits: Limits, fault: Callable[[x.Effect], str] = fine) -> None:
        self.conversation = Conversation(limits)
        self.server = FakeServer(fixed=200)
        self.fault = fault
        self.events: list[e.Event] = []
        self.outbox: deque[x.Effect] = deque()
        self.inbox: deque[e.Event] = deque()
        self.summaries: deque[x.RequestSummary] = deque()
        self.playing: dict[str, int] = {}
        self.dropped: set[str] = set()
        self.stubborn: set[str] = set()
        self.known: list[str] = []
        self.cost = 0.0
        self.at = 0.0
        self.number = 0
        self.heard_share = 0.4
        self.silent_replies = 0
        opened = e.SessionOpened(
            id="t", started="2026-01-01T00:00:00+00:00", backend="b", model=MODEL
        )
        self.tell(opened)
        self.connect()

    # ── facts in ────────────────────────────────────────────────────────────────────────────

    def tell(self, *events: e.Event) -> None:
        """As a session does: what an effect announces waits its turn."""
        queue = deque(events)
        while queue:
            event = replace(queue.popleft(), at=self.at)
            self._note(event)
            self.events.append(event)
            for effect in self.conversation.receive(event):
                self._watch(effect)
                if isinstance(effect, x.Announce):
                    queue.append(effect.event)
                else:
                    self._take(effect)
            self._unharmed()

    def _note(self, event: e.Event) -> None:
        match event:
            case e.AudioReceived(item_id=item_id, audio_ms=ms):
                self.playing[item_id] = ms
            case (
                e.TurnAdded(item_id=item_id)
                | e.SpeechStarted(item_id=item_id)
                | e.TextSubmitted(item_id=item_id)
                | e.ToolCalled(item_id=item_id)
                | e.ToolAnswered(item_id=item_id)
            ):
                if item_id not in self.known:
                    self.known.append(item_id)
            case e.ResponseDone(usd=usd) | e.SummaryReady(usd=usd) | e.TranscriptDone(usd=usd):
                self.cost += usd or 0.0

    # ── intentions out ──────────────────────────────────────────────────────────────────────

    def _take(self, effect: x.Effect) -> None:
        match effect:
            case x.InterruptPlayback():
                for item_id, ms in self.playing.items():
                    heard = round(ms * self.heard_share)
                    self.inbox.appendleft(e.PlaybackInterrupted(item_id=item_id, played_ms=heard))
                self.playing.clear()
            case x.RequestSummary():
                self.summaries.append(effect)
            case x.CancelResponse(response_id=response_id):
                self.dropped.add(response_id)
            case x.CreateItem() | x.DeleteItem() | x.TruncateItem() | x.CreateResponse():
                if self.online:
                    self.outbox.append(effect)

    def _watch(self, effect: x.Effect) -> None:
        """What must never be asked for."""
        ledger = self.ledger
        running = ledger.compaction
        match effect:
            case x.RequestSummary(turns=turns, cause=cause, window=window):
                assert running is None
                if cause not in ASKED_FOR and window < self.limits.ceiling:
                    assert window >= regrown(ledger), "pruned before it has regrown by half"
                    if "window full" in cause:
                        assert window > ledger.fixed, "no pruning helps against instructions"
                held = ledger.held()
                said = [turn.id for turn in held if turn.role != "tool"]
                newest = set(said[max(0, len(said) - self.limits.keep) :])
                for source in turns:
                    turn = ledger.turns.get(source.item_id)
                    assert turn is not None
                    assert not turn.pinned
                    assert not turn.pruned_in
                    assert turn.words != "open"
                    assert turn.id not in newest
            case x.DeleteItem(item_id=item_id) if running and not ledger.is_pending_delete(item_id):
                turn = ledger.turns.get(item_id)
                assert turn is not None
                if turn.id in running.turns and running.stage != "requested":
                    if running.kind == "summary":
                        assert not turn.pinned
                        assert running.stage == "placed"
                        assert self.server.index(running.id) >= 0
                    elif turn.id not in running.withdrawn:
                        assert self.server.index(running.item_id(turn.id)) >= 0
            case x.Announce(
                event=e.TextifyRequested() | e.RestoreRequested() | e.VoiceRepairRequested()
            ):
                assert running is None

    def _unharmed(self) -> None:
        """What must hold after every fact."""
        ledger = self.ledger
        assert {turn.id for turn in ledger.turns} >= set(self.known), "a turn is lost"
        assert len(ledger.turns) == len({turn.id for turn in ledger.turns}), "a turn is twice"
        assert all(not c.under_way for c in ledger.compactions[:-1]), "two at once"
        judged = [(j.trigger, j.keep, j.instead) for j in ledger.judged if not j.usual]
        assert all(a != b for a, b in pairwise(judged)), "the same is told twice"
        assert min(ledger.window.text, ledger.window.audio, ledger.intact) >= 0

    # ── the server, the line, the writer ────────────────────────────────────────────────────

    @property
    def ledger(self) -> Ledger:
        return self.conversation.ledger

    @property
    def limits(self) -> Limits:
        return self.conversation.limits

    @property
    def online(self) -> bool:
        return self.ledger.connection.status == "online"

    def connect(self) -> None:
        self.server.items.clear()
        self.outbox.clear()
        self.tell(e.ConnectionOpened(model=MODEL))

    def cut(self) -> None:
        self.outbox.clear()
        heard = [one for one in self.inbox if isinstance(one, e.PlaybackInterrupted)]
        self.inbox = deque(heard)  # the speaker is on our side of the line
        self.server.items.clear()
        self.tell(e.ConnectionLost(reason="cut", retry_in=1.0))

    def work(self) -> bool:
        """The server does the next thing it was asked."""
        if not self.outbox:
            return False
        effect = self.outbox.popleft()
        match fate := self.fault(effect):
            case "lose":
                return True
            case "cut":
                self.cut()
                self.connect()
                return True
            case "refuse" | "unknown" if (
                isinstance(effect, x.CreateItem) and self.server.index(effect.item_id) < 0
            ):
                self.inbox.append(e.ItemRefused(item_id=effect.item_id, code="no", message="no"))
                return True
            case "refuse" | "unknown" if isinstance(effect, x.DeleteItem):
                gone = fate == "unknown"
                if gone and (place := self.server.index(effect.item_id)) >= 0:
                    del self.server.items[place]
                else:
                    self.stubborn.add(effect.item_id)
                self.inbox.append(e.DeleteRefused(item_id=effect.item_id, unknown=gone))
                return True
        if isinstance(effect, x.CreateResponse):
            self.respond()
            return True
        told = list(self.server.perform(effect))
        if fate != "unacknowledged":
            self.inbox.extend(told * (2 if fate == "twice" else 1))
        return True

    def flush(self) -> None:
        """A line keeps the order: what was sent before something else is done before it."""
        while self.work():
            pass

    def catch_up(self) -> None:
        """All that is on its way is done and has arrived; nobody writes, the speaker plays."""
        while self.work() or self.deliver():
            pass

    def deliver(self) -> bool:
        """The next fact arrives."""
        if not self.inbox:
            return False
        event = self.inbox.popleft()
        late = isinstance(event, e.AudioReceived) and event.response_id in self.dropped
        if not late:
            self.tell(event)
        return True

    def respond(self) -> None:
        """The server answers: the whole ladder, to arrive one by one."""
        self.number += 1
        reply, response = f"a{self.number}", f"r{self.number}"
        silent = self.silent_replies > 0
        self.silent_replies -= silent
        usage = self.server.respond(20, 0 if silent else 100)
        previous = self.server.items[-1].id if self.server.items else None
        self.server.add(reply, 20, 0 if silent else 100)
        usd = price(MODEL, usage)
        self.inbox += [
            e.ResponseStarted(response_id=response),
            e.TurnAdded(item_id=reply, role="assistant", previous_item_id=previous),
        ]
        if not silent:
            self.inbox.append(e.AudioReceived(item_id=reply, response_id=response, audio_ms=5_000))
        self.inbox += [
            e.TranscriptDone(item_id=reply, text="answer " * 10),
            e.ResponseDone(response_id=response, usage=usage, usd=usd, audio=not silent),
        ]

    def write(
        self, text: str | None = "They spoke.", asked: x.RequestSummary | None = None
    ) -> None:
        """The writer begins and ends the oldest request. None: it fails."""
        request = asked or self.summaries.popleft()
        self.tell(
            e.SummaryRequested(
                compaction_id=request.compaction_id,
                drop=tuple(turn.item_id for turn in request.turns),
                window=request.window,
                cause=request.cause,
            )
        )
        if text is None:
            self.tell(e.SummaryFailed(compaction_id=request.compaction_id, reason="no"))
        else:
            self.tell(e.SummaryReady(compaction_id=request.compaction_id, text=text, usd=0.001))

    # ── people ──────────────────────────────────────────────────────────────────────────────

    def speak(self, transcribed: bool = True, ms: int = 4_000) -> str:
        """A spoken turn, as a server with VAD tells it, and the answer it makes."""
        self.number += 1
        user = f"u{self.number}"
        self.flush()
        previous = self.server.items[-1].id if self.server.items else None
        self.tell(e.SpeechStarted(item_id=user))
        if self.online:
            self.server.add(user, 0, ms // 100)
            self.inbox += [
                e.SpeechStopped(item_id=user, audio_ms=ms),
                e.SpeechCommitted(item_id=user, previous_item_id=previous),
            ]
            if transcribed:
                self.inbox.append(e.TranscriptDone(item_id=user, text="question " * 8, usd=0.0001))
            self.respond()
        return user

    def type(self, text: str = "typed words") -> str:
        self.number += 1
        user = f"t{self.number}"
        self.tell(e.TextSubmitted(item_id=user, text=text))
        return user

    def play_out(self) -> None:
        """The speaker comes to the end of everything."""
        for item_id, ms in list(self.playing.items()):
            del self.playing[item_id]
            self.tell(e.PlaybackFinished(item_id=item_id, played_ms=ms))

    def exchange(self) -> None:
        """A spoken turn and its answer, to the end."""
        self.at += 1
        self.speak()
        self.quiet()

    def quiet(self) -> None:
        """Everything that is under way comes to its end."""
        for _ in range(10_000):
            if not (self.work() or self.deliver()):
                if self.summaries:
                    self.write()
                elif self.playing:
                    self.play_out()
                else:
                    return
        raise AssertionError("it never comes to rest")

    # ── judging ─────────────────────────────────────────────────────────────────────────────

    def agrees(self) -> None:
        """The ledger and the server hold the same items, in the same order."""
        ledger = self.ledger
        ours = [turn.wire_id for turn in ledger.held()]
        if ledger.memory_id:
            ours.insert(0, ledger.memory_id)
        theirs = [item.id for item in self.server.items]
        # What the server refused to let go stays; we no longer count on it.
        assert ours == [one for one in theirs if one in ours or one not in self.stubborn]

    def folds_alike(self) -> None:
        """The journal alone gives the same ledger, whatever the limits were."""
        assert fold(self.events) == self.ledger
        other = Conversation(Limits(1, 1, policy="none"))
        for event in self.events:
            other.receive(event)
        assert other.ledger == self.ledger

    def item(self, item_id: str) -> Item | None:
        place = self.server.index(item_id)
        return None if place < 0 else self.server.items[place]
