"""The store: products, customers, orders, documents, reviews, prices, interactions, applied operations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.String(512)


def entity(name: str, *columns: sa.Column[Any], indexes: tuple[str, ...] = ()) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, primary_key=True),
        sa.Column("source", ID, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(32), nullable=False),
        *columns,
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index(f"ix_{name}_source", name, ["source"])
    for column in indexes:
        op.create_index(f"{name}_by_{column}", name, [column])


def written_locally() -> tuple[sa.Column[Any], ...]:
    return sa.Column("ingested_hash", sa.String(32), nullable=False), sa.Column("local_at", sa.Float(53))


def upgrade() -> None:
    entity("shop_products", sa.Column("title", sa.Text, nullable=False), sa.Column("brand", sa.Text))
    entity("shop_customers",
           sa.Column("email_key", sa.Text), sa.Column("first_key", sa.Text), sa.Column("last_key", sa.Text),
           sa.Column("postcode_key", sa.Text), *written_locally(), indexes=("email_key", "last_key"))
    entity("shop_orders",
           sa.Column("number_key", sa.Text, nullable=False), sa.Column("digits_key", sa.Text, nullable=False),
           sa.Column("customer_id", ID, nullable=False), sa.Column("placed_at", sa.String(40)), *written_locally(),
           indexes=("number_key", "digits_key", "customer_id"))
    entity("shop_documents", sa.Column("kind", sa.String(32), nullable=False))
    entity("shop_reviews", sa.Column("product_id", ID, nullable=False), indexes=("product_id",))
    entity("shop_prices", sa.Column("variant_id", ID, nullable=False), indexes=("variant_id",))
    entity("shop_interactions", sa.Column("customer_id", ID), indexes=("customer_id",))
    op.create_table(
        "shop_variants",
        sa.Column("product_id", ID, nullable=False), sa.Column("position", sa.Integer, nullable=False),
        sa.Column("id", ID, nullable=False), sa.Column("sku_key", sa.Text),
        sa.PrimaryKeyConstraint("product_id", "position"),
    )
    op.create_index("shop_variants_by_id", "shop_variants", ["id"])
    op.create_index("shop_variants_by_sku", "shop_variants", ["sku_key"])
    op.create_table(
        "shop_chunks",
        sa.Column("document_id", ID, nullable=False), sa.Column("position", sa.Integer, nullable=False),
        sa.Column("id", ID, nullable=False, unique=True), sa.Column("hash", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "position"),
    )
    op.create_table("shop_operations",
                    sa.Column("id", ID, primary_key=True), sa.Column("applied_at", sa.Float(53), nullable=False))


def downgrade() -> None:
    for name in ("operations", "chunks", "variants", "interactions", "prices", "reviews", "documents", "orders",
                 "customers", "products"):
        op.drop_table(f"shop_{name}")
