"""The simulation against the figures that were computed apart from it, and against the goals."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits, check_limits, default_limits
from tui_voice.conversation.reducers import fold
from tui_voice.lab.exchanges import (
    CALLS,
    CUT,
    LATE,
    Exchange,
    exchanges_of,
    invented,
    text_of_tokens,
)
from tui_voice.lab.fake_server import CountedItem, FakeServer
from tui_voice.lab.simulate import Setup, SimulationResult, compare, simulate
from tui_voice.languages.token_estimate import estimate_text_tokens

REFERENCE = Setup(transcriber="gpt-4o-mini-transcribe", overhead=0)
SESSION = [Exchange()] * 200


@pytest.mark.parametrize(
    ("limits", "usd", "mean_window", "verbatim"),
    [
        (Limits(4_000, 24, policy="thrift"), 4.35, 2_975, 12),
        (Limits(policy="textify"), 4.79, 9_435, 200),
        (Limits(2_000, 2, policy="notebook"), 6.03, 1_484, 1),
        (Limits(8_000, 2, policy="notebook"), 6.09, 4_400, 1),
        (Limits(20_000, 2, policy="notebook"), 6.54, 10_264, 1),
        (Limits(policy="none"), 8.75, 38_290, 200),
        (Limits(8_000, policy="server"), 11.87, 6_997, 16),
    ],
    ids=lambda value: f"{value.policy}-{value.trigger}" if isinstance(value, Limits) else None,
)
def test_costs_agree_with_the_independent_table(
    limits: Limits, usd: float, mean_window: int, verbatim: int
) -> None:
    found = simulate(SESSION, limits, REFERENCE)
    assert found.floor_usd == pytest.approx(3.98, rel=0.01)
    assert found.usd == pytest.approx(usd, rel=0.03)
    assert found.mean_window == pytest.approx(mean_window, rel=0.08)
    assert found.verbatim_min == verbatim


def test_prices_of_the_small_model_agree_too() -> None:
    setup = Setup(model="gpt-realtime-2.1-mini", transcriber="gpt-4o-mini-transcribe", overhead=0)
    found = {
        limits.policy: simulate(SESSION, limits, setup)
        for limits in (
            Limits(4_000, 24, policy="thrift"),
            Limits(2_000, 2, policy="notebook"),
            Limits(policy="none"),
        )
    }
    assert found["thrift"].floor_usd == pytest.approx(1.23, rel=0.01)
    assert found["thrift"].usd == pytest.approx(1.31, rel=0.03)
    assert found["notebook"].usd == pytest.approx(1.93, rel=0.05)
    assert found["none"].usd == pytest.approx(3.74, rel=0.03)


@cache
def _hour(policy: str, model: str, hours: float = 1.0, hit: float = 1.0) -> SimulationResult:
    limits = default_limits(model, policy)
    assert check_limits(limits) is None
    return simulate(invented(hours), limits, Setup(model=model, cache_hit=hit))


@pytest.mark.parametrize("model", ["gpt-realtime-2.1", "gpt-realtime-2.1-mini"])
def test_thrift_stays_near_the_floor_and_keeps_ten_exchanges(model: str) -> None:
    found = _hour("thrift", model)
    assert found.of_floor <= 1.15
    assert found.verbatim_min >= 10
    assert found.prunings > 1
    assert _hour("thrift", model, hit=0.5).of_floor < 1.3


@pytest.mark.parametrize("model", ["gpt-realtime-2.1", "gpt-realtime-2.1-mini"])
def test_balanced_keeps_sound_and_stays_below_its_bound(model: str) -> None:
    found = _hour("balanced", model)
    assert found.of_floor <= 1.4
    sound = [t for t in found.ledger.held() if t.modality == "audio"]
    questions = [t for t in sound if t.role == "user"]
    assert len(sound) > 2 * len(questions), (
        "questions only until their transcripts have come and textifying pays"
    )


@pytest.mark.parametrize("policy", ["thrift", "balanced", "notebook"])
def test_an_hour_costs_the_same_in_the_third_as_in_the_second(policy: str) -> None:
    found = _hour(policy, "gpt-realtime-2.1", hours=3)
    spent = {0: (0.0, 0.0)}
    for point in found.points:
        spent[int(point.at // 3600) + 1] = point.usd, point.floor_usd
    hourly = [
        (spent[hour + 1][0] - spent[hour][0]) / (spent[hour + 1][1] - spent[hour][1])
        for hour in (1, 2)
    ]
    assert hourly[1] == pytest.approx(hourly[0], rel=0.02), "each by what its own replies cost"
    assert found.truncations == 0


def test_a_session_without_pruning_costs_more_each_hour_and_is_truncated() -> None:
    found = _hour("none", "gpt-realtime-2.1", hours=3)
    assert found.usd > 8 * _hour("none", "gpt-realtime-2.1").usd
    assert found.truncations > 0


@pytest.mark.parametrize("policy", ["thrift", "balanced"])
@pytest.mark.parametrize("model", ["gpt-realtime-2.1", "gpt-realtime-2.1-mini"])
def test_the_default_trigger_is_near_the_best_one(policy: str, model: str) -> None:
    chosen = _hour(policy, model).usd
    limits = default_limits(model, policy)
    tried = [
        simulate(
            invented(1), Limits(trigger, limits.keep, policy=limits.policy), Setup(model=model)
        )
        for trigger in range(3_000, 9_000, 1_000)
    ]
    assert chosen <= 1.05 * min(outcome.usd for outcome in tried)


def test_cache_misses_lower_the_trigger() -> None:
    sure, unsure = (_hour("thrift", "gpt-realtime-2.1", hit=hit) for hit in (1.0, 0.5))
    assert unsure.peak_window < sure.peak_window
    assert any("forgets" in c.cause for c in unsure.ledger.compactions)


def test_after_a_long_pause_it_prunes_while_the_cache_is_cold() -> None:
    session = [Exchange()] * 14 + [Exchange(pause=600.0)] + [Exchange()] * 3
    limits = default_limits("gpt-realtime-2.1", "thrift", keep=10)
    found = simulate(session, limits)
    assert [c.cause for c in found.ledger.compactions if c.kind == "summary"] == [
        "a pause: the cache is cold anyway"
    ]


def test_typed_turns_and_text_replies_are_counted_as_text() -> None:
    session = [Exchange(user_ms=0, assistant_ms=0)] * 5
    found = simulate(session, Limits(policy="none"))
    assert found.ledger.usage.input_audio == 0
    assert found.ledger.usage.output_audio == 0
    assert found.usd == pytest.approx(found.floor_usd, rel=0.9)
    assert found.usd > found.floor_usd


def test_a_saved_session_is_repeated_with_its_lengths_and_pauses() -> None:
    once = [Exchange(4_000, 12, 9_000, 40), Exchange(2_000, 6, 3_000, 15, pause=30.0)]
    ledger = simulate(once, Limits(policy="none")).ledger
    assert list(exchanges_of(ledger)) == once
    again = list(exchanges_of(ledger, hours=0.1))
    assert again[:4] == once * 2
    assert sum(exchange.seconds for exchange in again) <= 360 < sum(e.seconds for e in again) + 48
    assert not list(exchanges_of(simulate([], Limits()).ledger, hours=1))


def test_a_session_without_audio_takes_time_too() -> None:
    typed = simulate([Exchange(user_ms=0, assistant_ms=0)] * 3, Limits(policy="none")).ledger
    again = list(exchanges_of(typed, hours=0.1))
    assert 3 < len(again) < 400
    assert Exchange(0, 0, 0, 0).seconds == 1.0


def test_a_greeting_before_the_first_question_is_no_exchange() -> None:
    greeted = fold(
        [
            e.TurnAdded(item_id="a0", role="assistant", text="Hello!"),
            e.ToolCalled(item_id="f", call_id="c", tool="look", arguments="{}"),
            e.TextSubmitted(item_id="t", text="Hi."),
            e.TurnAdded(item_id="a1", role="assistant", text="What is it?"),
        ]
    )
    assert len(list(exchanges_of(greeted))) == 1


def test_the_same_session_is_run_under_several_limits() -> None:
    found = compare([Exchange()] * 12, [Limits(policy="none"), Limits(900, 2, policy="notebook")])
    assert [one.policy for one in found] == ["none", "notebook"]
    assert found[0].peak_window > found[1].peak_window


def test_an_empty_session_costs_nothing() -> None:
    found = simulate([], Limits())
    assert (found.usd, found.peak_window, found.of_floor, found.verbatim_min) == (0, 0, 1.0, 0)


def test_words_have_the_wanted_number_of_tokens() -> None:
    assert [estimate_text_tokens(text_of_tokens(n)) for n in range(1, 400)] == list(range(1, 400))


def test_the_window_never_jumps_between_points() -> None:
    """Turns are pruned between replies; a reply adds at most its own exchange."""
    found = _hour("thrift", "gpt-realtime-2.1")
    steps = [b.window - a.window for a, b in pairwise(found.points)]
    assert max(steps) < 600


def _agree(outcome: SimulationResult, items: Sequence[CountedItem]) -> None:
    """Ledger and server hold the same items in the same order, with about the same tokens."""
    ledger = outcome.ledger
    ours = [turn.wire_id for turn in ledger.held()]
    if ledger.memory_id:
        ours.insert(0, ledger.memory_id)
    assert ours == [item.id for item in items]
    theirs = Setup().fixed + sum(item.tokens for item in items)
    assert ledger.window.total == pytest.approx(theirs, rel=0.05, abs=20)


class TestIrregularExchanges:
    """Interrupted replies, late transcripts and function calls pass the real conversation."""

    def test_the_same_seed_gives_the_same_session(self) -> None:
        assert list(invented(1, seed=7)) == list(invented(1, seed=7)) != list(invented(1, seed=8))
        assert set(invented(1, seed=0)) == {Exchange()}

    def test_each_irregularity_is_as_frequent_as_stated(self) -> None:
        session = list(invented(3))
        for found, one_in in (
            (sum(one.cut_ms is not None for one in session), CUT),
            (sum(one.late > 0 for one in session), LATE),
            (sum(one.call_tokens > 0 for one in session), CALLS),
        ):
            assert found == pytest.approx(len(session) / one_in, rel=0.3)
        assert any(one.generated_share < 1 for one in session), (
            "interrupted while it was still generated"
        )
        assert any(one.generated_share == 1 and one.cut_ms is not None for one in session)
        assert sum(one.seconds for one in session) == pytest.approx(3 * 3600, abs=30)

    def test_the_ledger_has_how_much_of_an_interrupted_reply_was_played(self) -> None:
        session = [Exchange(), Exchange(cut_ms=1_500), Exchange(cut_ms=9_000), Exchange()]
        ledger = simulate(session, Limits(policy="none")).ledger
        replies = [turn for turn in ledger.turns if turn.role == "assistant"]
        assert [turn.heard_ms for turn in replies] == [None, 1_500, 9_000, None]
        assert [turn.audio_ms for turn in replies] == [12_000, 6_000, 12_000, 12_000]
        assert ledger.usage.output_audio == sum(turn.audio_ms for turn in replies) // 50

    def test_an_interrupted_reply_at_the_end_or_before_a_pause_is_stopped(self) -> None:
        session = [Exchange(cut_ms=2_000), Exchange(cut_ms=3_500, pause=60.0)]
        ledger = simulate(session, Limits(policy="thrift")).ledger
        replies = [turn for turn in ledger.turns if turn.role == "assistant"]
        assert [turn.heard_ms for turn in replies] == [2_000, 3_500]
        assert {turn.modality for turn in ledger.held()} == {"text"}

    def test_a_question_stays_audio_until_its_late_transcript_comes(self) -> None:
        quick, late = Exchange(assistant_ms=4_000), Exchange(assistant_ms=4_000, late=9.0)
        found = simulate([quick, late, quick, quick], Limits(policy="thrift"))
        causes = [(c.kind, c.cause) for c in found.ledger.compactions]
        assert len([kind for kind, _ in causes if kind == "textify"]) >= 4
        second = next(turn for turn in found.ledger.turns if turn.id == "u1")
        assert (second.modality, second.text) == ("text", text_of_tokens(30, "said"))
        textified_at = [c.at for c in found.ledger.compactions if "u1" in c.turns]
        assert textified_at
        assert textified_at[0] >= second.at + 8.0 + 9.0

    def test_a_function_call_makes_a_second_response(self) -> None:
        plain = simulate([Exchange()] * 2, Limits(policy="none"))
        called = Exchange(call_tokens=20, output_tokens=100)
        found = simulate([called, Exchange()], Limits(policy="none"))
        assert found.ledger.replies == plain.ledger.replies + 1
        roles = [turn.role for turn in found.ledger.turns]
        assert roles == ["user", "tool", "tool", "assistant", "user", "assistant"]
        assert found.floor_usd > plain.floor_usd
        assert found.verbatim_min == plain.verbatim_min

    def test_function_calls_do_not_count_as_kept_turns(self) -> None:
        """A function call between two turns takes the place of neither."""
        called = Exchange(call_tokens=10, output_tokens=20)
        for limits in (Limits(2_000, 2, policy="notebook"), Limits(1_500, 8, policy="thrift")):
            found = simulate([called] * 60, limits)
            assert found.prunings
            assert found.verbatim_min >= limits.keep // 2

    @settings(max_examples=25, deadline=None)
    @given(
        seed=st.integers(1, 10_000),
        limits=st.builds(
            Limits,
            trigger=st.sampled_from([900, 1_800, 4_000]),
            keep=st.integers(0, 12),
            policy=st.sampled_from(["balanced", "thrift", "notebook", "textify"]),
            usable=st.sampled_from([4_000, 96_000]),
        ),
        hit=st.sampled_from([1.0, 0.5, 0.0]),
    )
    def test_ledger_and_server_agree_after_every_session(
        self, seed: int, limits: Limits, hit: float
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            servers: list[FakeServer] = []

            def remember(**given: Any) -> FakeServer:
                servers.append(FakeServer(**given))
                return servers[-1]

            patch.setattr("tui_voice.lab.simulate.FakeServer", remember)
            session = list(invented(0.3, seed=seed))
            found = simulate(session, limits, Setup(cache_hit=hit))
        assert sum(turn.role == "user" for turn in found.ledger.turns) == len(session)
        assert all(turn.words == "done" for turn in found.ledger.turns)
        assert found.ledger.compaction is None
        assert not found.truncations
        _agree(found, servers[0].items)

    def test_a_repeated_session_has_the_same_irregularities(self) -> None:
        session = [replace(one, late=0.0) for one in invented(0.5)]
        again = list(exchanges_of(simulate(session, Limits(policy="none")).ledger))
        assert [one.cut_ms for one in again] == [one.cut_ms for one in session]
        assert [one.output_tokens for one in again] == [one.output_tokens for one in session]
        assert [one.generated_ms for one in again] == [one.generated_ms for one in session]
