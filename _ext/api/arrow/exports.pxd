# Rows of ids or counts as Arrow arrays that share their memory, and the schemas of these.
#
# Any thread may release an array, without the GIL and after Python has ended; so the memory counts
# its users itself, and has no Python object.

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy, memset, strlen

from api.arrow.structs cimport ArrowArray, ArrowSchema
from engine.base.heap cimport allocate_zeroed, release
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.sink.id_buffer cimport IdBuffer, release_ids

cdef enum:
    NULLABLE = 2              # a flag of schemas

cdef struct Rows:
    # What several arrays may share; released by the last of them
    int64_t users             # atomic
    int64_t length
    int64_t null_count
    uint8_t *valid            # owned: a bit per row; NULL: no row is null
    int64_t *counts           # owned: [length], if tokens were counted
    void *offsets             # owned otherwise: int32 or int64[length + 1]
    IdBuffer ids              # owned: of all rows
    bint large                # whether offsets have 64 bits

cdef struct Shape:
    # What arrays of results look like to others
    bint counts               # int64, instead of lists of uint32
    bint large
    const char *name          # of a struct's only column; NULL: there is no struct

cdef struct SchemaNode:
    ArrowSchema child
    ArrowSchema *children[1]
    char name[1]              # and as many characters as it takes

cdef struct ArrayNode:
    ArrowArray child
    ArrowArray *children[1]
    const void *buffers[2]
    Rows *rows                # one of its users

cdef extern from *:
    """
    #include "engine/base/platform.h"
    #define bpecore_add_user(rows) bpecore_add_relaxed(&(rows)->users, 1)
    #define bpecore_drop_user(rows) (bpecore_add_ordered(&(rows)->users, -1) == 1)
    """
    void add_user "bpecore_add_user" (Rows *rows) noexcept nogil
    bint was_last_user "bpecore_drop_user" (Rows *rows) noexcept nogil


cdef inline void release_rows(Rows *rows) noexcept nogil:
    """Ends one use of rows, which may be NULL."""
    if rows != NULL and was_last_user(rows):
        release(rows.valid)
        release(rows.counts)
        release(rows.offsets)
        release_ids(&rows.ids, True)
        release(rows)


cdef inline void release_schema(ArrowSchema *schema) noexcept nogil:
    cdef SchemaNode *node = <SchemaNode *>schema.private_data
    if schema.n_children and node.child.release != NULL:
        node.child.release(&node.child)
    release(node)
    schema.release = NULL


cdef inline void release_array(ArrowArray *array) noexcept nogil:
    cdef ArrayNode *node = <ArrayNode *>array.private_data
    if array.n_children and node.child.release != NULL:
        node.child.release(&node.child)
    release_rows(node.rows)
    release(node)
    array.release = NULL


cdef inline int make_schema(
    const Shape *shape, const char *name, bint is_item, ArrowSchema *schema
) noexcept nogil:
    """Makes the schema of a result, and those below it.

    Args:
        name: of this field.
        is_item: whether it is the ids in a list.
    """
    cdef size_t length = strlen(name)
    cdef SchemaNode *node = <SchemaNode *>allocate_zeroed(1, sizeof(SchemaNode) + length)
    cdef Shape below = shape[0]
    cdef const char *child = "item"
    cdef int status = STATUS_OK
    if node == NULL:
        return STATUS_NO_MEMORY
    memcpy(node.name, name, length)
    memset(schema, 0, sizeof(ArrowSchema))
    node.children[0] = &node.child
    schema.name = node.name
    schema.private_data = node
    schema.release = release_schema
    schema.flags = NULLABLE
    schema.children = node.children
    below.name = NULL
    if is_item:
        schema.format = "I"
    elif shape.name != NULL:
        schema.format = "+s"
        schema.flags = 0
        child = shape.name
    elif shape.counts:
        schema.format = "l"
    else:
        schema.format = "+L" if shape.large else "+l"
    if not is_item and (shape.name != NULL or not shape.counts):
        status = make_schema(&below, child, shape.name == NULL, &node.child)
        schema.n_children = 1 if status == STATUS_OK else 0
        if status != STATUS_OK:
            release_schema(schema)
    return status


cdef inline ArrayNode *make_node(Rows *rows, int64_t length, ArrowArray *array) noexcept nogil:
    """Makes an array without buffers that uses some rows; returns NULL if there is no memory."""
    cdef ArrayNode *node = <ArrayNode *>allocate_zeroed(1, sizeof(ArrayNode))
    if node == NULL:
        return NULL
    memset(array, 0, sizeof(ArrowArray))
    add_user(rows)
    node.rows = rows
    node.children[0] = &node.child
    array.length = length
    array.buffers = node.buffers
    array.children = node.children
    array.private_data = node
    array.release = release_array
    return node


cdef inline int make_column(Rows *rows, ArrowArray *array) noexcept nogil:
    """Makes the array of some rows."""
    cdef ArrayNode *node = make_node(rows, rows.length, array)
    cdef ArrayNode *items
    if node == NULL:
        return STATUS_NO_MEMORY
    array.n_buffers = 2
    array.null_count = rows.null_count
    node.buffers[0] = rows.valid
    if rows.counts != NULL:
        node.buffers[1] = rows.counts
        return STATUS_OK
    node.buffers[1] = rows.offsets
    items = make_node(rows, <int64_t>rows.ids.length, &node.child)
    if items == NULL:
        release_array(array)
        return STATUS_NO_MEMORY
    node.child.n_buffers = 2
    items.buffers[1] = rows.ids.data
    array.n_children = 1
    return STATUS_OK


cdef inline int make_array(Rows *rows, const Shape *shape, ArrowArray *array) noexcept nogil:
    """Makes the array of some rows as a caller wants it."""
    cdef ArrayNode *node
    if shape.name == NULL:
        return make_column(rows, array)
    node = make_node(rows, rows.length, array)
    if node == NULL:
        return STATUS_NO_MEMORY
    array.n_buffers = 1
    if make_column(rows, &node.child) != STATUS_OK:
        release_array(array)
        return STATUS_NO_MEMORY
    array.n_children = 1
    return STATUS_OK
