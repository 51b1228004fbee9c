// The pool. Workers are made when first needed and never end. A worker without work spins a little
// and then sleeps; so does a caller at the end of its work. A busy neighbour may put both on one
// core, where a spin only keeps the other from running: there, they sleep at once.

#include "threads.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#ifndef _WIN32
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#endif

#include "kernels/kernels.h"

namespace sheer {
namespace {

constexpr int MAX_THREADS = 256;
constexpr int SPINS = 2000;
constexpr std::align_val_t CACHE_LINE{64};

void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb");
#endif
}

// The core that this thread is on, or -1 where that is not asked quickly.
int core() {
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

bool on_core(int other) { return other >= 0 && other == core(); }

template <class Condition> bool spin(Condition met) {
    for (int i = 0; i < SPINS; i++) {
        if (met()) return true;
        pause();
    }
    return false;
}

// --- scratch ---------------------------------------------------------------------------------

struct Scratch {
    char* bytes = nullptr;
    ~Scratch() { ::operator delete(bytes, CACHE_LINE); }
};
thread_local Scratch scratch;

// --- the pool --------------------------------------------------------------------------------

// How many workers are still at their parts, and the sleep of a caller that waits for them.
struct Finish {
    static constexpr int CALLER_ASLEEP = 1 << 30;

    std::atomic<int> unfinished{0};    // plus CALLER_ASLEEP
    std::atomic<bool> crowded{false};  // a worker has been on the caller's core since its last wait
    std::mutex mutex;
    std::condition_variable all;

    void one_done() {
        if (unfinished.fetch_sub(1) != CALLER_ASLEEP + 1) return;
        std::lock_guard<std::mutex> lock(mutex);
        all.notify_one();
    }

    void wait() {
        if (!crowded.exchange(false) && spin([this] { return unfinished.load() == 0; })) return;
        std::unique_lock<std::mutex> lock(mutex);
        if (unfinished.fetch_add(CALLER_ASLEEP) == 0) return;
        all.wait(lock, [this] { return unfinished.load() == CALLER_ASLEEP; });
    }
};

// What one worker is given. It begins a cache line of its own, so that giving it costs one transfer
// and disturbs no other worker.
struct alignas(64) Worker {
    enum State : int { IDLE, ASLEEP, GIVEN };

    std::atomic<State> state{IDLE};
    int part = 0, parts = 0, caller_core = -1;
    Work work = nullptr;
    void* context = nullptr;
    Finish* finish = nullptr;

    std::mutex mutex;
    std::condition_variable given;

    void give() {
        if (state.exchange(GIVEN) != ASLEEP) return;
        std::lock_guard<std::mutex> lock(mutex);
        given.notify_one();
    }

    void wait(int last_core) {
        if (!on_core(last_core) && spin([this] { return state.load() == GIVEN; })) return;
        std::unique_lock<std::mutex> lock(mutex);
        State idle = IDLE;
        if (!state.compare_exchange_strong(idle, ASLEEP)) return;
        given.wait(lock, [this] { return state.load() == GIVEN; });
    }

    [[noreturn]] void run() {
        int last_core = -1;
        for (;;) {
            wait(last_core);
            state.store(IDLE);
            last_core = caller_core;
            if (on_core(last_core)) finish->crowded.store(true);
            work(context, part, parts, thread_scratch());
            finish->one_done();
        }
    }
};

// Never destroyed: workers outlive the end of main().
struct Pool {
    Finish finish;
    Worker* workers[MAX_THREADS];
    int count = 0;
};

// Whoever sets `taken` owns the pool until it is cleared.
std::atomic<bool> taken{false};
Pool* pool = nullptr;

int fork_count = 0;

#ifndef _WIN32
// A signal is for the program's own threads: a worker blocks all but its own faults.
class SignalsBlocked {
    sigset_t before;

public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigdelset(&all, fault);
        pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
};

// A forked child has none of its parent's threads: it begins with no pool.
void begin_in_child() {
    pool = nullptr;
    taken.store(false);
    ++fork_count;
}
[[maybe_unused]] const int begins_at_fork = pthread_atfork(nullptr, nullptr, begin_in_child);
#else
struct SignalsBlocked {};
#endif

// Makes workers up to `count`, and says how many there are of these.
int have_workers(int count) {
    count = std::min(count, MAX_THREADS);
    try {
        if (!pool) pool = new Pool;
        [[maybe_unused]] const SignalsBlocked blocked;
        while (pool->count < count) {
            auto worker = std::make_unique<Worker>();
            std::thread(&Worker::run, worker.get()).detach();
            pool->workers[pool->count++] = worker.release();
        }
    } catch (const std::exception&) {  // no more threads, or no more memory
    }
    return pool ? std::min(count, pool->count) : 0;
}

int initial_threads() {
    if (const char* text = std::getenv("SHEER_NUM_THREADS")) {
        char* end;
        const long count = std::strtol(text, &end, 10);
        if (count >= 1 && *end == '\0') return static_cast<int>(std::min<long>(count, MAX_THREADS));
    }
    return std::min(available_threads(), MAX_THREADS);
}

std::atomic<int>& thread_count() {
    static std::atomic<int> count{initial_threads()};
    return count;
}

}  // namespace

int threads() { return thread_count().load(std::memory_order_relaxed); }

void set_threads(int count) { thread_count() = std::clamp(count, 1, MAX_THREADS); }

int forks() { return fork_count; }

char* thread_scratch() {
    if (!scratch.bytes)
        scratch.bytes = static_cast<char*>(::operator new(SCRATCH_BYTES, CACHE_LINE));
    return scratch.bytes;
}

void parallel(Work work, void* context, int parts) {
    char* own_scratch = thread_scratch();
    const bool owner = parts > 1 && !taken.exchange(true);
    const int helpers = owner ? have_workers(parts - 1) : 0;
    if (helpers > 0) {
        pool->finish.unfinished.store(helpers);
        const int caller_core = core();
        for (int i = 0; i < helpers; i++) {
            Worker& worker = *pool->workers[i];
            worker.part = i + 1;
            worker.parts = parts;
            worker.caller_core = caller_core;
            worker.work = work;
            worker.context = context;
            worker.finish = &pool->finish;
            worker.give();
        }
    }
    if (parts > 0) work(context, 0, parts, own_scratch);
    for (int part = helpers + 1; part < parts; part++) work(context, part, parts, own_scratch);
    if (helpers > 0) pool->finish.wait();
    if (owner) taken.store(false);
}

}  // namespace sheer
