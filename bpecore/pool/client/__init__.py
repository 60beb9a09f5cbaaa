"""What a frontend has of a pool: its connection, calls and streams."""
