"""Plays customers' goals against the running assistant and judges them by the state the store is left in."""
