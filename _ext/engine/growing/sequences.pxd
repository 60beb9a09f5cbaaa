# Sequences of tokens, each kept once: a tree whose nodes are sequences, and whose edges are tokens.
#
# Sequences that begin alike share nodes, and equal ones are the same node. So whether a sequence
# has been found before is known without comparing it.
#
# Time: expected constant per token appended. Space: 28 to 36 bytes per node, at most doubled.

from libc.stdint cimport UINT32_MAX, uint32_t, uint64_t
from libc.string cimport memset

from engine.base.heap cimport allocate_zeroed, grow, release
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK

cdef enum:
    EMPTY_SEQUENCE = 0       # the number of the node without tokens
    FIRST_NODES = 1 << 10

cdef extern from *:
    """
    /* Odd, near 2^64 divided by the golden ratio. */
    #define BPECORE_NODE_FACTOR 0x9E3779B97F4A7C15ull
    """
    const uint64_t NODE_FACTOR "BPECORE_NODE_FACTOR"

cdef struct Sequence:
    uint32_t before       # the node without the last token
    uint32_t token        # the index of the last token
    uint32_t length       # tokens
    uint32_t piece        # for the caller: which piece begins after it; 0 at first
    bint found            # for the caller: whether it is a result

cdef struct Sequences:
    Sequence *nodes       # owned: [room]
    uint32_t count
    uint32_t room         # a power of two
    uint32_t *slots       # owned: [2 * room], nodes by their hash; 0: free


cdef inline void free_sequences(Sequences *sequences) noexcept nogil:
    release(sequences.nodes)
    release(sequences.slots)
    memset(sequences, 0, sizeof(Sequences))


cdef inline uint32_t slot_of(
    const Sequences *sequences, uint32_t before, uint32_t token
) noexcept nogil:
    """Returns the slot of a node, or the free one where it belongs."""
    cdef uint32_t mask = 2 * sequences.room - 1
    cdef uint64_t hashed = (<uint64_t>before << 32 | token) * NODE_FACTOR
    cdef uint32_t slot = <uint32_t>(hashed >> 32) & mask
    cdef const Sequence *node
    while sequences.slots[slot]:
        node = sequences.nodes + sequences.slots[slot]
        if node.before == before and node.token == token:
            break
        slot = (slot + 1) & mask
    return slot


cdef inline int grow_sequences(Sequences *sequences) noexcept nogil:
    """Doubles the room. After a failure the sequences are only fit to be freed."""
    cdef uint32_t room = 2 * sequences.room if sequences.room else FIRST_NODES
    cdef uint32_t i
    if (room > UINT32_MAX // 4
            or grow(<void **>&sequences.nodes, room * sizeof(Sequence)) != STATUS_OK):
        return STATUS_NO_MEMORY
    release(sequences.slots)
    sequences.slots = <uint32_t *>allocate_zeroed(2 * <size_t>room, sizeof(uint32_t))
    if sequences.slots == NULL:
        return STATUS_NO_MEMORY
    sequences.room = room
    for i in range(1, sequences.count):
        sequences.slots[slot_of(sequences, sequences.nodes[i].before,
                                sequences.nodes[i].token)] = i
    return STATUS_OK


cdef inline int open_sequences(Sequences *sequences) noexcept nogil:
    """Makes a tree of the empty sequence. After a failure it is fit to be freed."""
    memset(sequences, 0, sizeof(Sequences))
    if grow_sequences(sequences) != STATUS_OK:
        return STATUS_NO_MEMORY
    memset(sequences.nodes, 0, sizeof(Sequence))
    sequences.count = 1
    return STATUS_OK


cdef inline int append_token(
    Sequences *sequences, uint32_t *node, uint32_t token
) noexcept nogil:
    """Replaces a node by that of its sequence and one more token."""
    cdef uint32_t slot = slot_of(sequences, node[0], token)
    cdef Sequence *added
    if sequences.slots[slot]:
        node[0] = sequences.slots[slot]
        return STATUS_OK
    if sequences.count == sequences.room:
        if grow_sequences(sequences) != STATUS_OK:
            return STATUS_NO_MEMORY
        slot = slot_of(sequences, node[0], token)
    added = sequences.nodes + sequences.count
    added.before = node[0]
    added.token = token
    added.length = sequences.nodes[node[0]].length + 1
    added.piece = 0
    added.found = False
    sequences.slots[slot] = sequences.count
    node[0] = sequences.count
    sequences.count += 1
    return STATUS_OK
