"""Alembic migrations of the bot's own tables; they keep their own version table beside the knowledge base's."""
