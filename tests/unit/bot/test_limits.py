"""Rates and addresses."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from bot.buckets import MOST_KEYS, TokenBuckets
from bot.channels.limits import client_address, parse_networks
from knowledge.errors import ConfigError
from tests.fakes import FakeClock


def test_a_minutes_worth_at_once_then_evenly() -> None:
    clock = FakeClock()
    buckets = TokenBuckets(60, clock.now)
    assert [buckets.take("a") for _ in range(60)] == [0.0] * 60
    assert buckets.take("a") == pytest.approx(1.0)
    assert buckets.take("b") == 0.0
    clock.time += 1.0
    assert (buckets.take("a"), buckets.take("a")) == (0.0, pytest.approx(1.0))


def test_asking_while_there_is_nothing_does_not_make_the_wait_longer() -> None:
    clock = FakeClock()
    buckets = TokenBuckets(6, clock.now)
    for _ in range(20):
        buckets.take("a")
    clock.time += 10.0
    assert buckets.take("a") == 0.0


def test_memory_is_bounded() -> None:
    buckets = TokenBuckets(1)
    for n in range(MOST_KEYS + 10):
        buckets.take(str(n))
    assert len(buckets._buckets) == MOST_KEYS


@pytest.mark.parametrize(("trusted", "forwarded", "address"), [
    ((), "1.1.1.1", "10.0.0.9"), (("10.0.0.0/8",), "1.1.1.1", "1.1.1.1"),
    (("10.0.0.0/8",), "9.9.9.9, 1.1.1.1", "1.1.1.1"),
    (("10.0.0.0/8",), "1.1.1.1, 10.0.0.3", "1.1.1.1"), (("10.0.0.0/8",), "", "10.0.0.9"),
    (("10.0.0.0/8",), "nonsense", "nonsense"), (("192.168.0.0/16",), "1.1.1.1", "10.0.0.9")])
def test_only_trusted_proxies_say_who_calls(trusted: tuple[str, ...], forwarded: str, address: str) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = make_mocked_request("GET", "/", headers=headers).clone(remote="10.0.0.9")
    assert client_address(request, parse_networks(trusted)) == address


def test_a_wrong_network_names_its_setting() -> None:
    with pytest.raises(ConfigError, match=r"server\.trusted_proxies"):
        parse_networks(["the proxy"])
