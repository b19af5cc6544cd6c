"""A customer's request, read from their words against the shop's data: which lines, which variant, which method, which address.

Pure functions over texts and the shop's models; no storage, no conversation. What words mean stands in the
language's `lexicon.yml`, nothing here assumes English.
"""
