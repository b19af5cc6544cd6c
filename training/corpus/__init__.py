"""What the embedded model learns from: phrasings written by hand, combined with facts from wide random pools.

`en/`, `zh/` …   the written data of a language, one folder per task
`rephrase.py`, `understand.py` …   one task each: `examples(rng, language)` yields (prompt, reply) pairs without end
`mix.py`         the tasks in their proportions, as training reads them
"""
