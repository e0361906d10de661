"""A later sentence corrects an earlier one by what the two share, in any language."""

from __future__ import annotations

import pytest

from tui_voice.languages.corrections import find_corrections
from tui_voice.languages.numerals import figure, number_words
from tui_voice.languages.statements import statements


def corrected(code: str, *said: str) -> list[tuple[str, str]]:
    """Returns each corrected sentence with what is left of it."""
    found = find_corrections(statements(said, code))
    return [(said[one.earlier], one.rest) for one in found]


@pytest.mark.parametrize(
    ("code", "earlier", "later", "rest"),
    [
        ("en", "We leave at 7.", "No, we leave at 8, not at 7.", ""),
        ("en", "I eat fish.", "I do not eat fish.", ""),
        ("en", "We meet on Tuesday.", "Sorry, I meant Thursday, not Tuesday.", "We meet on […]."),
        (
            "en",
            "The bus to the old harbour takes 40 minutes.",
            "The bus takes 55 minutes, not 40.",
            "The bus to the old harbour takes […] minutes.",
        ),
        ("de", "Das Zimmer kostet 90 Euro.", "Das Zimmer kostet doch 110 Euro.", ""),
        ("fr", "Mon train part à 8 heures.", "En fait mon train part à 9 heures.", ""),
        ("en", "My teacher is called Rossi.", "My teacher is called Bianchi.", ""),
        ("ja", "会議は3時です。", "会議は4時です。", ""),
        ("en", "I live in Graz.", "I moved last week, I live in Linz now.", ""),
        (
            "de",
            "Unser Flug geht um 14 Uhr.",
            "Der Flug geht jetzt erst um 17 Uhr.",
            "Unser Flug geht um […] Uhr.",
        ),
        (
            "en",
            "We paid 400 euros for the boiler.",
            "No wait, it was 450 euros.",
            "We paid […] euros for the boiler.",
        ),
        ("", "Juna lähtee kello 7.", "Juna lähtee kello 8, ei kello 7.", ""),
    ],
)
def test_a_correction(code: str, earlier: str, later: str, rest: str) -> None:
    assert corrected(code, earlier, later) == [(earlier, rest)]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("My sister is called Marit.", "My dog is called Bolla."),
        ("My son is called Aksel.", "My dog is called Bolla."),
        ("The flight to Rome costs 120 euros.", "The flight to Oslo costs 90 euros."),
        ("The hotel costs 120 euros.", "The museum costs 15 euros."),
        ("The hotel room costs 120.", "The hotel breakfast costs 20."),
        ("We fly on the 14th of April.", "The exam is on the 20th of April."),
        ("I live in Oslo.", "I work in Bergen."),
        ("Aksel is nine.", "We need seven chairs."),
        ("The red paint costs 30 euros.", "The blue paint costs 25 euros."),
        ("We need 4 chairs for the kitchen.", "We need 2 lamps for the kitchen."),
        ("I take 5 mg of ramipril.", "I take 10 mg of atorvastatin."),
        ("Invoice 2041 is paid.", "Invoice 2042 is open."),
        ("Room 12 is for the children.", "Room 14 is for my parents."),
        ("Version 2 fixes the login.", "Version 3 fixes the export."),
        ("My first car was a Volvo.", "My second car was a Saab."),
        ("I visited Rome in 2019.", "I visited Athens in 2021."),
        ("My brother lives in Berlin.", "My sister lives in Munich."),
    ],
)
def test_two_facts_of_one_form_do_not_correct_each_other(earlier: str, later: str) -> None:
    assert corrected("en", earlier, later) == []


def test_numbers_have_one_spelling() -> None:
    english = number_words("en")
    assert [figure(word, english) for word in ("6,100", "16th", "nine", "third", "7:45")] == [
        *("6100", "16", "9", "3", "7:45")
    ]
    assert figure("neun", number_words("de")) == "9"
    assert figure("one", english) == figure("walnut", english) == ""
    assert number_words("xx") == {}


@pytest.mark.parametrize(
    ("code", "text", "negated"),
    [
        ("en", "No customer data may leave.", True),
        ("en", "We won't support it.", True),
        ("en", "Note the knot.", False),
        ("fr", "Il n'y va jamais.", True),
        ("de", "Ich esse keinen Fisch.", True),
        ("zh", "我不吃鱼。", True),
        ("zh", "我吃鱼。", False),
        ("xx", "Nothing is known here.", False),
    ],
)
def test_negations(code: str, text: str, negated: bool) -> None:
    (statement,) = statements([text], code)
    assert statement.negated is negated
