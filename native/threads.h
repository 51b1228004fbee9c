// The threads: how many to use, a pool that shares out the parts of a piece of work, and the
// scratch memory of each thread.

#pragma once

namespace sheer {

// The cores that this process may use: those it is allowed to run on, and no more than its
// container's quota. At least 1.
int available_threads();

// How many threads to use: at first SHEER_NUM_THREADS, else available_threads().
int threads();
void set_threads(int count);

// Does one part of the work; must not throw. `scratch` is the thread's own.
using Work = void (*)(void* context, int part, int parts, char* scratch);

// Calls work once for each part in [0, parts), part 0 on this thread, and returns when all are
// done. Where the pool is taken (two models trained at once, or a call from within a part), this
// thread does all the parts itself.
void parallel(Work work, void* context, int parts);

// How many forks lie between this process and the first one that loaded the module.
int forks();

// SCRATCH_BYTES for the calling thread, aligned to 64 bytes; the same each time.
char* thread_scratch();

}  // namespace sheer
