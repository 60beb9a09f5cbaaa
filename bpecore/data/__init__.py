"""OpenAI's rank tables, and the file formats of vocabularies."""
