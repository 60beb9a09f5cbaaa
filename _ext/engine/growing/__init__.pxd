# Texts that come in chunks.
