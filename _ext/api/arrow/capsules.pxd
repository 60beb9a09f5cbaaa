from api.arrow.structs cimport ArrowArray, ArrowArrayStream, ArrowSchema

cdef int move_schema(capsule, ArrowSchema *schema) except -1
cdef int move_array(capsule, ArrowArray *array) except -1
cdef int move_stream(capsule, ArrowArrayStream *stream) except -1
cdef object capsule_of_schema(ArrowSchema *schema)
cdef object capsule_of_array(ArrowArray *array)
cdef object capsule_of_stream(ArrowArrayStream *stream)
