# A piece that is not a token becomes tokens.
