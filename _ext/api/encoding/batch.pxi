"""Many texts in one call, and long texts by several threads."""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memchr, memset

from api.arguments cimport view_text
from engine.base.errors cimport exception_is_set
from engine.sink.id_buffer cimport IdBuffer, grow_ids, release_ids, reserve_ids
from engine.sink.int_lists cimport PyObject_GC_UnTrack, hidden_list_of_ids, show_lists
from engine.base.allocator_tuning cimport make_ready, prefer_huge_pages
from engine.base.heap cimport allocate, allocate_zeroed, grow, release
from engine.base.mappings cimport populate
from engine.cache.cache cimport size_for_text, size_within
from engine.encode.text cimport AHEAD_FROM, expected_ids
from engine.encode.threads cimport (
    NOT_KNOWN, PLACED, THREAD_LIMIT, Job, Task, ThreadState, run_threads)
from engine.split.sure_borders cimport next_sure_border
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.encode.utf8 cimport next_utf8_border
from engine.text.utf8 cimport UNCHECKED_UTF8, TextView

cdef enum:
    MANY_TASKS = 1 << 10    # from which their memory is made ready at once
    COPIED_BY_ONE = 32      # shares whose ids are copied in the time that starting a thread takes
    TEXTS_AHEAD = 8         # so many texts before its turn, a text is prefetched

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED    /* another thread could change the list */
    #define bpecore_prefetch_item(list, place) ((void)(place))
    #else
    #define bpecore_prefetch_item(list, place) \\
        if ((place) < (size_t)PyList_GET_SIZE(list)) \\
            bpecore_prefetch(PyList_GET_ITEM(list, place))
    #endif
    """
    void prefetch_item "bpecore_prefetch_item" (list texts, size_t place)


@cython.final
cdef class TextBatch:
    """Texts that are encoded together; owns what the threads work on.

    A text that cannot be encoded is marked as failed. Encoding it by itself raises the reason.
    """

    def __cinit__(self, CoreBPE core not None, size_t text_count):
        self.core = core
        self.text_count = text_count
        self.job.engine = &core.engine
        self.job.pool = &core.vocabulary.pool
        self.failed = <uint8_t *>allocate_zeroed(text_count, 1)
        if self.failed == NULL:
            raise MemoryError("no memory for a batch")

    def __dealloc__(self):
        cdef uint32_t i
        if self.threads != NULL:
            for i in range(self.thread_count):
                release_ids(&self.threads[i].ids, True)
        release(self.threads)
        release(self.job.tasks)
        release(self.shares)
        release(self.job.totals)
        release(self.job.later)
        release(self.job.places)
        release(self.failed)
        release(self.stretch.data)
        release_ids(&self.row, True)

    cdef int add_strings(self, list texts) except -1:
        """Adds all texts; those that are not `str` have failed."""
        cdef TextView view
        cdef size_t i = 0
        self.texts = texts
        if self.reserve(<size_t>len(texts)) != STATUS_OK:
            raise MemoryError("no memory for a batch")
        for text in texts:
            prefetch_item(texts, i + TEXTS_AHEAD)
            if isinstance(text, str):
                view_text(text, &view)
                if self.add_text(&view, i) != STATUS_OK:
                    raise MemoryError("no memory for a batch")
            else:
                self.failed[i] = 1
            i += 1
        return 0

    cdef int reserve(self, size_t count) noexcept nogil:
        """Makes room for a number of tasks; has to be called before texts are added."""
        if count > self.task_capacity or self.shares == NULL:
            if (grow(<void **>&self.job.tasks, (count + 1) * sizeof(Task)) != STATUS_OK
                    or grow(<void **>&self.shares, (count + 2) * sizeof(size_t)) != STATUS_OK):
                return STATUS_NO_MEMORY
            if count >= MANY_TASKS:
                populate(self.job.tasks + self.task_count,
                         (count - self.task_count) * sizeof(Task), True)
            self.task_capacity = count
            self.shares[0] = 0
        return STATUS_OK

    cdef int add_text(self, const TextView *view, size_t text) noexcept nogil:
        """Divides a text into tasks; texts are added in order, and may be left out."""
        cdef size_t start = 0, end, section = thread_sizes.section
        cdef TextView part
        cdef int status
        part.width = view.width
        while view.length - start > 2 * section:
            end = self._border(view, start + section, view.length - section)
            if end == view.length - section:
                break
            part.data = <const uint8_t *>view.data + start * max(view.width, 1)
            part.length = end - start
            status = self._add_task(&part, text, False)
            if status != STATUS_OK:
                return status
            start = end
        part.data = <const uint8_t *>view.data + start * max(view.width, 1)
        part.length = view.length - start
        return self._add_task(&part, text, True)

    cdef size_t _border(self, const TextView *view, size_t position, size_t limit) noexcept nogil:
        """Returns the first sure border from `position` on and below `limit`, or `limit`."""
        if view.width == UNCHECKED_UTF8:
            return next_utf8_border(self.job.engine, view, position, limit, &self.stretch)
        return next_sure_border(self.job.engine.automaton, self.job.engine.special_tokens, view,
                                position, limit)

    cdef int _add_task(self, const TextView *view, size_t text, bint ends_text) noexcept nogil:
        cdef Task *task
        if (self.task_count == self.task_capacity
                and self.reserve(2 * self.task_count + 16) != STATUS_OK):
            return STATUS_NO_MEMORY
        task = &self.job.tasks[self.task_count]
        task.view = view[0]
        task.text = text
        task.ends_text = ends_text
        task.status = STATUS_NO_MEMORY
        task.first = 0
        task.count = 0
        task.thread = 0
        task.first_mark = 0
        self.task_count += 1
        self.open_characters += view.length
        if self.open_characters >= thread_sizes.share:
            self._close_share()
        return STATUS_OK

    cdef void _close_share(self) noexcept nogil:
        if self.shares[self.job.share_count] < self.task_count:
            self.job.share_count += 1
            self.shares[self.job.share_count] = self.task_count
            self.open_characters = 0

    cdef int run(self, masks, size_t num_threads, Results wanted, size_t memory=0) except -1:
        """Encodes all texts that were added.

        Args:
            masks: what is allowed and what is refused, from `masks_of`.
            num_threads: threads to use at most, 1 or more.
            wanted: what the caller will read.
            memory: bytes that each thread's cache may have; 0: as many as its text is worth.
        """
        cdef size_t characters = 0, size = 0, expected, i
        cdef Task *task
        self.allowed, self.refused = masks
        self.job.permissions.allowed = mask_data(self.allowed)
        self.job.permissions.any_allowed = mask_names_any(self.core.special_tokens, self.allowed)
        self.job.permissions.refused = mask_data(self.refused)
        self.job.permissions.any_refused = mask_names_any(self.core.special_tokens, self.refused)
        self.job.permissions.counting = wanted == COUNTS
        self._close_share()
        self.job.shares = self.shares
        for i in range(self.task_count):
            task = &self.job.tasks[i]
            characters += task.view.length
            size += task.view.length * <size_t>max(task.view.width, 0)
        self.job.much_text = size >= AHEAD_FROM
        num_threads = min(num_threads, characters // thread_sizes.thread + 1,
                          self.job.share_count, <size_t>THREAD_LIMIT)
        self.thread_count = <uint32_t>max(num_threads, 1)
        self.threads = <ThreadState *>allocate_zeroed(self.thread_count, sizeof(ThreadState))
        if self.threads == NULL:
            raise MemoryError("no memory for a batch")
        self.job.thread_characters = characters // self.thread_count
        self.job.cache_size = (
            size_within(memory) if memory
            else size_for_text(&self.job.pool.limits, self.job.thread_characters))
        for i in range(self.thread_count):
            self.threads[i].job = &self.job
            self.threads[i].number = <uint32_t>i
            self.threads[i].waiting = NOT_KNOWN
        self.threads[0].signals = handles_signals()
        if wanted == ROW:
            self._make_row()
        elif wanted == LISTS:
            expected = self._expected_ids() // self.thread_count
            for i in range(self.thread_count):
                if reserve_ids(&self.threads[i].ids, expected + 1) != STATUS_OK:
                    raise MemoryError("no memory for ids")
        with nogil:
            run_threads(self.threads, self.thread_count, 0, False)
        if self.job.stop:
            exception_is_set()
        for i in range(self.task_count):
            task = &self.job.tasks[i]
            if task.status != STATUS_OK:
                self.failed[task.text] = 1
        return 0

    cdef size_t _expected_ids(self) noexcept nogil:
        """Returns how many ids all texts probably have."""
        cdef size_t expected = 0, i
        for i in range(self.task_count):
            expected += expected_ids(&self.job.tasks[i].view)
        return expected

    cdef int _make_row(self) except -1:
        """Makes room for as many ids as all texts probably have.

        The room is the buffer of the only thread, or the row that all threads copy their ids to.
        """
        cdef IdBuffer *row = &self.row if self.thread_count > 1 else &self.threads[0].ids
        cdef size_t share
        if reserve_ids(row, self._expected_ids() + 1) != STATUS_OK:
            raise MemoryError("no memory for a token buffer")
        prefer_huge_pages(row.data, row.capacity * sizeof(uint32_t))
        if self.thread_count == 1:
            return 0
        self.job.totals = <size_t *>allocate(self.job.share_count, sizeof(size_t))
        self.job.later = <size_t *>allocate(self.job.share_count, sizeof(size_t))
        self.job.places = <size_t *>allocate(self.job.share_count, sizeof(size_t))
        if self.job.totals == NULL or self.job.later == NULL or self.job.places == NULL:
            raise MemoryError("no memory for a token buffer")
        for share in range(self.job.share_count):
            self.job.totals[share] = NOT_KNOWN
        self.job.row = row.data
        self.job.room = row.capacity
        return 0

    cdef int _complete_row(self) except -1:
        """Copies the ids that are not in the row yet. Precondition: no text has failed."""
        cdef size_t first = self.job.share_count, left = 0, total = 0, share
        for share in range(self.job.share_count):
            self.job.places[share] = total
            total += self.job.totals[share]
            if self.job.later[share] != PLACED:
                first = min(first, share)
                left += 1
        self.row.length = min(total, self.job.room)    # kept where the row grows
        if grow_ids(&self.row, total) != STATUS_OK:
            raise MemoryError("no memory for a token buffer")
        self.row.length = total
        self.job.row = self.row.data
        if left:
            with nogil:
                run_threads(self.threads,
                            min(self.thread_count, <uint32_t>(left // COPIED_BY_ONE + 1)), first,
                            True)
        return 0

    cdef const uint32_t *ids_of(self, const Task *task):
        return self.threads[task.thread].ids.data + task.first

    cdef size_t last_task(self, size_t first):
        """Returns the end of the tasks of one text, given its first task."""
        cdef size_t last = first + 1
        while last < self.task_count and self.job.tasks[last].text == self.job.tasks[first].text:
            last += 1
        return last

    cdef size_t _count_of(self, size_t first, size_t last) noexcept:
        """Returns the ids of some tasks."""
        cdef size_t count = 0, i
        for i in range(first, last):
            count += self.job.tasks[i].count
        return count

    cdef list lists(self):
        """Returns the ids of each text, None for a failed one."""
        cdef list results = [None] * self.text_count
        cdef size_t i = 0, last, count
        cdef size_t left = self._count_of(0, self.task_count)    # ids whose lists are to come
        cdef size_t ready = 0                                    # those of them with ready memory
        cdef list ids
        PyObject_GC_UnTrack(results)
        while i < self.task_count:
            last = self.last_task(i)
            text = self.job.tasks[i].text
            count = self._count_of(i, last)
            if ready < count:
                ready = make_ready(left * sizeof(void *)) // sizeof(void *)
            left -= count
            ready -= min(ready, count)
            if not self.failed[text]:
                ids = hidden_list_of_ids(&int_objects, self.ids_of(&self.job.tasks[i]),
                                         self.job.tasks[i].count)
                for i in range(i + 1, last):
                    ids += hidden_list_of_ids(&int_objects, self.ids_of(&self.job.tasks[i]),
                                              self.job.tasks[i].count)
                results[text] = ids
            i = last
        show_lists(results)
        return results

    cdef list counts(self):
        """Returns the number of ids of each text, None for a failed one."""
        cdef list results = [None] * self.text_count
        cdef size_t i = 0, last
        while i < self.task_count:
            last = self.last_task(i)
            text = self.job.tasks[i].text
            if not self.failed[text]:
                results[text] = self._count_of(i, last)
            i = last
        return results

    cdef bytearray offsets(self):
        """Returns where the ids of each text begin in the row, and where the last end, as int64."""
        cdef bytearray result = bytearray((self.text_count + 1) * sizeof(int64_t))
        cdef int64_t *offsets = <int64_t *><char *>result
        cdef size_t i
        for i in range(self.task_count):
            offsets[self.job.tasks[i].text + 1] += <int64_t>self.job.tasks[i].count
        for i in range(self.text_count):
            offsets[i + 1] += offsets[i]
        return result

    cdef bint any_failed(self):
        """Returns whether a text could not be encoded."""
        return memchr(self.failed, 1, self.text_count) != NULL

    cdef failures(self):
        """Returns the positions of texts that could not be encoded."""
        if not self.any_failed():
            return ()
        return [i for i in range(self.text_count) if self.failed[i]]

    cdef int move_ids(self, IdBuffer *ids) except -1:
        """Hands over the ids of all texts, in order. Precondition: no text has failed."""
        cdef IdBuffer *source = &self.threads[0].ids
        if self.thread_count > 1:
            self._complete_row()
            source = &self.row
        if grow_ids(source, 1) != STATUS_OK:
            raise MemoryError("no memory for a token buffer")
        ids[0] = source[0]
        memset(source, 0, sizeof(IdBuffer))
        return 0

    cdef TokenBuffer take_ids(self):
        """Returns the ids of all texts, in order. Precondition: no text has failed."""
        cdef TokenBuffer buffer = TokenBuffer.__new__(TokenBuffer)
        self.move_ids(&buffer.ids)
        buffer.finish()
        return buffer


cdef const uint8_t *mask_data(bytearray mask):
    return NULL if mask is None else <const uint8_t *>mask


cdef bint mask_names_any(SpecialTokens special_tokens, bytearray mask):
    return special_tokens.trie.count > 0 and (mask is None or len(mask) > 0)


cdef TextBatch run_batch(CoreBPE core, list texts, tuple masks, size_t num_threads,
                         Results wanted, append=None, size_t memory=0):
    """Encodes a batch and returns it; None if its texts have to be encoded one by one.

    Args:
        masks: from `masks_of`.
        memory: as for `TextBatch.run`.
    """
    cdef TextBatch batch
    if core.split_pattern is None or masks is None:
        return None
    batch = TextBatch(core, len(texts))
    batch.add_strings(texts)
    if append is not None:
        batch.job.appends = True
        batch.job.appended = append
    batch.run(masks, num_threads, wanted, memory)
    return batch


def encode_batch(CoreBPE core not None, list texts not None, allowed_special, disallowed_special,
                 special_tokens_set, size_t num_threads) -> tuple:
    """Encodes many texts like `CoreBPE.encode_checked`.

    Args:
        texts: the texts.
        allowed_special: as for `encode_checked`.
        disallowed_special: as for `encode_checked`.
        special_tokens_set: as for `encode_checked`.
        num_threads: threads to use at most, 1 or more.

    Returns:
        The ids of each text, and the positions of texts that have None instead: each has to be
        encoded by itself, which raises what is wrong with it.
    """
    cdef tuple masks = masks_of(core.special_tokens, allowed_special, disallowed_special,
                                special_tokens_set)
    cdef TextBatch batch = run_batch(core, texts, masks, num_threads, LISTS)
    if batch is None:
        return [None] * len(texts), range(len(texts))
    return batch.lists(), batch.failures()


def count_batch(CoreBPE core not None, list texts not None, allowed_special, disallowed_special,
                special_tokens_set, size_t num_threads, size_t memory=0) -> tuple:
    """Counts the ids of many texts; arguments and result as for `encode_batch`.

    Args:
        memory: bytes that each thread's cache may have; 0: as many as its text is worth.
    """
    cdef tuple masks = masks_of(core.special_tokens, allowed_special, disallowed_special,
                                special_tokens_set)
    cdef TextBatch batch = run_batch(core, texts, masks, num_threads, COUNTS, None, memory)
    if batch is None:
        return [None] * len(texts), range(len(texts))
    return batch.counts(), batch.failures()


def encode_batch_to_buffer(CoreBPE core not None, list texts not None, allowed_special,
                           disallowed_special, special_tokens_set, size_t num_threads,
                           append=None, size_t memory=0):
    """Encodes many texts into one buffer; arguments as for `encode_batch`.

    Args:
        append: an id that follows the ids of each text; None: nothing does.
        memory: as for `count_batch`.

    Returns:
        The ids of all texts, and the `int64` offsets at which each text's begin; None if a text
        has to be encoded by itself.
    """
    cdef tuple masks = masks_of(core.special_tokens, allowed_special, disallowed_special,
                                special_tokens_set)
    cdef TextBatch batch = run_batch(core, texts, masks, num_threads, ROW, append,
                                     memory)
    if batch is None or batch.any_failed():
        return None
    return batch.take_ids(), batch.offsets()
