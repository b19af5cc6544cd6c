"""Profiles, recommendations and promotional copy. Imports `knowledge` only."""
