// Plan: a recorded list of kernel calls on raw buffers, and their run. No Python here.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "kernels/kernels.h"
#include "threads.h"

namespace sheer {

// A place in the memory that a plan works on: buffer 0 is its own (the arena), the others are
// external: data, weights, results. `offset` is in bytes.
struct Place {
    int buffer = 0;
    int64_t offset = 0;
};

// One call of a kernel: its units, cut into parts for threads at multiples of `grain`.
struct Call {
    int64_t units = 1;
    int64_t grain = 1;
    int parts = 1;  // among so many threads at most

    virtual ~Call() = default;
    virtual void run(int64_t begin, int64_t end, char* scratch) const = 0;
};

template <class Arguments> struct KernelCall : Call {
    using Kernel = void (*)(const Arguments&, int64_t, int64_t, char*);
    Kernel kernel;
    Arguments arguments;

    KernelCall(Kernel kernel, const Arguments& arguments) : kernel(kernel), arguments(arguments) {}
    void run(int64_t begin, int64_t end, char* scratch) const override {
        kernel(arguments, begin, end, scratch);
    }
};

// Where a line of a group finds a number: in memory at base + i * step, or in the thread's register.
struct Operand {
    const char* base = nullptr;
    int64_t step = 0;
    int64_t in_register = -1;
};

// Elements of a view that is not contiguous, in the order of the group: strides in elements.
struct Spread {
    int64_t bytes = 0;
    int axes = 0;
    int64_t shape[MAX_AXES] = {}, strides[MAX_AXES] = {};
};

// One line of a group: d = compute(a, b, c); or, without a compute, d = the elements of a as spread.
struct Line {
    Compute compute = nullptr;
    Spread spread;
    bool once = false;  // for one number only
    Operand d, a, b, c;
};

// An elementwise group: its lines, block by block. Units: elements.
struct Group {
    std::vector<Line> lines;
    std::vector<int64_t> numbers;  // constants, 8 bytes each
};
constexpr int64_t GROUP_REGISTERS = SCRATCH_BYTES / (BLOCK * 8);
void run_group(const Group& group, int64_t begin, int64_t end, char* scratch);

// A function of the caller's, on one thread.
struct Function {
    std::function<void()> call;
};
void run_function(const Function& function, int64_t, int64_t, char*);

// The memory that a plan owns, aligned to cache lines.
class Arena {
  public:
    explicit Arena(int64_t bytes);
    char* data() const { return data_; }

  private:
    std::unique_ptr<char[]> memory_;
    char* data_;
};

class Plan {
  public:
    Plan(int64_t arena_bytes, int externals);

    // Enter a call as the next one; its pointers are then set by `place`. cost: nanoseconds on one
    // thread, roughly.
    template <class Arguments>
    Arguments& add(typename KernelCall<Arguments>::Kernel kernel, const Arguments& arguments,
                   int64_t units, int64_t grain, double cost) {
        auto call = std::make_unique<KernelCall<Arguments>>(kernel, arguments);
        call->units = units;
        call->grain = grain;
        call->parts = parts_of(units, grain, cost);
        Arguments& entered = call->arguments;
        calls_.push_back(std::move(call));
        return entered;
    }

    // Let a pointer among the arguments of an entered call be at this place, also when an external
    // buffer moves.
    void place(const char*& pointer, Place place);
    void place(char*& pointer, Place place) { this->place(const_cast<const char*&>(pointer), place); }

    // Say where an external buffer is, and by how many bytes it moves on after each step.
    void bind(int buffer, const char* data, int64_t stride);

    // Run all calls `steps` times; stop early after `seconds`, or at an index out of range (see
    // fault).
    void run(int64_t steps, double seconds);
    // How many steps the last run completed.
    int64_t done() const { return done_; }

    Fault* fault() { return &fault_; }
    const std::shared_ptr<Arena>& arena() const { return arena_; }
    // Held by who runs it.
    std::mutex& running();

  private:
    struct Use {
        const char** pointer;
        int64_t offset;
    };
    struct External {
        const char* data = nullptr;
        int64_t stride = 0;
        std::vector<Use> uses;
    };
    static int parts_of(int64_t units, int64_t grain, double cost);
    static void move(External& external, const char* data);
    bool step(int threads, char* scratch);

    std::shared_ptr<Arena> arena_;
    std::vector<External> externals_;
    std::vector<std::unique_ptr<Call>> calls_;
    Fault fault_{};
    int64_t done_ = 0;
    std::unique_ptr<std::mutex> running_ = std::make_unique<std::mutex>();
    int forks_ = forks();
};

}  // namespace sheer
