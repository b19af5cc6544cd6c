"""Runs the flows: a stack of frames, one step after the other, until somebody has to be asked.

It knows steps, conditions and slots; what an action does or what a customer meant it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain import events as ev
from bot.domain.flow import END, Flow, Step, holds
from bot.domain.tracker import Frame
from bot.engine.turn import Turn
from bot.ports import Act, ActionRunner

_MAX_STEPS = 60  # a flow that needs more per turn runs in a circle


class FlowLoop(RuntimeError):
    """A flow went round in circles within one turn."""


class FlowMachine:
    def __init__(self, flows: Mapping[str, Flow], actions: ActionRunner) -> None:
        self.flows = flows
        self.actions = actions

    async def advance(self, turn: Turn) -> None:
        """Run the frame on top until it waits; finished ones uncover the next, then the queue gives the next request."""
        uncovered = ""
        for _ in range(_MAX_STEPS):
            frame = turn.tracker.top
            if frame is None:
                if turn.tracker.queue and turn.tracker.mode == "bot":
                    turn.record(ev.FlowResumed(turn.tracker.queue[0].id))
                    continue
                turn.record(ev.SlotSet("requested_slot", None))
                return
            step = self._step(frame)
            if step is None:
                uncovered = frame.flow
                turn.record(ev.FlowCompleted(frame.id))
                continue
            if step.kind == "collect" and step.name not in frame.slots:
                self._ask(turn, frame, step, again=uncovered not in ("", "identify") and frame.flow != "identify")
                return
            await self._perform(turn, frame, step)
            if turn.tracker.mode != "bot":
                return
        raise FlowLoop(f"more than {_MAX_STEPS} steps in one turn: {[f.flow for f in turn.tracker.stack]}")

    def _step(self, frame: Frame) -> Step | None:
        flow = self.flows[frame.flow]
        return None if frame.step == END else flow.steps[frame.step or flow.first]

    def _ask(self, turn: Turn, frame: Frame, step: Step, *, again: bool) -> None:
        """Put the frame's question; it waits here until the slot is filled."""
        turn.record(ev.FlowMoved(frame.id, step.id))
        question = frame.slots.get("question")
        if question is None:
            question = {"slot": step.name, "response": f"utter_ask_{step.name}"}
        if again and turn.acts and question.get("response") not in ("", None):
            turn.say(Act("utter_back_to", {"flow_name": self.flows[frame.flow].name}))
        turn.record(ev.SlotSet("requested_slot", question["slot"]))
        if question.get("response"):
            turn.say(
                Act(
                    question["response"],
                    question.get("facts", {}),
                    tuple((b[0], b[1]) for b in question.get("buttons", ())),
                    tuple(question.get("cards", ())),
                )
            )

    async def _perform(self, turn: Turn, frame: Frame, step: Step) -> None:
        """Do the step and move on. A step that ends its own frame leaves nothing to move."""
        turn.record(ev.FlowMoved(frame.id, step.id))
        if step.kind == "call":
            self._go_on(turn, frame, step)
            turn.record(ev.FlowStarted(turn.new_frame_id(), step.name))
            return
        if step.kind == "action":
            await self._act(turn, step.name)
        for name, value in step.slots:
            turn.record(ev.SlotSet(name, value, frame.id))
        if turn.tracker.frame(frame.id) is not None:
            self._go_on(turn, frame, step)

    def _go_on(self, turn: Turn, frame: Frame, step: Step) -> None:
        slots = turn.tracker.slots | {"customer_id": turn.tracker.customer_id} | frame.slots
        target = next((b.then for b in step.next if holds(b.condition, slots)), END)
        turn.record(ev.FlowMoved(frame.id, target))

    async def _act(self, turn: Turn, name: str) -> None:
        if name.startswith("utter_"):
            frame = turn.tracker.top
            turn.say(Act(name, dict(turn.tracker.all_slots()) if frame else {}))
            return
        result = await self.actions.run(name, turn.tracker, turn.evidence)
        for event in result.events:
            turn.record(event)
        turn.say(*result.acts)
