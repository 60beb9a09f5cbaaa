"""The process that owns a pool: it starts, checks and replaces the workers."""
