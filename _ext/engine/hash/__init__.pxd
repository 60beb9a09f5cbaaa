# Hashes of prefixes of ids.
