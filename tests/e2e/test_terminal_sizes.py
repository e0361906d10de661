"""Small terminals, and a terminal whose size changes during a reply."""

from __future__ import annotations

import pytest

from tests.e2e.app_harness import AppUnderTest, StartApp
from tests.e2e.sound_setup_harness import SoundSetup

pytestmark = [pytest.mark.local, pytest.mark.sound, pytest.mark.slow]

FACTS = "My sister lives in London, my brother works in Berlin and my dog is called Rex."
QUESTION = "Where does my sister live?"
"""The reply quotes `FACTS`, which takes several seconds to speak."""


def check_layout(app: AppUnderTest) -> None:
    """The state and the entry are visible, and each line fits into the screen."""
    assert app.screen.overflows == 0, app.text
    assert app.state in ("idle", "awaiting response", "speaking"), app.text
    assert any(line.lstrip(" ▌").startswith("›") for line in app.lines), app.text
    assert all(len(line) <= app.screen.columns for line in app.lines)


@pytest.mark.parametrize("size", [(80, 24), (40, 10)])
def test_a_small_screen_shows_state_turn_and_entry(
    start_app: StartApp, embedded_server: str, sound: SoundSetup, size: tuple[int, int]
) -> None:
    app = start_app("--backend", embedded_server, env=sound.env, size=size)
    app.wait_until_connected()
    answer = app.ask("My dog is called Rex.")
    app.wait_until(lambda: "called Rex" in app.transcript, "the turn")
    app.wait_until_shown(" ".join(answer.split()[-3:]))
    check_layout(app)


def test_the_screen_is_drawn_for_each_new_size_during_a_reply(
    start_app: StartApp, embedded_server: str, sound: SoundSetup
) -> None:
    app = start_app("--backend", embedded_server, env=sound.env)
    app.wait_until_connected()
    app.ask(FACTS)
    before = len(app.journal())
    app.submit(QUESTION)
    app.wait_for_state("speaking")
    for size in ((80, 24), (40, 10), (120, 36)):
        app.resize(*size)
        app.screen.overflows = 0

        def is_drawn() -> bool:
            if not is_drawn_for_size(app):
                app.screen.overflows = 0  # lines drawn for the size before may have been too long
            return is_drawn_for_size(app) and app.state == "speaking" and "Rex" in app.transcript

        app.wait_until(is_drawn, f"the screen at {size}")
        check_layout(app)
    assert not app.events("playback_finished", before), "the reply must last until here"
    app.wait_for_event("playback_finished", after=before)
    app.wait_for_state("idle")
    check_layout(app)


def is_drawn_for_size(app: AppUnderTest) -> bool:
    """Returns whether each rule is as wide as the screen and the entry is near the bottom."""
    rules = [line for line in app.lines if set(line) == {"─"}]
    entry = any(line.lstrip(" ▌").startswith("›") for line in app.lines[-4:])
    return entry and all(len(line) == app.screen.columns for line in rules)
