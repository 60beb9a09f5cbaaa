# A text becomes pieces: by blocks of 64 characters, or by the automaton.
