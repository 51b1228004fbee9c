// Rows taken by index, rows added by index, and single elements taken or added by index.

#include "kernels.h"
#include "vector.h"

namespace sheer::SHEER_ISA {

// Of elementwise.cpp.
void convert(const Convert& c, int64_t begin, int64_t end, char* scratch);

namespace {

constexpr int64_t ROWS = 1024;           // indices that are read at a time
constexpr int64_t WIDE = 256;            // bytes of a row that is well converted by itself
constexpr int64_t CONVERTING = 8 << 10;  // bytes of scratch that convert may use

// The parts of the scratch.
struct Space {
    char* converting;
    int64_t* rows;
    char* stage;  // for rows that are narrower than WIDE: gathered, then converted at once

    explicit Space(char* scratch)
        : converting(scratch),
          rows(reinterpret_cast<int64_t*>(scratch + CONVERTING)),
          stage(scratch + CONVERTING + ROWS * 8) {}
};

// Several threads may meet a fault; one of them writes it.
void report(Fault* fault, int64_t index, int64_t size) {
    if (__atomic_exchange_n(&fault->met, true, __ATOMIC_RELAXED)) return;
    fault->index = index;
    fault->size = size;
}

// Which rows the indices [at, at + n) mean, into space.rows; -1 where there is no such row.
template <class Call> void read_rows(const Call& call, int64_t at, int64_t n, const Space& space) {
    int64_t* rows = space.rows;
    const char* index = call.index + at * size_of(call.index_dtype);
    char* to = reinterpret_cast<char*>(rows);
    convert({call.index_dtype, DType::int64, n, index, to}, 0, n, space.converting);
    for (int64_t i = 0; i < n; i++) {
        const int64_t met = rows[i];
        if (met < 0) rows[i] += call.size;
        if (rows[i] >= 0 && rows[i] < call.size) continue;
        report(call.fault, met, call.size);
        rows[i] = -1;
    }
}

// Rows by chance come late from memory; asked for this far ahead they take 0.6 to 0.2 of the time.
constexpr int64_t AHEAD = 4, MOST = 4096;  // rows, bytes of a row

SHEER_INLINE void prefetch(const char* x, const int64_t* rows, int64_t i, int64_t n,
                           int64_t bytes) {
    if (i + AHEAD >= n || rows[i + AHEAD] < 0) return;
    const char* row = x + rows[i + AHEAD] * bytes;
    for (int64_t at = 0; at < bytes && at < MOST; at += 64) __builtin_prefetch(row + at);
}

// Rows of single elements.
template <class T> void gather_elements(const char* x, const int64_t* rows, int64_t n, char* y) {
    const T* from = reinterpret_cast<const T*>(x);
    T* to = reinterpret_cast<T*>(y);
    for (int64_t i = 0; i < n; i++) to[i] = rows[i] < 0 ? T(0) : from[rows[i]];
}

// Rows of `bytes` bytes, 0 for those that do not exist; `element` is the size of an element.
void gather(const char* x, const int64_t* rows, int64_t n, int64_t bytes, int64_t element,
            char* y) {
    if (bytes == element) {
        switch (element) {
            case 1: return gather_elements<uint8_t>(x, rows, n, y);
            case 2: return gather_elements<uint16_t>(x, rows, n, y);
            case 4: return gather_elements<uint32_t>(x, rows, n, y);
            default: return gather_elements<uint64_t>(x, rows, n, y);
        }
    }
    for (int64_t i = 0; i < n; i++, y += bytes) {
        prefetch(x, rows, i, n, bytes);
        if (rows[i] < 0)
            memset(y, 0, static_cast<size_t>(bytes));
        else
            memcpy(y, x + rows[i] * bytes, static_cast<size_t>(bytes));
    }
}

// Rows of x, of one o, converted.
void gather_converted(const Take& t, const char* x, int64_t n, char* y, const Space& space) {
    const int64_t from = size_of(t.from), to = size_of(t.to), bytes = t.inner * from;
    if (bytes < WIDE) {
        gather(x, space.rows, n, bytes, from, space.stage);
        const int64_t count = n * t.inner;
        return convert({t.from, t.to, count, space.stage, y}, 0, count, space.converting);
    }
    for (int64_t i = 0; i < n; i++, y += t.inner * to) {
        const int64_t row = space.rows[i];
        prefetch(x, space.rows, i, n, bytes);
        if (row < 0)
            memset(y, 0, static_cast<size_t>(t.inner * to));
        else
            convert({t.from, t.to, t.inner, x + row * bytes, y}, 0, t.inner, space.converting);
    }
}

void take(const Take& t, int64_t begin, int64_t end, char* scratch) {
    if (t.inner == 0) return;
    const Space space(scratch);
    const int64_t from = size_of(t.from), to = size_of(t.to);
    while (begin < end) {
        const int64_t o = begin / t.count, c = begin % t.count;
        int64_t n = t.count - c < ROWS ? t.count - c : ROWS;
        if (n > end - begin) n = end - begin;
        read_rows(t, c, n, space);
        const char* x = t.x + o * t.size * t.inner * from;
        char* y = t.y + begin * t.inner * to;
        if (t.from == t.to)
            gather(x, space.rows, n, t.inner * from, from, y);
        else
            gather_converted(t, x, n, y, space);
        begin += n;
    }
}

// Columns [left, right) of the rows of one o.
template <class T>
void add_rows(const ScatterAdd& s, const T* x, T* y, int64_t left, int64_t right,
              const Space& space) {
    for (int64_t row = 0; row < s.size; row++)
        memset(y + row * s.inner + left, 0, static_cast<size_t>(right - left) * sizeof(T));
    for (int64_t c = 0; c < s.count; c += ROWS) {
        const int64_t n = s.count - c < ROWS ? s.count - c : ROWS;
        read_rows(s, c, n, space);
        for (int64_t i = 0; i < n; i++) {
            if (space.rows[i] < 0) continue;
            const T* from = x + (c + i) * s.inner;
            T* to = y + space.rows[i] * s.inner;
            for (int64_t j = left; j < right; j++) to[j] += from[j];
        }
    }
}

template <class T>
void scatter_add_of(const ScatterAdd& s, int64_t begin, int64_t end, const Space& space) {
    const T* x = reinterpret_cast<const T*>(s.x);
    T* y = reinterpret_cast<T*>(s.y);
    if (s.outer == 1) return add_rows(s, x, y, begin, end, space);
    for (int64_t o = begin; o < end; o++)
        add_rows(s, x + o * s.count * s.inner, y + o * s.size * s.inner, 0, s.inner, space);
}

void scatter_add(const ScatterAdd& s, int64_t begin, int64_t end, char* scratch) {
    const Space space(scratch);
    if (s.dtype == DType::float32)
        scatter_add_of<float>(s, begin, end, space);
    else
        scatter_add_of<double>(s, begin, end, space);
}

// Calls f(at, place) for each index of one o: its place in the array of (count, inner), and that of
// the element that it means in the array of (size, inner).
template <class F>
SHEER_INLINE void for_elements(const TakeAlong& t, int64_t o, const Space& space, F f) {
    const int64_t all = t.count * t.inner;
    int64_t column = 0;
    for (int64_t at = 0; at < all; at += ROWS) {
        const int64_t n = all - at < ROWS ? all - at : ROWS;
        read_rows(t, o * all + at, n, space);
        for (int64_t i = 0; i < n; i++) {
            if (space.rows[i] >= 0)
                f(o * all + at + i, (o * t.size + space.rows[i]) * t.inner + column);
            column = column + 1 == t.inner ? 0 : column + 1;
        }
    }
}

template <class T>
void take_elements(const TakeAlong& t, int64_t begin, int64_t end, const Space& space) {
    const T* x = reinterpret_cast<const T*>(t.x);
    T* y = reinterpret_cast<T*>(t.y);
    for (int64_t o = begin; o < end; o++)
        for_elements(t, o, space, [=](int64_t at, int64_t place) { y[at] = x[place]; });
}

template <class T>
void add_elements(const TakeAlong& t, int64_t begin, int64_t end, const Space& space) {
    const T* x = reinterpret_cast<const T*>(t.x);
    T* y = reinterpret_cast<T*>(t.y);
    const int64_t row = t.size * t.inner;
    memset(y + begin * row, 0, static_cast<size_t>((end - begin) * row) * sizeof(T));
    for (int64_t o = begin; o < end; o++)
        for_elements(t, o, space, [=](int64_t at, int64_t place) { y[place] += x[at]; });
}

void take_along(const TakeAlong& t, int64_t begin, int64_t end, char* scratch) {
    const Space space(scratch);
    if (t.add)
        return t.dtype == DType::float32 ? add_elements<float>(t, begin, end, space)
                                         : add_elements<double>(t, begin, end, space);
    switch (size_of(t.dtype)) {
        case 1: return take_elements<uint8_t>(t, begin, end, space);
        case 2: return take_elements<uint16_t>(t, begin, end, space);
        case 4: return take_elements<uint32_t>(t, begin, end, space);
        default: return take_elements<uint64_t>(t, begin, end, space);
    }
}

}  // namespace

void enter_take(Kernels& kernels) {
    kernels.take = take;
    kernels.scatter_add = scatter_add;
    kernels.take_along = take_along;
}

}  // namespace sheer::SHEER_ISA
