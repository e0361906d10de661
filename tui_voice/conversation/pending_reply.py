"""The reply that the user waits for: whether one is due, and what a lost connection did to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger

_SIGNS = (
    e.AudioReceived,
    e.CancelRefused,
    e.CommitOverdue,
    e.ConnectionOpened,
    e.ItemPlaced,
    e.ListeningOverdue,
    e.PlaybackFinished,
    e.PlaybackInterrupted,
    e.PlaybackOverdue,
    e.ReplyOverdue,
    e.ResponseDone,
    e.ResponseRefused,
    e.ResponseStarted,
    e.SpeechCommitted,
    e.SpeechStopped,
    e.TalkReleased,
    e.TextSubmitted,
    e.ToolAnswered,
    e.ToolCalled,
    e.ToolOverdue,
    e.TranscriptDone,
    e.TranscriptGrew,
    e.TurnAdded,
    e.TurnModeChosen,
)
"""Events which show that a reply is being asked for, made or played."""


MOST_ASKED_AGAIN = 3
"""How often the same reply is asked for again after a reconnect: each request costs money."""


class Reconnected(NamedTuple):
    """What a new connection has to do about the reply that the lost one was making."""

    ask_again: bool
    cut: e.ReplyCut | None
    """The decision to journal about the unfinished reply; None: no reply was unfinished."""
    gave_up: bool = False
    """The reply has been asked for again so often that this ends with this connection."""


@dataclass(frozen=True, slots=True)
class PendingReply:
    """Whether the user waits for a reply. It knows only the events of this run of the program."""

    pending: bool = False
    """The user said something that is neither answered nor given up."""
    called: bool = False
    """The user typed, or called the model by its name. Where it answers only then, nothing else is
    waited for."""
    sent_again: bool = False
    """The user's audio is sent again on the next connection and answered there."""
    unfinished: frozenset[str] = frozenset()
    """Ids of the replies that were incomplete when the connection was lost."""
    losses: int = 0
    """Number of connections that were lost while this reply was pending."""
    sign_at: float = 0.0
    """When the last sign of a reply came (`_SIGNS`). Seconds, as in `Event.at`."""

    def after(self, event: e.Event, before: Ledger) -> PendingReply:
        """`before`: the ledger before the event."""
        following = self._after(event, before)
        return replace(following, sign_at=event.at) if isinstance(event, _SIGNS) else following

    def _after(self, event: e.Event, before: Ledger) -> PendingReply:
        match event:
            case e.TextSubmitted() | e.NameCalled():
                return replace(self, pending=True, called=True, unfinished=frozenset(), losses=0)
            case e.SpeechCommitted():
                return replace(
                    self, pending=True, sent_again=False, unfinished=frozenset(), losses=0
                )
            case e.SpeechStarted() | e.SpeechDiscarded():
                return replace(self, sent_again=False)
            case (
                e.StopPressed()
                | e.InterruptionUndone()  # what was said was no turn
                | e.SessionResumed()
                | e.SessionClosed()
            ):
                return replace(self, pending=False, called=False, sent_again=False)
            case e.ReplyOverdue(waited_for=True):
                return replace(self, pending=False, called=False)
            case e.ResponseRefused(code=code) if code != e.ALREADY_ACTIVE:
                return replace(self, pending=False, called=False)
            case e.ConnectionLost(again=again, cut=cut):
                return replace(
                    self,
                    sent_again=self.sent_again or bool(again),
                    unfinished=self.unfinished | {*cut, *_open_replies(before)},
                    losses=self.losses + (self.pending and before.connection.status == "online"),
                )
            case e.ReplyCut(item_ids=item_ids):
                return replace(self, unfinished=self.unfinished - set(item_ids))
            case e.ConnectionOpened(again=again):  # a handover comes without a loss
                return replace(
                    self,
                    sent_again=self.sent_again or bool(again),
                    unfinished=self.unfinished | set(_open_replies(before)),
                )
        return self

    def after_reconnect(self, ledger: Ledger) -> Reconnected:
        """Whether to ask for the reply again, and the decision about an unfinished one.

        If the user heard a part of it, the rest is lost and nothing is asked for. If the user
        heard nothing of it, it is asked for as if it had never begun.
        """
        if not self.pending or self.sent_again:
            return Reconnected(False, None)
        unheard: list[str] = []
        for turn in reversed(ledger.turns):
            if turn.role == "assistant":
                unfinished = turn.id in self.unfinished
                if unfinished and not turn.audio_ms and turn.modality == "audio":
                    unheard += [turn.id] if turn.text else []
                elif turn.text or turn.audio_ms:
                    lost = unfinished and not turn.interrupted
                    cut = e.ReplyCut(item_ids=(turn.id,), heard=True) if lost else None
                    return Reconnected(False, cut)
            elif turn.role in ("user", "tool") and turn.text:
                cut = e.ReplyCut(item_ids=tuple(unheard), heard=False) if unheard else None
                gave_up = self.losses == MOST_ASKED_AGAIN + 1
                return Reconnected(self.losses <= MOST_ASKED_AGAIN, cut, gave_up)
        return Reconnected(False, None)


def _open_replies(ledger: Ledger) -> Iterable[str]:
    """Ids of the replies since the user's last turn whose words were still coming."""
    return (
        turn.id
        for turn in ledger.turns.since_user()
        if turn.role == "assistant" and turn.words == "open"
    )
