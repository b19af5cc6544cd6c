"""Offline: from data to artifacts (weights + manifest). Nothing imports this package."""
