"""A program that encodes texts by the engine alone, without Python; `check.py` builds and runs it.

    host TABLES AUTOMATON SIMD THREADS TEXTS IDS

TABLES and AUTOMATON are frozen files of the package. TEXTS holds numbers of 32 bits and texts: how
many there are; then of each the bytes per character, the number of bytes, and these, padded to a
multiple of 4. IDS receives the ids of all texts: of each how many, then these. The exit status is
the number of the step that failed, 0 if none did.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdio cimport FILE, SEEK_END, fclose, fopen, fseek, ftell, fwrite
from libc.stdlib cimport atoi
from libc.string cimport memcmp, memcpy, memset

from engine.base.files cimport read_at
from engine.base.heap cimport allocate, allocate_zeroed
from engine.base.interrupt cimport nanoseconds
from engine.base.types cimport STATUS_OK
from engine.encode.text cimport Engine
from engine.encode.threads cimport (
    NOT_KNOWN, THREAD_LIMIT, Job, Task, ThreadState, count_ids, run_threads)
from engine.encode.workspace cimport WorkspacePool, close_pool
from engine.simd.vectors cimport ASCII_KINDS, MIXED_KINDS, vectors_named
from engine.sink.id_buffer cimport IdBuffer, grow_ids, release_ids
from engine.split.automaton cimport Automaton
from engine.split.starts cimport ascii_source
from engine.split.sure_borders cimport find_sure_pairs
from engine.text.special_tokens cimport SpecialTokens
from engine.vocab.file cimport TABLE_SOUND, TableFile, close_tables, open_tables
from engine.vocab.tables cimport Vocabulary

cdef extern from *:
    """
    int bpecore_host(int count, char **arguments);
    int main(int count, char **arguments) { return bpecore_host(count, arguments); }
    """
    int fileno(FILE *file) nogil

cdef enum Step:
    ARGUMENTS = 1
    TABLES
    AUTOMATON
    SIMD
    TEXTS
    CLOCK
    ENCODING
    WRITING


cdef uint8_t *read_file(const char *path, size_t *size) noexcept nogil:
    """Returns the contents of a file, or NULL; they are never freed."""
    cdef FILE *file = fopen(path, "rb")
    cdef uint8_t *contents = NULL
    if file != NULL:
        fseek(file, 0, SEEK_END)
        size[0] = <size_t>ftell(file)
        contents = <uint8_t *>allocate(size[0] + 64, 1)
        # One byte more than there is: the end of a file is no error.
        if contents != NULL and read_at(fileno(file), contents, size[0] + 1, 0) != <int64_t>size[0]:
            contents = NULL
        fclose(file)
    return contents


cdef bint open_vocabulary(
    const char *path, Vocabulary *vocabulary, TableFile *tables
) noexcept nogil:
    cdef FILE *file = fopen(path, "rb")
    cdef uint64_t digest[2]
    cdef bint is_sound = False
    if file != NULL:
        fseek(file, 0, SEEK_END)
        is_sound = open_tables(
            fileno(file), <uint64_t>ftell(file), vocabulary, tables, digest) == TABLE_SOUND
        fclose(file)
    return is_sound


cdef bint open_automaton(const char *path, Automaton *automaton) noexcept nogil:
    """Makes an automaton from its file as `SplitPattern` does; see `pack_automaton`."""
    cdef size_t size, i
    cdef const uint8_t *contents = read_file(path, &size)
    cdef const uint32_t *numbers
    cdef const uint8_t *kinds
    cdef const uint8_t *page
    cdef const uint16_t *source
    cdef uint32_t states, column, state, entry
    if contents == NULL or size < 44 or memcmp(contents, b"BPEAUTO2", 8) != 0:
        return False
    numbers = <const uint32_t *>(contents + 12)
    automaton.end_class = numbers[0]
    states = numbers[1]
    automaton.rules = <int>numbers[2]
    contents += 44 + numbers[3]
    automaton.block_index = <uint16_t *>allocate(numbers[4], 1)
    automaton.block_classes = <uint8_t *>contents + numbers[4]
    source = <const uint16_t *>(contents + numbers[4] + numbers[5])
    kinds = <const uint8_t *>source + numbers[6]
    automaton.row_bits = 1
    while (1 << automaton.row_bits) < automaton.end_class + 1:
        automaton.row_bits += 1
    automaton.transitions = <uint32_t *>allocate_zeroed(
        <size_t>states << automaton.row_bits, sizeof(uint32_t))
    automaton.block_kinds = <uint8_t *>allocate(numbers[5], 1)
    automaton.low_kinds = <uint8_t *>allocate(0x10000, 1)
    if (automaton.transitions == NULL or automaton.block_index == NULL
            or automaton.block_kinds == NULL or automaton.low_kinds == NULL):
        return False
    memcpy(automaton.block_index, contents, numbers[4])
    for state in range(states):
        for column in range(automaton.end_class + 1):
            memcpy(&entry, source + state * (automaton.end_class + 1) + column, 2)
            entry &= 0xFFFF
            automaton.transitions[(state << automaton.row_bits) | column] = (
                (entry >> 1) << automaton.row_bits | (entry & 1))
    memcpy(automaton.ascii_classes,
           automaton.block_classes + (<size_t>automaton.block_index[0] << 7), 128)
    for i in range(numbers[5]):
        automaton.block_kinds[i] = kinds[automaton.block_classes[i]]
    memcpy(automaton.block_kinds + (<size_t>automaton.block_index[0] << 7),
           ASCII_KINDS[ascii_source(automaton.rules)], 128)
    for i in range(0x10000):
        automaton.low_kinds[i] = automaton.block_kinds[
            (<size_t>automaton.block_index[i >> 7] << 7) | (i & 127)]
    for i in range(512):
        page = automaton.low_kinds + 128 * i
        automaton.page_kinds[i] = (
            page[0] if memcmp(page, page + 1, 127) == 0 else <uint8_t>MIXED_KINDS)
    return find_sure_pairs(automaton, states) == STATUS_OK


cdef bint take_texts(const char *path, Job *job) noexcept nogil:
    """Makes a task, and a share of its own, of each text."""
    cdef size_t size, i, place = 1
    cdef const uint32_t *numbers = <const uint32_t *>read_file(path, &size)
    cdef size_t *shares
    if numbers == NULL:
        return False
    job.share_count = numbers[0]
    job.tasks = <Task *>allocate_zeroed(job.share_count, sizeof(Task))
    shares = <size_t *>allocate(job.share_count + 1, sizeof(size_t))
    job.places = <size_t *>allocate(job.share_count + 1, sizeof(size_t))
    job.totals = <size_t *>allocate(job.share_count, sizeof(size_t))
    job.later = <size_t *>allocate(job.share_count, sizeof(size_t))
    if (job.tasks == NULL or shares == NULL or job.places == NULL or job.totals == NULL
            or job.later == NULL):
        return False
    job.shares = shares
    for i in range(job.share_count):
        shares[i] = i
        job.places[i] = job.totals[i] = NOT_KNOWN
        job.tasks[i].view.width = <int>numbers[place]
        job.tasks[i].view.length = numbers[place + 1] // numbers[place]
        job.tasks[i].view.data = numbers + place + 2
        job.tasks[i].ends_text = True
        job.tasks[i].status = -1
        job.room += numbers[place + 1] + 1
        place += 2 + (numbers[place + 1] + 3) // 4
    shares[job.share_count] = job.share_count
    job.places[0] = 0
    job.places[job.share_count] = NOT_KNOWN
    return place * 4 == size


cdef bint is_clock_right() noexcept nogil:
    """Returns whether the clock advances, and by fewer than 10 s in a million readings."""
    cdef uint64_t start = nanoseconds(), before = start, now = start
    cdef int _
    for _ in range(1000000):
        now = nanoseconds()
        if now < before:
            return False
        before = now
    return start < now < start + <uint64_t>10 * 1000000000


cdef bint encode_all(Job *job, uint32_t thread_count, IdBuffer *row) noexcept nogil:
    """Encodes all texts by several threads into one row, as `TextBatch` does."""
    cdef ThreadState threads[THREAD_LIMIT]
    cdef size_t first, i
    memset(threads, 0, sizeof(threads))
    if grow_ids(row, job.room) != STATUS_OK:
        return False
    job.row = row.data
    for i in range(thread_count):
        threads[i].job = job
        threads[i].number = <uint32_t>i
        threads[i].waiting = NOT_KNOWN
    threads[0].signals = True    # so that the others are waited for in steps
    run_threads(threads, thread_count, 0, False)
    for i in range(job.share_count):
        if job.tasks[i].status != STATUS_OK:
            return False
    first = 0
    while first < job.share_count and job.places[first + 1] != NOT_KNOWN:
        first += 1
    for i in range(first, job.share_count):
        job.places[i + 1] = job.places[i] + count_ids(job, i)
    if first < job.share_count:
        run_threads(threads, thread_count, first, True)
    row.length = job.places[job.share_count]
    for i in range(thread_count):
        release_ids(&threads[i].ids, False)
    return True


cdef bint write_ids(const char *path, const Job *job, const IdBuffer *row) noexcept nogil:
    cdef FILE *file = fopen(path, "wb")
    cdef uint32_t count
    cdef size_t i, written = 0
    if file == NULL:
        return False
    for i in range(job.share_count):
        count = <uint32_t>count_ids(job, i)
        written += fwrite(&count, sizeof(count), 1, file)
        written += fwrite(row.data + job.places[i], sizeof(uint32_t), count, file)
    return fclose(file) == 0 and written == row.length + job.share_count


cdef public int bpecore_host(int count, char **arguments) noexcept nogil:
    cdef Vocabulary vocabulary
    cdef TableFile tables
    cdef Automaton automaton
    cdef SpecialTokens no_special_tokens
    cdef uint32_t no_edges[2]
    cdef Engine engine
    cdef WorkspacePool pool
    cdef Job job
    cdef IdBuffer row
    cdef int threads
    memset(&tables, 0, sizeof(tables))
    memset(&automaton, 0, sizeof(automaton))
    memset(&no_special_tokens, 0, sizeof(no_special_tokens))
    memset(no_edges, 0, sizeof(no_edges))
    memset(&engine, 0, sizeof(engine))
    memset(&pool, 0, sizeof(pool))
    memset(pool.seeds, 0x5B, sizeof(pool.seeds))
    memset(&job, 0, sizeof(job))
    memset(&row, 0, sizeof(row))
    if count != 7:
        return ARGUMENTS
    threads = atoi(arguments[4])
    if not 0 < threads < THREAD_LIMIT:
        return ARGUMENTS
    if not open_vocabulary(arguments[1], &vocabulary, &tables):
        return TABLES
    if not open_automaton(arguments[2], &automaton):
        return AUTOMATON
    no_special_tokens.first_edges = no_edges
    engine.vocabulary = &vocabulary
    engine.automaton = &automaton
    engine.special_tokens = &no_special_tokens
    engine.vectors = vectors_named(arguments[3])
    if engine.vectors.masks == NULL:
        return SIMD
    job.engine = &engine
    job.pool = &pool
    if not take_texts(arguments[5], &job):
        return TEXTS
    if not is_clock_right():
        return CLOCK
    if not encode_all(&job, <uint32_t>threads, &row):
        return ENCODING
    if not write_ids(arguments[6], &job, &row):
        return WRITING
    release_ids(&row, False)
    close_pool(&pool)
    close_tables(&tables)
    return 0
