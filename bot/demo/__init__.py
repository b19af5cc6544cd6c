"""The demo shop: an invented outdoor and home store, written by hand and filled up from a fixed seed.

It writes the native data files and documents into a folder and knows nothing of ingest, search or serving.
"""

from bot.demo.generate import DemoShop, generate
from bot.demo.stories import DEMO_CUSTOMERS, DemoCustomer

__all__ = ["DEMO_CUSTOMERS", "DemoCustomer", "DemoShop", "generate"]
