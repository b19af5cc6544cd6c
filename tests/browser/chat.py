"""The widget in a page as its user sees it: by roles and names. It knows no module of it."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, Page, expect

SOON = 20_000  # ms; a busy machine is slow, a broken widget never gets there


class Chat:
    """A page with the widget in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.host = page.locator("shopclerk-chat")
        self.launcher = self.host.locator(".launcher")
        self.panel = self.host.get_by_role("dialog").first
        self.field = self.host.get_by_role("textbox", name="Write a message")
        self.log = self.host.get_by_role("log")
        self.draft = self.host.locator(".draft")
        self.banner = self.host.locator(".banner")
        self.status = self.host.locator(".status")
        self.badge = self.host.locator(".badge")

    async def open(self) -> Chat:
        await self.launcher.click()
        await expect(self.field).to_be_visible(timeout=SOON)
        return self

    async def reload(self) -> None:
        """A chat that was open comes back by itself."""
        await self.page.reload()
        await expect(self.field).to_be_visible(timeout=SOON)

    def row(self, who: str) -> Locator:
        """Messages from the customer, the assistant or an agent."""
        return self.log.locator(f".row.{who}")

    async def say(self, text: str) -> None:
        await self.field.fill(text)
        await self.field.press("Enter")

    async def ask(self, text: str) -> Locator:
        """Say it and wait for the answer; the answer's last bubble."""
        before = await self.row("assistant").count()
        await self.say(text)
        await expect(self.row("assistant").nth(before)).to_be_visible(timeout=SOON)
        return self.row("assistant").last

    def button(self, name: str) -> Locator:
        return self.host.get_by_role("button", name=name, exact=True)

    async def menu(self, name: str) -> None:
        await self.button("More options").click()
        await self.button(name).click()

    async def connected(self) -> None:
        await expect(self.host.locator('.panel[data-connection="open"]')).to_be_attached(timeout=SOON)

    async def focus(self) -> str:
        """The accessible name of what has the focus inside the widget; "" when the focus is in the page."""
        return str(
            await self.page.evaluate("""() => {
            const node = document.querySelector("shopclerk-chat").shadowRoot.activeElement;
            return node ? node.getAttribute("aria-label") || node.textContent.trim() : "";
        }""")
        )

    async def texts(self) -> list[str]:
        """Everything said, in the order shown: "customer: …", "assistant: …"."""
        rows = self.log.locator(".row")
        found: Any = await rows.evaluate_all("""rows => rows.map(row => row.className.split(" ")[1] + ": "
            + [...row.querySelectorAll(".bubble")].map(bubble => bubble.textContent).join(" "))""")
        return list(found)
