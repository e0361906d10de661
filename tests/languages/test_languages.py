"""The language of a text is detected, and a language is found by its name or code."""

from __future__ import annotations

import pytest

from tui_voice.languages import (
    LANGUAGES,
    LanguageNames,
    detect_language,
    find_language,
    is_spoken_language,
)

TEXTS = {
    "English": "Ingrid lives in Trondheim with her sister. They have a budget of 2400 euros, and "
    "she is not allowed to eat walnuts.",
    "French": "Ingrid habite à Trondheim avec sa sœur. Elles ont un budget de 2400 euros, et elle "
    "ne doit pas manger de noix. L’hôtel est réservé.",
    "German": "Ingrid wohnt mit ihrer Schwester in Trondheim. Sie haben ein Budget von 2400 Euro, "
    "und sie darf keine Walnüsse essen.",
    "Spanish": "Ingrid vive en Trondheim con su hermana. Tienen un presupuesto de 2400 euros y no "
    "puede comer nueces.",
    "Italian": "Ingrid abita a Trondheim con la sorella. Hanno un bilancio di 2400 euro e non può "
    "mangiare le noci.",
    "Portuguese": "A Ingrid mora em Trondheim com a irmã. Elas têm um orçamento de 2400 euros e "
    "ela não pode comer nozes.",
    "Dutch": "Ingrid woont met haar zus in Trondheim. Ze hebben een budget van 2400 euro en ze mag "
    "geen walnoten eten.",
    "Norwegian": "Ingrid bor i Trondheim sammen med søsteren sin. De har 2400 euro å bruke, og hun "
    "kan ikke spise valnøtter. Jeg vet ikke noe mer.",
    "Swedish": "Ingrid bor i Trondheim med sin syster. De har en budget på 2400 euro, och hon får "
    "inte äta valnötter.",
    "Danish": "Ingrid bor i Trondheim med sin søster. De har et budget på 2400 euro, og hun må "
    "ikke spise valnødder af nogen slags.",
    "Polish": "Ingrid mieszka w Trondheim z siostrą. Mają budżet 2400 euro i nie może jeść "
    "orzechów włoskich, ale jest to dla niej trudne.",
    "Russian": "Ингрид живёт в Тронхейме с сестрой (budget: 2400 euro).",
    "Greek": "Η Ingrid ζει στο Τρόντχαϊμ με την αδελφή της.",
    "Hebrew": "אינגריד גרה בטרונדהיים עם אחותה.",
    "Arabic": "تعيش إنغريد في تروندهايم مع أختها.",
    "Hindi": "इंग्रिड अपनी बहन के साथ ट्रॉन्हेम में रहती है।",
    "Japanese": "イングリッドは妹とトロンハイムに住んでいます。予算は2400ユーロです。",
    "Korean": "잉그리드는 여동생과 함께 트론헤임에 산다.",
    "Chinese": "英格丽和她的妹妹住在特隆赫姆,预算是2400欧元。",
}


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_each_language_is_detected(language: LanguageNames) -> None:
    assert detect_language(TEXTS[language.name]) == language.name


@pytest.mark.parametrize(
    "text", ["", "2400", "Ingrid Solheim, Trondheim, Marit, Bolla", "?!…", "OK OK OK", "🙂"]
)
def test_a_text_of_names_or_figures_alone_has_no_language(text: str) -> None:
    assert detect_language(text) == ""


def test_english_quotations_under_a_french_heading_are_english() -> None:
    """The embedded summariser writes such texts; the language of most words counts."""
    text = 'Faits : "I live in Trondheim", "my sister is called Marit and she"'
    assert detect_language(text) == "English"


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("French", "French"),
        ("french", "French"),
        ("Français", "French"),
        (" fr ", "French"),
        ("fr-CA", "French"),
        ("pt-BR", "Portuguese"),
        ("Deutsch", "German"),
        ("日本語", "Japanese"),
        ("Klingon", ""),
        ("same", ""),
    ],
)
def test_a_language_is_found_by_its_names_and_its_code(setting: str, name: str) -> None:
    language = find_language(setting)
    assert (language.name if language else "") == name


@pytest.mark.parametrize("setting", ["same", "", "Auto"])
def test_settings_that_ask_for_the_spoken_language(setting: str) -> None:
    assert is_spoken_language(setting)


def test_a_named_language_is_not_the_spoken_language() -> None:
    assert not is_spoken_language("French")
