"""What a sentence claims: its values, its words with polarity and mood, which value belongs to what."""
