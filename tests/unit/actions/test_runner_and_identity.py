"""Actions in process: slots become our events; and who a customer is, found out in a few attempts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.actions.attempts import ContactAttempts
from bot.actions.registry import build_actions
from bot.actions.runner import CONVERSATION_SLOTS, InProcessRunner, tracker_json
from bot.domain import events as ev
from knowledge.models import Evidence, EvidenceKind
from tests.fakes import FakeClock
from tests.unit.actions.service_desk import ServiceDesk, open_service, responses, told

WRONG = {"first_name": "Mira", "last_name": "Holt", "postcode": "11111"}


@pytest.fixture
def stranger() -> ServiceDesk:
    service = open_service(customer=None)
    service.start("identify")
    return service


async def claim(service: ServiceDesk, **claims: str) -> list[str]:
    service.note(ev.SlotSet("claims", dict(service.tracker.slots.get("claims") or {}) | claims))
    return responses(await service.run("action_identify"))


async def test_without_a_claim_one_is_asked_who_one_is(stranger):
    assert await claim(stranger) == []
    assert stranger.question["slot"] == "identity"
    assert stranger.tracker.customer_id is None


@pytest.mark.parametrize("claims", [
    {"email": "MIRA.holt@example.com"}, {"first_name": "mira", "last_name": "holt", "postcode": "97205"},
    {"customer_id": "mira_holt_7712", "postcode": "97205"}, {"order_number": "#K10455", "postcode": "97205"}])
async def test_the_right_claims_tell_who_one_is(stranger, claims):
    assert await claim(stranger, **claims) == ["utter_identified"]
    assert stranger.tracker.customer_id == "mira_holt_7712"
    assert not stranger.tracker.slots.get("claims")


async def test_what_is_missing_is_asked_for_and_adds_up(stranger):
    await claim(stranger, first_name="Mira", last_name="Holt")
    assert "postcode" in str(stranger.question["facts"])
    assert stranger.tracker.identity_attempts == 0
    await claim(stranger, postcode="97205")
    assert stranger.tracker.customer_id == "mira_holt_7712"


async def test_wrong_claims_are_forgotten_counted_and_all_answered_alike(stranger):
    told_for = []
    for claims in (WRONG, {"email": "nobody@example.com"}, {"order_number": "#K99999", "postcode": "97205"},
                   {"order_number": "#K20111", "postcode": "97205"}):
        result = await claim(stranger, **claims)
        told_for.append((tuple(result), str(stranger.question)))
        assert not stranger.tracker.slots.get("claims")
    assert len(set(told_for)) == 1
    assert stranger.tracker.identity_attempts == 4
    assert stranger.tracker.customer_id is None


async def test_after_five_attempts_even_the_right_claims_do_not_help(stranger):
    for _ in range(5):
        await claim(stranger, **WRONG)
    assert await claim(stranger, email="mira.holt@example.com") == ["utter_identity_locked"]
    assert stranger.tracker.customer_id is None
    assert stranger.slot("identity_locked")


async def test_guesses_at_one_order_are_bounded_over_all_conversations():
    clock = FakeClock()
    first = open_service(customer=None)
    services = replace(first.services, attempts=ContactAttempts(3, clock.now))

    def conversation() -> ServiceDesk:
        return ServiceDesk(first.book, services, InProcessRunner(build_actions(services)))

    async def guess(order_number: str, postcode: str) -> tuple[list[str], str, str | None]:
        service = conversation()
        service.start("identify")
        said = await claim(service, order_number=order_number, postcode=postcode)
        return said, str(service.question), service.tracker.customer_id

    wrong = [await guess("#K10455", f"1111{n}") for n in range(3)]
    right, written_otherwise = await guess("#K10455", "97205"), await guess("k10455", "97205")
    assert right == written_otherwise == wrong[0], "the very answer that a wrong guess gets"
    assert (await guess("#K20111", "4021"))[2] is None, "wrong for another reason"
    by_mail = conversation()
    by_mail.start("identify")
    assert await claim(by_mail, email="mira.holt@example.com") == ["utter_identified"], "not by the contact guessed at"
    clock.time += 1200
    assert (await guess("#K10455", "97205"))[2] == "mira_holt_7712"


async def test_who_is_known_stays_who_they_are():
    service = open_service()
    service.start("identify")
    service.note(ev.SlotSet("claims", {"email": "jon@example.org"}))
    await service.run("action_identify")
    assert service.tracker.customer_id == "mira_holt_7712"


async def test_nothing_about_the_customer_is_told_by_a_wrong_claim(stranger):
    service = stranger
    service.note(ev.SlotSet("claims", WRONG))
    assert told(await service.run("action_identify")) == ""


# --- the runner ------------------------------------------------------------------------------------------------------

async def test_an_unknown_action_is_an_error(stranger):
    with pytest.raises(Exception, match="action_nothing"):
        await stranger.runner.run("action_nothing", stranger.tracker, ())


async def test_slots_belong_to_the_frame_unless_they_outlive_it():
    service = open_service()
    service.start("return", "return the boots")
    await service.run("action_review_return")
    assert service.tracker.top is not None
    assert "draft" in service.tracker.top.slots
    assert "draft" not in service.tracker.slots
    assert set(service.tracker.slots) <= CONVERSATION_SLOTS | {"requested_slot"}


async def test_an_action_never_writes_the_tracker():
    service = open_service()
    service.start("track_order", "where is order #K10388")
    before = tracker_json(service.tracker, ())
    await service.runner.run("action_track_order", service.tracker, ())
    assert tracker_json(service.tracker, ()) == before


def test_the_tracker_as_rasas_protocol_sends_it():
    service = open_service()
    service.note(ev.UserUttered("where is my order", intent="track_order"))
    service.start("track_order", "where is my order")
    sent = tracker_json(service.tracker, [Evidence("line:1/L1", EvidenceKind.ORDER_LINE, "Lamp", "", 1.0)])
    assert sent["sender_id"] == "talk"
    assert sent["slots"]["customer_id"] == "mira_holt_7712"
    assert sent["latest_message"]["text"] == "where is my order"
    assert sent["latest_message"]["intent"]["name"] == "track_order"
    assert sent["latest_message"]["metadata"]["evidence"] == ["line:1/L1"]
