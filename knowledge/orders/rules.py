"""The shop's rules as data: what may be done to an order, until when, and where the money goes.

`Rules.load` reads `rules.yml`; a missing key takes the shipped default, which stands here too, an unknown or impossible
one is a ConfigError that names it. This module decides nothing: `pending.py` and `delivered.py` read it.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from knowledge.errors import ConfigError
from knowledge.models import OrderStatus

Percent = Annotated[Decimal, Field(ge=0, le=100)]
Days = Annotated[int, Field(ge=0)]
RefundTarget = Literal["original", "gift_card", "any", "store_credit"]
Claim = Literal["email", "first_name", "last_name", "postcode", "customer_id", "order_number"]
STORE_CREDIT = "store_credit"
PENDING_ONLY = (OrderStatus.PENDING,)
DELIVERED_ONLY = (OrderStatus.DELIVERED,)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IdentityRules(_Part):
    """Which claims, complete and all matching, name a customer; and how often one may try."""

    attempts: Annotated[int, Field(ge=1)] = 5
    accept: tuple[tuple[Claim, ...], ...] = (
        ("email",), ("first_name", "last_name", "postcode"), ("customer_id", "postcode"),
        ("order_number", "email"), ("order_number", "postcode"))


class PendingRules(_Part):
    """Common to what may happen before an order leaves the house."""

    enabled: bool = True
    statuses: tuple[OrderStatus, ...] = PENDING_ONLY
    within_minutes: Days | None = None       # counted from `placed_at`; null: as long as the status allows
    after_items_changed: bool = False        # whether it may still be done once items were changed


class CancelRules(PendingRules):
    reasons: tuple[str, ...] = ("no longer needed", "ordered by mistake")     # empty: any reason will do


class AddressRules(PendingRules):
    required: tuple[str, ...] = ("line1", "city", "postcode")


class ItemRules(PendingRules):
    across_products: bool = False


class DeliveredRules(_Part):
    """Common to what may happen once the goods are there."""

    enabled: bool = True
    statuses: tuple[OrderStatus, ...] = DELIVERED_ONLY
    window_days: Days | None = None          # counted from `delivered_at`; null: no end
    excluded_categories: tuple[str, ...] = ()


class ReturnRules(DeliveredRules):
    refund_to: tuple[RefundTarget, ...] = ("original", "gift_card")
    reasons: tuple[str, ...] = ()            # empty: none is asked for and none is recorded
    excluded_reasons: tuple[str, ...] = ()
    restocking_fee_percent: Percent = Decimal(0)
    partial_quantities: bool = True
    store_credit_bonus_percent: Percent = Decimal(0)


class ExchangeRules(DeliveredRules):
    once: bool = True
    across_products: bool = False


class DefaultAddressRules(_Part):
    enabled: bool = True
    required: tuple[str, ...] = ("line1", "city", "postcode")


class TimingRules(_Part):
    """When money arrives, in the words that stand on the card."""

    gift_card: str = "at once"
    other: str = "5 to 7 business days"
    charge: str = "at once"
    on_receipt: str = "when the goods arrive"


class Rules(_Part):
    """All rules of one shop. `undated` says what a window means for an order whose date nobody knows."""

    identity: IdentityRules = IdentityRules()
    cancel_order: CancelRules = CancelRules()
    change_address: AddressRules = AddressRules()
    change_payment: PendingRules = PendingRules()
    change_items: ItemRules = ItemRules()
    return_items: ReturnRules = ReturnRules()
    exchange_items: ExchangeRules = ExchangeRules()
    change_default_address: DefaultAddressRules = DefaultAddressRules()
    timing: TimingRules = TimingRules()
    undated: Literal["allow", "refuse"] = "allow"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a rules file. Raises ConfigError naming file and key."""
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror} (name the shop's rules.yml)") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
        if data is not None and not isinstance(data, dict):
            raise ConfigError(f"{path}: must be a mapping of rules (see the shipped rules.yml)")
        return cls.parse(data or {}, str(path))

    @classmethod
    def parse(cls, data: dict[str, object], origin: str = "rules") -> Self:
        """Validate rules that are read already. Raises ConfigError naming `origin` and key."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "(top)"
            problem = "no such rule" if first["type"] == "extra_forbidden" else first["msg"]
            raise ConfigError(f"{origin}: rule '{key}': {problem}") from error
