"""Our messages and trackers in Rasa's JSON. Pure functions: no request, no store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bot.domain import events as ev
from bot.domain.message import OutboundMessage
from bot.domain.tracker import Mode, Tracker

Json = dict[str, Any]


def message_to_rasa(message: OutboundMessage, recipient: str) -> Json:
    """One item of the REST channel's answer; empty parts are left out."""
    custom = {"cards": [asdict(card) for card in message.cards],
              "sources": [asdict(source) for source in message.sources],
              "sender": message.sender if message.sender != "assistant" else ""} | dict(message.custom)
    item = {"text": message.text, "buttons": [asdict(button) for button in message.buttons], "image": message.image,
            "custom": _filled(custom)}
    return {"recipient_id": recipient} | _filled(item)


def delta_to_rasa(text: str, recipient: str) -> Json:
    """A piece of the reply in a stream: nothing that Rasa's clients would take for a message to show."""
    return {"type": "delta", "recipient_id": recipient, "delta": text}


def _filled(data: Mapping[str, Any]) -> Json:
    return {key: value for key, value in data.items() if value not in (None, "", [], {}, ())}


def tracker_to_rasa(tracker: Tracker, history: Sequence[ev.Stamped]) -> Json:
    """What `GET /conversations/{sender}/tracker` answers, keys as in Rasa's TrackerState."""
    running = tracker.top
    actions = [s.event.action for s in history if isinstance(s.event, ev.ActionExecuted)]
    return {
        "sender_id": tracker.conversation_id,
        "slots": _slots(tracker),
        "latest_message": _parsed(tracker.last_user),
        "latest_event_time": tracker.last_at,
        "followup_action": None,
        "paused": tracker.mode != Mode.BOT,
        "events": events_to_rasa(history),
        "latest_input_channel": tracker.last_user.channel if tracker.last_user else tracker.channel,
        "active_loop": {"name": running.flow} if running else {},
        "latest_action": {"action_name": actions[-1]} if actions else {},
        "latest_action_name": actions[-1] if actions else None,
        "stack": [{"frame_id": f.id, "flow_id": f.flow, "step_id": f.step, "type": "flow"} for f in tracker.stack],
    }


def empty_tracker(sender: str) -> Json:
    """Rasa's answer for a sender who has not said anything."""
    return tracker_to_rasa(Tracker(sender), ())


def _slots(tracker: Tracker) -> Json:
    return {"requested_slot": None, "customer_id": tracker.customer_id} | tracker.all_slots()


def _parsed(user: ev.UserUttered | None) -> Json:
    if user is None:
        return {"intent": {}, "entities": [], "text": None, "message_id": None, "metadata": {}}
    return {"intent": {"name": user.intent or None, "confidence": user.confidence}, "entities": user.entities,
            "text": user.text, "message_id": user.message_id or None, "metadata": {}, "commands": user.commands}


def events_to_rasa(history: Sequence[ev.Stamped]) -> list[Json]:
    """Rasa's event names where Rasa has the event; ours that Rasa has no word for are left out."""
    flows = {s.event.frame: s.event.flow for s in history if isinstance(s.event, ev.FlowStarted)}
    found: list[Json] = []
    for stamped in history:
        found += [data | {"timestamp": stamped.at} for data in _event(stamped.event, flows)]
    return found


def _event(event: ev.Event, flows: Mapping[str, str]) -> list[Json]:
    match event:
        case ev.SessionStarted():
            return [{"event": "action", "name": "action_session_start"}, {"event": "session_started"}]
        case ev.UserUttered():
            return [{"event": "user", "text": event.text, "parse_data": _parsed(event), "input_channel": event.channel,
                     "message_id": event.message_id or None, "metadata": {}}]
        case ev.BotUttered():
            return [{"event": "bot", "text": event.text, "data": dict(event.data), "metadata": {}}]
        case ev.AgentUttered():
            return [{"event": "bot", "text": event.text, "data": {},
                     "metadata": {"sender": "agent", "agent": event.agent}}]
        case ev.CustomerIdentified():
            return [{"event": "slot", "name": "customer_id", "value": event.customer_id}]
        case ev.SlotSet():
            return [{"event": "slot", "name": event.slot, "value": event.value}]
        case ev.ActionExecuted():
            return [{"event": "action", "name": event.action}]
        case ev.HandoffRequested():
            return [{"event": "pause"}]
        case ev.HandoffEnded():
            return [{"event": "resume"}]
        case _:
            return _flow_event(event, flows)


def _flow_event(event: ev.Event, flows: Mapping[str, str]) -> list[Json]:
    match event:
        case ev.FlowStarted():
            started: Json = {"event": "flow_started", "flow_id": event.flow}
            return [started, *({"event": "slot", "name": name, "value": value} for name, value in event.slots.items())]
        case ev.FlowCompleted(frame=frame):
            return [{"event": "flow_completed", "flow_id": flows.get(frame, "")}]
        case ev.FlowCancelled(frame=frame):
            return [{"event": "flow_cancelled", "flow_id": flows.get(frame, "")}]
        case ev.FlowResumed(frame=frame):
            return [{"event": "flow_resumed", "flow_id": flows.get(frame, "")}]
        case _:
            return []
