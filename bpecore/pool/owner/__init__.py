"""The process that owns a pool: starts, watches and replaces its workers."""
