cpdef str without_surrogates(text)
