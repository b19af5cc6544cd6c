"""All actions of the shipped assistant, each with its services."""

from __future__ import annotations

from rasa_sdk import Action

from bot.actions import (
    carry_out,
    cases,
    identify,
    order_totals,
    page,
    products,
    review_address,
    review_cancel,
    review_payment,
    review_return,
    review_swap,
)
from bot.actions import shop_questions as shop
from bot.actions import show_orders as show
from bot.actions.services import Services


def build_actions(services: Services) -> list[Action]:
    """New instances; their `name()` is what flows call them by."""
    kinds = (
        identify.ActionIdentify,
        carry_out.ActionCarryOut,
        review_swap.ActionReviewSwap,
        review_cancel.ActionReviewCancel,
        review_address.ActionReviewAddress,
        review_address.ActionReviewDefaultAddress,
        review_payment.ActionReviewPayment,
        show.ActionTrackOrder,
        show.ActionOrderDetails,
        show.ActionOrderHistory,
        show.ActionRefundStatus,
        show.ActionInvoiceCopy,
        order_totals.ActionOrderTotals,
        products.ActionProductSearch,
        products.ActionProductOptions,
        products.ActionAvailability,
        products.ActionPriceExtreme,
        products.ActionCompareProducts,
        products.ActionProductQuestion,
        page.ActionCartContents,
        shop.ActionPolicyQuestion,
        shop.ActionGiftCardBalance,
        shop.ActionProfileInfo,
        cases.ActionOpenCase,
        cases.ActionCaseStatus,
    )
    offers = {
        "action_undo_cancellation": "utter_cannot_undo_cancellation",
        "action_split_payment": "utter_cannot_split_payment",
        "action_reorder": "utter_cannot_reorder",
    }
    returning = review_return.ActionReviewReturn(services, review_swap.ActionReviewSwap(services))
    return [
        returning,
        *(kind(services) for kind in kinds),
        shop.ActionTalkToHuman(),
        *(shop.ActionOfferHuman(n, r) for n, r in offers.items()),
    ]
