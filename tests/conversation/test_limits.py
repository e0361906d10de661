"""Limits: when to check again, default limits, and limits that make no sense."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.conversation.conversation_harness import MODEL
from tests.conversation.sessions_harness import spoken_session
from tui_voice.conversation import events as e
from tui_voice.conversation.estimates import (
    AUDIO_TURN_TOKENS,
    MIXED_TURN_TOKENS,
    TEXT_TURN_TOKENS,
)
from tui_voice.conversation.limits import (
    MIN_SUMMARY_TOKENS,
    MIN_TURN_TOKENS,
    Limits,
    check_limits,
    default_limits,
    refuse,
)
from tui_voice.conversation.payback import cheapest_regrowth
from tui_voice.conversation.planning import next_check_at
from tui_voice.conversation.prices import PRICES
from tui_voice.conversation.reducers import fold


class TestNextCheck:
    def test_the_next_check_is_at_a_cold_cache_or_at_the_interval(self) -> None:
        ledger = spoken_session(2)
        limits = Limits(policy="thrift", cold_after=300.0)
        assert next_check_at(ledger, limits) == ledger.recent_replies[-1].at + 300
        assert next_check_at(ledger, Limits(policy="none")) is None
        assert next_check_at(ledger, Limits(policy="notebook")) is None
        timed = replace(limits, every=60.0)
        assert next_check_at(ledger, timed) == next(iter(ledger.turns)).at + 60
        assert next_check_at(fold([e.TimePassed(at=1e6)], ledger), timed) is None
        assert next_check_at(fold([e.ConnectionOpened()]), timed) is None
        empty = structs.replace(ledger, turns=fold([]).turns)
        assert next_check_at(empty, timed) == ledger.at + 60


class TestLimits:
    @pytest.mark.parametrize(
        ("limits", "expected"),
        [
            (Limits(500, 2, policy="notebook"), "every turn would be pruned: raise it"),
            (Limits(3_000, 20, policy="notebook"), "keep at most 12 turns"),
            (Limits(97_000), "trigger 97,000 is never reached"),
            (Limits(4_000, 12, messages=13), "messages 13 is too few"),
        ],
    )
    def test_limits_that_fit_no_usual_session_are_reported(
        self, limits: Limits, expected: str
    ) -> None:
        assert expected in (check_limits(limits) or "")

    @pytest.mark.parametrize(
        "limits",
        [
            Limits(),
            Limits(2_000, 2, policy="notebook"),
            Limits(10, 500, policy="none"),
            Limits(10, 500, policy="server"),
            Limits(10, policy="textify"),
            Limits(4_000, 12, messages=14),
        ],
    )
    def test_sensible_limits_pass(self, limits: Limits) -> None:
        assert check_limits(limits) is None
        assert refuse(limits, 167) is None

    @pytest.mark.parametrize(
        ("limits", "setting", "reason", "remedy"),
        [
            (Limits(246, 2), "trigger", "weigh at least 247", "Set the trigger to 247 or more"),
            (Limits(230, 9), "trigger", "9 kept turns", "or keep at most 1 turn."),
            (Limits(190, 2), "trigger", "instructions (167 tokens)", "247 or more."),
            (Limits(96_001), "trigger", "from 96,000 tokens on", "to 72,000 or less"),
            (Limits(9_000, 8, policy="server", usable=8_000), "trigger", "never", "6,000 or less"),
            (Limits(72_000, 5_000), "keep", "at least 125,197", "at most 2,872 turns"),
            (Limits(4_000, 12, messages=13), "messages", "12 turns are kept", "at least 14"),
        ],
    )
    def test_limits_that_fit_no_session_are_refused_with_a_remedy(
        self, limits: Limits, setting: str, reason: str, remedy: str
    ) -> None:
        found = refuse(limits, 167)
        assert found is not None
        assert found.setting == setting
        assert reason in found.reason
        assert remedy in found.remedy

    def test_the_remedies_pass(self) -> None:
        assert refuse(Limits(247, 2), 167) is None
        assert refuse(Limits(230, 1), 167) is None
        assert refuse(Limits(450, 2), 53) is None
        assert refuse(Limits(72_000, 2_872), 167) is None
        assert refuse(Limits(4_000, 12, messages=14), 167) is None

    @given(trigger=st.integers(1, 90_000), keep=st.integers(0, 3_000), fixed=st.integers(0, 9_000))
    def test_a_trigger_is_refused_exactly_if_it_is_below_the_lightest_session(
        self, trigger: int, keep: int, fixed: int
    ) -> None:
        """The lightest session has the shortest summary and the shortest turns."""
        limits = Limits(trigger, keep)
        least = fixed + MIN_SUMMARY_TOKENS + keep * MIN_TURN_TOKENS
        assert (refuse(limits, fixed) is None) == (least <= min(trigger, limits.ceiling))

    @pytest.mark.parametrize("model", [*PRICES.models, "unknown-model"])
    @pytest.mark.parametrize("name", ["balanced", "thrift", "notebook", "textify"])
    def test_the_default_limits_pass_for_every_model(self, model: str, name: str) -> None:
        limits = default_limits(model, name)
        assert check_limits(limits) is None
        assert limits.trigger <= limits.ceiling
        assert limits.price.text_in > 0

    def test_the_policy_notebook_has_the_figures_of_the_cookbook(self) -> None:
        limits = default_limits(MODEL, "notebook")
        assert (limits.trigger, limits.keep) == (2_000, 2)
        assert default_limits(MODEL, keep=4).keep == 4
        assert default_limits(MODEL, "server").trigger == 8_000
        assert default_limits(MODEL, "thrift").keep >= 20

    def test_the_cheapest_regrowth(self) -> None:
        price = PRICES.models[MODEL]
        cached = cheapest_regrowth(price, 2_000, 90)
        assert cheapest_regrowth(price, 2_000, 90, hit_rate=0.5) < cached
        assert cheapest_regrowth(replace(price, text_cached=0.0), 2_000, 90) == 2_000
        assert cheapest_regrowth(price, 0, 90) > 0
        assert TEXT_TURN_TOKENS < MIXED_TURN_TOKENS < AUDIO_TURN_TOKENS
