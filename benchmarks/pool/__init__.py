"""What a `TokenizerPool` does under load: `python -m benchmarks.pool`."""
