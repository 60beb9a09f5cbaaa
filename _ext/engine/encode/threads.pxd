# Many texts, or the parts of a long one, encoded by several threads without the GIL.
#
# The calling thread makes tasks of texts; a text of more than PART_CHARACTERS is cut at sure
# borders into parts that know nothing of each other. Tasks go out in groups, in order, by an atomic
# counter; each worker writes into memory of its own and notes where. The caller is the first
# worker. Threads live as long as the call: starting one takes about as long as encoding 10 KB, and
# nothing is left that a fork could lose. They take no signals and never the GIL.
#
# Where the ids of all texts are wanted in one row, a worker copies those of a group there as soon
# as all groups before it have been encoded, for then it is known where they belong. So a worker's
# own memory stays small and near. If the row turns out to be too short, the rest is put there when
# all is encoded.
#
# Bounds: a worker holds a workspace (up to 8 MB) and the ids it has written. Loses where the
# bandwidth of the memory is the limit, and where a text has no sure border (a megabyte of spaces).

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from engine.encode.text cimport Engine, encode_text
from engine.sink.id_buffer cimport IdBuffer, grow_ids
from engine.base.interrupt cimport (
    INTERRUPT_NANOSECONDS, Interrupt, check_interrupt, load_flag, set_interrupt)
from engine.text.special_tokens cimport Occurrence, find_special
from engine.base.types cimport STATUS_INTERRUPTED, STATUS_OK, STATUS_REFUSED
from engine.text.utf8 cimport TextView
from engine.encode.workspace cimport Workspace, WorkspacePool, give_back, take_workspace

cdef enum:
    PART_CHARACTERS = 1 << 18     # a longer text is cut into parts of about so many
    GROUP_CHARACTERS = 1 << 15    # short texts are handed out together
    THREAD_CHARACTERS = 1 << 17   # a thread for each so many: 0.3 ms of work and more
    THREAD_LIMIT = 256

cdef struct Task:
    TextView view      # a text, or a part of one
    size_t text        # which text
    uint32_t worker    # who has encoded it
    int status         # what came of it; STATUS_NO_MEMORY until somebody has tried
    size_t first       # where its ids begin in the worker's memory
    size_t count       # how many ids it has

cdef struct Job:
    const Engine *engine       # borrowed, as all that follows
    WorkspacePool *pool
    const uint8_t *allowed     # for each special token, whether it stands for itself; NULL = all do
    const uint8_t *refused     # for each special token, whether it may not occur; NULL = none may
    bint any_allowed
    bint any_refused
    bint counting              # ids are counted, not kept
    Task *tasks
    const size_t *groups       # [group_count + 1]: the first task of each group
    size_t group_count
    size_t next_group          # atomic: the first that nobody has taken
    int stop                   # atomic: not 0 = no worker shall go on
    uint32_t *merged           # where the ids of all tasks are put together; NULL = nowhere
    size_t room                # ids that have room there
    size_t *places             # [group_count + 1], atomic: where those of each group begin there,
    #                            and where the last end; NOT_KNOWN until it is
    size_t *later              # [group_count]: of those of a worker that wait, the next

cdef struct Worker:
    Job *job           # borrowed
    uint32_t number    # 0 is the calling thread
    bint signals       # whether it handles signals
    IdBuffer ids       # owned by whoever made the worker
    size_t waiting     # the first group whose ids wait for their place; NOT_KNOWN = none
    size_t last        # the last of them
    uint64_t apart[9]  # so that no two workers write to one line of memory

cdef extern from *:
    """
    #define BPECORE_NOT_KNOWN ((size_t)-1)
    #include <pthread.h>
    #include <signal.h>
    #define bpecore_next_group(job) \\
        __atomic_fetch_add(&(job)->next_group, 1, __ATOMIC_RELAXED)
    #define bpecore_stop(job) __atomic_store_n(&(job)->stop, 1, __ATOMIC_RELAXED)
    /* Numbers only: what lies at a place is read when its writer has been joined. */
    #define bpecore_load_place(place) __atomic_load_n(place, __ATOMIC_RELAXED)
    #define bpecore_store_place(place, ids) __atomic_store_n(place, ids, __ATOMIC_RELAXED)
    #ifdef __GLIBC__
        #include <time.h>
        static int bpecore_join_within(pthread_t thread, long nanoseconds) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec += nanoseconds;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            return pthread_timedjoin_np(thread, NULL, &until) == 0;
        }
    #else
        #define bpecore_join_within(thread, nanoseconds) (pthread_join(thread, NULL) == 0)
    #endif
    """
    const size_t NOT_KNOWN "BPECORE_NOT_KNOWN"    # no place, or no group
    ctypedef struct pthread_t:
        pass
    ctypedef struct sigset_t:
        pass
    enum:
        SIG_BLOCK
        SIG_SETMASK
    int pthread_create(pthread_t *thread, void *attributes, void *(*start)(void *) noexcept nogil,
                       void *argument) noexcept nogil
    int pthread_join(pthread_t thread, void **result) noexcept nogil
    # Waits for a thread, for less than a second; whether it has ended. Without glibc for as long as
    # it takes.
    bint join_within "bpecore_join_within" (pthread_t thread, long nanoseconds) noexcept nogil
    int pthread_sigmask(int how, const sigset_t *wanted, sigset_t *before) noexcept nogil
    int sigfillset(sigset_t *signals) noexcept nogil
    size_t take_group "bpecore_next_group" (Job *job) noexcept nogil
    void stop_all "bpecore_stop" (Job *job) noexcept nogil
    size_t load_place "bpecore_load_place" (const size_t *place) noexcept nogil
    void store_place "bpecore_store_place" (size_t *place, size_t ids) noexcept nogil


cdef inline int encode_task(
    Job *job, Task *task, Workspace *workspace, IdBuffer *ids
) noexcept nogil:
    """Encodes one task behind the ids that are there."""
    cdef Occurrence found
    if job.any_refused:
        found = find_special(job.engine.special_tokens, &job.engine.vectors, &task.view, 0,
                             job.refused)
        if found.start < task.view.length:
            return STATUS_REFUSED
    return encode_text(job.engine, workspace, &task.view, job.allowed, job.any_allowed,
                       job.counting, ids)


cdef inline size_t count_ids(const Job *job, size_t group) noexcept nogil:
    """Returns how many ids a group has, all of whose tasks have been encoded."""
    cdef size_t total = 0, i
    for i in range(job.groups[group], job.groups[group + 1]):
        total += job.tasks[i].count
    return total


cdef inline void put_in_place(const Job *job, const Worker *workers, size_t group) noexcept nogil:
    """Copies the ids of a group to their place, which is known."""
    cdef uint32_t *place = job.merged + load_place(&job.places[group])
    cdef const Task *task
    cdef size_t i
    for i in range(job.groups[group], job.groups[group + 1]):
        task = &job.tasks[i]
        memcpy(place, workers[task.worker].ids.data + task.first, task.count * sizeof(uint32_t))
        place += task.count


cdef inline void wait_for_place(Worker *worker, size_t group) noexcept nogil:
    """Adds a group to those of a worker that wait."""
    if worker.waiting == NOT_KNOWN:
        worker.waiting = group
    else:
        worker.job.later[worker.last] = group
    worker.job.later[group] = NOT_KNOWN
    worker.last = group


cdef inline void place_waiting(Worker *worker) noexcept nogil:
    """Puts those of a worker's groups in their places whose places are known, and have room."""
    cdef Job *job = worker.job
    cdef size_t group = worker.waiting
    cdef size_t place, count
    while group != NOT_KNOWN:
        place = load_place(&job.places[group])
        count = 0 if place == NOT_KNOWN else count_ids(job, group)
        if place == NOT_KNOWN or count > job.room - place:
            worker.waiting = group
            return
        store_place(&job.places[group + 1], place + count)
        put_in_place(job, worker - worker.number, group)
        group = job.later[group]
    worker.waiting = NOT_KNOWN
    worker.ids.length = 0


cdef inline void encode_groups(Worker *worker) noexcept nogil:
    """Encodes groups until there are none left."""
    cdef Job *job = worker.job
    cdef Task *task
    cdef size_t group, i
    cdef Workspace *workspace = take_workspace(job.pool)
    if workspace == NULL:
        return
    # So that there is a place for the ids of a text that has none.
    if grow_ids(&worker.ids, 1) != STATUS_OK:
        give_back(job.pool, workspace)
        return
    set_interrupt(&workspace.interrupt, worker.signals, &job.stop)
    while True:
        group = take_group(job)
        if group >= job.group_count or load_flag(&job.stop):
            break
        for i in range(job.groups[group], job.groups[group + 1]):
            task = &job.tasks[i]
            task.worker = worker.number
            task.first = worker.ids.length
            task.status = encode_task(job, task, workspace, &worker.ids)
            if task.status != STATUS_OK:
                worker.ids.length = task.first
            task.count = worker.ids.length - task.first
            if task.status == STATUS_INTERRUPTED:
                stop_all(job)
        if job.merged != NULL:
            wait_for_place(worker, group)
            place_waiting(worker)
    give_back(job.pool, workspace)


cdef inline void merge_groups(Worker *worker) noexcept nogil:
    """Puts the ids of groups in their places, until there are none left."""
    cdef Job *job = worker.job
    cdef size_t group
    while True:
        group = take_group(job)
        if group >= job.group_count:
            break
        put_in_place(job, worker - worker.number, group)


cdef inline void *start_encoding(void *worker) noexcept nogil:
    encode_groups(<Worker *>worker)
    return NULL


cdef inline void *start_merging(void *worker) noexcept nogil:
    merge_groups(<Worker *>worker)
    return NULL


cdef inline void run_workers(
    Worker *workers, uint32_t count, size_t first_group, bint merging
) noexcept nogil:
    """Lets workers take groups until all are done; a thread that cannot start is not missed.

    Args:
        workers: they follow each other in memory; the first is the calling thread's.
        first_group: those before are done.
        merging: whether they put ids together instead of encoding, which does not take long.
    """
    cdef pthread_t threads[THREAD_LIMIT]
    cdef sigset_t all_signals, before
    cdef uint32_t started = 1, i
    cdef Interrupt interrupt
    workers[0].job.next_group = first_group
    if count > 1:
        sigfillset(&all_signals)
        pthread_sigmask(SIG_BLOCK, &all_signals, &before)
        while started < count and pthread_create(
                &threads[started], NULL, start_merging if merging else start_encoding,
                &workers[started]) == 0:
            started += 1
        pthread_sigmask(SIG_SETMASK, &before, NULL)
    if merging:
        merge_groups(workers)
    else:
        encode_groups(workers)
    set_interrupt(&interrupt, workers[0].signals and not merging, NULL)
    for i in range(1, started):
        if interrupt.signals:
            while not join_within(threads[i], INTERRUPT_NANOSECONDS):
                if check_interrupt(&interrupt) != STATUS_OK:
                    stop_all(workers[0].job)
        else:
            pthread_join(threads[i], NULL)
