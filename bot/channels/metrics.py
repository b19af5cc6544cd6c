"""What the HTTP application counts, for Prometheus: turns by channel, requests by route, and what is waiting.

Label values come from closed sets (routes, statuses, channels, outcomes), never from a caller's text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)     # seconds
CHANNELS = ("rest", "widget", "openai", "terminal")
OTHER = "other"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One registry per application, so that several of them in one process do not meet."""

    def __init__(self, *mounted: CollectorRegistry) -> None:
        self.registry = CollectorRegistry()
        for registry in mounted:            # what the shop counts by itself: stages, rungs, gate drops
            self.registry.register(registry)
        self._turns = Counter("shopclerk_turns", "Turns by channel and outcome.", ["channel", "outcome"],
                              registry=self.registry)
        self._turn_seconds = Histogram("shopclerk_turn_seconds", "Time from message to reply.", ["channel"],
                                       buckets=BOUNDS, registry=self.registry)
        self._requests = Counter("shopclerk_http_requests", "Requests by route and status.", ["route", "status"],
                                 registry=self.registry)
        self._request_seconds = Histogram("shopclerk_http_request_seconds", "Time to answer a request.", ["route"],
                                          buckets=BOUNDS, registry=self.registry)
        self._queues = Gauge("shopclerk_queue_length", "What waits: turns, accepted messages, webhooks.", ["queue"],
                             registry=self.registry)
        self._sockets = Gauge("shopclerk_open_sockets", "Widget sockets and event streams that are open.",
                              registry=self.registry)
        # Children are looked up once: `labels` takes a lock and builds a tuple, which costs more than counting.
        self._bound: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def turn(self, channel: str, outcome: str, seconds: float) -> None:
        """outcome: answered, silent, timeout, refused or failed."""
        self._note("turn", channel if channel in CHANNELS else OTHER, outcome, seconds)

    def request(self, route: str, status: int, seconds: float) -> None:
        self._note("request", route, str(status), seconds)

    def _note(self, what: str, name: str, result: str, seconds: float) -> None:
        bound = self._bound.get((what, name, result))
        if bound is None:
            count, time = (self._turns, self._turn_seconds) if what == "turn" else \
                (self._requests, self._request_seconds)
            bound = self._bound[what, name, result] = (count.labels(name, result), time.labels(name))
        bound[0].inc()
        bound[1].observe(seconds)

    def watch(self, turns: Sized, sockets: Sized) -> None:
        """Show how many there are when somebody looks."""
        self._queues.labels("turns").set_function(lambda: len(turns))
        self._sockets.set_function(lambda: len(sockets))

    def waiting(self, queues: Mapping[str, int]) -> None:
        for name, length in queues.items():
            self._queues.labels(name).set(length)

    def text(self) -> bytes:
        return generate_latest(self.registry)
