"""When a conversation that waits for a person goes back to the assistant. Handoff is a state: bot → queued → agent → bot."""

from __future__ import annotations

from bot.domain.tracker import Mode, Tracker


def is_overdue(tracker: Tracker, now: float, queue_timeout: float, agent_timeout: float) -> bool:
    """Nobody came in `queue_timeout` seconds, or the person who came fell silent for `agent_timeout`."""
    if tracker.mode is Mode.QUEUED:
        return now - tracker.mode_since > queue_timeout
    if tracker.mode is Mode.AGENT:
        return now - max(tracker.mode_since, tracker.agent_at) > agent_timeout
    return False
