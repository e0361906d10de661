"""A `Conversation` with all its surroundings in memory, and faults on demand.

The harness plays the server (with delay), the loudspeaker, and whoever writes summaries. It checks
every decision and every effect of the conversation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.prices import price
from tui_voice.conversation.reducers import fold
from tui_voice.conversation.trigger import regrowth_threshold
from tui_voice.lab.fake_server import CountedItem, FakeServer

MODEL = "gpt-realtime-2.1"
FAULTS = ("refuse", "unknown", "lose", "unacknowledged", "twice", "cut")
"""What may happen to one effect: the server refuses it; refuses it as unknown; never gets it; does
it without an acknowledgement; acknowledges it twice; or the connection is lost."""

NOT_DELAYED = ("by hand", "again after a reconnect")
"""Causes of summaries that need not wait until the window has regrown."""


def no_fault(_effect: x.Effect) -> str:
    return "ok"


class ConversationHarness:
    """`fault` is called with each effect that the server is to do; "ok" or one of `FAULTS`."""

    def __init__(self, limits: Limits, fault: Callable[[x.Effect], str] = no_fault) -> None:
        self.conversation = Conversation(limits)
        self.server = FakeServer(fixed=200)
        self.fault = fault
        self.events: list[e.Event] = []
        """All events so far: what a journal would hold."""
        self.outbox: deque[x.Effect] = deque()
        """Effects on their way to the server."""
        self.inbox: deque[e.Event] = deque()
        """Events on their way from the server and the loudspeaker."""
        self.summary_requests: deque[x.RequestSummary] = deque()
        self.playing: dict[str, int] = {}
        """Items that the loudspeaker plays, with their milliseconds."""
        self.cancelled: set[str] = set()
        self.undeletable: set[str] = set()
        """Items that the server refused to delete."""
        self.known_turns: list[str] = []
        self.cost = 0.0
        self.at = 0.0
        self.number = 0
        self.heard_share = 0.4
        """How much of an interrupted reply the user hears (0–1)."""
        self.silent_replies = 0
        """So many of the next replies come without audio."""
        opened = e.SessionOpened(
            id="t", started="2026-01-01T00:00:00+00:00", backend="b", model=MODEL
        )
        self.post(opened)
        self.connect()

    # ── events in ───────────────────────────────────────────────────────────────────────────

    def post(self, *events: e.Event) -> None:
        """Gives events to the conversation, as a session does, and takes what follows."""
        for event in events:
            received = self.conversation.receive(replace(event, at=self.at))
            for applied in received.events:
                self._note(applied)
                self.events.append(applied)
            for decision in received.events[1:]:
                self._check_decision(decision)
            for effect in received.effects:
                self._check_effect(effect)
                self._take(effect)
            self._check_ledger()

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
                if item_id not in self.known_turns:
                    self.known_turns.append(item_id)
            case e.ResponseDone(usd=usd) | e.SummaryReady(usd=usd) | e.TranscriptDone(usd=usd):
                self.cost += usd or 0.0

    # ── effects out ─────────────────────────────────────────────────────────────────────────

    def _take(self, effect: x.Effect) -> None:
        match effect:
            case x.InterruptPlayback():
                for item_id, ms in self.playing.items():
                    heard = round(ms * self.heard_share)
                    self.inbox.appendleft(e.PlaybackInterrupted(item_id=item_id, played_ms=heard))
                self.playing.clear()
            case x.RequestSummary():
                self.summary_requests.append(effect)
            case x.CancelResponse(response_id=response_id):
                self.cancelled.add(response_id)
            case x.CreateItem() | x.DeleteItem() | x.TruncateItem() | x.CreateResponse():
                if self.online:
                    self.outbox.append(effect)

    # ── what must always hold ───────────────────────────────────────────────────────────────

    def _check_decision(self, decision: e.Event) -> None:
        ledger = self.ledger
        match decision:
            case (
                e.SummaryRequested(compaction_id=compaction_id)
                | e.TextifyRequested(compaction_id=compaction_id)
                | e.RestoreRequested(compaction_id=compaction_id)
                | e.VoiceRepairRequested(compaction_id=compaction_id)
                | e.ToolPruningRequested(compaction_id=compaction_id)
            ):
                running = ledger.compactions[-1]
                assert running.id == compaction_id, "another compaction was under way"
        if isinstance(decision, e.SummaryRequested):
            self._check_summary(decision)

    def _check_summary(self, decision: e.SummaryRequested) -> None:
        ledger = self.ledger
        if decision.cause not in NOT_DELAYED and decision.window < self.limits.ceiling:
            assert decision.window >= regrowth_threshold(ledger), "not regrown by half"
            if "window full" in decision.cause:
                fixed = ledger.fixed_tokens
                assert decision.window > fixed, "no pruning helps against instructions"
        said = [turn.id for turn in ledger.held() if turn.role != "tool"]
        newest = set(said[max(0, len(said) - self.limits.keep) :])
        for turn_id in decision.drop:
            turn = ledger.turns.get(turn_id)
            assert turn is not None
            assert not turn.pinned
            assert not turn.pruned_in
            assert turn.words != "open"
            assert turn.id not in newest

    def _check_effect(self, effect: x.Effect) -> None:
        """A turn is deleted only once the server holds what replaces it."""
        ledger = self.ledger
        running = ledger.compaction
        match effect:
            case x.DeleteItem(item_id=item_id) if running and not ledger.is_pending_delete(item_id):
                turn = ledger.turns.get(item_id)
                assert turn is not None
                if turn.id in running.turns and running.stage != "requested":
                    if running.kind == "summary":
                        assert not turn.pinned
                        assert running.stage == "placed"
                        assert self.server.index(running.id) >= 0
                    elif running.kind == "tools":
                        assert turn.role == "tool"
                        assert not turn.pinned
                    elif turn.id not in running.withdrawn:
                        assert self.server.index(running.item_id(turn.id)) >= 0

    def _check_ledger(self) -> None:
        ledger = self.ledger
        turn_ids = [turn.id for turn in ledger.turns]
        assert set(turn_ids) >= set(self.known_turns), "a turn is lost"
        assert len(turn_ids) == len(set(turn_ids)), "a turn is there twice"
        assert all(not c.under_way for c in ledger.compactions[:-1]), "two are under way"
        checks = [(c.trigger, c.keep, c.instead) for c in ledger.trigger_checks if not c.usual]
        assert all(a != b for a, b in pairwise(checks)), "the same check is there twice"
        assert min(ledger.window.text, ledger.window.audio, ledger.cacheable_prefix_tokens) >= 0

    def check_server_agrees(self) -> None:
        """The ledger and the server hold the same items, in the same order."""
        ledger = self.ledger
        ours = [turn.wire_id for turn in ledger.held()]
        if ledger.memory_id:
            ours.insert(0, ledger.memory_id)
        theirs = [item.id for item in self.server.items]
        # What the server refused to delete stays there; we no longer count on it.
        expected = [one for one in theirs if one in ours or one not in self.undeletable]
        assert ours == expected

    def check_replay(self) -> None:
        """The journal alone gives the same ledger and, replayed, the same snapshot.

        The limits of the replay are other ones: they must not matter, and they stay.
        """
        assert fold(self.events) == self.ledger
        limits = Limits(1, 1, policy="thrift")
        replayed = Conversation(limits)
        for event in self.events:
            replayed.replay(event)
        assert replayed.snapshot == self.conversation.snapshot
        assert replayed.limits == limits

    # ── the server, the connection, the writer of summaries ─────────────────────────────────

    @property
    def ledger(self) -> Ledger:
        return self.conversation.ledger

    @property
    def limits(self) -> Limits:
        return self.conversation.limits

    @property
    def online(self) -> bool:
        return self.ledger.connection.status == "online"

    @property
    def seeding(self) -> bool:
        return self.conversation.situation.seeding.under_way

    def connect(self) -> None:
        """A new connection to a new, empty server session."""
        self.server.items.clear()
        self.outbox.clear()
        self.post(e.ConnectionOpened(model=MODEL))

    def lose_connection(self) -> None:
        self.outbox.clear()
        played = [one for one in self.inbox if isinstance(one, e.PlaybackInterrupted)]
        self.inbox = deque(played)  # these come from the loudspeaker, not from the server
        self.server.items.clear()
        self.post(e.ConnectionLost(reason="cut", retry_in=1.0))

    def server_step(self) -> bool:
        """The server does the next thing it was asked. False: there is nothing."""
        if not self.outbox:
            return False
        effect = self.outbox.popleft()
        match fault := self.fault(effect):
            case "lose":
                return True
            case "cut":
                self.lose_connection()
                self.connect()
                return True
            case "refuse" | "unknown" if (
                isinstance(effect, x.CreateItem) and self.server.index(effect.item_id) < 0
            ):
                self.inbox.append(e.ItemRefused(item_id=effect.item_id, code="no", message="no"))
                return True
            case "refuse" | "unknown" if isinstance(effect, x.DeleteItem):
                unknown = fault == "unknown"
                if unknown and (place := self.server.index(effect.item_id)) >= 0:
                    del self.server.items[place]
                else:
                    self.undeletable.add(effect.item_id)
                self.inbox.append(e.DeleteRefused(item_id=effect.item_id, unknown=unknown))
                return True
        if isinstance(effect, x.CreateResponse):
            self.respond()
            return True
        answers = list(self.server.perform(effect))
        if fault != "unacknowledged":
            self.inbox.extend(answers * (2 if fault == "twice" else 1))
        return True

    def flush(self) -> None:
        """The server does all that it was asked. A connection keeps the order."""
        while self.server_step():
            pass

    def deliver(self) -> bool:
        """The next event arrives. False: there is none."""
        if not self.inbox:
            return False
        event = self.inbox.popleft()
        late = isinstance(event, e.AudioReceived) and event.response_id in self.cancelled
        if not late:
            self.post(event)
        return True

    def deliver_all(self) -> None:
        """All effects are done and all events have arrived. Summaries and playback wait."""
        while self.server_step() or self.deliver():
            pass

    def respond(self) -> None:
        """The server makes a reply: its events wait in `inbox`."""
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

    def answer_summary(self, text: str | None = "They spoke.") -> None:
        """The oldest summary request is answered. None: it fails."""
        request = self.summary_requests.popleft()
        if text is None:
            self.post(e.SummaryFailed(compaction_id=request.compaction_id, reason="no"))
        else:
            self.post(e.SummaryReady(compaction_id=request.compaction_id, text=text, usd=0.001))

    # ── the user ────────────────────────────────────────────────────────────────────────────

    def speak(self, transcribed: bool = True, ms: int = 4_000) -> str:
        """A spoken turn, as a server with VAD reports it, and the reply. Returns the turn's id."""
        self.number += 1
        user = f"u{self.number}"
        self.flush()
        previous = self.server.items[-1].id if self.server.items else None
        if not self.conversation.situation.microphone.open:
            self.post(e.TalkPressed())
        self.post(e.SpeechStarted(item_id=user))
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
        """A typed turn. Returns its id."""
        self.number += 1
        user = f"t{self.number}"
        self.post(e.TextSubmitted(item_id=user, text=text))
        return user

    def finish_playback(self) -> None:
        """The loudspeaker plays everything to its end."""
        for item_id, ms in list(self.playing.items()):
            del self.playing[item_id]
            self.post(e.PlaybackFinished(item_id=item_id, played_ms=ms))

    def exchange(self) -> None:
        """A spoken turn and its reply, and all that follows, to the end."""
        self.at += 1
        self.speak()
        self.run_until_quiet()

    def run_until_quiet(self) -> None:
        """Everything under way comes to its end, summaries and playback included."""
        for _ in range(10_000):
            if not (self.server_step() or self.deliver()):
                if self.summary_requests:
                    self.answer_summary()
                elif self.playing:
                    self.finish_playback()
                else:
                    return
        raise AssertionError("it never becomes quiet")

    def item(self, item_id: str) -> CountedItem | None:
        """The item as the server holds it. None: it does not."""
        place = self.server.index(item_id)
        return None if place < 0 else self.server.items[place]
