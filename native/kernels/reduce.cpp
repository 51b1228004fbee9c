// Reductions along one axis: of rows (inner == 1), or of columns that lie side by side.

#include "fold.h"
#include "kernels.h"
#include "transpose.h"

namespace sheer::SHEER_ISA {

namespace {

// Columns that are folded at a time: a partial result of them takes 8 KB of scratch, and there is
// one for each time that rows can be halved, and one more.
template <class Op> constexpr int64_t COLUMNS = 8192 / static_cast<int64_t>(sizeof(To<Op>));

template <class T> SHEER_INLINE void store_wide(T* to, Wide<T> v) { memcpy(to, &v, sizeof v); }

// Folds up to LEAF rows, `stride` apart. The last vector of `to` may be written beyond `columns`.
template <class Op>
void fold_few_rows(const From<Op>* x, int64_t rows, int64_t stride, int64_t columns, To<Op>* to) {
    constexpr int64_t lanes = LANES_OF<Op>;
    int64_t i = 0;
    for (; i + PARTS * lanes <= columns; i += PARTS * lanes) {
        const Strip<Op> strip = fold_leaf<Op>(x + i, rows, stride);
        for (int p = 0; p < PARTS; p++) store_wide(to + i + p * lanes, strip.part[p]);
    }
    for (; i < columns; i += lanes) {
        const int64_t count = columns - i < lanes ? columns - i : lanes;
        Wide<To<Op>> result = first_of<Op>();
        for (int64_t r = 0; r < rows; r++)
            result = Op::merge(result, Op::of(load_first(x + r * stride + i, count)));
        store_wide(to + i, result);
    }
}

// Folds up to COLUMNS columns of any number of rows into `to`; what follows `to` is scratch.
template <class Op>
void fold_rows(const From<Op>* x, int64_t rows, int64_t stride, int64_t columns, To<Op>* to) {
    if (rows <= LEAF) return fold_few_rows<Op>(x, rows, stride, columns, to);
    const int64_t half = half_of(rows);
    To<Op>* other = to + COLUMNS<Op>;
    fold_rows<Op>(x, half, stride, columns, to);
    fold_rows<Op>(x + half * stride, rows - half, stride, columns, other);
    for (int64_t i = 0; i < columns; i += LANES_OF<Op>)
        store_wide(to + i, Op::merge(load_wide(to + i), load_wide(other + i)));
}

// The elements [begin, end) of y, a piece at a time: calls row(o) for those of inner == 1, else
// columns(o, first, count).
template <class Row, class Columns>
SHEER_INLINE void for_pieces(const Reduce& r, int64_t begin, int64_t end, int64_t most, Row row,
                             Columns columns) {
    if (r.inner == 1) {
        for (int64_t o = begin; o < end; o++) row(o);
        return;
    }
    while (begin < end) {
        const int64_t o = begin / r.inner, first = begin % r.inner;
        int64_t count = r.inner - first < most ? r.inner - first : most;
        if (count > end - begin) count = end - begin;
        columns(o, first, count);
        begin += count;
    }
}

template <class Op> void reduce_to(const Reduce& r, int64_t begin, int64_t end, char* scratch) {
    using Out = typename Op::Out;
    const auto* x = reinterpret_cast<const From<Op>*>(r.x);
    auto* y = reinterpret_cast<Out*>(r.y);
    auto* results = reinterpret_cast<To<Op>*>(scratch);
    for_pieces(
        r, begin, end, COLUMNS<Op>,
        [&](int64_t o) { y[o] = static_cast<Out>(fold_row<Op>(x + o * r.count, r.count)); },
        [&](int64_t o, int64_t first, int64_t count) {
            const auto* column = x + o * r.count * r.inner + first;
            fold_rows<Op>(column, r.count, r.inner, count, results);
            for (int64_t i = 0; i < count; i++)
                y[o * r.inner + first + i] = static_cast<Out>(results[i]);
        });
}

// Where x is `best`, or NaN, for the first time. In blocks, which vectors search at once.
template <class T> int64_t find(const T* x, int64_t count, T best) {
    constexpr int64_t block = 256 / sizeof(T);
    int64_t i = 0;
    for (; i + block <= count; i += block) {
        int hits = 0;
        for (int64_t j = 0; j < block; j++) hits |= (x[i + j] == best) | (x[i + j] != x[i + j]);
        if (hits) break;
    }
    while (i + 1 < count && x[i] != best && x[i] == x[i]) i++;
    return i;
}

// The same for narrow rows of floats, many at a time.
template <class Op, class T>
void where_narrow(const T* x, int64_t rows, int64_t columns, int32_t* y) {
    Vector<T> v[NARROW_COLUMNS<T>];
    for (; rows > 0; rows -= WIDTH<T>, x += WIDTH<T> * columns, y += WIDTH<T>) {
        const int64_t count = rows < WIDTH<T> ? rows : WIDTH<T>;
        load_narrow(x, count, columns, v);
        Vector<T> best = v[0];
        Bits<T> place{};
        for (int64_t j = 1; j < columns; ++j) {
            const Bits<T> better = Op::better(v[j], best) | ((v[j] != v[j]) & (best == best));
            best = choose(better, v[j], best);
            place = choose(better, static_cast<Mask<T>>(j) - Bits<T>{}, place);
        }
        for (int64_t i = 0; i < count; ++i) y[i] = static_cast<int32_t>(place[i]);
    }
}

// First the best of all, then where it is.
template <class Op> void reduce_where(const Reduce& r, int64_t begin, int64_t end, char* scratch) {
    using T = From<Op>;
    const T* x = reinterpret_cast<const T*>(r.x);
    auto* y = reinterpret_cast<int32_t*>(r.y);
    if constexpr (T(0.5) != T(0)) {  // a float
        if (r.inner == 1 && r.count > 0 && r.count <= NARROW_COLUMNS<T>)
            return where_narrow<Op>(x + begin * r.count, end - begin, r.count, y + begin);
    }
    T* best = reinterpret_cast<T*>(scratch);
    for_pieces(
        r, begin, end, COLUMNS<Op>,
        [&](int64_t o) {
            const T* row = x + o * r.count;
            const T most = fold_row<Op>(row, r.count);
            y[o] = static_cast<int32_t>(find(row, r.count, most));
        },
        [&](int64_t o, int64_t first, int64_t count) {
            const T* column = x + o * r.count * r.inner + first;
            int32_t* to = y + o * r.inner + first;
            fold_rows<Op>(column, r.count, r.inner, count, best);
            for (int64_t c = r.count - 1; c >= 0; c--)
                for (int64_t i = 0; i < count; i++) {
                    const T value = column[c * r.inner + i];
                    to[i] = value == best[i] || value != value ? static_cast<int32_t>(c) : to[i];
                }
        });
}

using Body = void (*)(const Reduce&, int64_t begin, int64_t end, char* scratch);

// For each DType. Here the sign of whole numbers does not matter, so that unsigned ones serve.
template <template <class> class Op> constexpr Body UNSIGNED[DTYPES] = {
    reduce_to<Op<uint8_t>>,  reduce_to<Op<uint8_t>>,  reduce_to<Op<uint16_t>>,
    reduce_to<Op<uint32_t>>, reduce_to<Op<uint64_t>>, reduce_to<Op<uint8_t>>,
    reduce_to<Op<uint16_t>>, reduce_to<Op<uint32_t>>, reduce_to<Op<uint64_t>>,
    reduce_to<Op<float>>,    reduce_to<Op<double>>,
};

template <template <class> class Op> constexpr Body ORDERED[DTYPES] = {
    reduce_to<Op<uint8_t>>,  reduce_to<Op<uint8_t>>,  reduce_to<Op<uint16_t>>,
    reduce_to<Op<uint32_t>>, reduce_to<Op<uint64_t>>, reduce_to<Op<int8_t>>,
    reduce_to<Op<int16_t>>,  reduce_to<Op<int32_t>>,  reduce_to<Op<int64_t>>,
    reduce_to<Op<float>>,    reduce_to<Op<double>>,
};

template <template <class> class Op> constexpr Body PLACES[DTYPES] = {
    reduce_where<Op<uint8_t>>,  reduce_where<Op<uint8_t>>,  reduce_where<Op<uint16_t>>,
    reduce_where<Op<uint32_t>>, reduce_where<Op<uint64_t>>, reduce_where<Op<int8_t>>,
    reduce_where<Op<int16_t>>,  reduce_where<Op<int32_t>>,  reduce_where<Op<int64_t>>,
    reduce_where<Op<float>>,    reduce_where<Op<double>>,
};

// In the order of Reduction.
constexpr const Body* BODIES[] = {
    UNSIGNED<Sum>, UNSIGNED<Prod>, ORDERED<Max>, ORDERED<Min>,
    UNSIGNED<Any>, UNSIGNED<All>,  PLACES<Max>,  PLACES<Min>,
};

void reduce(const Reduce& r, int64_t begin, int64_t end, char* scratch) {
    BODIES[static_cast<int>(r.reduction)][static_cast<int>(r.dtype)](r, begin, end, scratch);
}

}  // namespace

void enter_reduce(Kernels& kernels) { kernels.reduce = reduce; }

}  // namespace sheer::SHEER_ISA
