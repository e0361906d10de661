"""The ASCII form has ASCII signs everywhere, and keeps letters where the terminal has them."""

from __future__ import annotations

from html import unescape

import pytest
from rich.cells import cell_len

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session
from tests.ui.test_screens import filter_applied
from tests.ui.test_snapshots import SCREENS, SIZES
from tui_voice.conversation import events as e
from tui_voice.ui.ascii_filter import ascii_form
from tui_voice.ui.screens.list_screen import ListScreen


@pytest.mark.parametrize(
    ("text", "encoding", "form"),
    [
        ("┌──┐│…▌█░", "utf-8", "+--+|.|#:"),
        ("“It’s” – 京都 é", "utf-8", '"It\'s" - 京都 é'),
        ("“It’s” – 京都 é", "latin-1", '"It\'s" - ???? é'),
        ("京都 é ● →", "ascii", "???? e * >"),
        ("plain", "ascii", "plain"),
        ("é", "no such encoding", "e"),
    ],
)
def test_signs_are_ascii_and_letters_stay_where_they_can(
    text: str, encoding: str, form: str
) -> None:
    assert ascii_form(text, encoding) == form
    assert cell_len(form) == cell_len(text)


@pytest.mark.parametrize("screen", SCREENS)
async def test_every_screen_is_ascii(screen: str, build: Build) -> None:
    fill, keys = SCREENS[screen]

    def fill_and_speak_french(session: ScriptedSession) -> None:
        fill(session)
        if fill is kyoto_session:
            session.deliver(e.TextSubmitted(item_id="fr", text="Ça va… “oui” – 京都"))

    app = build(fill_and_speak_french, ascii=True, encoding="ascii")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        if isinstance(app.screen, ListScreen):
            await filter_applied(pilot)
        for size in SIZES.values():
            await pilot.resize_terminal(*size)
            await settle(pilot)
            shown = unescape(app.export_screenshot()).replace("\xa0", " ")
            signs = {character for character in shown if not character.isascii()}
            assert signs == set(), size
