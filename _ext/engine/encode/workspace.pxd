# What a running call needs besides the frozen tables: its piece cache and scratch memory.
#
# A vocabulary keeps idle workspaces in a few slots. A call takes one with an atomic exchange and
# gives it back the same way, so no two running calls ever share one, and no lock is held while
# encoding. Calls beyond the slots create a workspace and free it again.

from libc.stdint cimport uint64_t

from engine.base.interrupt cimport Interrupt
from engine.base.heap cimport ByteBuffer, allocate_zeroed, release
from engine.base.types cimport STATUS_OK
from engine.cache.cache cimport (
    CACHE_SEEDS, CacheLimits, CacheTotals, PieceCache, PieceGroup, UnknownPieces, close_cache,
    open_cache, set_limits, shrink_to_kept)
from engine.encode.marks cimport Marks
from engine.merge.queue cimport MergeMemory, free_merge_memory, merge_memory_size
from engine.sink.id_buffer cimport IdBuffer, release_ids
from engine.split.automaton cimport ScannedPieces
from engine.split.starts cimport Split
from engine.split.chunk cimport Chunk, free_chunk
from engine.split.guided cimport BackwardStates, free_states

cdef enum:
    IDLE_WORKSPACES = 64       # slots for idle workspaces per vocabulary, at most
    FEWEST_SLOTS = 8           # and at least
    KEPT_BYTES = 1 << 20       # scratch memory above this is freed after a call
    KEPT_IDS = 1 << 17         # likewise, ids on their way into a list

cdef struct Workspace:
    PieceCache cache
    Chunk chunk                # a window of the text as UTF-8
    MergeMemory merging        # scratch memory for merging
    IdBuffer ids               # ids on their way into a list
    bint many_ids              # whether the last call had more than KEPT_IDS of them
    ScannedPieces scanned      # pieces found by the automaton
    Split split                # pieces found by blocks
    BackwardStates states      # of the window that a guided automaton splits
    Interrupt interrupt        # whether and when the call ends early
    PieceGroup group           # pieces being looked up; 14 KB, too much for a small stack
    UnknownPieces unknown      # pieces put off until there are enough to learn them together
    ByteBuffer decoded         # a window of a text that came as UTF-8
    ByteBuffer replaced        # such a text without what is not valid
    Marks marks                # of the text that is encoded
    bint much_text             # whether texts follow each other that memory has to deliver
    size_t following           # characters after this text that are encoded next
    size_t last_piece_ids      # ids of the encoded text's last piece; 0 after a special token

cdef struct WorkspacePool:
    Workspace *idle[IDLE_WORKSPACES]   # owned; NULL = empty slot
    int slots                          # how many of these are used: one per CPU
    uint64_t seeds[CACHE_SEEDS]        # of the caches
    CacheLimits limits                 # of each
    CacheTotals totals                 # of all of them

cdef extern from "engine/base/platform.h" nogil:
    Workspace *peek "bpecore_load_relaxed" (Workspace **place) noexcept
    Workspace *take "bpecore_exchange_acquire" (Workspace **place, Workspace *value) noexcept
    bint put_if_empty "bpecore_fill_release" (Workspace **place, Workspace *value) noexcept


cdef inline void free_bytes(ByteBuffer *buffer, size_t kept) noexcept nogil:
    """Frees a buffer of more than `kept` bytes."""
    if buffer.capacity > kept:
        release(buffer.data)
        buffer.data = NULL
        buffer.capacity = 0


cdef inline void free_workspace(Workspace *workspace) noexcept nogil:
    if workspace != NULL:
        close_cache(&workspace.cache)
        free_chunk(&workspace.chunk)
        free_states(&workspace.states)
        free_merge_memory(&workspace.merging)
        free_bytes(&workspace.decoded, 0)
        free_bytes(&workspace.replaced, 0)
        release_ids(&workspace.ids, False)
        release(workspace)


cdef inline Workspace *idle_workspace(WorkspacePool *pool) noexcept nogil:
    """Returns a workspace that no other call has, or NULL if there is no memory for a new one."""
    cdef Workspace *workspace
    cdef int slot
    for slot in range(pool.slots):
        if peek(&pool.idle[slot]) != NULL:
            workspace = take(&pool.idle[slot], NULL)
            if workspace != NULL:
                return workspace
    workspace = <Workspace *>allocate_zeroed(1, sizeof(Workspace))
    if workspace != NULL and open_cache(
            &workspace.cache, pool.seeds, &pool.totals) != STATUS_OK:
        free_workspace(workspace)
        workspace = NULL
    if workspace != NULL:
        workspace.unknown.owner = &workspace.unknown.unowned
    return workspace


cdef inline Workspace *take_workspace(WorkspacePool *pool, int cache_size) noexcept nogil:
    """Returns a workspace that no other call has, or NULL if there is no memory.

    Args:
        cache_size: the largest size that its cache may have until it is given back.
    """
    cdef Workspace *workspace = idle_workspace(pool)
    if workspace != NULL:
        set_limits(&workspace.cache, pool.limits.kept, cache_size)
    return workspace


cdef inline void give_back(WorkspacePool *pool, Workspace *workspace) noexcept nogil:
    """Makes a workspace idle, after freeing memory that only an unusual text needs."""
    cdef int slot
    shrink_to_kept(&workspace.cache)
    if merge_memory_size(&workspace.merging) > KEPT_BYTES:
        free_merge_memory(&workspace.merging)
    if 4 * workspace.chunk.capacity > KEPT_BYTES:
        free_chunk(&workspace.chunk)
    if 2 * workspace.states.capacity > KEPT_BYTES:
        free_states(&workspace.states)
    free_bytes(&workspace.decoded, KEPT_BYTES)
    free_bytes(&workspace.replaced, KEPT_BYTES)
    if workspace.ids.capacity > KEPT_IDS:
        # Its pages are worth keeping only while large texts follow each other.
        release_ids(&workspace.ids, workspace.many_ids)
        workspace.many_ids = True
    else:
        workspace.many_ids = False
    for slot in range(pool.slots):
        if peek(&pool.idle[slot]) == NULL and put_if_empty(&pool.idle[slot], workspace):
            return
    free_workspace(workspace)


cdef inline void close_pool(WorkspacePool *pool) noexcept nogil:
    """Frees all idle workspaces. Precondition: no call is running."""
    cdef int slot
    for slot in range(IDLE_WORKSPACES):
        free_workspace(pool.idle[slot])
        pool.idle[slot] = NULL
