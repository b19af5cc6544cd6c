"""The image leaves out what only the export of the encoder needs: the assistant answers without it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = (ROOT / "docker" / "slim.txt").read_text(encoding="utf-8")
IMPORTED_AS = {"scikit-learn": "sklearn"}

TURN = """
import asyncio, sys
from importlib.abc import MetaPathFinder
from pathlib import Path

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"no module named {{name}}")

sys.meta_path.insert(0, Absent())

from bot.app import create_app
from bot.bootstrap import open_shop
from bot.domain.message import InboundMessage

async def main():
    async with await open_shop(Path({folder!r})) as shop:
        create_app(shop)
        for words in ("what is your return policy?", "a waterproof jacket under 200"):
            for reply in await shop.inbox.receive(InboundMessage("c1", words)):
                print(*reply.custom["responses"])

asyncio.run(main())
"""


async def test_the_assistant_answers_without_what_the_image_leaves_out(own_folder: Path) -> None:
    names = [line.strip() for line in LEFT_OUT.splitlines() if line.strip() and not line.startswith("#")]
    absent = {IMPORTED_AS.get(name, name).replace("-", "_") for name in names}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TURN.format(absent=absent, folder=str(own_folder)), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    said, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    assert "torch" in absent and len(said.splitlines()) == 2, said
