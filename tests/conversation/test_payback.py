"""What a compaction is worth, against figures computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from msgspec import structs

from tests.conversation.conversation_harness import MODEL, ConversationHarness
from tests.conversation.sessions_harness import spoken_session
from tui_voice.conversation import events as e
from tui_voice.conversation import payback
from tui_voice.conversation.estimates import REQUEST_TOKENS, SECONDS_PER_REPLY, SUMMARY_TOKENS
from tui_voice.conversation.ledger import Compaction, Ledger, Reply
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.payback import cache_hit_rate, seconds_per_reply, usd_per_hour
from tui_voice.conversation.plan import Plan
from tui_voice.conversation.planning import plan_compaction
from tui_voice.conversation.policies import POLICIES
from tui_voice.conversation.prices import PRICES, Price, PriceTable, merge
from tui_voice.conversation.reducers import fold
from tui_voice.conversation.turns import ITEM_OVERHEAD
from tui_voice.languages.token_estimate import estimate_text_tokens


def payback_of(
    ledger: Ledger,
    work: Plan | Compaction,
    model: str = MODEL,
    table: PriceTable = PRICES,
) -> payback.Payback:
    """The payback at the prices of `model` in `table`, with the summary model's own price."""
    price, writer = table.find(model), table.find(payback.SUMMARY_MODEL)
    assert price is not None
    assert writer is not None
    return payback.payback_of(ledger, work, price, writer)


def with_replies(*replies: Reply) -> Ledger:
    return structs.replace(Ledger(model=MODEL), recent_replies=replies)


def reply(at: float, expected: int = 0, cached: int = 0, usd: float | None = 0.02) -> Reply:
    return Reply(at, e.Usage(input_text=4_000, cached_text=cached), usd, expected)


class TestHitRate:
    def test_it_counts_as_1_until_it_is_known(self) -> None:
        assert cache_hit_rate(Ledger()) == 1.0
        assert (
            cache_hit_rate(with_replies(reply(0), reply(10, 2_000, 0), reply(20, 2_000, 0))) == 1.0
        )

    def test_misses_in_half_of_the_replies_are_a_rate_of_one_half(self) -> None:
        found = with_replies(
            reply(0), *(reply(10.0 * n, 2_000, 2_000 * (n % 2)) for n in range(1, 9))
        )
        assert cache_hit_rate(found) == 0.5

    def test_replies_after_a_pause_and_small_windows_do_not_count(self) -> None:
        found = with_replies(
            reply(0, 2_000, 0),  # the first: nothing to compare it with
            *(reply(10.0 * n, 2_000, 1_950) for n in range(1, 5)),
            reply(1_000, 2_000, 0),  # after a pause
            reply(1_010, 300, 0),  # too little to be cached
        )
        assert cache_hit_rate(found) == 1.0


class TestPace:
    def test_seconds_per_reply_leave_pauses_out(self) -> None:
        found = with_replies(*(reply(at) for at in (0.0, 20.0, 50.0, 2_000.0, 2_010.0)))
        assert seconds_per_reply(found) == pytest.approx(20.0)
        assert seconds_per_reply(Ledger()) == SECONDS_PER_REPLY

    def test_usd_per_hour(self) -> None:
        found = with_replies(*(reply(20.0 * n, usd=0.03) for n in range(5)))
        assert usd_per_hour(found) == pytest.approx(0.03 * 180)
        assert usd_per_hour(with_replies(reply(0))) is None
        assert usd_per_hour(with_replies(reply(0), reply(20, usd=None), reply(40))) is None

    def test_tokens_per_exchange(self) -> None:
        assert payback.tokens_per_exchange(Ledger(), textified=True) == 100.0
        spoken = spoken_session(4)
        weights = [turn.tokens for turn in spoken.held()]
        assert payback.tokens_per_exchange(spoken, textified=False) == 2 * sum(weights) / len(
            weights
        )
        assert payback.tokens_per_exchange(spoken, textified=True) < payback.tokens_per_exchange(
            spoken, textified=False
        )
        opened = fold([e.SpeechStarted(item_id="open")], spoken)
        assert payback.tokens_per_exchange(opened, False) == payback.tokens_per_exchange(
            spoken, False
        )


class TestSummary:
    def test_the_figures_of_a_summary(self) -> None:
        """Six spoken exchanges of 5 s a side. The last two turns stay. All is cached but the last
        reply. The prices are those of the full-size model.
        """
        ledger = spoken_session(6)
        turns = ledger.held()
        dropped, kept = turns[:-2], turns[-2:]
        found = payback_of(ledger, Plan("summary", tuple(dropped), ""))
        freed = sum(t.tokens for t in dropped) - SUMMARY_TOKENS
        assert found.freed == freed
        assert found.broken == kept[0].tokens
        saved = freed * 0.40 / 1e6
        assert found.usd_per_reply == pytest.approx(saved)
        question = kept[0]
        loses = (question.audio_tokens * (32 - 0.40) + question.text_tokens * (4 - 0.40)) / 1e6
        not_read = sum(t.tokens for t in dropped) * 0.40 / 1e6
        source = sum(t.as_text_tokens for t in dropped) + SUMMARY_TOKENS + REQUEST_TOKENS
        written = (source * 0.10 * 1.25 + SUMMARY_TOKENS * 0.50) / 1e6
        memory = SUMMARY_TOKENS * 4 / 1e6
        once = loses + written + memory - not_read
        assert found.usd_once == pytest.approx(once, rel=1e-6)
        assert found.replies_to_pay_back == pytest.approx(once / saved)
        assert found.usd_per_hour == pytest.approx(saved * 3600 / 10)

    def test_with_a_cold_cache_a_summary_pays_at_once(self) -> None:
        ledger = structs.replace(spoken_session(12), cacheable_prefix_tokens=0)
        found = payback_of(ledger, Plan("summary", tuple(ledger.held()[:-2]), ""))
        assert found.broken == 0
        assert found.usd_once < 0
        assert found.replies_to_pay_back == 0

    def test_a_summary_as_long_as_its_source_never_pays(self) -> None:
        ledger = spoken_session(2)
        found = payback_of(ledger, Plan("summary", (), ""))
        assert found.replies_to_pay_back is None

    def test_free_and_edited_prices(self) -> None:
        ledger = spoken_session(6)
        work = Plan("summary", tuple(ledger.held()[:-2]), "")
        raised = payback_of(ledger, work, table=merge(PRICES, {MODEL: {"audio_cached": 4.0}}))
        usual = payback_of(ledger, work)
        assert raised.usd_per_reply > usual.usd_per_reply
        free = payback_of(ledger, work, "local")
        assert free.usd_per_reply == 0
        assert free.replies_to_pay_back is None


class TestImages:
    """Images have prices of their own: 5 and 0.50 USD per million tokens here, text 4 and 0.40."""

    SHOWN = spoken_session(
        6,
        e.ImageAttached(item_id="i", file="a.png", sha256="0", size=1, width=1024, height=1024),
        e.ItemPlaced(item_id="i"),
    )

    def test_a_summary_that_frees_an_image_saves_its_price(self) -> None:
        turns = self.SHOWN.held()
        assert turns[-1].image_tokens == 765
        all_turns = payback_of(self.SHOWN, Plan("summary", tuple(turns), ""))
        others = payback_of(self.SHOWN, Plan("summary", tuple(turns[:-1]), ""))
        assert all_turns.freed - others.freed == 765 + ITEM_OVERHEAD
        assert all_turns.usd_per_reply - others.usd_per_reply == pytest.approx(
            (765 * 0.50 + ITEM_OVERHEAD * 0.40) / 1e6
        )

    @pytest.mark.parametrize("policy", ["notebook", "thrift"])
    def test_an_image_behind_a_summary_is_read_uncached_at_its_price(self, policy: str) -> None:
        """It stays an image, also where all audio becomes text."""
        shown = structs.replace(self.SHOWN, cacheable_prefix_tokens=self.SHOWN.window.total)
        work = Plan("summary", tuple(shown.held()[:-1]), "")
        usual, dear = (
            payback.payback_of(
                shown, work, price, payback.SUMMARY_PRICE, POLICIES[policy].kept_audio
            ).usd_once
            for price in (PRICES.models[MODEL], replace(PRICES.models[MODEL], image_in=15))
        )
        assert dear - usual == pytest.approx(765 * 10 / 1e6)


class TestTextify:
    def test_a_textify_at_the_end_breaks_nothing_and_pays_at_once(self) -> None:
        ledger = spoken_session(6)
        found = payback_of(ledger, Plan("textify", (ledger.held()[-1],), ""))
        last = ledger.held()[-1]
        assert found.broken == 0
        assert found.freed == last.tokens - last.as_text_tokens
        assert found.usd_once == pytest.approx(-last.audio_tokens * 32 / 1e6)

    def test_a_textify_further_back_breaks_the_cache_behind_it(self) -> None:
        ledger = spoken_session(6)
        turns = ledger.held()
        found = payback_of(ledger, Plan("textify", (turns[4],), ""))
        cached_behind = sum(t.tokens for t in turns[5:-1])
        assert found.broken == pytest.approx(cached_behind, abs=4)
        assert found.usd_once > 0
        assert found.replies_to_pay_back is not None
        assert found.replies_to_pay_back > 10


def usd_of_reading(price: Price, items: Sequence[tuple[float, float, float]]) -> float:
    """USD of reading (text, audio, share from the cache) in turn, by the list of prices."""
    usd = 0.0
    for text, audio, cached in items:
        usd += text * (cached * price.text_cached + (1 - cached) * price.text_in)
        usd += audio * (cached * price.audio_cached + (1 - cached) * price.audio_in)
    return usd / 1e6


@pytest.mark.parametrize("model", ["gpt-realtime-2.1", "gpt-realtime-2.1-mini"])
@pytest.mark.parametrize("policy", ["notebook", "balanced", "thrift"])
class TestRecorded:
    """The value that is recorded with each pruning, against a computation by hand."""

    def pruned(
        self, policy: str, model: str, kind: str
    ) -> tuple[ConversationHarness, Ledger, e.PruningValued]:
        """Returns a session, its ledger right before the first pruning of a kind, and its value."""
        price = PRICES.models[model]
        harness = ConversationHarness(Limits(900, 2, policy=policy, price=price))
        while not any(c.kind == kind and c.worth for c in harness.ledger.compactions):
            harness.exchange()
        valued = next(
            event
            for event in harness.events
            if isinstance(event, e.PruningValued)
            and event.compaction_id.startswith("memory" if kind == "summary" else "text")
        )
        return harness, fold(harness.events[: harness.events.index(valued)]), valued

    def shares(self, ledger: Ledger) -> dict[str, float]:
        """Returns the share of each turn that lies in the cached prefix."""
        place, found = ledger.fixed_tokens + ledger.memory_tokens, {}
        for turn in ledger.held():
            inside = min(turn.tokens, max(0, ledger.cacheable_prefix_tokens - place))
            found[turn.id] = inside / turn.tokens
            place += turn.tokens
        return found

    def test_a_summary(self, policy: str, model: str) -> None:
        _, ledger, valued = self.pruned(policy, model, "summary")
        price, done = PRICES.models[model], ledger.compactions[-1]
        shares, held = self.shares(ledger), ledger.held()
        dropped = [turn for turn in held if turn.id in done.turns]
        kept = [turn for turn in held if turn.id not in done.turns]
        memory = estimate_text_tokens(done.summary) + ITEM_OVERHEAD
        as_text = {"notebook": set(), "thrift": {turn.id for turn in kept}}.get(policy)
        if as_text is None:  # balanced: the newest reply may stay audio
            stays = POLICIES["balanced"].kept_audio
            assert stays is not None
            now_cold = structs.replace(ledger, cacheable_prefix_tokens=0)
            as_text = {turn.id for turn in kept} - stays(now_cold, kept)
        before = usd_of_reading(
            price, [(t.text_tokens, t.audio_tokens, shares[t.id]) for t in held]
        )
        after = usd_of_reading(
            price,
            [(memory, 0, 0.0)]
            + [
                (t.as_text_tokens, 0, 0.0)
                if t.id in as_text
                else (t.text_tokens, t.audio_tokens, 0.0)
                for t in kept
            ],
        )
        assert valued.usd_once == pytest.approx(after - before + (done.usd or 0), abs=1e-8)
        text = sum(t.text_tokens for t in dropped) - memory
        audio = sum(t.audio_tokens for t in dropped)
        assert valued.freed == text + audio
        assert valued.usd_per_reply == pytest.approx(
            (text * price.text_cached + audio * price.audio_cached) / 1e6, abs=1e-8
        )
        assert valued.broken == round(sum(t.tokens * shares[t.id] for t in kept))

    def test_a_textify(self, policy: str, model: str) -> None:
        if policy == "notebook":
            pytest.skip("nothing becomes text")
        _, ledger, valued = self.pruned(policy, model, "textify")
        price, done = PRICES.models[model], ledger.compactions[-1]
        shares, held = self.shares(ledger), ledger.held()
        behind = held[held.index(next(t for t in held if t.id in done.turns)) :]
        before = usd_of_reading(
            price, [(t.text_tokens, t.audio_tokens, shares[t.id]) for t in behind]
        )
        after = usd_of_reading(
            price,
            [
                (t.as_text_tokens, 0, 0.0)
                if t.id in done.turns
                else (t.text_tokens, t.audio_tokens, 0.0)
                for t in behind
            ],
        )
        assert valued.usd_once == pytest.approx(after - before, abs=1e-8)

    def test_it_is_computed_once_and_does_not_change_later(self, policy: str, model: str) -> None:
        harness, _, valued = self.pruned(policy, model, "summary")
        for _ in range(4):
            harness.exchange()
        values = [
            event
            for event in harness.events
            if isinstance(event, e.PruningValued) and event.compaction_id == valued.compaction_id
        ]
        assert len(values) == 1
        done = next(c for c in harness.ledger.compactions if c.id == valued.compaction_id)
        assert done.worth == valued
        assert fold(harness.events).compactions == harness.ledger.compactions


@pytest.mark.parametrize("policy", ["none", "server"])
def test_a_policy_that_leaves_pruning_to_the_server_values_none(policy: str) -> None:
    harness = ConversationHarness(Limits(900, 2, policy=policy, price=PRICES.models[MODEL]))
    for _ in range(12):
        harness.exchange()
    assert harness.ledger.window.total > 900
    assert not [event for event in harness.events if isinstance(event, e.PruningValued)]
    assert payback.usd_saved(harness.ledger) == 0


def test_what_all_prunings_saved_counts_each_reply_since() -> None:
    value = e.PruningValued(
        compaction_id="memory_0001",
        freed=1_000,
        broken=100,
        usd_once=0.01,
        usd_per_reply=0.002,
        usd_per_hour=0.36,
    )
    done = Compaction(
        "memory_0001", "summary", 0.0, (), 1_000, stage="confirmed", worth=value, replies=10
    )
    assert payback.usd_saved(Ledger(compactions=(done,), replies=10)) == 0
    assert payback.usd_saved(Ledger(compactions=(done,), replies=30)) == pytest.approx(0.03)
    assert value.replies_to_pay_back == pytest.approx(5)


class TestUnderWay:
    def test_a_compaction_under_way_is_worth_what_its_plan_was(self) -> None:
        ledger = spoken_session(8)
        wanted = plan_compaction(ledger, Limits(1_000, 2, policy="notebook")).plan
        assert wanted is not None
        before = payback_of(ledger, wanted)
        begun = fold(
            [
                e.SummaryRequested(
                    compaction_id="memory_0001", drop=tuple(t.id for t in wanted.turns), window=1
                )
            ],
            ledger,
        )
        assert begun.compaction is not None
        assert payback_of(begun, begun.compaction) == before


def test_the_cost_is_the_sum_of_all_that_was_paid() -> None:
    """Ten replies, ten transcripts and the summaries: by hand, and by the ledger."""
    harness = ConversationHarness(Limits(900, 2, policy="notebook"))
    for _ in range(10):
        harness.exchange()
    replies = [event for event in harness.events if isinstance(event, e.ResponseDone)]
    price = PRICES.models[MODEL]
    by_hand = 0.0
    for event in replies:
        usage = event.usage
        assert usage is not None
        by_hand += (usage.input_text - usage.cached_text) * price.text_in / 1e6
        by_hand += usage.cached_text * price.text_cached / 1e6
        by_hand += (usage.input_audio - usage.cached_audio) * price.audio_in / 1e6
        by_hand += usage.cached_audio * price.audio_cached / 1e6
        by_hand += usage.output_text * price.text_out / 1e6
        by_hand += usage.output_audio * price.audio_out / 1e6
    ledger = harness.ledger
    assert ledger.spent.replies == pytest.approx(by_hand)
    summaries = sum(1 for event in harness.events if isinstance(event, e.SummaryReady))
    assert summaries > 0
    assert ledger.spent.summaries == pytest.approx(summaries * 0.001)
    assert ledger.spent.transcription == pytest.approx(10 * 0.0001)
    assert ledger.cost == pytest.approx(by_hand + summaries * 0.001 + 0.001)
    assert not ledger.spent.unknown
    assert ledger.replies == len(replies) == 10
    assert (ledger.last_usage, ledger.last_usd) == (replies[-1].usage, replies[-1].usd)
    assert (Ledger().last_usage, Ledger().last_usd) == (None, None)


def test_usage_without_a_price_makes_the_cost_unknown() -> None:
    usage = e.Usage(input_text=100, output_text=10)
    ledger = fold([e.ResponseDone(response_id="r", usage=usage)])
    assert ledger.spent.unknown
    assert ledger.cost == 0
    ready = e.SummaryReady(compaction_id="m", text="x", usage=usage)
    assert fold([ready]).spent.unknown
    unpriced = e.SummaryReady(compaction_id="m", text="x")
    assert not fold([unpriced]).spent.unknown
