from engine.cache.cache cimport CacheLimits

cdef CacheLimits cache_limits    # of the vocabularies made from now on
