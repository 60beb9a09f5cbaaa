/* The side of platform.h for Windows, x86-64 and arm64. The C library is Microsoft's UCRT, which
 * Python uses as well: only so does a descriptor mean the same file in both. */
#ifndef BPECORE_PLATFORM_WINDOWS_H
#define BPECORE_PLATFORM_WINDOWS_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <io.h>
#include <process.h>
#include <windows.h>

/* Names of 16-bit days that windows.h defines as nothing. */
#undef far
#undef near

#define BPECORE_LATE_REGISTERS 0

/* ---- memory: in small pages, because large ones need a privilege that few processes have ---- */

static inline void *bpecore_reserve_pages(size_t size) {
    return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

static inline void *bpecore_map_pages(size_t size, size_t alignment) {
    (void)alignment;
    return bpecore_reserve_pages(size);
}

static inline void bpecore_unmap_pages(void *memory, size_t size) {
    (void)size;
    VirtualFree(memory, 0, MEM_RELEASE);
}

/* The addresses of the tail are freed with the rest. */
static inline size_t bpecore_unmap_tail(void *memory, size_t size, size_t kept) {
    return VirtualFree((char *)memory + kept, size - kept, MEM_DECOMMIT) ? kept : size;
}

static inline void bpecore_populate(const void *memory, size_t size, int for_writing) {
    (void)memory, (void)size, (void)for_writing;
}

static inline void bpecore_prefer_huge_pages(const void *memory, size_t size) {
    (void)memory, (void)size;
}

static inline void bpecore_show_allocator(size_t size) {
    (void)size;
}

static inline void bpecore_load_free_memory(size_t size) {
    (void)size;
}

/* ---- files ---- */

static inline void *bpecore_map_file(int descriptor, size_t size) {
    HANDLE file = (HANDLE)_get_osfhandle(descriptor), mapping;
    void *memory;
    if (file == INVALID_HANDLE_VALUE)
        return NULL;
    mapping = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    if (mapping == NULL)
        return NULL;
    memory = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, size);
    CloseHandle(mapping); /* the view keeps it */
    return memory;
}

static inline void bpecore_unmap_file(void *memory, size_t size) {
    (void)size;
    UnmapViewOfFile(memory);
}

static inline int64_t bpecore_read_at(int descriptor, void *out, size_t size, uint64_t offset) {
    HANDLE file = (HANDLE)_get_osfhandle(descriptor);
    size_t done = 0;
    if (file == INVALID_HANDLE_VALUE)
        return -1;
    while (done < size) {
        size_t wanted = size - done < 1u << 30 ? size - done : 1u << 30;
        OVERLAPPED place = {0};
        DWORD got = 0;
        place.Offset = (DWORD)(offset + done);
        place.OffsetHigh = (DWORD)((offset + done) >> 32);
        if (!ReadFile(file, (char *)out + done, (DWORD)wanted, &got, &place) &&
            GetLastError() != ERROR_HANDLE_EOF)
            return -1;
        if (got == 0)
            break;
        done += got;
    }
    return (int64_t)done;
}

/* ---- the clock ---- */

static inline uint64_t bpecore_nanoseconds(void) {
    LARGE_INTEGER ticks, frequency; /* per second */
    uint64_t seconds, rest;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&ticks);
    seconds = (uint64_t)ticks.QuadPart / (uint64_t)frequency.QuadPart;
    rest = (uint64_t)ticks.QuadPart % (uint64_t)frequency.QuadPart;
    return seconds * 1000000000u + rest * 1000000000u / (uint64_t)frequency.QuadPart;
}

/* ---- threads; signals go to none of them: Windows runs a handler in a thread of its own ---- */

typedef HANDLE bpecore_thread;
typedef char bpecore_signals;
typedef unsigned bpecore_thread_result;

static inline int bpecore_start_thread(bpecore_thread *thread,
                                       bpecore_thread_result (*start)(void *), void *argument) {
    *thread = (HANDLE)_beginthreadex(NULL, 0, start, argument, 0, NULL);
    return *thread != NULL;
}

static inline int bpecore_join_within(bpecore_thread thread, uint32_t nanoseconds) {
    if (WaitForSingleObject(thread, nanoseconds / 1000000) != WAIT_OBJECT_0)
        return 0;
    CloseHandle(thread);
    return 1;
}

static inline void bpecore_join(bpecore_thread thread) {
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

static inline void bpecore_block_signals(bpecore_signals *before) {
    *before = 0;
}

static inline void bpecore_restore_signals(const bpecore_signals *before) {
    (void)before;
}

#endif
