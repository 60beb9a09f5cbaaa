cpdef refuse_strings(text, frozenset names)
cpdef raise_disallowed_special_token(token)
