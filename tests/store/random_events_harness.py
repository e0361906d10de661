"""Random events for hypothesis: any event class, with plausible and implausible values."""

from __future__ import annotations

from hypothesis import strategies as st

from tui_voice.conversation import events as e

numbers = st.integers(-(2**53), 2**53)
floats = st.floats(allow_nan=False, allow_infinity=False)

st.register_type_strategy(int, numbers)
st.register_type_strategy(float, floats)

any_event: st.SearchStrategy[e.Event] = st.one_of([st.from_type(k) for k in e.EVENTS.values()])
