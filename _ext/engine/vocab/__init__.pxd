# What a call reads of a vocabulary: its tables, as they lie in memory and in a file.
