"""What the services of `aio` and `pool` share."""
