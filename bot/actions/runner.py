"""Runs rasa_sdk actions in process: our tracker in, their events and responses out, as ours.

The same instances are served to other Rasa assistants by `bot.action_server`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor

from bot.domain import events as ev
from bot.domain.tracker import Tracker
from bot.ports import Act, ActionResult
from knowledge.models import Evidence, EvidenceKind

# Slots that outlive a request; all others belong to the flow frame that set them.
CONVERSATION_SLOTS = frozenset(
    {
        "claims",
        "done",
        "focus_orders",
        "focus_lines",
        "focus_product",
        "shown",
        "offer",
        "identity_asked",
        "previous_address",
        "locale",
        "last_request",
    }
)
_RESPONSE_FIELDS = frozenset({"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"})


class InProcessRunner:
    def __init__(self, actions: Iterable[Action]) -> None:
        logging.getLogger("rasa_sdk.executor").setLevel(logging.WARNING)
        self._executor = ActionExecutor()
        for action in actions:
            self._executor.register_action(action)

    async def run(self, action: str, tracker: Tracker, evidence: Sequence[Evidence]) -> ActionResult:
        result = await self._executor.run(
            {"next_action": action, "tracker": tracker_json(tracker, evidence), "domain": {}, "version": ""}
        )
        if result is None:
            raise LookupError(f"no action '{action}' is registered")
        return ActionResult(tuple(_events(result.events, tracker)), tuple(_act(r) for r in result.responses))


def tracker_json(tracker: Tracker, evidence: Sequence[Evidence]) -> dict[str, Any]:
    """The tracker as Rasa's action protocol sends it; the history stays in the store."""
    last = tracker.last_user
    waiting = [f.flow for f in (*tracker.queue, *tracker.stack[:-1])]
    proposal = next((f.slots["proposal"] for f in reversed(tracker.stack) if f.slots.get("proposal")), None)
    slots = tracker.all_slots() | {
        "customer_id": tracker.customer_id,
        "locale": tracker.locale,
        "identity_attempts": tracker.identity_attempts,
        "waiting_flows": waiting,
        "page": tracker.page,
        "page_leads": tracker.page_leads,
        "open_proposal": proposal,
        "waiting_requests": [{"flow": f.flow, "said": f.slots.get("said", [])} for f in tracker.queue],
    }
    message = {
        "text": last.text if last else "",
        "intent": {"name": last.intent if last else ""},
        "entities": last.entities if last else [],
        "metadata": {"evidence": [e.id for e in evidence]},
    }
    return {
        "sender_id": tracker.conversation_id,
        "slots": slots,
        "latest_message": message,
        "events": [],
        "paused": False,
        "followup_action": None,
        "active_loop": {"name": tracker.top.flow} if tracker.top else {},
        "latest_action_name": None,
        "latest_input_channel": tracker.channel,
    }


def _events(raw: Iterable[Mapping[str, Any]], tracker: Tracker) -> Iterable[ev.Event]:
    frame = tracker.top.id if tracker.top else None
    for item in raw:
        if item.get("event") != "slot":
            continue
        name, value = str(item["name"]), item["value"]
        match name:
            case "customer_id":
                yield ev.CustomerIdentified(str(value), "claims")
            case "identity_attempts":
                yield ev.IdentityRejected(int(value))
            case "handoff":
                yield ev.HandoffRequested(str(value["reason"]), str(value["summary"]))
            case "start_flow":
                yield ev.FlowStarted(f"f{tracker.frames_begun + 1}", str(value["flow"]), value["slots"], queued=True)
            case "drop_waiting":
                yield from (ev.FlowCancelled(f.id) for f in tracker.queue if f.flow == value)
            case _ if name in CONVERSATION_SLOTS:
                yield ev.SlotSet(name, value)
            case _:
                yield ev.SlotSet(name, value, frame)


def _act(raw: Mapping[str, Any]) -> Act:
    facts = {k: v for k, v in raw.items() if k not in _RESPONSE_FIELDS}
    custom = raw.get("custom") or {}
    buttons = tuple((str(b["title"]), str(b["payload"])) for b in raw.get("buttons") or ())
    evidence = tuple(_evidence(e) for e in custom.get("evidence", ()) if isinstance(e, Mapping))
    return Act(
        str(raw.get("response") or raw.get("template")), facts, buttons, tuple(custom.get("cards", ())), evidence
    )


def _evidence(data: Mapping[str, Any]) -> Evidence:
    return Evidence(
        str(data["id"]),
        EvidenceKind(data["kind"]),
        str(data["title"]),
        str(data.get("quote", "")),
        1.0,
        source=str(data.get("source", "")),
        url=data.get("url"),
        data={"quote": data.get("quote", "")},
    )
