from engine.simd.vectors cimport Vectors

cdef bint has_gathers()
cdef Vectors vectors    # what engines are made with from now on
