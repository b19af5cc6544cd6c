"""Puts together what a file says about one thing in several rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from knowledge.models import Customer, Product
from knowledge.native_fields import FieldError


def merge_products(parts: Sequence[Product]) -> Product:
    """The first part that says something wins; variants and options add up. Raises FieldError without any variant."""
    first = parts[0]
    variants = tuple(variant for part in parts for variant in part.variants)
    if not variants:
        raise FieldError("variants", f"product '{first.id}' has none", "give it at least one variant with a price")
    seen: set[str] = set()
    for variant in variants:
        if variant.id in seen:
            raise FieldError("id", f"variant '{variant.id}' stands twice", "variants of a product have different ids")
        seen.add(variant.id)
    options = tuple(dict.fromkeys(name for part in parts for name in (*part.options, *_option_names(part))))
    return replace(
        first, variants=variants, options=options,
        title=_said(parts, "title") or first.id, description=_said(parts, "description") or "",
        brand=_said(parts, "brand"), url=_said(parts, "url"), image_url=_said(parts, "image_url"),
        category=next((p.category for p in parts if p.category), ()), tags=next((p.tags for p in parts if p.tags), ()),
        attributes={name: value for part in reversed(parts) for name, value in part.attributes.items()},
        extra={name: value for part in reversed(parts) for name, value in part.extra.items()})


def _option_names(product: Product) -> tuple[str, ...]:
    return tuple(name for variant in product.variants for name in variant.options)


def merge_customers(parts: Sequence[Customer]) -> Customer:
    """The first part that says something wins; payment methods add up."""
    methods = {method.id: method for part in reversed(parts) for method in part.payment_methods}
    return replace(
        parts[0], first_name=_said(parts, "first_name"), last_name=_said(parts, "last_name"),
        phone=_said(parts, "phone"), address=next((p.address for p in parts if p.address), None),
        payment_methods=tuple(methods[name] for name in sorted(methods)))


def _said(parts: Sequence[Product] | Sequence[Customer], field: str) -> str | None:
    return next((value for part in parts if (value := getattr(part, field))), None)
