"""What lies between the processes of a pool: segments, rings, messages."""
