cpdef bytes decode_known(CoreBPE core, tokens, bint skip_special, str unknown)
