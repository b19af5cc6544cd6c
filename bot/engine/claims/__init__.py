"""What a sentence claims: its values, its words with their polarity and mood, and which value belongs to which thing."""
