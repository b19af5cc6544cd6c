"""Late answers of the shop's order system: entered once, and the customer is told when they come."""

from __future__ import annotations

import asyncio
import logging

from bot.handoffs import Handoffs
from knowledge.errors import NotFound, ShopclerkError
from knowledge.orders.operations import Outcome, OutcomeState
from knowledge.orders.service import OrderService

log = logging.getLogger("shopclerk.orders")
_SAID = {OutcomeState.ACCEPTED: "utter_settled_accepted", OutcomeState.REFUSED: "utter_settled_refused"}


async def settle_forever(orders: OrderService, handoffs: Handoffs, every_s: float = 5.0) -> None:
    """Ask again, every `every_s` seconds, what the order system has not answered."""
    while True:
        try:
            await settle_open(orders, handoffs)
        except ShopclerkError as error:
            log.warning("open order requests could not be settled: %s", error)
        await asyncio.sleep(every_s)


async def settle_open(orders: OrderService, handoffs: Handoffs) -> int:
    """Settle what is open now; how many answers came."""
    answered = 0
    for operation_id in await orders.unsettled():
        outcome = await orders.settle(operation_id)
        if outcome is not None and outcome.state in _SAID:
            answered += 1
            await _tell(handoffs, outcome)
    return answered


async def _tell(handoffs: Handoffs, outcome: Outcome) -> None:
    conversation_id = str(outcome.facts.get("conversation_id") or "")
    if not conversation_id:
        return
    try:
        await handoffs.tell(
            conversation_id,
            _SAID[outcome.state],
            order_number=outcome.quote.order_number,
            reason=outcome.reason.replace("_", " "),
        )
    except NotFound:
        log.info("no conversation to tell about a late answer")
