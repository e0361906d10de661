"""The five states of a session, and every transition between them. Nothing else moves the state.

The rows of a trigger are tried from the top. `dest=None`: the event matters, but the state stays.
The names under `conditions`, `before` and `after` are methods of `Conversation`.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any


class State(Enum):
    """What the session is doing. The value is the name on the screen."""

    IDLE = "idle"
    LISTENING = "listening"
    AWAITING = "awaiting response"
    SPEAKING = "speaking"
    SUMMARISING = "summarising"


_IDLE, _LISTENING, _AWAITING, _SPEAKING, _SUMMARISING = State
QUIET = [_IDLE, _SUMMARISING]
BUSY = [_AWAITING, _SPEAKING]


def _row(
    trigger: str, source: Any, dest: State | None, **callbacks: str | list[str]
) -> dict[str, Any]:
    return {"trigger": trigger, "source": source, "dest": dest, **callbacks}


_ALL_DONE = "nothing_more_comes"
_HEARS = "hears_the_user"
_TURN_OVER = "turn_is_over"
_SILENT = "nothing_plays"
_ANSWER = "answer_commit"
_LISTENS = "only_listens"
_CALLED = "was_called"
_ASK = "ask_for_reply"
_SETTLE = "settle_down"
_ENDS_IN_OTHER_MODE = ["end_turn", "set_turn_mode"]
_CUT = [_TURN_OVER, "is_unanswered"]
_UNHEARD = "end_wordless_turn"

TRANSITIONS: list[dict[str, Any]] = [
    # The user speaks. During a reply that is a barge-in. Speech that was reported only after the
    # microphone was closed moves nothing; `check_time` commits it.
    _row("speech_started", QUIET, _LISTENING, conditions=_HEARS),
    _row("speech_started", BUSY, _LISTENING, conditions=_HEARS, before="barge_in"),
    # Where the model answers only when it is called by its name, a turn asks for no reply.
    _row("speech_stopped", _LISTENING, _AWAITING, conditions=[_TURN_OVER, _CALLED], after=_ASK),
    _row("speech_discarded", _LISTENING, _AWAITING, conditions=[_TURN_OVER, _CALLED], after=_ASK),
    _row("speech_stopped", _LISTENING, _IDLE, conditions=[_TURN_OVER, _LISTENS], after=_SETTLE),
    _row(
        "speech_committed",
        _LISTENING,
        _IDLE,
        conditions=[_TURN_OVER, _LISTENS],
        after=[_ANSWER, _SETTLE],
    ),
    _row("listening_overdue", _LISTENING, _IDLE, conditions=_LISTENS, after="end_unheard_turn"),
    _row("talk_released", _LISTENING, _IDLE, conditions=_LISTENS, after="end_turn"),
    _row("name_called", _LISTENING, None, after="answer_after_speech"),
    _row("name_called", QUIET, _AWAITING, after=_ASK),
    _row("name_called", "*", None, after=_ASK),
    _row("speech_stopped", _LISTENING, _AWAITING, conditions=_TURN_OVER),
    _row("speech_discarded", [_LISTENING, _AWAITING], _AWAITING, conditions=_CUT, after=_ASK),
    _row("speech_discarded", _LISTENING, _IDLE, conditions=_TURN_OVER, after=_UNHEARD),
    _row("speech_discarded", _AWAITING, _IDLE, conditions=_ALL_DONE, after=_UNHEARD),
    _row("speech_committed", QUIET, _AWAITING, conditions="is_to_be_answered", after=_ANSWER),
    _row("speech_committed", _LISTENING, _AWAITING, conditions=_TURN_OVER, after=_ANSWER),
    _row("speech_committed", "*", None, after=_ANSWER),
    # No audio of the user's turn comes any more, or the server does not confirm the turn.
    _row("listening_overdue", _LISTENING, _AWAITING, after="end_unheard_turn"),
    _row("commit_overdue", _AWAITING, _IDLE, conditions="is_given_up", after="settle_down"),
    _row("commit_overdue", "*", None, after="commit_again"),
    # The talk key. With VAD it opens and closes the microphone, else it starts and ends a turn.
    _row("talk_pressed", QUIET, _LISTENING, conditions="is_manual", after="open_microphone"),
    _row(
        "talk_pressed",
        BUSY,
        _LISTENING,
        conditions="is_manual",
        before="barge_in",
        after="open_microphone",
    ),
    _row("talk_pressed", "*", None, after="open_microphone"),
    _row("talk_released", _LISTENING, _AWAITING, after="end_turn"),
    _row("talk_released", "*", None, after="close_microphone"),
    _row("mute_changed", "*", None, after="mute"),
    # A typed turn.
    _row("text_submitted", QUIET, _AWAITING, after="send_text"),
    _row("text_submitted", BUSY, _AWAITING, before="barge_in", after="send_text"),
    _row(
        "text_submitted", _LISTENING, _AWAITING, before="end_turn_without_answer", after="send_text"
    ),
    _row("image_attached", "*", None, after="send_image"),
    # The reply.
    _row("response_started", [*QUIET, _AWAITING], _AWAITING, conditions="is_under_way"),
    _row("audio_received", [*QUIET, _AWAITING], _SPEAKING, conditions="is_played"),
    _row("response_done", _AWAITING, None, conditions="was_cut_off", after="ask_once_more"),
    _row("response_done", _AWAITING, _IDLE, conditions=_ALL_DONE, after="settle_down"),
    _row("response_done", "*", None, after="ask_for_follow_up"),
    _row("response_refused", _AWAITING, _IDLE, conditions=_ALL_DONE, after="settle_down"),
    _row("cancel_refused", _AWAITING, _IDLE, conditions=_ALL_DONE, after="settle_down"),
    _row("cancel_refused", "*", None, after="ask_for_follow_up"),
    _row("playback_finished", _SPEAKING, _IDLE, conditions=_ALL_DONE, after="settle_down"),
    _row("playback_finished", _SPEAKING, _AWAITING, conditions=_SILENT),
    _row("playback_finished", "*", None, after="settle_down"),
    _row("playback_overdue", _SPEAKING, _IDLE, conditions=_ALL_DONE, after="stop_playback"),
    _row("playback_overdue", "*", None, after="stop_playback"),
    _row("playback_interrupted", _SPEAKING, _IDLE, conditions=_ALL_DONE, after="truncate"),
    _row("playback_interrupted", _SPEAKING, _AWAITING, conditions=_SILENT, after="truncate"),
    _row("playback_interrupted", "*", None, after="truncate"),
    _row("pause_pressed", _SPEAKING, None, after="pause"),
    _row("playback_paused", "*", None),
    _row("playback_resumed", "*", None),
    # An interruption was none. What was begun for it is cancelled, and the reply goes on.
    _row("interruption_undone", "*", _SPEAKING, after="resume_interrupted"),
    # The devices.
    _row("volume_stepped", "*", None, after="step_volume"),
    _row("speed_stepped", "*", None, after="step_speed"),
    _row("turn_mode_chosen", [*QUIET, *BUSY], None, after="set_turn_mode"),
    _row("turn_mode_chosen", _LISTENING, _IDLE, conditions=_LISTENS, after=_ENDS_IN_OTHER_MODE),
    _row("turn_mode_chosen", _LISTENING, _AWAITING, after=_ENDS_IN_OTHER_MODE),
    _row("turn_detection_chosen", "*", None, after="tune_turn_detection"),
    _row("device_chosen", "*", None, after="use_device"),
    _row("loudspeaker_changed", _SPEAKING, _IDLE, conditions=_ALL_DONE, after="settle_down"),
    _row("loudspeaker_changed", _SPEAKING, _AWAITING, conditions=_SILENT),
    _row("loudspeaker_changed", "*", None),
    _row(
        "reply_overdue",
        _AWAITING,
        None,
        conditions="another_is_wanted",
        before="give_up",
        after="ask_for_reply",
    ),
    _row("reply_overdue", BUSY, _IDLE, before="give_up", after="settle_down"),
    _row("reply_overdue", "*", None, before="give_up", after="settle_down"),
    # Esc. A summary that is being written is not lost: it is used when it comes.
    _row("stop_pressed", BUSY, _IDLE, before=["stop_tools", "barge_in"], after="settle_down"),
    _row("stop_pressed", _LISTENING, _IDLE, before="discard_turn", after="settle_down"),
    _row("stop_pressed", _SUMMARISING, _IDLE, before="stop_tools"),
    _row("stop_pressed", _IDLE, None, before="stop_tools"),
    # Silence, or a good-bye, ends a hands-free session.
    _row("goodbye_said", "*", None, after=_SETTLE),
    _row("hands_free_ended", "*", None, after="end_hands_free"),
    # Functions.
    _row("tool_called", "*", None, after="answer_tool"),
    _row("tool_answered", "*", None, before="take_late_output", after="ask_for_follow_up"),
    _row("tool_overdue", "*", None, before="refuse_tools", after="ask_for_follow_up"),
    # A transcript may come late. A compaction may have waited for it.
    _row("transcript_done", "*", None, after="judge_words"),
    _row("transcript_failed", "*", None, after="settle_down"),
    # Summaries. The user may have spoken before one is ready, so every state expects it.
    _row("summarise_pressed", "*", None, after="summarise_now"),
    _row("summary_requested", _IDLE, _SUMMARISING),
    _row("summary_ready", _SUMMARISING, _IDLE, after="settle_down"),
    _row("summary_ready", "*", None, after="settle_down"),
    _row("summary_failed", _SUMMARISING, _IDLE, after="settle_down"),
    _row("restore_pressed", "*", None, after="restore"),
    _row("memory_edited", "*", None, after="settle_down"),
    _row("turn_corrected", "*", None, after="correct_memory"),
    _row("fact_changed", "*", None, after="settle_down"),
    # Each acknowledgement lets the compaction under way take its next step.
    *(
        _row(trigger, "*", None, after="settle_down")
        for trigger in (
            "pruning_valued",
            "textify_requested",
            "tool_pruning_requested",
            "restore_requested",
            "voice_repair_requested",
            "item_placed",
            "item_deleted",
            "delete_refused",
        )
    ),
    _row("item_refused", "*", None, before="tell_refused_image", after="settle_down"),
    # Time: the prompt cache is cold, a pruning at fixed intervals is due, or a reply is overdue.
    _row("time_passed", "*", None, after="check_time"),
    # The connection. A new server session is seeded with what was said.
    _row("connection_opened", "*", None, after="seed"),
    # A reply is still played as far as its audio was received. A turn that the user began with the
    # talk key ends when the user releases the key.
    _row("connection_lost", _SPEAKING, None, after="stop_waiting"),
    _row("connection_lost", _LISTENING, None, conditions="key_is_held", after="stop_waiting"),
    _row("connection_lost", [*QUIET, _LISTENING, _AWAITING], _IDLE, after="stop_waiting"),
]


@cache
def live_triggers(state: State) -> frozenset[str]:
    """The triggers that matter in this state, by the table. The footer shows the keys of these."""
    return frozenset(row["trigger"] for row in TRANSITIONS if state in _sources(row))


@cache
def next_states(state: State) -> tuple[State, ...]:
    """The other states to which the table has a transition from this one, in their usual order."""
    dests = {row["dest"] for row in TRANSITIONS if state in _sources(row)}
    return tuple(other for other in State if other in dests and other is not state)


def _sources(row: dict[str, Any]) -> list[State]:
    source = row["source"]
    if source == "*":
        return list(State)
    return source if isinstance(source, list) else [source]


def diagram() -> str:
    """The table as a Mermaid state diagram. Rows that keep the state are left out, and rows with
    the same arrow are merged.
    """
    arrows: dict[tuple[State, State], dict[str, None]] = {}
    for row in TRANSITIONS:
        for source in _sources(row):
            dest = row["dest"]
            if dest is None or dest is source:
                continue
            label = row["trigger"].replace("_", " ")
            arrows.setdefault((source, dest), {})[label] = None
    lines = ["stateDiagram-v2", "    [*] --> idle"]
    lines += [f'    state "{state.value}" as {state.name.lower()}' for state in State]
    lines += [
        f"    {source.name.lower()} --> {dest.name.lower()}: {', '.join(labels)}"
        for (source, dest), labels in arrows.items()
    ]
    return "\n".join(lines)
