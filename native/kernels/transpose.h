// Blocks of WIDTH by WIDTH turned, and rows that are narrow: WIDTH of them at a time, in vectors along
// the rows.

#pragma once

#include "vector.h"

#define SHEER_UNROLL _Pragma("GCC unroll 64")

namespace sheer::SHEER_ISA {

template <int... I> struct Indices {};
template <int N, int... I> struct UpTo : UpTo<N - 1, N - 1, I...> {};
template <int... I> struct UpTo<0, I...> { using type = Indices<I...>; };

// Swaps the blocks off the diagonal in each square of 2 HALF by 2 HALF, of which x and y are rows.
template <int HALF, class V, int... I> SHEER_INLINE void swap_blocks(V& x, V& y, Indices<I...>) {
    constexpr int N = sizeof...(I);
    const V upper = __builtin_shufflevector(x, y, ((I & HALF) ? N + (I ^ HALF) : I)...);
    y = __builtin_shufflevector(x, y, ((I & HALF) ? N + I : (I ^ HALF))...);
    x = upper;
}

template <int HALF, class V, int N> SHEER_INLINE void transpose_by(V (&v)[N]) {
    if constexpr (HALF > 0) {
        SHEER_UNROLL for (int i = 0; i < N; ++i)
            if (!(i & HALF)) swap_blocks<HALF>(v[i], v[i | HALF], typename UpTo<N>::type{});
        transpose_by<HALF / 2>(v);
    }
}
template <class V, int N> SHEER_INLINE void transpose(V (&v)[N]) { transpose_by<N / 2>(v); }

// Up to so many columns a row is narrow.
template <class T> constexpr int64_t NARROW_COLUMNS = 2 * WIDTH<T>;

// v[j] = element j of each of up to WIDTH rows, contiguous; those beyond `rows` hold the last one's.
template <class T>
SHEER_INLINE void load_narrow(const T* x, int64_t rows, int64_t columns, Vector<T>* v) {
    for (int64_t j = 0; j < columns; j += WIDTH<T>) {
        const int64_t count = columns - j < WIDTH<T> ? columns - j : WIDTH<T>;
        Vector<T> block[WIDTH<T>];
        SHEER_UNROLL for (int64_t i = 0; i < WIDTH<T>; ++i)
            block[i] = load_part(x + (i < rows ? i : rows - 1) * columns + j, count);
        transpose(block);
        for (int64_t i = 0; i < count; ++i) v[j + i] = block[i];
    }
}

// The opposite: v is of WIDTH more vectors than there are columns.
template <class T>
SHEER_INLINE void store_narrow(const Vector<T>* v, int64_t rows, int64_t columns, T* y) {
    for (int64_t j = 0; j < columns; j += WIDTH<T>) {
        const int64_t count = columns - j < WIDTH<T> ? columns - j : WIDTH<T>;
        Vector<T> block[WIDTH<T>];
        SHEER_UNROLL for (int64_t i = 0; i < WIDTH<T>; ++i) block[i] = v[j + i];
        transpose(block);
        for (int64_t i = 0; i < rows; ++i) store_part(y + i * columns + j, block[i], count);
    }
}

}  // namespace sheer::SHEER_ISA
