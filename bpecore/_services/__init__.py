"""What `aio` and `pool` share."""
