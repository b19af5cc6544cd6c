"""The prompts of the embedded model, one module per task: what serving renders, training renders.

They know plain values only, neither models nor trackers; `bot.llm.spans` tells how values are pointed at.
"""
