"""How often an address, a conversation or an API key may call. Counts live in this process; a restart forgets them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import web

from bot.buckets import TokenBuckets
from bot.channels.problem import Problem
from knowledge.errors import ConfigError

Network = IPv4Network | IPv6Network


BY_KEY = web.AppKey("by_key", TokenBuckets)


def check_rate(buckets: TokenBuckets, key: str, whose: str) -> None:
    """Raises a 429 problem that names the seconds to wait."""
    if wait := buckets.take(key):
        seconds = math.ceil(wait)
        raise Problem(429, f"too many requests from this {whose}: try again in {seconds} s",
                      kind="rate-limited", headers={"Retry-After": str(seconds)}, retry_after=seconds)


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Raises ConfigError for what is no network."""
    try:
        return tuple(ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise ConfigError(f"setting 'server.trusted_proxies': {error}; write networks like '10.0.0.0/8'") from error


def client_address(request: web.Request, trusted: Sequence[Network]) -> str:
    """Who calls. X-Forwarded-For counts only as far as trusted proxies wrote it: the last that is no proxy."""
    address = request.remote or ""
    hops = [hop.strip() for value in request.headers.getall("X-Forwarded-For", []) for hop in value.split(",")]
    while hops and _within(address, trusted):
        address = hops.pop()
    return address


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
