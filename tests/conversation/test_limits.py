"""Limits: triggers beside the full window, when to look again, and settings that make no sense."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conversation.world import MODEL, World
from tui_voice.conversation import events as e
from tui_voice.conversation.folding import fold
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits, best_span, check, default_limits, turn_tokens
from tui_voice.conversation.policy import judge, next_look, plan
from tui_voice.conversation.prices import PRICES
from tui_voice.conversation.turns import ITEM_OVERHEAD, estimate_text_tokens

NOTEBOOK = Limits(1_000, 2, policy="notebook")


def talk(exchanges: int, *more: e.Event, at: float = 0.0, ms: int = 5_000) -> Ledger:
    """A spoken talk that nobody pruned, on a line, its last reply just heard."""
    events: list[e.Event] = [
        e.TalkOpened(id="t", started="2026-01-01T00:00:00+00:00", backend="b", model=MODEL),
        e.LinkOpened(),
    ]
    text, audio = 200, 0
    cached = (0, 0)
    words = "more words " * 5
    for n in range(exchanges):
        at += 10
        text, audio = text + ITEM_OVERHEAD, audio + ms // 100
        usage = e.Usage(
            input_text=text,
            input_audio=audio,
            cached_text=cached[0],
            cached_audio=cached[1],
            output_text=ITEM_OVERHEAD + estimate_text_tokens(words),
            output_audio=ms // 50,
        )
        cached = text, audio
        events += [
            e.SpeechStarted(item_id=f"u{n}", at=at),
            e.SpeechStopped(item_id=f"u{n}", at=at, audio_ms=ms),
            e.TranscriptDone(item_id=f"u{n}", at=at, text="some words " * 3),
            e.TurnAdded(item_id=f"a{n}", at=at, role="assistant", previous_item_id=f"u{n}"),
            e.AudioReceived(item_id=f"a{n}", at=at, audio_ms=ms),
            e.TranscriptDone(item_id=f"a{n}", at=at, text=words),
            e.ResponseDone(response_id=f"r{n}", at=at, usage=usage, usd=0.01),
            e.PlaybackFinished(item_id=f"a{n}", at=at),
        ]
        text, audio = text + usage.output_text, audio + usage.output_audio
    return fold([*events, *more])


def ids(ledger: Ledger, limits: Limits, forced: bool = False) -> list[str]:
    found = plan(ledger, limits, forced=forced)
    return [] if found is None else [turn.id for turn in found.turns]


class TestTrigger:
    def test_kept_turns_above_the_trigger_are_told_once_and_not_pruned_each_time(self) -> None:
        world = World(Limits(500, 6, policy="notebook"))
        for _ in range(12):
            world.exchange()
        told = [n for n in world.ledger.notices if "kept turns weigh nearly" in n.text]
        assert len(told) == 1
        prunings = [c for c in world.ledger.compactions if c.kind == "summary"]
        assert 0 < len(prunings) < 6
        world.agrees()

    def test_instructions_above_the_trigger_are_named(self) -> None:
        world = World(Limits(150, 0, policy="notebook"))
        for _ in range(4):
            world.exchange()
        assert any("instructions alone" in n.text for n in world.ledger.notices)

    def test_it_waits_while_pruning_would_lose_money(self) -> None:
        world = World(Limits(800, 10, policy="thrift"))
        reasons = set()
        for _ in range(30):
            world.exchange()
            reasons.add(judge(world.ledger, world.limits).reason)
        assert "pruning now would cost more than it saves" in reasons
        assert world.ledger.memory, "but not for ever"

    def test_where_nothing_costs_it_does_not_wait(self) -> None:
        free = default_limits("local", "thrift")
        assert free.free
        world = World(replace(free, trigger=800, keep=10))
        for _ in range(30):
            world.exchange()
            assert "cost" not in judge(world.ledger, world.limits).reason
        assert world.ledger.memory

    def test_a_short_talk_is_expected_to_have_a_short_summary(self) -> None:
        """So that a low trigger does what it says."""
        world = World(Limits(450, 2, policy="notebook"))
        for _ in range(4):
            world.exchange()
        assert world.ledger.compactions[0].tokens_before < 900


class TestNextLook:
    def test_the_cold_cache_and_the_clock(self) -> None:
        ledger = talk(2)
        limits = Limits(policy="thrift", cold_after=300.0)
        assert next_look(ledger, limits) == ledger.recent[-1].at + 300
        assert next_look(ledger, Limits(policy="none")) is None
        assert next_look(ledger, Limits(policy="notebook")) is None
        timed = replace(limits, every=60.0)
        assert next_look(ledger, timed) == next(iter(ledger.turns)).at + 60
        assert next_look(fold([e.TimePassed(at=1e6)], ledger), timed) is None
        assert next_look(fold([e.LinkOpened()]), timed) is None
        empty = replace(ledger, turns=fold([]).turns)
        assert next_look(empty, timed) == ledger.at + 60


class TestLimits:
    @pytest.mark.parametrize(
        ("limits", "told"),
        [
            (Limits(500, 2, policy="notebook"), "every turn would be pruned: raise it"),
            (Limits(3_000, 20, policy="notebook"), "keep at most 12 turns"),
            (Limits(97_000), "never reached"),
            (Limits(4_000, 12, messages=13), "at least 14"),
        ],
    )
    def test_nonsense_is_refused_with_the_remedy(self, limits: Limits, told: str) -> None:
        assert told in (check(limits) or "")

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
    def test_sense_passes(self, limits: Limits) -> None:
        assert check(limits) is None

    @pytest.mark.parametrize("model", [*PRICES.models, "unknown-model"])
    @pytest.mark.parametrize("name", ["balanced", "thrift", "notebook", "textify"])
    def test_defaults_make_sense_for_every_model(self, model: str, name: str) -> None:
        limits = default_limits(model, name)  # type: ignore[arg-type]  # a policy's name
        assert check(limits) is None
        assert limits.trigger <= limits.ceiling
        assert limits.weights.text_in > 0

    def test_the_notebook_is_the_cookbooks(self) -> None:
        limits = default_limits(MODEL, "notebook")
        assert (limits.trigger, limits.keep) == (2_000, 2)
        assert default_limits(MODEL, keep=4).keep == 4
        assert default_limits(MODEL, "thrift").keep >= 20

    def test_spans(self) -> None:
        price = PRICES.models[MODEL]
        assert best_span(price, 2_000, 90, hit=0.5) < best_span(price, 2_000, 90)
        assert best_span(replace(price, text_cached=0.0), 2_000, 90) == 2_000
        assert best_span(price, 0, 90) > 0
        assert turn_tokens("thrift") < turn_tokens("balanced") < turn_tokens("notebook")
