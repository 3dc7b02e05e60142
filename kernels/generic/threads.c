/*
 * Threads that wait for parts of a layer. The caller takes parts as well, so that none waits for a
 * thread that the system has not woken yet. Calls from several threads at once, and systems without
 * POSIX threads, run their parts one after the other.
 */
#include "threads.h"

#include "npusim_kernels.h"

/* Some 40 microseconds at 200 MACs a nanosecond; waking a thread and its end take about ten. */
enum { MACS_OF_A_PART = 1 << 23 };

static int64_t macs_of_a_part = MACS_OF_A_PART;

void npusim_part_from(int64_t macs) { macs_of_a_part = macs > 0 ? macs : MACS_OF_A_PART; }

int64_t parts_of(double macs, int64_t threads)
{
    const int64_t most = threads < MOST_PARTS ? threads : MOST_PARTS;
    const double worth = macs / (double)macs_of_a_part;
    return worth < 2 || most < 2 ? 1 : worth < (double)most ? (int64_t)worth : most;
}

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER; /* of the call whose parts run */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of everything below */
static pthread_cond_t posted = PTHREAD_COND_INITIALIZER, finished = PTHREAD_COND_INITIALIZER;
static int64_t waiting_threads;
static struct {
    part_work *work;
    char *parts;
    size_t bytes;
    int64_t count, taken, done;
} job;

/* Runs parts until all are taken. The lock is held before and after. */
static void take_parts(void)
{
    while (job.taken < job.count) {
        void *part = job.parts + (size_t)job.taken++ * job.bytes;
        part_work *work = job.work;
        pthread_mutex_unlock(&lock);
        work(part);
        pthread_mutex_lock(&lock);
        if (++job.done == job.count)
            pthread_cond_signal(&finished);
    }
}

static void *serve(void *nothing)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        take_parts();
        pthread_cond_wait(&posted, &lock);
    }
    return nothing;
}

/* A forked process has only the thread that forked. */
static void forget_threads(void)
{
    pthread_mutex_init(&turn, NULL);
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&posted, NULL);
    pthread_cond_init(&finished, NULL);
    waiting_threads = 0;
    job.count = job.taken = job.done = 0;
}

/* Threads that cannot be had are missed by nobody: the caller runs what is left. */
static void start_threads(int64_t wanted)
{
    static int prepared;
    if (!prepared)
        prepared = pthread_atfork(NULL, NULL, forget_threads) == 0;
    while (prepared && waiting_threads < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, NULL) != 0)
            return;
        pthread_detach(thread);
        waiting_threads++;
    }
}

static void post_parts(part_work *work, void *parts, size_t bytes, int64_t count)
{
    pthread_mutex_lock(&lock);
    start_threads(count - 1);
    job.work = work;
    job.parts = parts;
    job.bytes = bytes;
    job.count = count;
    job.taken = job.done = 0;
    for (int64_t i = 0; i < count - 1; i++)
        pthread_cond_signal(&posted);
    take_parts();
    while (job.done < job.count)
        pthread_cond_wait(&finished, &lock);
    pthread_mutex_unlock(&lock);
}

void run_parts(part_work *work, void *parts, size_t bytes, int64_t count)
{
    if (count > 1 && pthread_mutex_trylock(&turn) == 0) {
        post_parts(work, parts, bytes, count);
        pthread_mutex_unlock(&turn);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        work((char *)parts + (size_t)i * bytes);
}
#else
void run_parts(part_work *work, void *parts, size_t bytes, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        work((char *)parts + (size_t)i * bytes);
}
#endif
