"""Who may call an operation: everybody, the holder of a conversation's token, or an API key with a scope.

Every route names one of these; `admit` holds a request to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from bot.channels.auth import check_holder, check_key, presented_key
from bot.channels.services import SHOP


class Caller(StrEnum):
    ANYBODY = "anybody"
    HOLDER = "holder"                       # of the conversation's token, in the Authorization header
    FIRST_FRAME = "first frame"             # the same token, but in the socket's first frame
    KEY = "key"
    KEY_WHERE_WANTED = "key where wanted"   # only a shop with `openai.key_required` asks for one


@dataclass(frozen=True, slots=True)
class Access:
    caller: Caller
    scope: str = ""


PUBLIC = Access(Caller.ANYBODY)
HOLDER = Access(Caller.HOLDER)
FIRST_FRAME = Access(Caller.FIRST_FRAME)
CHAT = Access(Caller.KEY_WHERE_WANTED, "chat")


def key_with(scope: str) -> Access:
    return Access(Caller.KEY, scope)


async def admit(request: web.Request, access: Access) -> None:
    """Raises a 401, 403 or 429 problem for a caller who may not."""
    match access.caller:
        case Caller.HOLDER:
            check_holder(request, request.match_info["id"])
        case Caller.KEY:
            await check_key(request, access.scope)
        case Caller.KEY_WHERE_WANTED if request.app[SHOP].settings.openai.key_required or presented_key(request):
            await check_key(request, access.scope)
        case _:
            pass
