"""The function calls of a session: run in the background, stopped, answered once each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.items import turn_item
from tui_voice.conversation.turns import Turn
from tui_voice.protocol.messages import ToolAnswer
from tui_voice.runtime.background_tasks import BackgroundTasks
from tui_voice.runtime.connection import Connection
from tui_voice.runtime.tools import Tools

STOPPED = "The user stopped this call."


@dataclass(slots=True)
class _RunningCall:
    """A function that runs."""

    task: asyncio.Task[None]
    asked_by: Connection | None
    """The connection on which the model called it."""
    reported: bool = False
    """The model knows that it still runs."""
    stopped: bool = False
    """The user stopped it."""


class ToolCalls:
    """All methods run on the session's loop. `tools`: the functions there are now."""

    def __init__(
        self,
        tools: Tools,
        tasks: BackgroundTasks,
        connection: Callable[[], Connection | None],
        post: Callable[[e.Event], None],
    ) -> None:
        """`connection` returns the one in use. `post` takes the events."""
        self.tools = tools
        self._tasks, self._connection, self._post = tasks, connection, post
        self._running: dict[str, _RunningCall] = {}
        self._answered: set[str] = set()

    def answer(self, effect: x.AnswerTool) -> None:
        """Runs the function, or refuses it; gives the model the output."""
        asked_by = self._connection()
        if effect.refusal:
            self._give(effect.call_id, asked_by, json.dumps({"error": effect.refusal}))
            return
        task = self._tasks.start(self._run(effect, asked_by))
        self._running[effect.call_id] = _RunningCall(task, asked_by)

    def report(self, effect: x.TellToolRuns) -> None:
        """Gives the model the interim output, on the connection that knows the call."""
        call, connection = self._running.get(effect.call_id), self._connection()
        if call is not None and connection is not None and connection is call.asked_by:
            call.reported = True
            connection.send(_tool_answer(effect))

    def stop(self, call_ids: tuple[str, ...]) -> None:
        """Cancels these functions. The model gets a sentence in place of the output."""
        for call_id in call_ids:
            if (call := self._running.get(call_id)) is not None:
                call.stopped = True
                call.task.cancel()

    async def _run(self, effect: x.AnswerTool, asked_by: Connection | None) -> None:
        try:
            output = await self.tools.call(effect.tool, effect.arguments)
        except asyncio.CancelledError:
            if not self._running[effect.call_id].stopped:
                raise  # the session ends
            output = json.dumps({"error": STOPPED})
        self._give(effect.call_id, asked_by, output)

    def _give(self, call_id: str, asked_by: Connection | None, output: str) -> None:
        """Gives the model the output of a function, once.

        It is a text item where the model knows that the function runs, since a call has one output,
        and where a new server session does not know the call.
        """
        if call_id in self._answered:
            return  # the function was given up, and answered all the same
        self._answered.add(call_id)
        call, connection = self._running.pop(call_id, None), self._connection()
        answered = e.ToolAnswered(item_id=f"out_{call_id}", call_id=call_id, output=output)
        reported = call is not None and call.reported
        if connection is not None and (reported or connection is not asked_by):
            turn = Turn(answered.item_id, "tool", 0.0, output)
            connection.send(turn_item(turn, turn.id, None, assistant_as_system=False))
        elif connection is not None:
            connection.send(_tool_answer(answered))
        self._post(answered)


def _tool_answer(output: x.TellToolRuns | e.ToolAnswered) -> ToolAnswer:
    return ToolAnswer(item_id=output.item_id, call_id=output.call_id, output=output.output)
