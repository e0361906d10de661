"""How long the conversation waits for each thing before it goes on without it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationTimeouts:
    """All in seconds. `Conversation.wakes_at` says when the next of them is over."""

    reply_s: float = 60.0
    """A reply is given up after so long without a sign of it. With a reasoning model, or on a small
    machine, the first sign may take 30 s."""
    cancel_s: float = 5.0
    """A cancelled response counts as ended after so long without its end."""
    commit_s: float = 10.0
    """Our commit is sent a second time after so long without an answer. It is given up `reply_s`
    after the first time: a server may still be loading its engines."""
    late_speech_s: float = 1.0
    """Speech whose start is reported while the microphone is closed is committed after so long,
    unless the server ends that turn by itself: it hears no silence any more."""
    listening_s: float = 10.0
    """The user's turn ends after so long in which no audio of it was captured or sent."""
    turn_s: float = 120.0
    """A turn that voice activity detection began ends after so long at the latest."""
    playback_s: float = 15.0
    """A reply whose response has ended is stopped so long after its audio should be over."""
    step_s: float = 30.0
    """A change of the server's items is asked for a second time after so long without an
    acknowledgement, and counts as refused after twice that."""
    tool_s: float = 300.0
    """A function that has not answered after so long is given up. The user may have to allow it."""
    tool_told_s: float = 6.0
    """A function that still runs after so long is reported to the model, so that it can speak."""
    transcript_s: float = 30.0
    """The words of a spoken turn are not waited for any longer. They may still come later."""
    idle_s: float | None = None
    """The open microphone is closed after so long without speech, where the server's VAD ends the
    turns. None: never."""
    disconnect_s: float | None = None
    """The connection is closed so long after silence has closed the microphone. None: never."""
    countdown_s: float = 10.0
    """The last part of either silence is counted down on the screen."""

    def countdown_of(self, wait_s: float) -> float:
        """Returns how much of a silence of `wait_s` is counted down."""
        return min(self.countdown_s, wait_s)
