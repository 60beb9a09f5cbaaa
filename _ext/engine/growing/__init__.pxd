# Texts that arrive in chunks.
