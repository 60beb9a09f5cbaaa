cdef list encode_broken_text(CoreBPE core, bytes text)
cdef tuple stable_and_completions(CoreBPE core, text, allowed_special)
