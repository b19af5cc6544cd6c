"""A served shop under shop traffic: latency, turns per second, processor time of both sides, memory, readiness.

`measure` starts the server on a copy of a store, warms it up with one conversation of every kind, and then plays the mix
(benchmarks.mix) through each door, one conversation at a time and fifty at a time. Commits are durable; templates speak.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from benchmarks.customers import DOORS, Answer, Door
from benchmarks.demo_folder import copy_of
from benchmarks.mix import ANSWERS, MAX_ANSWERS, Conversation, each_kind, mix
from benchmarks.server_process import ServerProcess

AT_A_TIME = 50
SLOWEST = 0.02  # the share of turns that is looked at to say what makes p99


@dataclass
class Tally:
    """Milliseconds per turn with the kind of its conversation; conversations that did not get the right kind of reply."""

    turns: list[tuple[float, str]] = field(default_factory=list)
    unserved: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    conversations: int = 0


async def play(door: Door, session: aiohttp.ClientSession, url: str, conversation: Conversation, name: str,
               tally: Tally) -> None:
    """Say the lines, then answer what is asked, where something is to be done."""
    customer, given = door(session, url, name, conversation.customer_id), list[str]()

    async def say(text: str) -> Answer:
        answer = await customer.say(text)
        tally.turns.append((answer.ms, conversation.kind))
        given.extend(answer.responses)
        return answer

    tally.conversations += 1
    try:
        for line in conversation.lines:
            answer = await say(line)
        for _ in range(MAX_ANSWERS if conversation.request else 0):
            if answer.asked not in ANSWERS:
                break
            asked, answer = answer.asked, await say(ANSWERS[answer.asked])
            if asked == "confirmation":
                break
    except (RuntimeError, aiohttp.ClientError, TimeoutError) as error:
        tally.errors.append(f"{conversation.kind}: {error}")
    finally:
        await customer.leave()
    if not conversation.served(given):
        tally.unserved.append(conversation.kind)


async def play_all(server: ServerProcess, door: str, conversations: Sequence[Conversation], prefix: str,
                   at_a_time: int) -> dict[str, Any]:
    """All of them, so many at a time; figures of the whole."""
    tally, gate, stages = Tally(), asyncio.Semaphore(at_a_time), server.stage_seconds()
    server_cpu, client_cpu, began = server.cpu_s(), time.process_time(), time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        async def one(place: int, conversation: Conversation) -> None:
            async with gate:
                await play(DOORS[door], session, server.url, conversation, f"{prefix}-{place}", tally)

        await asyncio.gather(*(one(place, conversation) for place, conversation in enumerate(conversations)))
    wall, turns = time.perf_counter() - began, max(1, len(tally.turns))
    spent = {stage: (total - stages.get(stage, 0.0)) * 1000 / turns for stage, total in server.stage_seconds().items()}
    return figures(tally, wall) | {
        "server_cpu_ms": (server.cpu_s() - server_cpu) * 1000 / turns,
        "client_cpu_ms": (time.process_time() - client_cpu) * 1000 / turns,
        "stages_ms": {stage: ms for stage, ms in spent.items() if stage != "other"}}


def figures(tally: Tally, wall_s: float) -> dict[str, Any]:
    times = [ms for ms, _ in tally.turns] or [0.0]
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    slowest = sorted(tally.turns, reverse=True)[:max(1, round(len(tally.turns) * SLOWEST))]
    kinds: dict[str, list[float]] = {}
    for ms, kind in tally.turns:
        kinds.setdefault(kind, []).append(ms)
    return {"conversations": tally.conversations, "turns": len(tally.turns), "turns_per_s": len(tally.turns) / wall_s,
            "mean_ms": float(np.mean(times)), "p50_ms": float(p50), "p95_ms": float(p95), "p99_ms": float(p99),
            "kinds_ms": {kind: statistics.median(found) for kind, found in sorted(kinds.items())},
            "slowest": [kind for _, kind in slowest], "unserved": sorted(tally.unserved), "errors": tally.errors[:5],
            "failed": len(tally.errors)}


async def first_turn_ms(server: ServerProcess) -> float:
    """A cold server's first answer, a question to its documents."""
    async with aiohttp.ClientSession() as session:
        customer = DOORS["rest"](session, server.url, "cold", None)
        return (await customer.say("how long does shipping take?")).ms


def measure(store: Path, source: Path, name: str, *, singles: int, several: int) -> dict[str, Any]:
    """All figures of one store. `singles` and `several` are conversations per door."""
    parts = mix(source, 2 * (singles + several), seed=2)
    warm = [c for seed in (11, 12) for c in each_kind(source, seed) if not c.request]
    with ServerProcess(copy_of(store, name)) as server:
        found: dict[str, Any] = {"ready_s": server.ready_s, "ready_cpu_s": server.ready_cpu_s,
                                 "opened_mb": server.resident_mb(), "first_turn_ms": asyncio.run(first_turn_ms(server))}
        asyncio.run(play_all(server, "rest", warm, "warm", 4))
        for door in DOORS:
            mine, parts = parts[:singles], parts[singles:]
            found[f"{door}_1"] = asyncio.run(play_all(server, door, mine, f"{door}-one", 1))
        found["after_singles_mb"] = server.resident_mb()
        for door in DOORS:
            mine, parts = parts[:several], parts[several:]
            found[f"{door}_50"] = asyncio.run(play_all(server, door, mine, f"{door}-fifty", AT_A_TIME))
        found |= {"resident_mb": server.resident_mb(), "own_mb": server.own_mb(), "peak_mb": server.peak_mb()}
    return found
