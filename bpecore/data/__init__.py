"""OpenAI's rank tables, packed."""
