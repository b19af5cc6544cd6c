"""A few flows, an action runner and an engine in memory, for tests of how a conversation runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from bot.domain import commands as cmd
from bot.domain import events as ev
from bot.domain.flow import Flow, parse_flows
from bot.domain.message import InboundMessage
from bot.domain.tracker import Tracker
from bot.engine.engine import Engine
from bot.engine.flow_machine import FlowMachine
from bot.engine.guard import Guard
from bot.engine.repair import Repair
from bot.engine.responses import Responses, parse_responses
from bot.engine.say import Speaker
from bot.engine.turn import Turn
from bot.ports import Act, ActionResult, Reading
from bot.stores.memory import MemoryTrackerStore
from knowledge.models import Evidence
from tests.fakes import FakeClock

FLOWS: dict[str, Flow] = parse_flows({"flows": {
    "paint": {"name": "paint something", "kind": "write", "precedence": 3,
              "steps": [{"id": "ask", "collect": "color"}, {"id": "check", "collect": "confirmation", "next": [
                  {"if": "slots.confirmation == 'yes'", "then": "do"},
                  {"if": "slots.confirmation == 'no'", "then": "END"}, {"else": "ask"}]},
                  {"id": "do", "action": "action_paint"}]},
    "move": {"name": "move something", "kind": "write", "precedence": 1, "steps": [{"action": "action_move"}]},
    "fetch": {"name": "fetch something", "kind": "write", "precedence": 2, "steps": [{"collect": "place"},
                                                                                     {"action": "action_fetch"}]},
    "look": {"name": "look something up", "steps": [{"action": "action_look"}]},
    "policy_question": {"steps": [{"action": "action_policy"}]},
    "product_search": {"steps": [{"action": "action_search"}]},
    "talk_to_human": {"kind": "talk", "steps": [{"action": "action_queue"}, {"action": "utter_never"}]},
    "identify": {"kind": "talk", "steps": [
        {"id": "check", "action": "action_identify",
         "next": [{"if": "slots.customer_id", "then": "END"}, {"else": "ask"}]},
        {"id": "ask", "collect": "identity", "next": "check"}]},
    "secret": {"name": "show a secret", "steps": [{"call": "identify"}, {"action": "action_secret"}]},
    "mirror": {"kind": "talk", "steps": [{"id": "say", "action": "utter_mirror"},
                                         {"set_slots": [{"seen": True}, {"times": 2}]},
                                         {"id": "wait", "collect": "word"}]},
    "circle": {"steps": [{"id": "a", "action": "action_look", "next": "a"}]},
    "nested": {"steps": [{"call": "look"}, {"action": "action_last"}]},
}})

RESPONSES: Mapping[str, Any] = {
    "utter_greet": [{"text": "Hello!"}], "utter_thanks": [{"text": "You are welcome."}],
    "utter_mirror": [{"text": "I see {thing}."}], "utter_never": [{"text": "Never said."}],
    "utter_did": [{"text": "Did {what}."}, {"text": "{what} it is."}], "utter_ask_color": [{"text": "Which colour?"}],
    "utter_ask_place": [{"text": "Where?"}],
    "utter_ask_confirmation": [{"text": "Sure?", "metadata": {"verbatim": True}}],
    "utter_ask_identity": [{"text": "Who are you?"}], "utter_ask_word": [{"text": "Say a word."}],
    "utter_back_to": [{"text": "Back to: {flow_name}."}], "utter_anything_else": [{"text": "Anything else?"}],
    "utter_all_right": [{"text": "All right."}], "utter_dropped": [{"text": "Dropped: {flow_name}."}],
    "utter_clarify": [{"text": "Which one?"}], "utter_repeat": [{"text": "I have said nothing yet."}],
    "utter_not_understood": [{"text": "Pardon?"}], "utter_out_of_scope": [{"text": "Not my trade."}],
    "utter_offer_human": [{"text": "A person?"}], "utter_internal_error": [{"text": "Sorry: {error_id}."}],
    "utter_handoff_timeout": [{"text": "Nobody came."}], "utter_queued": [{"text": "You are in the queue."}],
}


def responses() -> Responses:
    return Responses({"en": parse_responses(RESPONSES)})


class Actions:
    """Says what it did; some actions do more."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def run(self, action: str, tracker: Tracker, evidence: Sequence[Evidence]) -> ActionResult:
        self.ran.append(action)
        if action == "action_crash":
            raise RuntimeError("the shelf fell down")
        if action == "action_queue":
            return ActionResult((ev.HandoffRequested("asked", "…"),), (Act("utter_queued"),))
        if action == "action_identify" and tracker.slots.get("claims"):
            return ActionResult((ev.CustomerIdentified("C1", "claims"), ev.SlotSet("claims", None)))
        if action == "action_identify":
            return ActionResult((ev.SlotSet("identity", None, tracker.top.id),)) if tracker.top else ActionResult()
        return ActionResult((), (Act("utter_did", {"what": action.removeprefix("action_")}),))


def new_turn(text: str = "", *events: ev.Event) -> Turn:
    turn = Turn(Tracker("talk"), InboundMessage("talk", text), 1000.0)
    for event in events:
        turn.record(event)
    return turn


def said(turn: Turn) -> list[str]:
    return [act.response for act in turn.acts]


@dataclass
class ScriptedReader:
    """What each text means; a callable fails or looks around first."""

    script: dict[str, tuple[cmd.Command, ...] | Callable[[], Any]] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    async def read(self, message: InboundMessage, tracker: Tracker, evidence: Sequence[Evidence]) -> Reading:
        self.heard.append(message.text)
        meant = self.script.get(message.text, (cmd.CannotHandle(),))
        if callable(meant):
            meant = await meant()
        return Reading(meant, 0.9, "scripted")


class NoFinder:
    async def find(self, text: str, tracker: Tracker) -> tuple[Evidence, ...]:
        return ()


@dataclass
class Watcher:
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    turns: list[Mapping[str, float]] = field(default_factory=list)
    rungs: list[tuple[str, str]] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)

    def turn(self, channel: str) -> AbstractContextManager[None]:
        return nullcontext()

    def stage(self, name: str) -> AbstractContextManager[None]:
        self.stages.append(name)
        return nullcontext()

    def understood(self, intent: str) -> None:
        self.rungs.append(("intent", intent))

    def rung(self, stage: str, name: str) -> None:
        self.rungs.append((stage, name))

    def gate_drop(self, reason: str) -> None:
        raise AssertionError("nothing was written by a model")

    def turn_done(self, timings: Mapping[str, float], acts: int) -> None:
        self.turns.append(timings)

    def turn_failed(self, error_id: str, error: Exception) -> None:
        self.failures.append((error_id, error))


@dataclass
class Counter:
    """An engine with everything around it in reach."""

    reader: ScriptedReader = field(default_factory=ScriptedReader)
    actions: Actions = field(default_factory=Actions)
    store: MemoryTrackerStore = field(default_factory=MemoryTrackerStore)
    clock: FakeClock = field(default_factory=FakeClock)
    watcher: Watcher = field(default_factory=Watcher)

    def engine(self) -> Engine:
        return Engine(self.store, Guard(), NoFinder(), self.reader, Repair(FLOWS), FlowMachine(FLOWS, self.actions),
                      Speaker(responses()), self.watcher, self.clock)

    async def tracker(self) -> Tracker:
        found = await self.store.load("talk")
        assert found is not None
        return found


def message(text: str, message_id: str = "", **more: Any) -> InboundMessage:
    return InboundMessage("talk", text, message_id, **more)
