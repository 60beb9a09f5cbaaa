# Many texts, or the sections of a long one, encoded by several threads without the GIL.
#
# The calling thread turns texts into tasks; it cuts texts of more than 2 * SECTION_CHARACTERS at
# sure borders into independent sections. Threads take shares of the tasks, in order, by an atomic
# counter; each writes ids into memory of its own and notes where. The caller is the first thread.
# Threads live only as long as the call: starting one takes about as long as encoding 10 KB, and
# nothing is left that a fork could lose. They handle no signals and never take the GIL.
#
# If the ids of all texts are to be in one row, a thread copies those of a share there once all
# earlier shares have been encoded: each thread adds up how many ids they have, so no thread waits
# for another to pass a place on. So a thread's own memory stays small and in the cache. What still
# waits at the end, or did not fit because the row was too short, is copied by all threads then.
#
# Bounds: a thread needs a workspace (docs/decisions/piece-cache.md) and the ids it has written.
# Loses where memory bandwidth is the limit, and where a text has no sure border (a megabyte of
# spaces).

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from engine.base.interrupt cimport (
    INTERRUPT_NANOSECONDS, Interrupt, check_interrupt, load_flag, set_interrupt)
from engine.base.mappings cimport populate
from engine.base.types cimport STATUS_INTERRUPTED, STATUS_NO_MEMORY, STATUS_OK, likely
from engine.cache.cache cimport UnknownPieces
from engine.encode.call cimport Engine
from engine.encode.marks cimport Mark
from engine.encode.text cimport prepare_for_texts
from engine.encode.unknown cimport forget_unknown, settle_unknown
from engine.encode.utf8 cimport Permissions, encode_permitted, encode_utf8, fetch_utf8
from engine.encode.workspace cimport Workspace, WorkspacePool, give_back, take_workspace
from engine.sink.id_buffer cimport IdBuffer, append_id, reserve_ids
from engine.text.utf8 cimport UNCHECKED_UTF8, TextView

cdef enum:
    SECTION_CHARACTERS = 1 << 18   # size of the sections of a long text
    SHARE_CHARACTERS = 1 << 15     # a thread takes at least this many at a time
    THREAD_CHARACTERS = 1 << 17    # one thread is started per this many: 0.3 ms of work or more
    THREAD_LIMIT = 256
    READY_IDS = 1 << 16            # ids that a thread has room for from the start: some shares'
    READY_FROM = 1 << 20           # characters of a thread that are worth clearing that memory for

cdef struct Task:
    TextView view      # a text, or a section of one
    size_t text        # which text
    bint ends_text     # whether no section of the text follows
    uint32_t thread    # the number of the thread that encoded it
    int status         # how that ended; STATUS_NO_MEMORY until it has been tried
    size_t first       # where its ids begin in the thread's memory
    size_t count       # how many ids it has
    size_t first_mark  # where its marks begin, if some are made

cdef struct Job:
    const Engine *engine       # borrowed, as everything below
    WorkspacePool *pool
    Permissions permissions
    bint appends               # `appended` follows the ids of each text
    uint32_t appended
    Task *tasks
    int cache_size             # the largest that each thread's cache may have
    size_t thread_characters   # what each thread has to encode, about
    bint much_text             # whether memory has to deliver the texts
    const size_t *shares       # [share_count + 1]: the first task of each share
    size_t share_count
    size_t next_share          # atomic: the first that no thread has taken
    int stop                   # atomic: not 0 = all threads have to stop
    uint32_t *row              # where the ids of all tasks are put in order; NULL = nowhere
    size_t room                # ids that the row has room for
    size_t *totals             # [share_count], atomic: ids of each share; NOT_KNOWN at first
    size_t *later              # [share_count]: the next of a thread's waiting shares; PLACED = the
    #                            share's ids are in the row
    size_t *places             # [share_count]: where ids begin in the row; for the end only
    Mark *marks                # room for those of all tasks; NULL = none are made

cdef struct ThreadState:
    Job *job             # borrowed
    uint32_t number      # 0 is the calling thread
    bint signals         # whether it handles signals
    IdBuffer ids         # owned by the code that made this state
    size_t waiting       # the first share whose ids wait for their place; NOT_KNOWN = none
    size_t last          # the last of them
    size_t reached       # the first share whose ids this thread has not yet added up
    size_t place         # where they begin in the row
    uint64_t padding[7]  # so that no two threads write to the same cache line

cdef extern from *:
    """
    #include "engine/base/platform.h"
    #define BPECORE_NOT_KNOWN ((size_t)-1)
    #define BPECORE_PLACED ((size_t)-2)
    #define bpecore_next_share(job) bpecore_add_relaxed(&(job)->next_share, 1)
    #define bpecore_stop(job) bpecore_store_relaxed(&(job)->stop, 1)
    """
    const size_t NOT_KNOWN "BPECORE_NOT_KNOWN"    # no number, or no share
    const size_t PLACED "BPECORE_PLACED"
    size_t take_share "bpecore_next_share" (Job *job) noexcept nogil
    void stop_all "bpecore_stop" (Job *job) noexcept nogil

cdef extern from "engine/base/platform.h" nogil:
    # Numbers only: each thread copies its own ids, or all do after their writers have been joined.
    size_t load_total "bpecore_load_relaxed" (const size_t *total) noexcept
    void store_total "bpecore_store_relaxed" (size_t *total, size_t ids) noexcept

    ctypedef struct Thread "bpecore_thread":
        pass
    ctypedef struct Signals "bpecore_signals":
        pass
    ctypedef size_t ThreadResult "bpecore_thread_result"    # 0; the type is the system's
    # Returns whether a thread was started.
    bint start_thread "bpecore_start_thread" (
        Thread *thread, ThreadResult (*start)(void *) noexcept nogil, void *argument) noexcept
    # Waits until a thread has ended.
    void join "bpecore_join" (Thread thread) noexcept
    # Waits less than a second for a thread to end; returns whether it has. With a C library that
    # cannot, it waits as long as it takes.
    bint join_within "bpecore_join_within" (Thread thread, uint32_t nanoseconds) noexcept
    # Keeps signals from this thread and from those that it starts.
    void block_signals "bpecore_block_signals" (Signals *before) noexcept
    void restore_signals "bpecore_restore_signals" (const Signals *before) noexcept


cdef inline int append_task(
    Job *job, const Task *task, Workspace *workspace, IdBuffer *ids
) noexcept nogil:
    """Encodes one task and appends its ids."""
    cdef int status
    if task.view.width == UNCHECKED_UTF8:
        status = encode_utf8(job.engine, workspace, &task.view, &job.permissions, ids)
    else:
        status = encode_permitted(job.engine, workspace, &task.view, &job.permissions, ids)
    if status == STATUS_OK and job.appends and task.ends_text:
        status = append_id(ids, job.appended, job.permissions.counting)
    return status


cdef inline void encode_task(
    Job *job, Task *task, Workspace *workspace, IdBuffer *ids
) noexcept nogil:
    """Encodes one task, but for pieces that are put off and held, which add their ids to its count
    later."""
    cdef UnknownPieces *unknown = &workspace.unknown
    cdef size_t before = ids.length - unknown.learned, count
    task.first = ids.length
    task.count = 0
    unknown.owner = &task.count
    if job.marks != NULL:
        workspace.marks.slots = job.marks + task.first_mark
        workspace.marks.first_id = task.first
    task.status = append_task(job, task, workspace, ids)
    count = ids.length - unknown.learned - before
    if likely(task.status == STATUS_OK):
        task.count += count
    elif not unknown.lost:
        forget_unknown(unknown, &task.count)
        ids.length -= count + task.count
        task.count = 0


cdef inline size_t count_ids(const Job *job, size_t share) noexcept nogil:
    """Returns the ids of a share whose tasks have all been encoded."""
    cdef size_t total = 0, i
    for i in range(job.shares[share], job.shares[share + 1]):
        total += job.tasks[i].count
    return total


cdef inline void put_in_row(
    const Job *job, const ThreadState *threads, size_t share, size_t first
) noexcept nogil:
    """Copies the ids of a share into the row, where the first of them belongs.

    In the memory of the thread that encoded the share, its ids follow each other.
    """
    cdef const Task *task = &job.tasks[job.shares[share]]
    memcpy(job.row + first, threads[task.thread].ids.data + task.first,
           job.totals[share] * sizeof(uint32_t))


cdef inline void wait_for_place(ThreadState *thread, size_t share) noexcept nogil:
    """Adds a share to a thread's waiting ones."""
    if thread.waiting == NOT_KNOWN:
        thread.waiting = share
    else:
        thread.job.later[thread.last] = share
    thread.job.later[share] = NOT_KNOWN
    thread.last = share


cdef inline bint reach(ThreadState *thread, size_t share) noexcept nogil:
    """Adds up the ids of the shares before one; returns whether all of them have been encoded."""
    cdef size_t total
    while thread.reached < share:
        total = load_total(&thread.job.totals[thread.reached])
        if total == NOT_KNOWN:
            return False
        thread.place += total
        thread.reached += 1
    return True


cdef inline void place_waiting(ThreadState *thread) noexcept nogil:
    """Copies a thread's waiting shares into the row as long as their places are known and fit."""
    cdef Job *job = thread.job
    cdef size_t share = thread.waiting, following
    while share != NOT_KNOWN:
        if not reach(thread, share) or thread.place + job.totals[share] > job.room:
            thread.waiting = share
            return
        put_in_row(job, thread - thread.number, share, thread.place)
        following = job.later[share]
        job.later[share] = PLACED
        share = following
    thread.waiting = NOT_KNOWN
    thread.ids.length = 0


cdef inline bint can_hold(const Job *job) noexcept nogil:
    """Returns whether the ids of a task are complete early enough at the end of its share."""
    return (job.marks == NULL and not job.engine.vocabulary.misses_bytes
            and not job.permissions.replaces)


cdef inline void settle_share(
    ThreadState *thread, Workspace *workspace, size_t share, size_t first
) noexcept nogil:
    """Completes the ids of a share.

    Args:
        first: where they begin in the thread's memory.
    """
    cdef Job *job = thread.job
    cdef UnknownPieces *unknown = &workspace.unknown
    cdef Task *task
    cdef size_t next_one = first, i
    settle_unknown(job.engine.vocabulary, workspace, job.permissions.counting, &thread.ids)
    for i in range(job.shares[share], job.shares[share + 1]):
        task = &job.tasks[i]
        if unknown.lost:
            task.status = STATUS_NO_MEMORY
            task.count = 0
        task.first = next_one
        next_one += task.count
    if unknown.lost:
        thread.ids.length = first


cdef inline void encode_share(
    ThreadState *thread, Workspace *workspace, size_t share
) noexcept nogil:
    """Encodes the tasks of a share."""
    cdef Job *job = thread.job
    cdef UnknownPieces *unknown = &workspace.unknown
    cdef Task *task
    cdef size_t first = thread.ids.length, learned = unknown.learned, i
    unknown.lost = False
    unknown.held = can_hold(job)
    for i in range(job.shares[share], job.shares[share + 1]):
        task = &job.tasks[i]
        task.thread = thread.number
        if task.view.width == UNCHECKED_UTF8 and i + 1 < job.shares[share + 1]:
            fetch_utf8(&job.tasks[i + 1].view)
        encode_task(job, task, workspace, &thread.ids)
        if task.status == STATUS_INTERRUPTED:
            stop_all(job)
    if unknown.count or unknown.learned != learned or unknown.lost:
        settle_share(thread, workspace, share, first)
    unknown.held = False
    unknown.owner = &unknown.unowned


cdef inline int make_ids_ready(ThreadState *thread) noexcept nogil:
    """Makes room for the ids of some shares of many if they will be copied into the row.

    Its pages are loaded at once: if they came one by one, other threads would wait for some.
    """
    cdef size_t ids = 1      # a text without ids needs memory to point to as well
    if thread.job.row != NULL and thread.job.thread_characters >= READY_FROM:
        ids = READY_IDS
    if reserve_ids(&thread.ids, ids) != STATUS_OK:
        return STATUS_NO_MEMORY
    populate(thread.ids.data, ids * sizeof(uint32_t), True)
    return STATUS_OK


cdef inline void encode_shares(ThreadState *thread) noexcept nogil:
    """Encodes shares until none is left."""
    cdef Job *job = thread.job
    cdef size_t share
    cdef Workspace *workspace = take_workspace(job.pool, job.cache_size)
    if workspace == NULL:
        return
    if make_ids_ready(thread) != STATUS_OK:
        give_back(job.pool, workspace)
        return
    set_interrupt(&workspace.interrupt, thread.signals, &job.stop)
    prepare_for_texts(job.engine, workspace, job.thread_characters)
    workspace.much_text = job.much_text
    while True:
        share = take_share(job)
        if share >= job.share_count or load_flag(&job.stop):
            break
        encode_share(thread, workspace, share)
        if job.row != NULL:
            store_total(&job.totals[share], count_ids(job, share))
            wait_for_place(thread, share)
            place_waiting(thread)
    workspace.marks.slots = NULL
    workspace.much_text = False
    give_back(job.pool, workspace)


cdef inline void place_shares(ThreadState *thread) noexcept nogil:
    """Copies the ids of shares that are not in the row until none is left."""
    cdef Job *job = thread.job
    cdef size_t share
    while True:
        share = take_share(job)
        if share >= job.share_count:
            break
        if job.later[share] != PLACED:
            put_in_row(job, thread - thread.number, share, job.places[share])


cdef inline ThreadResult start_encoding(void *thread) noexcept nogil:
    encode_shares(<ThreadState *>thread)
    return 0


cdef inline ThreadResult start_placing(void *thread) noexcept nogil:
    place_shares(<ThreadState *>thread)
    return 0


cdef inline void run_threads(
    ThreadState *threads, uint32_t count, size_t first_share, bint placing
) noexcept nogil:
    """Lets threads take shares until all are done; goes on without threads that cannot start.

    Args:
        threads: [count], the calling thread's first.
        first_share: the first that is not done.
        placing: whether they only copy ids into the row, which does not take long.
    """
    cdef Thread handles[THREAD_LIMIT]
    cdef Signals before
    cdef uint32_t started = 1, i
    cdef Interrupt interrupt
    threads[0].job.next_share = first_share
    if count > 1:
        block_signals(&before)
        while started < count and start_thread(
                &handles[started], start_placing if placing else start_encoding,
                &threads[started]):
            started += 1
        restore_signals(&before)
    if placing:
        place_shares(threads)
    else:
        encode_shares(threads)
    set_interrupt(&interrupt, threads[0].signals and not placing, NULL)
    for i in range(1, started):
        if interrupt.signals:
            while not join_within(handles[i], INTERRUPT_NANOSECONDS):
                if check_interrupt(&interrupt) != STATUS_OK:
                    stop_all(threads[0].job)
        else:
            join(handles[i])
