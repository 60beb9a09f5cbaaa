"""Makes encodings: vocabularies, patterns and special tokens, interned and under locks."""
