"""Alembic's migrations of the knowledge tables; `knowledge.db.upgrade` runs them."""
