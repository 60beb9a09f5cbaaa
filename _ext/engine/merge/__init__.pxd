# A piece that is no token becomes tokens.
