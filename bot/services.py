"""What every package's commands may ask of the service, made only when asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.config import BotSettings


class Services:
    """A lazy container: naming it costs nothing, each method imports what it needs."""

    def settings(self, directory: Path) -> BotSettings:
        """Raises ConfigError that names the key."""
        from bot.config import BotSettings
        from knowledge.settings import load_settings

        return load_settings(BotSettings, directory)

    async def open_shop(self, directory: Path, **overrides: Any) -> Any:
        """The whole shop, opened: an async context manager."""
        from bot.bootstrap import open_shop

        return await open_shop(directory, **overrides)

    def chat_model(self, task: str, directory: Path) -> Any:
        """The chat model (langchain_core's BaseChatModel) a shop has set for `task`, or None."""
        from bot.bootstrap import chat_model

        return chat_model(task, self.settings(directory))
