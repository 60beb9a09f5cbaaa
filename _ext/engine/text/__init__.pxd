# A text as the engine sees it: its characters, and the special tokens in it.
