"""The user changes single facts of the memory, and later summaries respect that."""

from __future__ import annotations

from tests.conversation.sessions_harness import pruned_session, summary_due
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.memory import KeptFact, read_memory
from tui_voice.conversation.reducers import reduce

ADDED = e.FactChanged(kind="to_dos", after="Call the plumber.")
CORRECTED = e.FactChanged(kind="to_dos", before="Call the plumber.", after="Call Ada.")


def test_an_added_fact_replaces_the_memory_on_the_server() -> None:
    harness = pruned_session()
    old, before = harness.ledger.memory_id, read_memory(harness.ledger.memory)
    harness.post(ADDED)
    sent = harness.outbox[0]
    assert isinstance(sent, x.CreateItem)
    assert "To-dos:\n- Call the plumber." in sent.text
    harness.run_until_quiet()
    harness.check_server_agrees()
    assert harness.item(old) is None
    texts = {entry.text for entry in read_memory(harness.ledger.memory)}
    assert texts == {entry.text for entry in before} | {"Call the plumber."}


def test_a_correction_keeps_what_it_corrected() -> None:
    harness = pruned_session()
    harness.post(ADDED, CORRECTED)
    assert harness.ledger.facts == (
        KeptFact("to_dos", "Call Ada.", written=True, was="Call the plumber."),
    )
    assert "plumber" not in harness.ledger.memory
    harness.post(e.FactChanged(kind="to_dos", before="Call Ada."))
    harness.run_until_quiet()
    assert harness.ledger.facts == ()
    assert "Ada" not in harness.ledger.memory
    harness.check_server_agrees()


def test_a_pin_changes_nothing_on_the_server() -> None:
    harness = pruned_session()
    harness.run_until_quiet()
    (fact, *_) = read_memory(harness.ledger.memory)
    memory, serial = harness.ledger.memory, harness.ledger.serial
    pin = e.FactChanged(kind=fact.kind, before=fact.text, after=fact.text, pinned=True)
    harness.post(pin)
    assert not harness.outbox
    assert (harness.ledger.memory, harness.ledger.serial) == (memory, serial)
    assert harness.ledger.facts == (KeptFact(fact.kind, fact.text, pinned=True),)
    harness.post(e.FactChanged(kind=fact.kind, before=fact.text, after=fact.text))
    assert harness.ledger.facts == ()


def test_the_writer_of_a_summary_is_told_the_facts() -> None:
    harness = summary_due()
    harness.summary_requests.clear()
    harness.post(ADDED, e.SummaryFailed(compaction_id="memory_0001", reason="x"))
    harness.post(e.SummarisePressed())
    (request,) = harness.summary_requests
    assert request.facts == (KeptFact("to_dos", "Call the plumber.", written=True),)


def test_a_summary_without_a_pinned_fact_is_not_used() -> None:
    harness = pruned_session()
    harness.post(ADDED)
    harness.run_until_quiet()
    ledger = harness.ledger
    pin = e.FactChanged(kind="to_dos", before=ADDED.after, after=ADDED.after, pinned=True)
    begun = e.SummaryRequested(
        compaction_id=f"memory_{ledger.serial + 1:04d}",
        drop=tuple(turn.id for turn in ledger.held()[:2]),
        window=ledger.window.total,
    )
    for text, stage in (("They spoke.", "failed"), (f"They spoke.\n{ADDED.after}", "ready")):
        ready = e.SummaryReady(compaction_id=begun.compaction_id, text=text)
        after = reduce(reduce(reduce(ledger, begun), pin), ready)
        assert after.compactions[-1].stage == stage, after.compactions[-1].error


def test_a_fact_that_a_summary_corrected_is_kept_no_longer() -> None:
    harness = pruned_session()
    harness.post(ADDED)
    harness.run_until_quiet()
    assert harness.ledger.facts
    while not harness.summary_requests:
        harness.at += 1
        harness.speak()
        harness.deliver_all()
        harness.finish_playback()
    harness.answer_summary("To-dos:\n- Call Ada.")
    harness.run_until_quiet()
    assert harness.ledger.memory.endswith("Call Ada.")
    assert harness.ledger.facts == ()
    harness.check_server_agrees()
