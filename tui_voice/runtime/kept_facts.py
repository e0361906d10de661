"""Which of the facts that the user pinned or wrote a new summary has to keep."""

from __future__ import annotations

from tui_voice.conversation import effects as x
from tui_voice.conversation.memory import KeptFact
from tui_voice.languages.corrections import find_corrections
from tui_voice.languages.sentences import is_question, sentences
from tui_voice.languages.statements import language_code, statements


def facts_that_hold(request: x.RequestSummary) -> tuple[KeptFact, ...]:
    """Returns the pinned facts, and those of the others that no turn of the user corrects.

    May load a language model: do not call it on an event loop.
    """
    facts = [fact.text for fact in request.facts]
    user = [part for t in request.turns if t.role == "user" for part in sentences(t.text)]
    said = [part for part in user if not is_question(part)]
    code = language_code(" ".join([*facts, *said]))
    corrected = {one.earlier for one in find_corrections(statements([*facts, *said], code))}
    return tuple(
        fact for number, fact in enumerate(request.facts) if fact.pinned or number not in corrected
    )
