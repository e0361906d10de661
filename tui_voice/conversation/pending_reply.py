"""The answer that the user waits for: whether one is owed, and when the last was heard of it."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn

_SIGNS = (
    e.AudioReceived,
    e.ItemPlaced,
    e.ConnectionOpened,
    e.PlaybackFinished,
    e.PlaybackInterrupted,
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
    e.TranscriptDone,
    e.TranscriptGrew,
    e.TurnAdded,
)
"""What shows that an answer is being asked for, made, or heard."""


@dataclass(slots=True)
class PendingReply:
    """Kept by facts alone, like all that the conversation remembers beside its ledger."""

    pending: bool = False
    """Something was said in this run of the program that is not answered, nor given up."""
    _said_again: bool = False  # its sound goes out on the next line, and is answered there
    _cut: frozenset[str] = frozenset()  # replies of which not all had come when the line broke
    _sign_at: float = 0.0
    _item: str = ""
    _began: float = 0.0
    _sounds_until: float = 0.0

    def note(self, event: e.Event, before: Ledger) -> None:
        """`before`: the ledger without this fact."""
        if isinstance(event, _SIGNS):
            self._sign_at = event.at
        match event:
            case e.TextSubmitted():
                self.pending, self._cut = True, frozenset()
            case e.SpeechCommitted():
                self.pending, self._said_again, self._cut = True, False, frozenset()
            case e.SpeechStarted() | e.SpeechDiscarded():
                self._said_again = False
            case e.StopPressed() | e.SessionResumed() | e.SessionClosed():
                self.pending = self._said_again = False
            case e.ReplyOverdue(waited_for=waited_for):
                self.pending = self.pending and not waited_for
            case e.ResponseRefused(code=code):
                self.pending = self.pending and code == "conversation_already_has_active_response"
            case e.AudioReceived(item_id=item_id, audio_ms=audio_ms):
                if item_id != self._item:
                    self._item, self._began = item_id, max(event.at, self._sounds_until)
                self._sounds_until = self._began + audio_ms / 1000
            case e.PlaybackInterrupted():
                self._sounds_until = event.at
            case e.ConnectionLost(again=again, cut=cut):
                self._said_again = self._said_again or bool(again)
                self._cut |= {*cut, *(turn.id for turn in _newest(before) if _open(turn))}
            case e.ReplyCut(item_ids=item_ids):
                self._cut -= set(item_ids)
            case e.ConnectionOpened():  # where the line was renewed, nobody has told of a loss
                self._cut |= {turn.id for turn in _newest(before) if _open(turn)}

    def silent_since(self) -> float:
        """When (`at`) the last was heard of the answer, or will be by the speaker."""
        return max(self._sign_at, self._sounds_until)

    def after_a_break(self, ledger: Ledger) -> tuple[bool, e.ReplyCut | None]:
        """Whether an answer is to be asked for on the next line, and what became of the reply that
        was under way. Of one that was heard in part the rest is lost; one of which nothing was
        heard is as if it had never begun.
        """
        if not self.pending or self._said_again:
            return False, None
        unheard: list[str] = []
        for turn in reversed(ledger.turns):
            if turn.role == "assistant":
                cut = turn.id in self._cut
                if cut and not turn.audio_ms and turn.modality == "audio":
                    unheard += [turn.id] if turn.text else []
                elif turn.text or turn.audio_ms:
                    told = cut and not turn.interrupted
                    return False, e.ReplyCut(item_ids=(turn.id,), heard=True) if told else None
            elif turn.role in ("user", "tool") and turn.text:
                lost = e.ReplyCut(item_ids=tuple(unheard), heard=False) if unheard else None
                return True, lost
        return False, None


def _newest(ledger: Ledger) -> list[Turn]:
    """What came after the user's last words, newest first."""
    found: list[Turn] = []
    for turn in reversed(ledger.turns):
        if turn.role == "user":
            break
        found.append(turn)
    return found


def _open(turn: Turn) -> bool:
    return turn.role == "assistant" and turn.words == "open"
