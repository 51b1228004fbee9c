#include "plan.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "threads.h"

namespace sheer {

namespace {

// Below this much work for each, a second thread costs more than it brings.
constexpr double NANOSECONDS_PER_PART = 8000;
constexpr double MAX_PARTS = 1024;
constexpr int64_t REGISTER_BYTES = BLOCK * 8;

void run_part(void* context, int part, int parts, char* scratch) {
    const Call& call = *static_cast<const Call*>(context);
    int64_t pieces = (call.units + call.grain - 1) / call.grain;
    int64_t begin = pieces * part / parts * call.grain;
    int64_t end = std::min(call.units, pieces * (part + 1) / parts * call.grain);
    if (begin < end) call.run(begin, end, scratch);
}

// --- elementwise groups -----------------------------------------------------------------------

char* address(const Operand& operand, int64_t start, char* scratch) {
    if (operand.in_register >= 0) return scratch + operand.in_register * REGISTER_BYTES;
    return const_cast<char*>(operand.base) + start * operand.step;
}

// `count` elements of a view from its element number `start` on, one after the other.
template <class T> void spread_as(const Spread& view, const char* from, int64_t start,
                                  int64_t count, char* to) {
    const T* x = reinterpret_cast<const T*>(from);
    T* y = reinterpret_cast<T*>(to);
    int64_t index[MAX_AXES], place = 0, last = view.axes - 1;
    for (int64_t axis = last, rest = start; axis >= 0; --axis) {
        index[axis] = rest % view.shape[axis];
        rest /= view.shape[axis];
        place += index[axis] * view.strides[axis];
    }
    int64_t stride = view.strides[last];
    while (count > 0) {
        int64_t run = std::min(count, view.shape[last] - index[last]);
        if (stride == 1) {
            memcpy(y, x + place, static_cast<size_t>(run) * sizeof(T));
        } else if (stride == 0) {
            std::fill(y, y + run, x[place]);
        } else {
            for (int64_t i = 0; i < run; ++i) y[i] = x[place + i * stride];
        }
        y += run;
        count -= run;
        place -= index[last] * stride;
        index[last] = 0;
        for (int64_t axis = last - 1; axis >= 0; --axis) {
            place += view.strides[axis];
            if (++index[axis] < view.shape[axis]) break;
            place -= index[axis] * view.strides[axis];
            index[axis] = 0;
        }
    }
}

void spread(const Line& line, int64_t start, int64_t count, char* to) {
    const Spread& view = line.spread;
    switch (view.bytes) {
        case 1: return spread_as<uint8_t>(view, line.a.base, start, count, to);
        case 2: return spread_as<uint16_t>(view, line.a.base, start, count, to);
        case 4: return spread_as<uint32_t>(view, line.a.base, start, count, to);
        default: return spread_as<uint64_t>(view, line.a.base, start, count, to);
    }
}

}  // namespace

void run_group(const Group& group, int64_t begin, int64_t end, char* scratch) {
    for (int64_t start = begin; start < end; start += BLOCK) {
        int64_t count = std::min(BLOCK, end - start);
        for (const Line& line : group.lines) {
            char* d = address(line.d, start, scratch);
            if (line.compute == nullptr) {
                spread(line, start, count, d);
                continue;
            }
            line.compute(d, address(line.a, start, scratch), address(line.b, start, scratch),
                         address(line.c, start, scratch), line.once ? 1 : count);
        }
    }
}

void run_function(const Function& function, int64_t, int64_t, char*) { function.call(); }

// --- memory -----------------------------------------------------------------------------------

Arena::Arena(int64_t bytes) : memory_(new char[static_cast<size_t>(bytes) + 64]()) {
    auto address = reinterpret_cast<uintptr_t>(memory_.get());
    data_ = memory_.get() + (64 - address % 64) % 64;
}

Plan::Plan(int64_t arena_bytes, int externals)
    : arena_(std::make_shared<Arena>(arena_bytes)),
      externals_(static_cast<size_t>(externals) + 1) {
    externals_[0].data = arena_->data();
}

void Plan::place(const char*& pointer, Place place) {
    External& external = externals_.at(static_cast<size_t>(place.buffer));
    external.uses.push_back({&pointer, place.offset});
    pointer = external.data == nullptr ? nullptr : external.data + place.offset;
}

int Plan::parts_of(int64_t units, int64_t grain, double cost) {
    auto pieces = static_cast<double>((units + grain - 1) / grain);
    double worth = std::min({cost / NANOSECONDS_PER_PART, pieces, MAX_PARTS});
    return std::max(1, static_cast<int>(worth));
}

void Plan::move(External& external, const char* data) {
    external.data = data;
    for (const Use& use : external.uses) *use.pointer = data + use.offset;
}

void Plan::bind(int buffer, const char* data, int64_t stride) {
    External& external = externals_.at(static_cast<size_t>(buffer));
    if (external.data != data) move(external, data);
    external.stride = stride;
}

// --- the run ----------------------------------------------------------------------------------

bool Plan::step(int threads, char* scratch) {
    for (const auto& call : calls_) {
        int parts = std::min(call->parts, threads);
        if (parts > 1) {
            parallel(run_part, call.get(), parts);
        } else if (call->units > 0) {
            call->run(0, call->units, scratch);
        }
        if (fault_.met) return false;
    }
    return true;
}

std::mutex& Plan::running() {
    if (forks_ != forks()) {
        // In a forked child: who held the old one may be a thread of the parent.
        static_cast<void>(running_.release());
        running_ = std::make_unique<std::mutex>();
        forks_ = forks();
    }
    return *running_;
}

void Plan::run(int64_t steps, double seconds) {
    using Clock = std::chrono::steady_clock;
    auto end = Clock::now() + std::chrono::duration<double>(seconds);
    int count = threads();
    char* scratch = thread_scratch();
    fault_ = {};
    for (done_ = 0; done_ < steps; ++done_) {
        if (done_ > 0 && Clock::now() > end) return;
        if (!step(count, scratch)) return;
        for (External& external : externals_)
            if (external.stride != 0) move(external, external.data + external.stride);
    }
}

}  // namespace sheer
