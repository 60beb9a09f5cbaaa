"""Looks up the pairs of a model's list: some hundred thousand strings in a vocabulary of strings.

A dict would need three look-ups per pair, and new strings for them. Here the parts are hashed where
they lie, and what they make is hashed by going on from the left part's hash.

Bounds: linear in the bytes of all tokens and pairs; the hash has a random key. Memory per token: 32
bytes, 16 to 32 for slots, and a copy of the dict.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_Copy, PyDict_Next
from cpython.object cimport PyObject
from libc.stdint cimport uint32_t, uint64_t, UINT32_MAX

from api.arguments cimport checked_id, view_text
from engine.base.heap cimport allocate, allocate_zeroed, release
from engine.base.types cimport multiply_fold
from engine.text.utf8 cimport TextView, read_character

cdef struct Name:
    TextView view    # borrowed from the table's copy of the vocabulary
    uint32_t id


cdef class NameTable:
    """The tokens of a vocabulary by their names."""

    cdef dict vocab          # a copy: reading an id may run code that changes the original
    cdef Name *names
    cdef uint64_t *slots     # the upper half of a hash, and the number of a name; 0 = free
    cdef size_t mask
    cdef uint64_t key

    def __cinit__(self, dict vocab not None):
        cdef size_t size = 8
        cdef size_t count = 0
        cdef Py_ssize_t position = 0
        cdef PyObject *name
        cdef PyObject *number
        self.vocab = PyDict_Copy(vocab)
        if <size_t>len(self.vocab) >= UINT32_MAX // 4:
            raise ValueError(f"{len(self.vocab):,} tokens are too many")
        while size < 2 * <size_t>len(self.vocab):
            size *= 2
        self.mask = size - 1
        self.key = random_word() | 1
        self.names = <Name *>allocate(<size_t>len(self.vocab) + 1, sizeof(Name))
        self.slots = <uint64_t *>allocate_zeroed(size, sizeof(uint64_t))
        if self.names == NULL or self.slots == NULL:
            raise MemoryError("no memory for the names of tokens")
        while PyDict_Next(self.vocab, &position, &name, &number):
            count += 1
            view_text(<object>name, &self.names[count].view)
            self.names[count].id = checked_id(<object>number)
            self._add(count)

    def __dealloc__(self):
        release(self.names)
        release(self.slots)

    cdef uint64_t hashed(self, uint64_t state, const TextView *view, size_t start,
                         size_t stop) noexcept nogil:
        """Returns the hash of what `state` is the hash of, followed by a part of a text."""
        cdef size_t i
        for i in range(start, stop):
            state = multiply_fold(
                state ^ (read_character(view.data, view.width, i) + 1), self.key)
        return state

    cdef void _add(self, size_t number) noexcept nogil:
        cdef const TextView *view = &self.names[number].view
        cdef uint64_t state = self.hashed(self.key, view, 0, view.length)
        cdef size_t slot = state & self.mask
        while self.slots[slot]:
            slot = (slot + 1) & self.mask
        self.slots[slot] = (state >> 32 << 32) | number

    cdef bint find(self, uint64_t state, const TextView *left, size_t left_start, size_t left_stop,
                   const TextView *right, size_t right_start, size_t right_stop,
                   uint32_t *found) noexcept nogil:
        """Finds the id of the concatenation of two parts of texts, given its hash."""
        cdef size_t slot = state & self.mask, left_length = left_stop - left_start, i
        cdef size_t length = left_length + right_stop - right_start
        cdef const Name *name
        cdef uint32_t character
        while self.slots[slot]:
            name = &self.names[<uint32_t>self.slots[slot]]
            if self.slots[slot] >> 32 == state >> 32 and name.view.length == length:
                for i in range(length):
                    if i < left_length:
                        character = read_character(left.data, left.width, left_start + i)
                    else:
                        character = read_character(right.data, right.width,
                                                   right_start + i - left_length)
                    if character != read_character(name.view.data, name.view.width, i):
                        break
                else:
                    found[0] = name.id
                    return True
            slot = (slot + 1) & self.mask
        return False

    cdef bint find_pair(self, const TextView *left, size_t left_stop, const TextView *right,
                        size_t right_start, uint32_t *ids) noexcept nogil:
        """Finds the ids of the parts of a pair and of what it makes."""
        cdef uint64_t first = self.hashed(self.key, left, 0, left_stop)
        cdef uint64_t second = self.hashed(self.key, right, right_start, right.length)
        cdef uint64_t both = self.hashed(first, right, right_start, right.length)
        return (
            self.find(first, left, 0, left_stop, right, 0, 0, &ids[0])
            and self.find(second, left, 0, 0, right, right_start, right.length, &ids[1])
            and self.find(both, left, 0, left_stop, right, right_start, right.length, &ids[2])
        )


cdef size_t only_blank(const TextView *view) noexcept nogil:
    """Returns where the only blank of a text is; its length if there is not just one."""
    cdef size_t found = view.length, i
    for i in range(view.length):
        if read_character(view.data, view.width, i) == c" ":
            if found != view.length:
                return view.length
            found = i
    return found


def ids_of_pairs(dict vocab not None, list pairs not None) -> bytes:
    """Returns the ids of the parts of pairs and of what they make: `uint32[pairs, 3]`.

    Args:
        vocab: the id of each token.
        pairs: lists of two tokens; or strings, each with one blank between two.

    Raises:
        ValueError: one is no such pair, or of a token that is not in `vocab`.
    """
    cdef NameTable names = NameTable(vocab)
    cdef bytes made = PyBytes_FromStringAndSize(NULL, 3 * len(pairs) * sizeof(uint32_t))
    cdef uint32_t *ids = <uint32_t *>PyBytes_AS_STRING(made)
    cdef bint are_lists = len(pairs) > 0 and type(pairs[0]) is list
    cdef TextView left, right
    cdef bint found
    cdef size_t blank
    cdef Py_ssize_t i
    for i in range(len(pairs)):
        pair = pairs[i]
        found = False
        if are_lists and type(pair) is list and len(<list>pair) == 2:
            if type((<list>pair)[0]) is str and type((<list>pair)[1]) is str:
                view_text((<list>pair)[0], &left)
                view_text((<list>pair)[1], &right)
                found = names.find_pair(&left, left.length, &right, 0, ids + 3 * i)
        elif not are_lists and type(pair) is str:
            view_text(pair, &left)
            blank = only_blank(&left)
            if blank < left.length:
                found = names.find_pair(&left, blank, &left, blank + 1, ids + 3 * i)
        if not found:
            raise ValueError(f"pairs[{i}] is no pair of tokens")
    return made
