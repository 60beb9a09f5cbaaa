"""What runs in a worker process of a pool."""
