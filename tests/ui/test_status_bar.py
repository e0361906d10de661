"""The state strip follows the table of states, and the microphone is open, closed or muted."""

from __future__ import annotations

import pytest

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, session_opened, user_speaks
from tui_voice.conversation import events as e
from tui_voice.conversation.states import State, next_states
from tui_voice.runtime.session_handle import Meters
from tui_voice.ui.view import StatusView, project
from tui_voice.ui.widgets.status_bar import StatusBar, word

SIZES = ((120, 36), (80, 24), (40, 10))


def opened(session: ScriptedSession) -> None:
    session.deliver(*session_opened())


@pytest.mark.parametrize("size", SIZES)
async def test_the_microphone_is_open_closed_or_muted(build: Build, size: tuple[int, int]) -> None:
    app = build(opened)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        bar = app.session_screen.status

        async def shown(*events: e.Event) -> tuple[str, bool]:
            """Returns the microphone as it is drawn, and whether it is filled with a colour."""
            app.scripted.deliver(*events)
            app.session.take_newest()
            app.redraw()
            bar.draw_level(Meters(microphone=1.0))
            line = bar.render_line(0)
            assert line.cell_length == size[0]
            assert "hands-free" in line.text
            text = line.text[line.text.index("hands-free") + len("hands-free") :]
            (mode,) = (segment for segment in line if "hands-free" in segment.text)
            (chip,) = (segment for segment in line if " mic " in segment.text)
            assert mode.style
            assert chip.style
            return text.strip(), chip.style.bgcolor != mode.style.bgcolor

        narrow = size[0] < 60
        assert await shown() == ("○ mic" if narrow else "○ mic closed", False)
        assert await shown(e.MuteChanged(muted=True)) == await shown()
        text, filled = await shown(e.TalkPressed())
        assert text.startswith("● mic " if narrow else "● mic open ")
        assert text.endswith("█"), "its level"
        assert filled
        bar.opening_sound = True
        line = bar.render_line(0)
        assert ("○ mic" if narrow else "○ mic starts") in line.text, "nothing is heard yet"
        muted = await shown(e.MuteChanged(muted=True))
        assert muted == ("× mic" if narrow else "× mic muted", False)
        assert await shown(e.TalkReleased()) == await shown(e.MuteChanged(muted=True))
        assert "closed" in (await shown())[0] or narrow


async def test_a_click_opens_closes_and_unmutes(build: Build) -> None:
    app = build(opened)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)

        async def click() -> e.Event:
            await pilot.click("#status", offset=(70, 0))
            await settle(pilot)
            return app.scripted.posted[-1]

        assert await click() == e.TalkPressed()
        assert await click() == e.TalkReleased()
        app.scripted.deliver(e.TalkPressed(), e.MuteChanged(muted=True))
        while not app.view.status.muted:
            await pilot.pause()
        assert await click() == e.MuteChanged(muted=False)
        assert app.scripted.snapshot.situation.microphone.open


async def test_a_closed_microphone_is_not_muted_by_its_key(build: Build) -> None:
    app = build(opened)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("f4")
        await settle(pilot)
        assert app.scripted.posted == []


def strip(width: int, status: StatusView, progress: str = "") -> tuple[str, list[tuple[str, str]]]:
    """Returns the line of states in a terminal of that width, and its parts with their styles."""
    bar = StatusBar()
    bar.set_reactive(StatusBar.status, status)
    bar.set_reactive(StatusBar.progress, progress)
    parts = bar._states(width - 34) if width >= 60 else bar._state_alone(width - 20)
    return "".join(text for text, _ in parts), parts


@pytest.mark.parametrize("state", State)
def test_the_strip_names_the_live_state_and_those_that_may_follow(state: State) -> None:
    text, parts = strip(120, StatusView(state=state, connection=""))
    styles = {part.strip(" ●○▐▌"): style for part, style in parts}
    assert styles.pop(state.value).startswith("live")
    after = next_states(state)
    assert {other.value for other in after} == {
        name for name, style in styles.items() if style == "machine"
    }
    for other in State:
        at = text.index(other.value)
        assert at == strip(120, StatusView(connection=""))[0].index(other.value), "nothing moves"
        assert text[at - 2] == ("●" if other is state else "○" if other in after else " ")


@pytest.mark.parametrize("state", State)
def test_where_space_is_short_others_are_left_out_whole(state: State) -> None:
    names = {other.value for other in State}
    text, parts = strip(80, StatusView(state=state, connection=""))
    shown = [part.strip(" ●○") for part, _ in parts if part.strip(" ▐▌")]
    assert shown[0] == state.value
    assert set(shown) <= names
    assert len(text) < 80 - 34
    alone, _ = strip(40, StatusView(state=state, connection=""))
    assert alone.strip(" ●▐▌") == state.value
    assert len(alone) <= 20


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (StatusView(connection="connecting"), "connecting"),
        (StatusView(connection="reconnecting", retry_in=12), "reconnecting 12 s"),
        (StatusView(connection="offline"), "offline"),
        (StatusView(State.AWAITING, "", tool="weather"), "waits for weather"),
    ],
)
def test_what_is_waited_for_is_said_at_every_width(status: StatusView, shown: str) -> None:
    for width in (120, 80, 40):
        assert shown in strip(width, status)[0]


def test_a_long_word_is_whole_where_the_other_states_make_room() -> None:
    for width in (120, 80):
        text, _ = strip(width, StatusView(connection=""), "loading language model")
        assert text.rstrip().endswith("loading language model")
        assert len(text) < width - 34


def test_a_session_that_waits_for_a_function_says_so() -> None:
    session = ScriptedSession()
    session.deliver(*session_opened(), *user_speaks(1, 1.0, "How is the weather?"))
    call = e.ToolCalled(item_id="f1", call_id="c1", tool="weather", arguments="{}")
    session.deliver(call)
    assert word(project(session.snapshot, session.limits).status, "")[0] == "waits for weather"
    session.deliver(e.ToolAnswered(item_id="o1", call_id="c1", output="rain"))
    assert word(project(session.snapshot, session.limits).status, "")[0] == ""
