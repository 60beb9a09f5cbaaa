"""Arrow's structs in and out of capsules.

Who takes a struct out of a capsule moves it: the capsule's copy counts as released, and its
destructor frees only the struct's own memory. A struct is released exactly once, by its last owner.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid, PyCapsule_New

from api.arrow.structs cimport ArrowArray, ArrowArrayStream, ArrowSchema
from engine.base.heap cimport allocate, release


cdef void *struct_in(capsule, const char *name) except NULL:
    """Returns the struct of a capsule; TypeError if it is no capsule of that name."""
    if not PyCapsule_IsValid(capsule, name):
        raise TypeError(f"expected a capsule named {name.decode()}, got {capsule!r:.80}")
    return PyCapsule_GetPointer(capsule, name)


cdef int move_schema(capsule, ArrowSchema *schema) except -1:
    """Moves a schema out of a capsule; ValueError if it was moved before."""
    cdef ArrowSchema *found = <ArrowSchema *>struct_in(capsule, b"arrow_schema")
    if found.release == NULL:
        raise ValueError("malformed Arrow data: the schema has been released")
    schema[0] = found[0]
    found.release = NULL
    return 0


cdef int move_array(capsule, ArrowArray *array) except -1:
    """Moves an array out of a capsule; ValueError if it was moved before."""
    cdef ArrowArray *found = <ArrowArray *>struct_in(capsule, b"arrow_array")
    if found.release == NULL:
        raise ValueError("malformed Arrow data: the array has been released")
    array[0] = found[0]
    found.release = NULL
    return 0


cdef int move_stream(capsule, ArrowArrayStream *stream) except -1:
    """Moves a stream out of a capsule; ValueError if it was moved before."""
    cdef ArrowArrayStream *found = <ArrowArrayStream *>struct_in(capsule, b"arrow_array_stream")
    if found.release == NULL:
        raise ValueError("malformed Arrow data: the stream has been released")
    stream[0] = found[0]
    found.release = NULL
    return 0


cdef void free_schema(capsule) noexcept:
    cdef ArrowSchema *schema = <ArrowSchema *>PyCapsule_GetPointer(capsule, b"arrow_schema")
    if schema.release != NULL:
        schema.release(schema)
    release(schema)


cdef void free_array(capsule) noexcept:
    cdef ArrowArray *array = <ArrowArray *>PyCapsule_GetPointer(capsule, b"arrow_array")
    if array.release != NULL:
        array.release(array)
    release(array)


cdef void free_stream(capsule) noexcept:
    cdef ArrowArrayStream *stream = <ArrowArrayStream *>PyCapsule_GetPointer(
        capsule, b"arrow_array_stream")
    if stream.release != NULL:
        stream.release(stream)
    release(stream)


cdef object capsule_of_schema(ArrowSchema *schema):
    """Moves a schema into a capsule; releases it if there is no memory."""
    cdef ArrowSchema *moved = <ArrowSchema *>allocate(1, sizeof(ArrowSchema))
    if moved == NULL:
        schema.release(schema)
        raise MemoryError("no memory for an Arrow schema")
    moved[0] = schema[0]
    return PyCapsule_New(moved, b"arrow_schema", free_schema)


cdef object capsule_of_array(ArrowArray *array):
    """Moves an array into a capsule; releases it if there is no memory."""
    cdef ArrowArray *moved = <ArrowArray *>allocate(1, sizeof(ArrowArray))
    if moved == NULL:
        array.release(array)
        raise MemoryError("no memory for an Arrow array")
    moved[0] = array[0]
    return PyCapsule_New(moved, b"arrow_array", free_array)


cdef object capsule_of_stream(ArrowArrayStream *stream):
    """Moves a stream into a capsule; releases it if there is no memory."""
    cdef ArrowArrayStream *moved = <ArrowArrayStream *>allocate(1, sizeof(ArrowArrayStream))
    if moved == NULL:
        stream.release(stream)
        raise MemoryError("no memory for an Arrow stream")
    moved[0] = stream[0]
    return PyCapsule_New(moved, b"arrow_array_stream", free_stream)
