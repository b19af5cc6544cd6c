"""What goes into the store as JSON is what `dataclasses.asdict` would give."""

from __future__ import annotations

import json
from dataclasses import asdict

from bot.domain.events import BotUttered, SlotSet, UserUttered
from bot.domain.message import Button, Card, OutboundMessage, Source
from bot.domain.plain import plain

REPLY = OutboundMessage("Here.", (Button("Yes", "/affirm"),), (Card("order", "#1", {"lines": [{"title": "Lamp"}]}),),
                        (Source(1, "chunk:1", "Returns", "document", "30 days", None),), custom={"responses": ["a"]})


def test_plain_data_is_what_the_standard_library_gives() -> None:
    for one in (REPLY, SlotSet("draft", {"picks": [("O1/L1", 2)], "deep": {"a": [1, None, True]}}, "f1"),
                UserUttered("hi", "m1", "greet", 0.9, [{"text": "hi"}], [{"name": "Chitchat"}], ["chunk:1"])):
        assert plain(one) == asdict(one)
        assert json.dumps(plain(one)) == json.dumps(asdict(one))


def test_what_comes_back_can_be_changed_without_changing_what_went_in() -> None:
    event = BotUttered("Here.", {"buttons": [{"title": "Yes"}]})
    plain(event)["data"]["buttons"].append({"title": "No"})
    assert event.data == {"buttons": [{"title": "Yes"}]}
