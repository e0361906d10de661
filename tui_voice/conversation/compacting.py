"""The half of the conversation that changes the window: summarise, prune, textify, restore.

Everything is one step at a time: an effect goes out, its acknowledgement comes back as an event,
`advance` looks at the ledger and does the next. No step is kept anywhere but in the ledger, so
whatever breaks off can be taken up again from the journal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from itertools import takewhile

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation import policy
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.policy import Limits
from tui_voice.conversation.reducers.compaction import (
    MEMORY_STEM,
    UNANSWERED,
    left_to_do,
    standing_for,
)
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn

ASK_AGAIN_AFTER = 30.0
"""Seconds without an acknowledgement after which a step is asked for once more."""
UNCONFIRMED = "the server did not confirm it"
GIVE_UP_AFTER = 900.0
"""Seconds after which a summary that was requested is not waited for any more."""
UNHEARD = "(spoken; not transcribed)"
MEMORY_HEADING = "Summary of the conversation so far (earlier turns were removed to save space):"


def memory_text(summary: str) -> str:
    """The memory as the model reads it: marked as what it is."""
    return f"{MEMORY_HEADING}\n{summary}"


def as_item(
    turn: Turn, item_id: str, previous_item_id: str | None, by_system: bool = False
) -> x.CreateItem:
    """A turn as a text item: what was heard of it. A tool's part becomes a note of the system,
    since a new server session does not know the call it belongs to. `by_system`: the assistant's
    words, too, since as its own they once made the model answer in text only.
    """
    role, text = turn.role, turn.heard_text
    if role == "tool":
        label = f"called {turn.tool} with" if turn.tool else "the tool answered"
        role, text = "system", f"[{label}: {turn.text}]"
    elif role == "assistant" and by_system:
        role, text = "system", f"[the assistant said: {text}]"
    return x.CreateItem(item_id=item_id, role=role, text=text, previous_item_id=previous_item_id)


class Compacting(ABC):
    """Mixed into `Conversation`, whose ledger and limits it reads."""

    ledger: Ledger
    limits: Limits
    state: State

    _asked: str = ""  # the step whose acknowledgement is awaited
    _asked_at: float = 0.0
    _asked_twice: bool = False
    _named: int = 0  # the number of the newest decision
    _proposed: str = ""  # the compaction that we decided on, until the decision is a fact
    _judging: bool = False  # what was found of the trigger is not yet a fact
    _repairing: bool = False  # a reply without sound is to be asked for again after a compaction

    # What the other half knows.

    @property
    @abstractmethod
    def response_active(self) -> bool:
        """Whether a reply is being made, from the moment we ask for it."""

    @property
    @abstractmethod
    def seeding(self) -> bool:
        """Whether a new server session is still being told the talk."""

    @property
    @abstractmethod
    def sounding(self) -> frozenset[str]:
        """Items that the speaker plays, or was stopped in and has not yet told what was heard."""

    @abstractmethod
    def ask_for_reply(self) -> None:
        """Once more."""

    @abstractmethod
    def do(self, *effects: x.Effect) -> None:
        """Hands out intentions."""

    # ── beginning ───────────────────────────────────────────────────────────────────────────

    def consider_compaction(self) -> None:
        """Asks the policy, at a quiet moment. While the user speaks nothing is summarised, but
        what the last reply added may still become text: the next reply would pay for the sound.
        """
        quiet = self.state is State.IDLE or self.state is State.LISTENING
        if not quiet or self.busy or self.ledger.compaction is not None:
            return
        verdict = policy.judge(self.ledger, self.limits)
        if verdict.judged and not self._judging:
            self._judging = True
            self.do(x.Announce(event=verdict.judged))
        if verdict.plan is None or (
            self.state is State.LISTENING and verdict.plan.kind == "summary"
        ):
            return
        self._begin(verdict.plan)

    @property
    def busy(self) -> bool:
        """Whether the window must be left alone now."""
        return self.response_active or self.seeding or bool(self.sounding or self._proposed)

    def summarise_now(self, event: e.SummarisePressed) -> None:
        verdict = policy.judge(self.ledger, self.limits, forced=True)
        turns = verdict.plan.turns if verdict.plan else ()
        silent = tuple(turn for turn in turns if turn.wire_id not in self.sounding)
        if verdict.plan is None or not silent or self._proposed:
            reason = "a pruning is under way" if self._proposed else verdict.reason
            if turns and not self._proposed:
                reason = "the reply is still being heard"
            self.do(x.Announce(event=e.Noticed(text=f"Nothing was summarised: {reason}.")))
        else:
            self._begin(replace(verdict.plan, turns=silent), event.focus)

    def ask_again(self) -> None:
        """A summary that was under way when the line broke is asked for once more."""
        last = self.ledger.compactions[-1] if self.ledger.compactions else None
        if last is None or last.kind != "summary" or last.stage != "broken" or self._proposed:
            return
        turns = (self.ledger.turns.get(turn_id) for turn_id in last.turns)
        left = tuple(turn for turn in turns if turn is not None and policy.touchable(turn))
        if left:
            self._request(policy.Plan("summary", left, "again after a break"), "")

    def _begin(self, plan: policy.Plan, focus: str = "") -> None:
        if plan.kind == "summary":
            self._request(plan, focus)
        else:
            self.do(
                x.Announce(
                    event=e.TextifyRequested(
                        compaction_id=self._propose("text_"),
                        turns=tuple(turn.id for turn in plan.turns),
                        window=self.ledger.window.total,
                        cause=plan.cause,
                    )
                )
            )

    def _propose(self, stem: str) -> str:
        """A name that no decision had, nor one that was never heard of again."""
        self._named = max(self._named, self.ledger.serial) + 1
        self._proposed = f"{stem}{self._named:04d}"
        return self._proposed

    def _request(self, plan: policy.Plan, focus: str) -> None:
        self.do(
            x.RequestSummary(
                compaction_id=self._propose(MEMORY_STEM),
                turns=tuple(
                    x.SourceTurn(item_id=t.id, role=t.role, text=t.heard_text or UNHEARD)
                    for t in plan.turns
                ),
                memory=self.ledger.memory,
                focus=focus,
                window=self.ledger.window.total,
                cause=plan.cause,
            )
        )

    # ── going on ────────────────────────────────────────────────────────────────────────────

    def advance(self, _event: e.Event) -> None:
        """The next step of the compaction under way, unless an active response may read it. One
        that nobody acknowledged is asked for again: it can be done twice without harm.
        """
        if self.response_active or self.seeding or self.ledger.connection.status != "online":
            return
        if self._overdue():
            return
        step = self._next_step()
        if step is None:
            self._asked = ""
            self._ask_for_voice()
            return
        name, effect = step
        if name == self._asked and self.ledger.at - self._asked_at < ASK_AGAIN_AFTER:
            return
        if name == self._asked and self._asked_twice:
            self._asked_at = self.ledger.at
            self._without_an_answer(effect)
            return
        self._asked_twice = name == self._asked
        self._asked, self._asked_at = name, self.ledger.at
        self.do(effect)

    @property
    def step_due(self) -> float | None:
        """When (`at`) to look whether the step that was asked for has been answered."""
        running = self.ledger.compaction
        if self.ledger.connection.status != "online" or self.seeding:
            return None
        if running is not None and running.stage == "requested":
            return running.at + GIVE_UP_AFTER
        return self._asked_at + ASK_AGAIN_AFTER if self._asked else None

    def _without_an_answer(self, effect: x.Effect) -> None:
        """Asked for twice and never acknowledged: this step, and those like it behind it, count as
        refused, so that the compaction comes to an end and the ledger says what is not known to be
        done.
        """
        running = self.ledger.compaction
        left = left_to_do(self.ledger, running) if running is not None else []
        refused: list[e.Event] = []
        match effect:
            case x.DeleteItem(item_id=item_id):
                turns = [self.ledger.turns.get(turn_id) for turn_id in left]
                ids = [turn.wire_id for turn in turns if turn is not None and turn.wire_id]
                ids = (
                    [i.id for i in self.ledger.stale]
                    if self.ledger.is_pending_delete(item_id)
                    else ids
                )
                refused = [e.DeleteRefused(item_id=i, message=UNCONFIRMED) for i in ids]
            case x.CreateItem(item_id=item_id):
                ids = [item_id]
                if running is not None and standing_for(running, item_id) is not None:
                    ids = [running.item_id(turn_id) for turn_id in left]
                refused = [
                    e.ItemRefused(
                        item_id=i, code=UNANSWERED if i == item_id else "", message=UNCONFIRMED
                    )
                    for i in ids
                ]
        text = f"The server did not confirm a change of the window ({len(refused)} left undone)."
        self.do(*(x.Announce(event=event) for event in refused))
        self.do(x.Announce(event=e.Noticed(text=text, severity="warning")))

    def _overdue(self) -> bool:
        """Whether the summary will not come any more: then it must not block all later ones."""
        running = self.ledger.compaction
        if running is None or running.stage != "requested":
            return False
        if self.ledger.at - running.at < GIVE_UP_AFTER:
            return False
        failed = e.SummaryFailed(compaction_id=running.id, reason="no summary came")
        self.do(x.Announce(event=failed))
        return True

    def _next_step(self) -> tuple[str, x.Effect] | None:
        if self.ledger.edit:  # first: what is put back stands behind the memory
            return f"create {self.ledger.edit}", self.memory_item(self.ledger.edit)
        running = self.ledger.compaction
        if running is not None and running.stage in ("ready", "placed"):
            left = left_to_do(self.ledger, running)
            if running.kind == "summary" and running.stage == "ready":
                return self._placing_step(running)  # only its acknowledgement lets us delete
            if left and running.kind == "summary":
                return self._delete(left[0])
            if left:
                return self._replacing_step(running, left[0])
        if self.ledger.stale:
            item_id = self.ledger.stale[0].id
            return f"delete {item_id}", x.DeleteItem(item_id=item_id)
        return None

    def _placing_step(self, running: Compaction) -> tuple[str, x.Effect]:
        text = memory_text(running.summary)
        return f"create {running.id}", x.CreateItem(
            item_id=running.id, role="system", text=text, previous_item_id="root"
        )

    def _replacing_step(self, running: Compaction, turn_id: str) -> tuple[str, x.Effect]:
        """Textify: words behind the sound, then the sound away. Restore: the words alone."""
        turn = self.ledger.turns.get(turn_id)
        assert turn is not None  # `left_to_do` names only turns that are there
        item_id = running.item_id(turn_id)
        if item_id in running.placed or turn_id in running.withdrawn:
            return self._delete(turn_id)
        previous = self.predecessor(turn_id) if running.kind == "restore" else turn.wire_id
        by_system = self.ledger.voice_by_system
        return f"create {item_id}", as_item(turn, item_id, previous, by_system)

    def _delete(self, turn_id: str) -> tuple[str, x.Effect]:
        turn = self.ledger.turns.get(turn_id)
        assert turn is not None
        assert turn.wire_id is not None
        return f"delete {turn.wire_id}", x.DeleteItem(item_id=turn.wire_id)

    def predecessor(self, turn_id: str) -> str:
        """The item behind which a turn that comes back belongs."""
        previous = self.ledger.memory_id or "root"
        for turn in takewhile(lambda turn: turn.id != turn_id, self.ledger.turns):
            previous = turn.wire_id or previous
        return previous

    # ── a reply without sound ───────────────────────────────────────────────────────────────

    def repair_voice(self) -> None:
        """The silent reply is taken back and what the assistant said moves into system items:
        as its own words they may have tipped the model into answering in text only.
        """
        silent = self.silent_turns()
        earlier = tuple(
            turn.id
            for turn in self.ledger.held()
            if turn.role == "assistant" and turn.modality == "text" and policy.touchable(turn)
        )
        self.do(
            x.Announce(
                event=e.VoiceRepairRequested(
                    compaction_id=self._propose("voice_"),
                    turns=tuple(i for i in earlier if i not in silent) + silent,
                    withdrawn=silent,
                    window=self.ledger.window.total,
                )
            )
        )

    def silent_turns(self) -> tuple[str, ...]:
        """What the last reply said without any sound."""
        found: list[str] = []
        for turn in self.ledger.turns.held_backwards():
            if turn.role == "user":
                break
            if turn.role == "assistant" and turn.text and not turn.audio_ms:
                found.append(turn.id)
        return tuple(reversed(found))

    def _ask_for_voice(self) -> None:
        """The words have moved: now the reply is asked for again."""
        if self._repairing and not self._proposed and self.ledger.compaction is None:
            self._repairing = False
            self.ask_for_reply()

    # ── by hand ─────────────────────────────────────────────────────────────────────────────

    def restore(self, event: e.RestorePressed) -> None:
        """Pruned turns go back as text: those named, or all of the last pruning."""
        if self._proposed or self.ledger.compaction is not None:
            self.do(x.Announce(event=e.Noticed(text="Wait: a pruning is under way.")))
            return
        if self.ledger.connection.status != "online":
            return
        pruned = [turn for turn in self.ledger.turns if turn.pruned_in and turn.heard_text]
        wanted = event.turn_ids or self._last_pruned({turn.pruned_in for turn in pruned})
        turns = tuple(turn.id for turn in pruned if turn.id in wanted)
        if turns:
            self.do(
                x.Announce(
                    event=e.RestoreRequested(
                        compaction_id=self._propose("back_"),
                        turns=turns,
                        window=self.ledger.window.total,
                    )
                )
            )

    def _last_pruned(self, places: set[str]) -> tuple[str, ...]:
        """The turns of the last summary of which something is still out of the window."""
        for compaction in reversed(self.ledger.compactions):
            if compaction.kind == "summary" and compaction.id in places:
                return compaction.turns
        return ()

    def memory_item(self, item_id: str = "") -> x.CreateItem:
        return x.CreateItem(
            item_id=item_id or f"{MEMORY_STEM}{self.ledger.serial:04d}e",
            role="system",
            text=memory_text(self.ledger.memory),
            previous_item_id="root",
        )
