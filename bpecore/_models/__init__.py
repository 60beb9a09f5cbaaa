"""Makes encodings from the files that models come with."""
