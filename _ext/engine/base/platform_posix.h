/* The side of platform.h for Linux, macOS and other POSIX systems. */
#ifndef BPECORE_PLATFORM_POSIX_H
#define BPECORE_PLATFORM_POSIX_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif
/* Linux 5.14 and later; the C library's headers may be older than the kernel. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* The registers that cpuid need not report for AVX-512 to be usable. */
#ifdef __APPLE__
#define BPECORE_LATE_REGISTERS 0xE0 /* macOS reports them only after their first use */
#else
#define BPECORE_LATE_REGISTERS 0
#endif

/* ---- memory ---- */

#ifdef BPECORE_SANITIZE /* from the heap: sanitizers then see where it ends, and whether it is held */

static inline void *bpecore_reserve_pages(size_t size) {
    void *memory = NULL;
    return posix_memalign(&memory, 4096, size) ? NULL : memset(memory, 0, size);
}

static inline void *bpecore_map_pages(size_t size, size_t alignment) {
    return bpecore_reserve_pages(size);
}

static inline void bpecore_unmap_pages(void *memory, size_t size) {
    free(memory);
}

static inline size_t bpecore_unmap_tail(void *memory, size_t size, size_t kept) {
    return size;
}

#else

static inline void *bpecore_reserve_pages(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static inline void *bpecore_map_pages(size_t size, size_t alignment) {
    size_t extra = size < alignment ? 0 : alignment, before;
    char *memory = (char *)bpecore_reserve_pages(size + extra);
    if (memory == NULL || extra == 0)
        return memory;
    before = -(size_t)memory & (alignment - 1);
    if (before)
        munmap(memory, before);
    munmap(memory + before + size, extra - before);
#ifdef MADV_HUGEPAGE
    madvise(memory + before, size, MADV_HUGEPAGE);
#endif
    return memory + before;
}

static inline void bpecore_unmap_pages(void *memory, size_t size) {
    munmap(memory, size);
}

static inline size_t bpecore_unmap_tail(void *memory, size_t size, size_t kept) {
    return munmap((char *)memory + kept, size - kept) ? size : kept;
}

#endif

static inline void bpecore_advise(const void *memory, size_t size, int advice) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t first = ((size_t)memory + page - 1) & ~(page - 1);
    size_t end = ((size_t)memory + size) & ~(page - 1);
    int before = errno;
    if (first < end)
        madvise((void *)first, end - first, advice);
    errno = before;
}

static inline void bpecore_populate(const void *memory, size_t size, int for_writing) {
#ifdef __linux__
    bpecore_advise(memory, size, for_writing ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
#endif
}

static inline void bpecore_prefer_huge_pages(const void *memory, size_t size) {
#ifdef MADV_HUGEPAGE
    bpecore_advise(memory, size, MADV_HUGEPAGE);
#endif
}

/* glibc sizes its mapping and trimming thresholds by the largest block of up to 32 MB that is freed
 * (mallopt(3), M_MMAP_THRESHOLD). Freeing many smaller blocks does not raise them. */
static inline void bpecore_show_allocator(size_t size) {
#ifdef __GLIBC__
    void *volatile block = malloc(size);
    free(block);
#endif
}

/* What is free at the end of glibc's heap is taken by the blocks that follow. */
static inline void bpecore_load_free_memory(size_t size) {
#ifdef __GLIBC__
    void *volatile block = malloc(size);
    if (block != NULL)
        bpecore_populate(block, size, 1);
    free(block);
#endif
}

/* ---- files ---- */

static inline void *bpecore_map_file(int descriptor, size_t size) {
    void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static inline void bpecore_unmap_file(void *memory, size_t size) {
    munmap(memory, size);
}

static inline int64_t bpecore_read_at(int descriptor, void *out, size_t size, uint64_t offset) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(descriptor, (char *)out + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno != EINTR)
            return -1;
        if (got == 0)
            break;
        if (got > 0)
            done += (size_t)got;
    }
    return (int64_t)done;
}

/* ---- the clock ---- */

static inline uint64_t bpecore_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- threads ---- */

typedef pthread_t bpecore_thread;
typedef sigset_t bpecore_signals;
typedef void *bpecore_thread_result;

/* Moves a new thread to another CPU if it waits on the caller's. Linux puts it there if the caller has
 * slept lately, even beside idle CPUs, and moves it only milliseconds later. Only a hint. */
static inline void bpecore_leave_cpu(pthread_t thread) {
#if defined __linux__ && defined CPU_COUNT
    cpu_set_t allowed, others;
    int cpu = sched_getcpu();
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    others = allowed;
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) && pthread_setaffinity_np(thread, sizeof others, &others) == 0)
        pthread_setaffinity_np(thread, sizeof allowed, &allowed);
#endif
}

static inline int bpecore_start_thread(bpecore_thread *thread,
                                       bpecore_thread_result (*start)(void *), void *argument) {
    if (pthread_create(thread, NULL, start, argument) != 0)
        return 0;
    bpecore_leave_cpu(*thread);
    return 1;
}

static inline void bpecore_join(bpecore_thread thread) {
    pthread_join(thread, NULL);
}

static inline int bpecore_join_within(bpecore_thread thread, uint32_t nanoseconds) {
#ifdef __GLIBC__
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += nanoseconds;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return pthread_timedjoin_np(thread, NULL, &until) == 0;
#else
    return pthread_join(thread, NULL) == 0;
#endif
}

static inline void bpecore_block_signals(bpecore_signals *before) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

static inline void bpecore_restore_signals(const bpecore_signals *before) {
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

#endif
