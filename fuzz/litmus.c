/* Litmus tests of the orders in which the engine's threads and processes see memory: the patterns of
 * docs/memory-order.md with the atomics of engine/base/platform.h, as `python -m fuzz.memory_order`
 * runs them.
 *
 *     litmus SECONDS NAME …
 *
 * Two threads run the two sides of a pattern on many places, at once and in the same order; each
 * place counts how it ended. An ending that the pattern forbids is a failure, and the exit status
 * is 1. A control is the same pattern with plain stores and loads: that its forbidden ending is seen
 * shows that the machine does reorder, and that this program would notice. */
#include <stdio.h>

#include "engine/base/platform.h"

#define PLACES 4096
#define LINE 128 /* bytes; more than a cache line, so that words move independently */

typedef struct {
    union {
        uint64_t word;
        uint64_t *pointer;
        char padding[LINE];
    } first, second, third;
    uint64_t seen[2]; /* what each side saw */
    char padding[LINE];
} place;

typedef struct {
    const char *name;
    void (*side[2])(place *, uint64_t round);
    int (*is_forbidden)(const place *, uint64_t round);
    int is_control;
} pattern;

static place places[PLACES];
static uint64_t waiting;    /* how often the threads have come to the barrier */
static uint64_t rounds;     /* those that may be run */
static const pattern *current;

/* Keeps the compiler, but not the processor, from reordering. */
static inline void compiler_barrier(void) {
    __asm__ volatile("" ::: "memory");
}
#define plain_store(place, value) (compiler_barrier(), bpecore_store_relaxed(place, value))
#define plain_load(place) bpecore_load_relaxed(place)

/* wake: each end stores its own word, then loads the other's; one must see the other's. */
#define WAKE(name, own, other, number, store, load)                                                \
    static void name(place *at, uint64_t round) {                                                  \
        store(&at->own.word, round);                                                               \
        at->seen[number] = load(&at->other.word);                                                  \
    }
WAKE(wake_left, first, second, 0, bpecore_store_ordered, bpecore_load_ordered)
WAKE(wake_right, second, first, 1, bpecore_store_ordered, bpecore_load_ordered)
WAKE(plain_wake_left, first, second, 0, plain_store, plain_load)
WAKE(plain_wake_right, second, first, 1, plain_store, plain_load)

static int both_are_old(const place *at, uint64_t round) {
    return at->seen[0] != round && at->seen[1] != round;
}

/* message: bytes, then a word; a thread that sees the word sees the bytes. */
#define MESSAGE(name, store)                                                                       \
    static void name##_writer(place *at, uint64_t round) {                                         \
        bpecore_store_relaxed(&at->first.word, round);                                             \
        store(&at->second.word, round);                                                            \
    }
#define MESSAGE_READER(name, load)                                                                 \
    static void name##_reader(place *at, uint64_t round) {                                         \
        at->seen[0] = load(&at->second.word);                                                      \
        compiler_barrier();                                                                        \
        at->seen[1] = bpecore_load_relaxed(&at->first.word);                                       \
        (void)round;                                                                               \
    }
MESSAGE(message, bpecore_store_ordered)
MESSAGE_READER(message, bpecore_load_ordered)
MESSAGE(numbers, bpecore_store_release)
MESSAGE_READER(numbers, bpecore_load_acquire)
MESSAGE(plain_message, plain_store)
MESSAGE_READER(plain_message, plain_load)

static int message_is_old(const place *at, uint64_t round) {
    return at->seen[0] == round && at->seen[1] != round;
}

/* room: the reader's last look at a message, then the head; the writer sees the head, then writes
 * over the message. */
#define ROOM(name, store, load)                                                                    \
    static void name##_reader(place *at, uint64_t round) {                                         \
        at->seen[0] = bpecore_load_relaxed(&at->first.word);                                       \
        store(&at->second.word, round);                                                            \
    }                                                                                              \
    static void name##_writer(place *at, uint64_t round) {                                         \
        at->seen[1] = load(&at->second.word);                                                      \
        compiler_barrier();                                                                        \
        if (at->seen[1] == round)                                                                  \
            bpecore_store_relaxed(&at->first.word, round);                                         \
    }
ROOM(room, bpecore_store_ordered, bpecore_load_ordered)
ROOM(plain_room, plain_store, plain_load)

static int next_is_read(const place *at, uint64_t round) {
    return at->seen[0] == round;
}

/* lease: memory is written, then put into an empty slot; the thread that takes it out sees what was
 * written. */
static void lease_giver(place *at, uint64_t round) {
    bpecore_store_relaxed(&at->first.word, round);
    at->seen[0] = (uint64_t)bpecore_fill_release(&at->second.pointer, &at->first.word);
}
static void lease_taker(place *at, uint64_t round) {
    uint64_t *taken = bpecore_exchange_acquire(&at->second.pointer, NULL);
    at->seen[1] = taken == NULL ? round : bpecore_load_relaxed(taken);
}
static int lease_is_old(const place *at, uint64_t round) {
    return !at->seen[0] || at->seen[1] != round;
}

/* object: two threads make an object each and put it into one slot; one does, and both see it. */
#define OBJECT(name, own, number)                                                                  \
    static void name(place *at, uint64_t round) {                                                  \
        uint64_t *found;                                                                           \
        bpecore_store_relaxed(&at->own.word, round);                                               \
        if (bpecore_fill_release(&at->third.pointer, &at->own.word))                               \
            at->seen[number] = 0;                                                                  \
        else {                                                                                     \
            found = bpecore_load_acquire(&at->third.pointer);                                      \
            at->seen[number] = found == &at->own.word ? 0 : bpecore_load_relaxed(found);           \
        }                                                                                          \
    }
OBJECT(object_left, first, 0)
OBJECT(object_right, second, 1)
static int object_is_wrong(const place *at, uint64_t round) {
    return !((at->seen[0] == 0 && at->seen[1] == round) ||
             (at->seen[0] == round && at->seen[1] == 0));
}

/* flag: the thread that finds the flag clear owns what it guards, until it clears it. */
static void flag_user(place *at, uint64_t round) {
    while (bpecore_exchange_acquire(&at->second.word, 1))
        ;
    *(volatile uint64_t *)&at->first.word += 1;
    bpecore_store_release(&at->second.word, 0);
    (void)round;
}
static int step_is_lost(const place *at, uint64_t round) {
    return at->first.word != 2 * round;
}

/* share: each number is taken once. */
static void share_taker(place *at, uint64_t round) {
    uint64_t taken = bpecore_add_relaxed(&at->first.word, 1);
    bpecore_add_relaxed(&at->seen[taken - 2 * (round - 1)], 1);
}
static int share_is_taken_twice(const place *at, uint64_t round) {
    return at->seen[0] != round || at->seen[1] != round;
}

/* users: the last user of something frees it, after all that the others did with it. */
#define USER(name, own, other, number)                                                             \
    static void name(place *at, uint64_t round) {                                                  \
        bpecore_store_relaxed(&at->own.word, round);                                               \
        at->seen[number] = 0;                                                                      \
        if (bpecore_add_ordered(&at->third.word, -1) == 1)                                       \
            at->seen[number] = bpecore_load_relaxed(&at->other.word);                              \
    }
USER(users_left, first, second, 0)
USER(users_right, second, first, 1)
static int last_user_is_wrong(const place *at, uint64_t round) {
    return at->seen[0] + at->seen[1] != round || (at->seen[0] && at->seen[1]);
}

static const pattern patterns[] = {
    {"wake", {wake_left, wake_right}, both_are_old, 0},
    {"wake, plain", {plain_wake_left, plain_wake_right}, both_are_old, 1},
    {"message", {message_writer, message_reader}, message_is_old, 0},
    {"message, plain", {plain_message_writer, plain_message_reader}, message_is_old, 1},
    {"numbers", {numbers_writer, numbers_reader}, message_is_old, 0},
    {"room", {room_reader, room_writer}, next_is_read, 0},
    {"room, plain", {plain_room_reader, plain_room_writer}, next_is_read, 1},
    {"lease", {lease_giver, lease_taker}, lease_is_old, 0},
    {"object", {object_left, object_right}, object_is_wrong, 0},
    {"flag", {flag_user, flag_user}, step_is_lost, 0},
    {"share", {share_taker, share_taker}, share_is_taken_twice, 0},
    {"users", {users_left, users_right}, last_user_is_wrong, 0},
};

/* Waits until both threads are here. */
static void meet(uint64_t *times) {
    __atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
    *times += 2;
    while (bpecore_load_ordered(&waiting) < *times)
        ;
}

/* Runs one side on all places, after as many idle steps as one side is ahead of the other. */
static void run_side(int number, uint64_t round) {
    uint64_t i, idle = number == (int)(round & 1) ? round * 7 % 64 : 0;
    while (idle--)
        compiler_barrier();
    for (i = 0; i < PLACES; i++)
        current->side[number](&places[i], round);
}

static bpecore_thread_result run_right(void *unused) {
    uint64_t times = 0, round;
    (void)unused;
    for (round = 1;; round++) {
        meet(&times);
        if (round > bpecore_load_ordered(&rounds))
            return 0;
        run_side(1, round);
        meet(&times);
    }
}

/* Runs a pattern for some time; returns how often its forbidden ending was seen. */
static uint64_t run(const pattern *what, double seconds) {
    uint64_t times = 0, round, forbidden = 0, i, end = bpecore_nanoseconds();
    bpecore_thread right;
    end += (uint64_t)(seconds * 1e9);
    memset(places, 0, sizeof(places));
    for (i = 0; i < PLACES && what->side[0] == users_left; i++)
        places[i].third.word = 2;
    waiting = 0;
    current = what;
    if (!bpecore_start_thread(&right, run_right, NULL))
        return 1;
    for (round = 1; round < 3 || bpecore_nanoseconds() < end; round++) {
        bpecore_store_ordered(&rounds, round);
        meet(&times);
        run_side(0, round);
        meet(&times);
        for (i = 0; i < PLACES; i++) {
            forbidden += (uint64_t)what->is_forbidden(&places[i], round);
            if (what->side[0] == lease_giver || what->side[0] == object_left)
                places[i].second.pointer = places[i].third.pointer = NULL;
            places[i].third.word = what->side[0] == users_left ? 2 : places[i].third.word;
        }
    }
    bpecore_store_ordered(&rounds, 0);
    meet(&times);
    bpecore_join(right);
    printf("%-15s %11llu runs, %llu %s\n", what->name, (unsigned long long)((round - 1) * PLACES),
           (unsigned long long)forbidden,
           what->is_control ? "reordered, as plain accesses may be" : "forbidden endings");
    fflush(stdout);
    return what->is_control ? 0 : forbidden;
}

int main(int count, char **arguments) {
    uint64_t failures = 0;
    size_t i;
    int j;
    for (i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        int is_wanted = count < 3;
        for (j = 2; j < count; j++)
            is_wanted |= strcmp(arguments[j], patterns[i].name) == 0;
        if (is_wanted)
            failures += run(&patterns[i], count > 1 ? atof(arguments[1]) : 1.0);
    }
    return failures != 0;
}
