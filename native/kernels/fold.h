// Folds: many numbers to one, in an order that depends on their count alone. Blocks of LEAF vectors
// or rows are folded one after the other, then blocks in pairs, and pairs of pairs: so the error of
// a sum grows with the logarithm of the count.

#pragma once

#include "vector.h"

namespace sheer::SHEER_ISA {

// A vector of any type of number, as wide as a register or narrower.
template <class T, int BYTES> struct WideOf {
    typedef T type __attribute__((vector_size(BYTES)));
};
template <class T, int BYTES = VECTOR_BYTES> using Wide = typename WideOf<T, BYTES>::type;

template <class T> SHEER_INLINE Wide<T> load_wide(const T* from) {
    Wide<T> v;
    memcpy(&v, from, sizeof v);
    return v;
}

// The whole number as wide as T: an element of what a comparison gives.
template <int64_t BYTES> struct MaskOf;
template <> struct MaskOf<1> { using type = int8_t; };
template <> struct MaskOf<2> { using type = int16_t; };
template <> struct MaskOf<4> { using type = int32_t; };
template <> struct MaskOf<8> { using type = int64_t; };
template <class T> using Mask = typename MaskOf<sizeof(T)>::type;

template <class T> struct Limits;
template <> struct Limits<float> {
    static constexpr float low = -__builtin_inff(), high = __builtin_inff();
};
template <> struct Limits<double> {
    static constexpr double low = -__builtin_inf(), high = __builtin_inf();
};
template <> struct Limits<uint8_t> { static constexpr uint8_t low = 0, high = UINT8_MAX; };
template <> struct Limits<uint16_t> { static constexpr uint16_t low = 0, high = UINT16_MAX; };
template <> struct Limits<uint32_t> { static constexpr uint32_t low = 0, high = UINT32_MAX; };
template <> struct Limits<uint64_t> { static constexpr uint64_t low = 0, high = UINT64_MAX; };
template <> struct Limits<int8_t> { static constexpr int8_t low = INT8_MIN, high = INT8_MAX; };
template <> struct Limits<int16_t> { static constexpr int16_t low = INT16_MIN, high = INT16_MAX; };
template <> struct Limits<int32_t> { static constexpr int32_t low = INT32_MIN, high = INT32_MAX; };
template <> struct Limits<int64_t> { static constexpr int64_t low = INT64_MIN, high = INT64_MAX; };

// A fold of numbers From to one Out: `of` makes partial results To of them, `merge` makes one of
// two, and `first` merged with any other gives the other. Whole numbers are added unsigned, as these
// may wrap.
template <class T> struct Sum {
    using From = T;
    using To = T;
    using Out = T;
    static constexpr To first = 0;
    SHEER_INLINE Wide<To> of(Wide<From> x) { return x; }
    template <class V> SHEER_INLINE V merge(V a, V b) { return a + b; }
};

template <class T> struct Prod : Sum<T> {
    static constexpr T first = 1;
    template <class V> SHEER_INLINE V merge(V a, V b) { return a * b; }
};

// The first NaN stays: nothing is greater than it, and only another NaN differs from itself.
template <class T> struct Max : Sum<T> {
    static constexpr T first = Limits<T>::low;
    template <class V> SHEER_INLINE auto better(V a, V b) { return a > b; }
    template <class V> SHEER_INLINE V merge(V a, V b) { return (better(b, a) | (b != b)) ? b : a; }
};

template <class T> struct Min : Sum<T> {
    static constexpr T first = Limits<T>::high;
    template <class V> SHEER_INLINE auto better(V a, V b) { return a < b; }
    template <class V> SHEER_INLINE V merge(V a, V b) { return (better(b, a) | (b != b)) ? b : a; }
};

template <class T> struct Any {
    using From = T;
    using To = Mask<T>;
    using Out = bool;
    static constexpr To first = 0;
    SHEER_INLINE Wide<To> of(Wide<From> x) { return x != Wide<From>{}; }
    template <class V> SHEER_INLINE V merge(V a, V b) { return a | b; }
};

template <class T> struct All : Any<T> {
    static constexpr Mask<T> first = -1;
    template <class V> SHEER_INLINE V merge(V a, V b) { return a & b; }
};

template <class Op> using From = typename Op::From;
template <class Op> using To = typename Op::To;
template <class Op> constexpr int64_t LANES_OF = VECTOR_BYTES / int64_t{sizeof(To<Op>)};

template <class Op> SHEER_INLINE Wide<To<Op>> first_of() { return Op::first - Wide<To<Op>>{}; }

// The first `count` elements, and 0 for the others.
template <class T> SHEER_INLINE Wide<T> load_first(const T* from, int64_t count) {
    if constexpr (sizeof(T) < 4) {
        Wide<T> v{};
        memcpy(&v, from, static_cast<size_t>(count) * sizeof(T));
        return v;
    } else if constexpr (T(-1) < T(0)) {
        return load_part(from, count);
    } else {
        return as<Wide<T>>(load_part(reinterpret_cast<const Mask<T>*>(from), count));
    }
}

// The same as a partial result: lanes beyond `count` change nothing.
template <class Op> SHEER_INLINE Wide<To<Op>> first_some(const From<Op>* x, int64_t count) {
    using Lane = Mask<To<Op>>;
    Wide<Lane> lane;
    for (int64_t i = 0; i < LANES_OF<Op>; i++) lane[i] = static_cast<Lane>(i);
    const Wide<To<Op>> v = Op::of(load_first(x, count));
    return lane < static_cast<Lane>(count) ? v : first_of<Op>();
}

// All elements of a vector to one: its halves, and theirs.
template <class Op, int BYTES> SHEER_INLINE To<Op> fold_vector(Wide<To<Op>, BYTES> v) {
    if constexpr (BYTES == sizeof(To<Op>)) {
        return v[0];
    } else {
        Wide<To<Op>, BYTES / 2> half[2];
        memcpy(half, &v, sizeof v);
        return fold_vector<Op, BYTES / 2>(Op::merge(half[0], half[1]));
    }
}

constexpr int64_t LEAF = 64;  // vectors or rows that are folded one after the other
constexpr int PARTS = 256 / VECTOR_BYTES;  // vectors of a strip: enough not to wait for each other

template <class Op> struct Strip {
    Wide<To<Op>> part[PARTS];
};

// The fold of `rows` strips, `stride` elements apart.
template <class Op>
SHEER_INLINE Strip<Op> fold_leaf(const From<Op>* x, int64_t rows, int64_t stride) {
    Strip<Op> strip;
    for (int p = 0; p < PARTS; p++) strip.part[p] = first_of<Op>();
    for (int64_t r = 0; r < rows; r++)
        for (int p = 0; p < PARTS; p++)
            strip.part[p] = Op::merge(
                strip.part[p], Op::of(load_wide(x + r * stride + p * LANES_OF<Op>)));
    return strip;
}

// Where to cut a block in two: a multiple of LEAF, so that only the last leaf is short.
SHEER_INLINE int64_t half_of(int64_t rows) { return (rows / LEAF + 1) / 2 * LEAF; }

template <class Op> void fold_strips(const From<Op>* x, int64_t count, Strip<Op>& to) {
    constexpr int64_t stride = PARTS * LANES_OF<Op>;
    if (count <= LEAF) {
        to = fold_leaf<Op>(x, count, stride);
        return;
    }
    Strip<Op> other;
    const int64_t half = half_of(count);
    fold_strips<Op>(x, half, to);
    fold_strips<Op>(x + half * stride, count - half, other);
    for (int p = 0; p < PARTS; p++) to.part[p] = Op::merge(to.part[p], other.part[p]);
}

// Fewer vectors than a strip has, one after the other.
template <class Op> SHEER_INLINE To<Op> fold_short(const From<Op>* x, int64_t count) {
    constexpr int64_t lanes = LANES_OF<Op>;
    Wide<To<Op>> result = first_of<Op>();
    for (; count >= lanes; x += lanes, count -= lanes)
        result = Op::merge(result, Op::of(load_wide(x)));
    if (count > 0) result = Op::merge(result, first_some<Op>(x, count));
    return fold_vector<Op, VECTOR_BYTES>(result);
}

// The fold of `count` elements side by side.
template <class Op> To<Op> fold_row(const From<Op>* x, int64_t count) {
    constexpr int64_t lanes = LANES_OF<Op>, width = PARTS * lanes;
    if (count < width) return fold_short<Op>(x, count);
    const int64_t strips = count / width;
    Strip<Op> strip;
    fold_strips<Op>(x, strips, strip);
    for (int n = PARTS / 2; n > 0; n /= 2)
        for (int p = 0; p < n; p++)
            strip.part[p] = Op::merge(strip.part[p], strip.part[p + n]);
    using One = Wide<To<Op>, sizeof(To<Op>)>;
    const One most = {fold_vector<Op, VECTOR_BYTES>(strip.part[0])};
    const One rest = {fold_short<Op>(x + strips * width, count - strips * width)};
    return Op::merge(most, rest)[0];
}

}  // namespace sheer::SHEER_ISA
