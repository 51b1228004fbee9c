// Matrix products: c = activation(a · b + bias), or c + a · b.
//
// c is computed in tiles of up to ROWS rows and a few vectors of columns. The sums of a tile stay in
// registers while k runs; for each k the tile needs some vectors of a row of b, and one number of a
// for each row. Around that:
//
// - k is cut in blocks of about DEPTH, each summed apart and added to c: that keeps panels in the
//   cache and sums accurate.
// - A panel is the columns of a tile over a block of k. It is read where it lies, or from a copy
//   without gaps: where b is transposed, where the last vector is not full, and where a copy pays,
//   which the first tile then makes while it computes.
// - With one row and a transposed b, each element of c is a dot product of two contiguous rows.
// - With few columns and a transposed, the roles are swapped: c' = b' · a'.
//
// The tiles of c, down each panel and then along the panels, are the units.

#include "kernels.h"
#include "math.h"
#include "vector.h"

#define SHEER_UNROLL _Pragma("GCC unroll 64")

namespace sheer::SHEER_ISA {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int REGISTERS = 32;
constexpr int ROWS = 14;  // with 2 vectors: 28 sums, 2 of b, 1 of a
#else
constexpr int REGISTERS = 16;
constexpr int ROWS = 6;  // with 2 vectors: 12 sums, 2 of b, 1 of a
#endif

#ifndef DOTS_
#define DOTS_ 4
#endif
#ifndef ROWS4_
#define ROWS4_ 2
#endif
#ifndef DEPTH_
#define DEPTH_ 512
#endif
#ifndef ABYTES_
#define ABYTES_ (512*1024)
#endif
#ifndef KEEP_
#define KEEP_ 1
#endif
constexpr int64_t DEPTH = DEPTH_;

// Vectors of a tile of so many rows: as many as the registers hold, up to WIDEST.
constexpr int WIDEST = 8;
constexpr int vectors_for(int rows) {
    const int most = (REGISTERS - 1) / (rows + 1);
    return most < WIDEST ? most : WIDEST;
}

constexpr int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }
constexpr int64_t parts_of(int64_t whole, int64_t part) {
    return whole <= part ? whole > 0 : (whole + part - 1) / part;
}

// --- one tile -----------------------------------------------------------------------------------

template <class T> struct Tile {
    const T* a;
    int64_t a_stride;  // of its rows, or of its columns where these are contiguous
    const T* b;
    int64_t b_row;
    T* copy;  // of the panel of b, to be made
    int64_t k;
    T* c;
    int64_t c_row;
    bool add;       // to what c holds
    const T* bias;  // or null
    bool relu;
};

// c = a · b for R rows and V vectors. Small tiles keep several sums for each element, for successive
// k, so that one addition need not wait for another.
template <class T, int R, int V, bool COLUMNS, bool COPY> void tile(const Tile<T>& t) {
    constexpr int64_t W = WIDTH<T>;
    constexpr int SUMS = R * V < 8 ? 8 / (R * V) : 1;
    const T *a = t.a, *b = t.b;
    T* copy = t.copy;
    const int64_t a_stride = t.a_stride, b_row = t.b_row;
    Vector<T> sums[SUMS][R][V];
    SHEER_UNROLL for (int s = 0; s < SUMS; ++s)
        SHEER_UNROLL for (int i = 0; i < R; ++i)
            SHEER_UNROLL for (int v = 0; v < V; ++v) sums[s][i][v] = Vector<T>{};

    const auto step = [&](Vector<T>(&sum)[R][V]) __attribute__((always_inline)) {
        Vector<T> row[V];
        SHEER_UNROLL for (int v = 0; v < V; ++v) row[v] = load(b + v * W);
        if constexpr (COPY) {
            SHEER_UNROLL for (int v = 0; v < V; ++v) store(copy + v * W, row[v]);
            copy += V * W;
        }
        SHEER_UNROLL for (int i = 0; i < R; ++i) {
            const Vector<T> x = splat(COLUMNS ? a[i] : a[i * a_stride]);
            SHEER_UNROLL for (int v = 0; v < V; ++v) sum[i][v] += x * row[v];
        }
        a += COLUMNS ? a_stride : 1;
        b += b_row;
    };
    int64_t p = 0;
    constexpr int STEPS = SUMS > 4 ? SUMS : 4;
    for (; p + STEPS <= t.k; p += STEPS)
        SHEER_UNROLL for (int s = 0; s < STEPS; ++s) step(sums[s % SUMS]);
    for (; p < t.k; ++p) step(sums[0]);
    if constexpr (SUMS > 1) {
        SHEER_UNROLL for (int half = SUMS / 2; half > 0; half /= 2)
            SHEER_UNROLL for (int s = 0; s < half; ++s)
                SHEER_UNROLL for (int i = 0; i < R; ++i)
                    SHEER_UNROLL for (int v = 0; v < V; ++v) sums[s][i][v] += sums[s + half][i][v];
    }

    Vector<T>(&sum)[R][V] = sums[0];
    const auto each = [&](auto f) __attribute__((always_inline)) {
        SHEER_UNROLL for (int i = 0; i < R; ++i)
            SHEER_UNROLL for (int v = 0; v < V; ++v) f(sum[i][v], t.c + i * t.c_row + v * W, v * W);
    };
    if (t.add) each([](Vector<T>& x, T* c, int64_t) { x += load<T>(c); });
    if (t.bias) each([&](Vector<T>& x, T*, int64_t j) { x += load(t.bias + j); });
    if (t.relu) each([](Vector<T>& x, T*, int64_t) { x = choose(x < 0, Vector<T>{}, x); });
    each([](Vector<T>& x, T* c, int64_t) { store(c, x); });
}

template <class T> using TileFunction = void (*)(const Tile<T>&);

template <int... I> struct Indices {};
template <int N, int... I> struct Upto : Upto<N - 1, N - 1, I...> {};
template <int... I> struct Upto<0, I...> { using type = Indices<I...>; };

// The functions for tiles of 1 to ROWS rows, by vectors: 1, 2 or the most.
template <class T> struct TileFunctions {
    struct { TileFunction<T> of[3][2][2]; } rows[ROWS];
};
template <class T, int R, int V> constexpr void enter(TileFunction<T> (&of)[2][2]) {
    of[0][0] = tile<T, R, V, false, false>;
    of[0][1] = V > 2 ? nullptr : tile<T, R, V <= 2 ? V : 1, false, true>;
    of[1][0] = tile<T, R, V, true, false>;
    of[1][1] = V > 2 ? nullptr : tile<T, R, V <= 2 ? V : 1, true, true>;
}
template <class T, int... I> constexpr TileFunctions<T> tile_functions(Indices<I...>) {
    TileFunctions<T> table{};
    (enter<T, I + 1, 1>(table.rows[I].of[0]), ...);
    (enter<T, I + 1, 2>(table.rows[I].of[1]), ...);
    (enter<T, I + 1, vectors_for(I + 1)>(table.rows[I].of[2]), ...);
    return table;
}
template <class T>
constexpr TileFunctions<T> TILES = tile_functions<T>(typename Upto<ROWS>::type{});

// --- what a tile cannot do itself ------------------------------------------------------------------

template <class T> SHEER_INLINE Vector<T> activated(Vector<T> x, Activation activation) {
    switch (activation) {
    case Activation::none: return x;
    case Activation::relu: return choose(x < 0, Vector<T>{}, x);
    case Activation::sigmoid: return sigmoid_of<T>(x);
    case Activation::tanh: return tanh_of<T>(x);
    }
    return x;
}

// c = activation(c + sums + bias), with or without each, for columns in any number.
template <class T>
__attribute__((noinline)) void finish(const T* sums, int64_t row, T* c, int64_t c_row, int64_t rows,
                                      int64_t columns, bool add, const T* bias,
                                      Activation activation) {
    for (int64_t i = 0; i < rows; ++i, sums += row, c += c_row)
        for (int64_t j = 0; j < columns; j += WIDTH<T>) {
            const int64_t count = smaller(WIDTH<T>, columns - j);
            Vector<T> x = load_part(sums + j, count);
            if (add) x += load_part(c + j, count);
            if (bias) x += load_part(bias + j, count);
            store_part(c + j, activated<T>(x, activation), count);
        }
}

// --- copies of b ---------------------------------------------------------------------------------

// v[i][j] = v[j][i]: swaps the halves off the diagonal, then the quarters, and so on.
template <int HALF, class V, int... I> SHEER_INLINE void swap_blocks(V& x, V& y, Indices<I...>) {
    constexpr int N = sizeof...(I);
    const V upper = __builtin_shufflevector(x, y, ((I & HALF) ? N + (I ^ HALF) : I)...);
    y = __builtin_shufflevector(x, y, ((I & HALF) ? N + I : (I ^ HALF))...);
    x = upper;
}
template <int HALF, class V, int N> SHEER_INLINE void transpose(V (&v)[N]) {
    if constexpr (HALF > 0) {
        SHEER_UNROLL for (int i = 0; i < N; ++i)
            if (!(i & HALF)) swap_blocks<HALF>(v[i], v[i | HALF], typename Upto<N>::type{});
        transpose<HALF / 2>(v);
    }
}

// The sums of N vectors of N, as a vector.
template <int HALF, class V, int N> SHEER_INLINE V sums_across(V (&v)[N]) {
    if constexpr (HALF > 0) {
        SHEER_UNROLL for (int i = 0; i < HALF; ++i) {
            swap_blocks<HALF>(v[i], v[i + HALF], typename Upto<N>::type{});
            v[i] += v[i + HALF];
        }
        return sums_across<HALF / 2>(v);
    }
    return v[0];
}

// A panel of `width` columns, of which `columns` exist in b and the others are 0.
template <class T>
void copy_rows(const T* b, int64_t b_row, int64_t k, int64_t columns, int64_t width, T* panel) {
    for (int64_t p = 0; p < k; ++p)
        for (int64_t j = 0; j < width; j += WIDTH<T>) {
            const int64_t left = columns - j < 0 ? 0 : columns - j;
            const Vector<T> v = left >= WIDTH<T> ? load(b + p * b_row + j)
                                                 : load_part(b + p * b_row + j, left);
            store(panel + p * width + j, v);
        }
}

template <class T>
void finish_transposed(const T* sums, int64_t row, T* c, int64_t c_column, int64_t rows,
                       int64_t columns, bool add) {
    constexpr int64_t W = WIDTH<T>;
    for (int64_t j = 0; j < columns; j += W)
        for (int64_t i = 0; i < rows; i += W) {
            const int64_t high = smaller(W, rows - i);
            Vector<T> block[W];
            SHEER_UNROLL for (int64_t r = 0; r < W; ++r)
                block[r] = r < high ? load(sums + (i + r) * row + j) : Vector<T>{};
            transpose<W / 2>(block);
            T* to = c + j * c_column + i;
            for (int64_t q = 0; q < smaller(W, columns - j); ++q, to += c_column)
                store_part(to, add ? block[q] + load_part(to, high) : block[q], high);
        }
}

template <class T>
void copy_transposed(const T* b, int64_t b_column, int64_t k, int64_t columns, int64_t width,
                     T* panel) {
    constexpr int64_t W = WIDTH<T>;
    for (int64_t j = 0; j < width; j += W)
        for (int64_t p = 0; p < k; p += W) {
            const int64_t deep = smaller(W, k - p);
            Vector<T> block[W];
            SHEER_UNROLL for (int64_t i = 0; i < W; ++i) {
                const T* from = b + (j + i) * b_column + p;
                block[i] = j + i >= columns ? Vector<T>{}
                           : deep == W      ? load(from)
                                            : load_part(from, deep);
            }
            transpose<W / 2>(block);
            SHEER_UNROLL for (int64_t q = 0; q < W; ++q)
                if (q < deep) store(panel + (p + q) * width + j, block[q]);
        }
}

// The dot products of a with `count` columns of b, up to WIDTH, each of k elements side by side.
template <class T>
Vector<T> dots(const T* a, const T* b, int64_t b_column, int64_t count, int64_t k) {
    constexpr int64_t W = WIDTH<T>, GROUP = W < 4 ? W : 4;
    Vector<T> sums[W] = {};
    for (int64_t q = 0; q < count; q += GROUP) {
        const T* column[GROUP];
        SHEER_UNROLL for (int64_t r = 0; r < GROUP; ++r)
            column[r] = b + smaller(q + r, count - 1) * b_column;
        Vector<T> even[GROUP] = {}, odd[GROUP] = {};
        int64_t p = 0;
        for (; p + 2 * W <= k; p += 2 * W) {
            const Vector<T> x = load(a + p), y = load(a + p + W);
            SHEER_UNROLL for (int64_t r = 0; r < GROUP; ++r) {
                even[r] += x * load(column[r] + p);
                odd[r] += y * load(column[r] + p + W);
            }
        }
        for (; p < k; p += W) {
            const int64_t left = smaller(W, k - p);
            const Vector<T> x = load_part(a + p, left);
            SHEER_UNROLL for (int64_t r = 0; r < GROUP; ++r)
                even[r] += x * load_part(column[r] + p, left);
        }
        SHEER_UNROLL for (int64_t r = 0; r < GROUP; ++r) sums[q + r] = even[r] + odd[r];
    }
    return sums_across<W / 2>(sums);
}

// --- a whole product -----------------------------------------------------------------------------

// One pair of matrices, cut into tiles.
template <class T> struct Job {
    const T *a, *b, *bias;
    T* c;
    int64_t m, n, k, a_row, a_column, b_row, b_column, c_row, c_column, bias_column;
    int64_t a_matrix, b_matrix, c_matrix;
    bool by_dots;
    bool add;
    Activation activation;
    int64_t tiles, panels, width, tall, taller;

    int64_t tile_begin(int64_t i) const { return i * tall + smaller(i, taller); }
};

template <class T> Job<T> job_of(const Product& p) {
    Job<T> job;
    job.a = reinterpret_cast<const T*>(p.a);
    job.b = reinterpret_cast<const T*>(p.b);
    job.bias = reinterpret_cast<const T*>(p.bias);
    job.c = reinterpret_cast<T*>(p.c);
    job.m = p.m, job.n = p.n, job.k = p.k;
    job.a_row = p.a_transposed ? 1 : p.lda, job.a_column = p.a_transposed ? p.lda : 1;
    job.b_row = p.b_transposed ? 1 : p.ldb, job.b_column = p.b_transposed ? p.ldb : 1;
    job.a_matrix = p.a_stride, job.b_matrix = p.b_stride, job.c_matrix = p.c_stride;
    job.c_row = p.ldc, job.c_column = 1, job.bias_column = 1;
    const bool plain = !p.bias && p.activation == Activation::none;
    const int64_t lanes = parts_of(p.n, WIDTH<T>) * WIDTH<T>;
    if ((p.n == 1 && p.ldc == 1) || (p.a_transposed && plain && lanes <= 2 * WIDTH<T> && lanes * 4 > p.n * 5 && p.m > p.n)) {
        const Job<T> was = job;
        job.a = was.b, job.b = was.a;
        job.m = was.n, job.n = was.m;
        job.a_row = was.b_column, job.a_column = was.b_row;
        job.b_row = was.a_column, job.b_column = was.a_row;
        job.a_matrix = was.b_matrix, job.b_matrix = was.a_matrix;
        job.c_row = 1, job.c_column = p.ldc, job.bias_column = 0;
    }
    job.add = p.accumulate, job.activation = p.activation;
    job.by_dots = job.m <= DOTS_ && job.b_column != 1 && job.a_column == 1 && job.c_column == 1;
    const int64_t rows = job.k <= 4 ? ROWS4_ : ROWS;
    job.tiles = job.by_dots ? 1 : parts_of(job.m, rows);
    job.width = WIDTH<T> * (job.by_dots ? 1 : job.m <= rows ? vectors_for(static_cast<int>(job.m)) : rows < ROWS && job.m % rows == 0 ? vectors_for(rows) : 2);
    job.panels = parts_of(job.n, job.width);
    job.tall = job.tiles ? job.m / job.tiles : 0, job.taller = job.tiles ? job.m % job.tiles : 0;
    return job;
}

// The tiles [from, to) of the columns [j, j + columns), at most a panel, for `depth` of k from p.
template <class T>
void panel(const Job<T>& job, int64_t from, int64_t to, int64_t j, int64_t columns, int64_t p,
           int64_t depth, T* scratch) {
    constexpr int64_t W = WIDTH<T>;
    const int vectors = static_cast<int>(parts_of(columns, W));
    const int64_t width = vectors * W;
    const int slot = vectors <= 2 ? vectors - 1 : 2;
    T* const spare = scratch + DEPTH * WIDEST * W;
    const bool first = p == 0, last = p + depth == job.k;
    const bool whole = columns == width && job.c_column == 1;
    const bool by_columns = job.a_column != 1 || job.m == 1;

    Tile<T> t;
    t.k = depth;
    t.a_stride = by_columns ? job.a_column : job.a_row;
    t.b = job.b + p * job.b_row + j * job.b_column;
    t.b_row = job.b_row;
    t.copy = scratch;
    t.add = whole && (!first || job.add);
    t.bias = whole && last && job.bias ? job.bias + j * job.bias_column : nullptr;
    t.relu = whole && last && job.activation == Activation::relu;
    const bool after = !whole || (last && job.activation > Activation::relu);
    bool keep = KEEP_ && to - from > 1 && vectors <= 2;
    if (job.b_column != 1) {
        copy_transposed(t.b, job.b_column, depth, columns, width, scratch);
        t.b = scratch, t.b_row = width, keep = false;
    } else if (!whole) {
        copy_rows(t.b, job.b_row, depth, columns, width, scratch);
        t.b = scratch, t.b_row = width, keep = false;
    }
    for (int64_t i = from; i < to; ++i) {
        const int64_t row = job.tile_begin(i), rows = job.tile_begin(i + 1) - row;
        T* const c = job.c + row * job.c_row + j;
        t.a = job.a + row * job.a_row + p * job.a_column;
        t.c = whole ? c : spare, t.c_row = whole ? job.c_row : width;
        TILES<T>.rows[rows - 1].of[slot][by_columns][keep](t);
        if (keep) t.b = scratch, t.b_row = width, keep = false;
        if (job.c_column != 1)
            finish_transposed(t.c, t.c_row, job.c + row * job.c_row + j * job.c_column, job.c_column, rows, columns, !first || job.add);
        else if (after)
            finish<T>(t.c, t.c_row, c, job.c_row, rows, columns, !whole && (!first || job.add),
                      !whole && last && job.bias ? job.bias + j * job.bias_column : nullptr,
                      last ? job.activation : Activation::none);
    }
}

template <class T> void by_dots(const Job<T>& job, int64_t left, int64_t right) {
    constexpr int64_t W = WIDTH<T>;
    for (int64_t j = left * W; j < smaller(right * W, job.n); j += W) {
        const int64_t count = smaller(W, job.n - j);
        for (int64_t i = 0; i < job.m; ++i) {
            T* c = job.c + i * job.c_row + j;
            Vector<T> x = dots(job.a + i * job.a_row, job.b + j * job.b_column, job.b_column, count, job.k);
            if (job.add) x += load_part(c, count);
            if (job.bias) x += load_part(job.bias + j * job.bias_column, count);
            store_part(c, activated<T>(x, job.activation), count);
        }
    }
}

// The tiles [from, to) of the panels [left, right).
template <class T>
void rectangle(const Job<T>& job, int64_t from, int64_t to, int64_t left, int64_t right, T* scratch) {
    constexpr int64_t W = WIDTH<T>;
    const int64_t blocks = job.k == 0 ? 1 : parts_of(job.k, DEPTH);
    const int64_t depth = parts_of(job.k, blocks);
    const int64_t n = smaller(job.n, right * job.width);
    const int64_t group = ABYTES_ / (ROWS * sizeof(T) * (depth + 1)) + 1;
    for (int64_t block = 0; block < blocks; ++block) {
        const int64_t p = block * depth;
        for (int64_t g = from; g < to; g += group)
            for (int64_t j = left * job.width; j < n;) {
                int64_t columns = smaller(job.width, n - j);
                if (columns < job.width) columns = smaller(columns, 2 * W);
                panel(job, g, smaller(g + group, to), j, columns, p, smaller(depth, job.k - p),
                      scratch);
                j += columns;
            }
    }
}

template <class T>
void product_of(const Product& product, int64_t begin, int64_t end, char* scratch) {
    Job<T> whole = job_of<T>(product);
    if (whole.bias && whole.bias_column == 0) {
        T* many = reinterpret_cast<T*>(scratch) + DEPTH * WIDEST * WIDTH<T> + 64 * WIDTH<T>;
        for (int v = 0; v < WIDEST; ++v) store(many + v * WIDTH<T>, splat(*whole.bias));
        whole.bias = many;
    }
    while (begin < end) {
        const int64_t at = begin / whole.tiles, tile = begin % whole.tiles;
        const int64_t matrix = at / whole.panels, left = at % whole.panels;
        int64_t tiles = smaller(whole.tiles - tile, end - begin), panels = 1;
        if (tiles == whole.tiles) panels = smaller(whole.panels - left, (end - begin) / tiles);
        Job<T> job = whole;
        job.a += matrix * whole.a_matrix;
        job.b += matrix * whole.b_matrix;
        job.c += matrix * whole.c_matrix;
        if (job.by_dots) by_dots(job, left, left+panels);
        else rectangle(job, tile, tile + tiles, left, left + panels, reinterpret_cast<T*>(scratch));
        begin += tiles * panels;
    }
}

int64_t units(const Product& p) {
    if (p.dtype == DType::float64) {
        const Job<double> job = job_of<double>(p);
        return p.batch * job.tiles * job.panels;
    }
    const Job<float> job = job_of<float>(p);
    return p.batch * job.tiles * job.panels;
}

void product(const Product& p, int64_t begin, int64_t end, char* scratch) {
    if (p.dtype == DType::float64) return product_of<double>(p, begin, end, scratch);
    product_of<float>(p, begin, end, scratch);
}

}  // namespace

void enter_product(Kernels& kernels) {
    kernels.product_units = units;
    kernels.product = product;
}

}  // namespace sheer::SHEER_ISA
