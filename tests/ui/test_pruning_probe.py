"""The pruning log says how many details a summary kept; its page names the others."""

from __future__ import annotations

from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.ui.glyphs import ASCII
from tui_voice.ui.pruning_details import pruning_details
from tui_voice.ui.pruning_rows import pruning_rows
from tui_voice.ui.widgets.pruning_log import PruningLog

DONE = Compaction(
    "memory_0001",
    "summary",
    10.0,
    (),
    4_000,
    stage="confirmed",
    tokens_after=900,
    done_at=12.0,
    summary="- Marit",
    seconds=1.5,
    details=15,
    missing=("The boat is called Seagull.",),
    asked=3,
    unanswered=("What is the boat called?",),
)


def test_the_row_and_its_page() -> None:
    ledger = Ledger(compactions=(DONE,))
    (row,) = pruning_rows(ledger, None)
    assert (row.kept, row.details, row.answered, row.asked) == (14, 15, 2, 3)
    page = pruning_details(row, ledger, ASCII)
    assert "kept 14 of 15 details" in page.about
    assert "answers 2 of 3 questions" in page.about
    assert ("not in the summary", "- The boat is called Seagull.") in page.paragraphs
    log = PruningLog()
    log.rows = (row,)
    assert "kept 14 of 15" in log._texts(row, 40)[1]
    assert log._texts(row, 28)[1].endswith("kept 14 of 15"), "no figure is cut"
