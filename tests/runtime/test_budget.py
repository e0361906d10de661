"""The cost limit pauses the session each time that it is reached again."""

from msgspec import structs

from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.ledger import Ledger, Spent
from tui_voice.conversation.situation import MicrophoneState, Situation
from tui_voice.conversation.states import State
from tui_voice.runtime.budget import Budget


def _at(usd: float, *, open_microphone: bool = True) -> Snapshot:
    ledger = structs.replace(Ledger(), spent=Spent(replies=usd))
    return Snapshot(State.IDLE, ledger, Situation(microphone=MicrophoneState(open=open_microphone)))


def test_the_session_is_paused_once_at_each_multiple_of_the_limit() -> None:
    budget = Budget(0.5)
    assert budget.exceeded(_at(0.1)) == []
    first = budget.exceeded(_at(0.52))
    assert isinstance(first[0], e.TalkReleased)
    assert first[1] == e.CostLimitReached(usd=0.52, limit_usd=0.5)
    assert isinstance(first[2], e.Noticed)
    assert "$0.52" in first[2].text
    assert budget.exceeded(_at(0.9)) == []
    assert len(budget.exceeded(_at(1.7, open_microphone=False))) == 2
    assert budget.exceeded(_at(1.9)) == []


def test_what_an_earlier_run_cost_does_not_pause_a_resumed_session() -> None:
    assert Budget(0.5).exceeded(_at(3.2)) == []


def test_without_a_limit_there_is_no_pause() -> None:
    assert Budget(None).exceeded(_at(1e6)) == []
