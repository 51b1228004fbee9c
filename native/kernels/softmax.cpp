// softmax of rows, and its logarithm.

#include "fold.h"
#include "kernels.h"
#include "math.h"
#include "transpose.h"

namespace sheer::SHEER_ISA {

namespace {

constexpr int64_t ELEMENTS = 2048;  // of rows that are taken at a time

// to[i] = f(from[i]) for `count` elements, a vector at a time.
template <class T, class F>
SHEER_INLINE void apply(T* to, const T* from, int64_t count, F f) {
    for (; count >= WIDTH<T>; to += WIDTH<T>, from += WIDTH<T>, count -= WIDTH<T>)
        store<T>(to, f(load<T>(from)));
    if (count > 0) store_part<T>(to, f(load_part<T>(from, count)), count);
}

// Rows so narrow that vectors along them would be half empty.
template <class T>
void softmax_narrow(const T* x, int64_t rows, int64_t columns, bool logarithm, T* y) {
    Vector<T> v[NARROW_COLUMNS<T> + WIDTH<T>] = {};
    for (; rows > 0; rows -= WIDTH<T>, x += WIDTH<T> * columns, y += WIDTH<T> * columns) {
        const int64_t count = rows < WIDTH<T> ? rows : WIDTH<T>;
        load_narrow(x, count, columns, v);
        Vector<T> most = v[0], sum{};
        for (int64_t j = 1; j < columns; ++j) most = Max<T>::merge(most, v[j]);
        for (int64_t j = 0; j < columns; ++j) {
            const Vector<T> shifted = v[j] - most, exp = exp_of<T>(shifted);
            sum += exp;
            v[j] = logarithm ? shifted : exp;
        }
        const Vector<T> log = logarithm ? log_of<T>(sum) : sum;
        for (int64_t j = 0; j < columns; ++j) v[j] = logarithm ? v[j] - log : v[j] / sum;
        store_narrow(v, count, columns, y);
    }
}

// A few rows, or one. `maxima` and `sums` have room for a number for each; exps may be y.
template <class T>
void softmax_of(const Softmax& s, const T* x, int64_t rows, T* y, T* exps, T* maxima, T* sums) {
    using V = Vector<T>;
    const int64_t columns = s.columns;
    for (int64_t r = 0, at = 0; r < rows; r++, at += columns) {
        const T most = maxima[r] = fold_row<Max<T>>(x + at, columns);
        apply(exps + at, x + at, columns, [=](V v) { return v - most; });
    }
    apply(exps, exps, rows * columns, exp_of<T>);
    for (int64_t r = 0; r < rows; r++) sums[r] = fold_row<Sum<T>>(exps + r * columns, columns);
    if (s.logarithm) apply(sums, sums, rows, log_of<T>);
    for (int64_t r = 0, at = 0; r < rows; r++, at += columns) {
        const T most = maxima[r], sum = sums[r];
        if (s.logarithm)
            apply(y + at, x + at, columns, [=](V v) { return v - most - sum; });
        else
            apply(y + at, exps + at, columns, [=](V v) { return v / sum; });
    }
}

// Many narrow rows at a time, so that exp has whole vectors of them. Their exps lie in scratch: to
// read from y just beyond where a part of a vector was written would be slow.
template <class T>
void softmax_rows(const Softmax& s, int64_t begin, int64_t end, char* scratch) {
    if (s.columns == 0) return;
    const T* x = reinterpret_cast<const T*>(s.x);
    T* y = reinterpret_cast<T*>(s.y);
    if (s.columns <= NARROW_COLUMNS<T>) {
        const int64_t at = begin * s.columns;
        return softmax_narrow(x + at, end - begin, s.columns, s.logarithm, y + at);
    }
    T* maxima = reinterpret_cast<T*>(scratch);
    T *sums = maxima + ELEMENTS, *exps = sums + ELEMENTS;
    const int64_t most = s.columns < ELEMENTS ? ELEMENTS / s.columns : 1;
    for (int64_t r = begin; r < end; r += most) {
        const int64_t at = r * s.columns, rows = end - r < most ? end - r : most;
        softmax_of(s, x + at, rows, y + at, most > 1 ? exps : y + at, maxima, sums);
    }
}

void softmax(const Softmax& s, int64_t begin, int64_t end, char* scratch) {
    if (s.dtype == DType::float32)
        softmax_rows<float>(s, begin, end, scratch);
    else
        softmax_rows<double>(s, begin, end, scratch);
}

}  // namespace

void enter_softmax(Kernels& kernels) { kernels.softmax = softmax; }

}  // namespace sheer::SHEER_ISA
