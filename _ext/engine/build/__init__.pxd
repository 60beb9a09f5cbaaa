# What construction writes: the tables of a vocabulary, from its ranks.
