"""From commands to flows: what the customer said, put on the stack, in the queue, or into the request under way.

The patterns of conversation repair live here: correction, cancel, digression, several requests at once, yes and no to
what was offered. It decides what runs, never whether something is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.domain import commands as cmd
from bot.domain import events as ev
from bot.domain.flow import Flow
from bot.domain.tracker import Frame
from bot.engine.turn import Turn
from bot.ports import Act

OFFER = "offer"  # conversation slot: what a "yes" would start: {"flow", "slots"}
CLAIMS = "claims"  # conversation slot: what the customer said about who they are


class Repair:
    def __init__(self, flows: Mapping[str, Flow], foreign: Callable[[str], str] = str) -> None:
        """`foreign`: language code → the honest answer in that language."""
        self.flows = flows
        self.foreign = foreign

    def apply(self, turn: Turn, commands: Sequence[cmd.Command]) -> None:
        """Put all commands of one message into effect, in their order; writes first come first served, by precedence."""
        offer = turn.tracker.slots.get(OFFER)
        starts = [c for c in commands if isinstance(c, cmd.StartFlow) and c.flow in self.flows]
        reads = [c for c in starts if self.flows[c.flow].kind != "write"]
        writes = sorted(
            (c for c in starts if self.flows[c.flow].kind == "write"), key=lambda c: self.flows[c.flow].precedence
        )
        others = [c for c in commands if not isinstance(c, cmd.StartFlow)]
        for command in others:
            self._one(turn, command, offer)
        for start in writes:
            self._start_write(turn, start)
        for start in reversed(reads):
            turn.record(ev.FlowStarted(turn.new_frame_id(), start.flow, start.slots))
        if offer is not None and commands:
            turn.record(ev.SlotSet(OFFER, None))

    def _one(self, turn: Turn, command: cmd.Command, offer: Mapping[str, Any] | None) -> None:
        match command:
            case cmd.Affirm() | cmd.Deny():
                self._yes_or_no(turn, isinstance(command, cmd.Affirm), offer)
            case cmd.SetSlot(name, value) | cmd.CorrectSlot(name, value):
                self._set(turn, name, value)
            case cmd.AmendRequest():
                self._amend(turn, command)
            case cmd.Identify(claims):
                self._claim(turn, claims)
            case cmd.CancelFlow():
                self._drop(turn)
            case cmd.AskKnowledge(question):
                turn.record(ev.FlowStarted(turn.new_frame_id(), "policy_question", {"question_text": question}))
            case cmd.SearchProducts(query):
                turn.record(ev.FlowStarted(turn.new_frame_id(), "product_search", {"question_text": query}))
            case cmd.HumanHandoff(reason):
                turn.record(ev.FlowStarted(turn.new_frame_id(), "talk_to_human", {"reason": reason}))
            case cmd.Clarify(options):
                turn.say(
                    Act(
                        "utter_clarify",
                        {},
                        tuple((self.flows[o].name, f"/start {o}") for o in options if o in self.flows),
                    )
                )
            case cmd.Chitchat(topic):
                turn.say(Act(f"utter_{topic}"))
            case cmd.Repeat():
                turn.say(Act("utter_repeat"))
            case cmd.CannotHandle(reason):
                self._cannot(turn, reason)

    # --- yes, no, and filling in -------------------------------------------------------------------------------------

    def _yes_or_no(self, turn: Turn, yes: bool, offer: Mapping[str, Any] | None) -> None:
        asked = turn.tracker.slots.get("requested_slot")
        frame = turn.tracker.top
        if frame is not None and asked == "confirmation":
            turn.record(ev.SlotSet("confirmation", "yes" if yes else "no", frame.id))
        elif offer is not None:
            self._answer_offer(turn, yes, offer)
        elif frame is not None and asked:
            self._amend(turn, cmd.AmendRequest("set", {"text": turn.message.text, "asked": asked}))
        else:
            turn.say(Act("utter_anything_else" if yes else "utter_all_right"))

    def _answer_offer(self, turn: Turn, yes: bool, offer: Mapping[str, Any]) -> None:
        if not yes:
            turn.say(Act("utter_all_right"))
        elif self.flows[offer["flow"]].kind == "write":
            self._start_write(turn, cmd.StartFlow(offer["flow"], offer.get("slots", {})))
        else:
            turn.record(ev.FlowStarted(turn.new_frame_id(), offer["flow"], offer.get("slots", {})))

    def _set(self, turn: Turn, name: str, value: Any) -> None:
        frame = turn.tracker.top
        turn.record(ev.SlotSet(name, value, frame.id if frame else None))

    def _amend(self, turn: Turn, command: cmd.AmendRequest) -> None:
        """Words that belong to the request under way go to its frame; the flow looks at the request anew."""
        frame = self._write_frame(turn) or turn.tracker.top
        if frame is None:
            return
        said = [*frame.slots.get("said", []), {"mode": command.mode, **command.slots}]
        turn.record(ev.SlotSet("said", said, frame.id))
        turn.record(ev.SlotSet("confirmation", "amended", frame.id))
        turn.record(ev.SlotSet("request", "amended", frame.id))

    def _write_frame(self, turn: Turn) -> Frame | None:
        return next((f for f in reversed(turn.tracker.stack) if self.flows[f.flow].kind == "write"), None)

    def _claim(self, turn: Turn, claims: Mapping[str, str]) -> None:
        known = dict(turn.tracker.slots.get(CLAIMS) or {})
        turn.record(ev.SlotSet(CLAIMS, known | dict(claims)))
        waiting = [f for f in turn.tracker.stack if f.flow == "identify"]
        for frame in waiting:
            turn.record(ev.SlotSet("identity", "claimed", frame.id))
        if not waiting and claims:
            turn.record(ev.FlowStarted(turn.new_frame_id(), "identify"))

    # --- starting and dropping ---------------------------------------------------------------------------------------

    def _start_write(self, turn: Turn, start: cmd.StartFlow) -> None:
        """The first request runs, further ones wait their turn; the same request again joins the one that waits."""
        waiting = next((f for f in turn.tracker.queue if f.flow == start.flow), None)
        if waiting is not None and "said" in start.slots:
            turn.record(ev.SlotSet("said", [*waiting.slots.get("said", []), *start.slots["said"]], waiting.id))
            return
        turn.record(ev.SlotSet("last_request", start.flow))
        for frame in [f for f in turn.tracker.stack if f.flow == "open_case" and start.flow != "open_case"]:
            turn.record(ev.FlowCancelled(frame.id))  # the remedy chosen takes the complaint's place
        busy = any(self.flows[f.flow].kind == "write" for f in turn.tracker.stack)
        turn.record(ev.FlowStarted(turn.new_frame_id(), start.flow, start.slots, queued=busy))

    def _drop(self, turn: Turn) -> None:
        frame = self._write_frame(turn) or turn.tracker.top
        if frame is None:
            turn.say(Act("utter_all_right"))
            return
        above = turn.tracker.stack[turn.tracker.stack.index(frame) :]
        for dropped in reversed(above):
            turn.record(ev.FlowCancelled(dropped.id))
        turn.say(Act("utter_dropped", {"flow_name": self.flows[frame.flow].name}))

    # --- not understood ----------------------------------------------------------------------------------------------

    def _cannot(self, turn: Turn, reason: str) -> None:
        if reason.startswith("language:"):
            turn.say(
                Act(
                    "utter_not_my_language",
                    {"reply": self.foreign(reason.removeprefix("language:"))},
                    (("Talk to a person", "/handoff"),),
                )
            )
            turn.record(ev.SlotSet(OFFER, {"flow": "talk_to_human", "slots": {"reason": "another language"}}))
        elif turn.tracker.misses >= 2:
            turn.say(Act("utter_offer_human", {}, (("Talk to a person", "/handoff"),)))
            turn.record(ev.SlotSet(OFFER, {"flow": "talk_to_human", "slots": {"reason": "not understood"}}))
        else:
            turn.say(Act("utter_out_of_scope" if reason == "out_of_scope" else "utter_not_understood"))
