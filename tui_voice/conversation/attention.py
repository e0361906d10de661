"""Silence, and words that do something: what closes an open microphone, and who is answered.

Nothing here hears sound. Speech is what the server's voice activity detection (VAD) reports, so
noise ends no silence. Words are those of the transcript.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tui_voice.conversation import events as e
from tui_voice.conversation.events.attention import Closes
from tui_voice.conversation.timeouts import ConversationTimeouts

_SIGNS = (
    e.AudioReceived,
    e.ConnectionLost,
    e.ConnectionOpened,
    e.MuteChanged,
    e.PausePressed,
    e.PlaybackFinished,
    e.PlaybackInterrupted,
    e.PresenceShown,
    e.ResponseDone,
    e.SpeechCommitted,
    e.SpeechStarted,
    e.SpeechStopped,
    e.StopPressed,
    e.TalkPressed,
    e.TalkReleased,
    e.TextSubmitted,
    e.TurnModeChosen,
)
"""Events which show that somebody speaks or uses the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenWords:
    """Which words of the user do something. Words are compared whole and without case."""

    name: str = ""
    """The model answers only spoken turns with this name. "": it answers every turn."""
    goodbyes: tuple[str, ...] = ()
    """A turn that is one of these, and nothing else, ends a hands-free session."""

    def call(self, text: str) -> bool:
        """Returns whether the text has the name."""
        spoken, name = words_of(text), words_of(self.name)
        places = range(len(spoken) - len(name) + 1)
        return bool(name) and any(spoken[at : at + len(name)] == name for at in places)

    def say_goodbye(self, text: str) -> bool:
        """Returns whether the text is a good-bye and nothing else."""
        spoken = words_of(text)
        return bool(spoken) and any(spoken == words_of(one) for one in self.goodbyes)


def words_of(text: str) -> list[str]:
    """Returns the words of a text in lower case, without punctuation."""
    cleaned = "".join(c if c.isalnum() or c == "'" else " " for c in text.casefold())
    return cleaned.split()


@dataclass(frozen=True, slots=True)
class Silence:
    """How long nobody has spoken, and what that closes next. Times in seconds, as in `Event.at`."""

    since: float = 0.0
    """When the last sign of the user or of a reply came."""
    countdown: Closes | None = None
    """What the countdown under way closes. None: there is no countdown."""
    began_at: float = 0.0
    ends_at: float = 0.0
    """When the countdown began, and when it is over."""
    closed_microphone: bool = False
    """Silence has closed the microphone. The connection is next."""
    goodbye: bool = False
    """The user has said good-bye. The session ends once the reply is over."""

    def after(self, event: e.Event) -> Silence:
        match event:
            case e.CountdownStarted(closes=closes, seconds=seconds):
                return replace(
                    self, countdown=closes, began_at=event.at, ends_at=event.at + seconds
                )
            case e.HandsFreeEnded(closes=closes):
                return Silence(event.at, closed_microphone=closes == "microphone")
            case e.GoodbyeSaid():
                return replace(self, goodbye=True)
            case e.TalkPressed() | e.TextSubmitted() | e.SpeechStarted():
                return Silence(event.at)
            case e.SessionResumed() | e.SessionClosed():
                return Silence(event.at)
        return replace(self, since=event.at, countdown=None) if isinstance(event, _SIGNS) else self

    def countdown_due(
        self, closes: Closes, played_until: float, timeouts: ConversationTimeouts
    ) -> float | None:
        """When the countdown begins; None: it has begun, or silence closes nothing.

        `played_until`: when the loudspeaker ends or ended.
        """
        wait_s = timeouts.idle_s if closes == "microphone" else timeouts.disconnect_s
        if wait_s is None or self.countdown is not None:
            return None
        return max(self.since, played_until) + wait_s - timeouts.countdown_of(wait_s)
