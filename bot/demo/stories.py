"""The three customers a newcomer plays, their orders, and what to try as each of them.

What is written here holds for every seed and day: it names orders by their fixed numbers and no price or stock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.demo import source
from bot.demo.catalogue import Item
from bot.demo.orders import OrderDesk, Plan
from bot.demo.people import Person


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """Who to be in the chat: everything needed to prove it, and lines to type."""

    id: str
    name: str
    email: str
    postcode: str
    story: str
    things_to_try: tuple[str, ...]


DEMO_CUSTOMERS = (
    DemoCustomer(
        "C1001", "Maya Lindqvist", "maya.lindqvist@example.com", "97214",
        "ordered a rain jacket and a bottle yesterday; her trail shoes came the week before last",
        (
            "The jacket I just ordered, can you make it a size L instead?",
            "Please send order #W5918442 to 9 Alder Lane, Portland, OR 97205",
            "My trail shoes pinch. Can I swap them for a 42?",
            "When did I buy that thing for my bike, the lights?",
            "How long can I take to send something back?",
            "Pay for the pending order with PayPal, not with my Visa",
        ),
    ),
    DemoCustomer(
        "C1002", "Daniel Okafor", "daniel.okafor@example.com", "60614",
        "waits for a tent that is on its way; his headphones are being packed",
        (
            "Where is my tent?",
            "Cancel the headphones",
            "I want to return the coffee grinder, the beans were great though",
            "Is there a warmer sleeping bag than the Dormouse 5, without down?",
            "What happened to my return of the power bank?",
            "Which of your tents would you take into snow?",
        ),
    ),
    DemoCustomer(
        "C1003", "Sofia Marchetti", "sofia.marchetti@example.com", "78704",
        "has a gift card and a cancelled lamp, and a desk order that can still change",
        (
            "How much is left on my gift card?",
            "Did I get my money back for the lamp I cancelled?",
            "I'd rather have the keyboard with tactile switches, same layout",
            "cancel the whole desk order, i dont need it anymore",
            "The kids' rain jacket is too small, do you have the next size in frog?",
            "What tea would you give somebody who sleeps badly?",
        ),
    ),
)


def story_people() -> list[Person]:
    return [Person(story["customer"], tuple(story["tastes"])) for story in source.read("stories")]


def story_orders(people: list[Person], catalogue: Mapping[str, Item], desk: OrderDesk, seed: int
                 ) -> list[dict[str, Any]]:
    """The hand-written orders, each complete."""
    orders = []
    for person, story in zip(people, source.read("stories"), strict=True):
        for told in story["orders"]:
            lines = [(catalogue[product], _variant(catalogue[product], wanted), quantity)
                     for product, wanted, quantity in told["lines"]]
            plan = Plan(person, told["status"], told["hours_ago"], lines, told["number"], told["method"],
                        told.get("parcel", {}), told.get("reason"))
            orders.append(desk.write(plan, source.randomness(seed, told["number"])))
    return orders


def _variant(item: Item, wanted: Mapping[str, str]) -> Mapping[str, Any]:
    """The wanted variant; where another seed left it out of the range, the first one."""
    try:
        return item.variant(**wanted)
    except LookupError:
        return item.variants[0]
