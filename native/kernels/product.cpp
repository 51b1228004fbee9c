// Matrix products: c = activation(a · b + bias), or c + a · b.
//
// c is computed in tiles of up to ROWS rows and a few vectors of columns. The sums of a tile stay
// in registers while k runs; each k takes a few vectors of a row of b, and one number of a for each
// row. Around that:
//
// - k is cut into blocks of about DEPTH. Each is summed apart and then added to c, which keeps the
//   sums accurate and what they read in the caches.
// - A panel is what a tile reads of b in a block of k. Where b is transposed or the last vector is
//   not full, it is read from a copy without gaps; also where the distance of rows would put them
//   all in the same few places of a cache: that copy the first tile makes on its way.
// - A row of tiles meets all panels that fit the second-level cache before the next one does.
// - For a few rows and a transposed b, elements of c are dot products of contiguous rows.
// - For one row and a plain b, rows of b are added up, each read from end to end.
// - For a few columns and a transposed a, and for one column, the roles are swapped: c' = b' · a'.
//
// Units: the tiles of c, down each panel, then panel by panel, then matrix by matrix.

#include "kernels.h"
#include "math.h"
#include "transpose.h"
#include "vector.h"

namespace sheer::SHEER_ISA {
namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int REGISTERS = 32;
constexpr int ROWS = 14;  // with 2 vectors: 28 sums, 2 of b, 1 of a
#else
constexpr int REGISTERS = 16;
constexpr int ROWS = 6;  // with 2 vectors: 12 sums, 2 of b, 1 of a
#endif

constexpr int64_t DEPTH = 512;
constexpr int64_t PANELS_BYTES = int64_t(256) << 10;  // that a row of tiles meets before the next
constexpr int64_t MOST_PANELS = 16;                   // of these
constexpr int64_t SAME_PLACES = 4096;                 // rows so many bytes apart share cache sets
constexpr int64_t DOT_ROWS = 4;                       // up to so many rows dot products pay

// Vectors in a tile of so many rows: as many as the registers hold, up to WIDEST.
constexpr int WIDEST = 8;
constexpr int vectors_for(int64_t rows) {
    const int64_t most = (REGISTERS - 1) / (rows + 1);
    return static_cast<int>(most < WIDEST ? most : WIDEST);
}

template <class T> constexpr int64_t SIZE = static_cast<int64_t>(sizeof(T));

constexpr int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }

constexpr int64_t parts_of(int64_t whole, int64_t part) {
    return whole <= part ? whole > 0 : (whole + part - 1) / part;
}

// --- one tile ------------------------------------------------------------------------------------

template <class T> struct Tile {
    const T* a;
    int64_t a_stride;  // of the rows of a, or, where it is read by columns, of these
    const T* b;
    int64_t b_row;
    T* copy;  // of the panel, to be made
    int64_t k;
    T* c;
    int64_t c_row;
    bool add;       // to what c holds
    const T* bias;  // or null
    bool relu;
};

// The tile of R rows and V vectors. A small one keeps several sums for each element, for successive
// k, so that one addition need not wait for the last.
template <class T, int R, int V, bool COLUMNS, bool COPY> void tile(const Tile<T>& t) {
    constexpr int64_t W = WIDTH<T>;
    constexpr int SUMS = R * V < 8 ? 8 / (R * V) : 1;
    Vector<T> sums[SUMS][R][V];
    SHEER_UNROLL for (int s = 0; s < SUMS; ++s)
        SHEER_UNROLL for (int i = 0; i < R; ++i)
            SHEER_UNROLL for (int v = 0; v < V; ++v) sums[s][i][v] = Vector<T>{};

    const T *a = t.a, *b = t.b;
    T* copy = t.copy;
    const int64_t a_stride = t.a_stride, b_row = t.b_row;
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
    for (; p + SUMS <= t.k; p += SUMS)
        SHEER_UNROLL for (int s = 0; s < SUMS; ++s) step(sums[s]);
    if constexpr (SUMS > 1)
        for (; p < t.k; ++p) step(sums[0]);
    SHEER_UNROLL for (int s = 1; s < SUMS; ++s)
        SHEER_UNROLL for (int i = 0; i < R; ++i)
            SHEER_UNROLL for (int v = 0; v < V; ++v) sums[0][i][v] += sums[s][i][v];

    const auto each = [&](auto f) __attribute__((always_inline)) {
        SHEER_UNROLL for (int i = 0; i < R; ++i)
            SHEER_UNROLL for (int v = 0; v < V; ++v)
                f(sums[0][i][v], t.c + i * t.c_row + v * W, v * W);
    };
    if (t.add) each([](Vector<T>& x, T* c, int64_t) { x += load<T>(c); });
    if (t.bias) each([&](Vector<T>& x, T*, int64_t j) { x += load(t.bias + j); });
    if (t.relu) each([](Vector<T>& x, T*, int64_t) { x = choose(x < 0, Vector<T>{}, x); });
    each([](Vector<T>& x, T* c, int64_t) { store(c, x); });
}

// The kinds of tiles for each number of rows: 1 vector, 2, 2 with a copy, the most.
enum Kind { ONE, TWO, TWO_COPYING, MOST };

template <class T> struct TileFunctions {
    void (*of[ROWS][4][2])(const Tile<T>&);  // rows - 1, kind, a is read by columns
};
template <class T, int R> constexpr void enter_tiles(void (*(&of)[4][2])(const Tile<T>&)) {
    of[ONE][false] = tile<T, R, 1, false, false>, of[ONE][true] = tile<T, R, 1, true, false>;
    of[TWO][false] = tile<T, R, 2, false, false>, of[TWO][true] = tile<T, R, 2, true, false>;
    of[TWO_COPYING][false] = tile<T, R, 2, false, true>;
    of[TWO_COPYING][true] = tile<T, R, 2, true, true>;
    of[MOST][false] = tile<T, R, vectors_for(R), false, false>;
    of[MOST][true] = tile<T, R, vectors_for(R), true, false>;
}
template <class T, int... I> constexpr TileFunctions<T> tile_functions(Indices<I...>) {
    TileFunctions<T> functions{};
    (enter_tiles<T, I + 1>(functions.of[I]), ...);
    return functions;
}
template <class T>
constexpr TileFunctions<T> TILES = tile_functions<T>(typename UpTo<ROWS>::type{});

// --- sums across vectors -------------------------------------------------------------------------

template <int HALF, class V, int N> SHEER_INLINE void add_across_by(V (&v)[N]) {
    if constexpr (HALF > 0) {
        SHEER_UNROLL for (int i = 0; i < HALF; ++i) {
            swap_blocks<HALF>(v[i], v[i + HALF], typename UpTo<N>::type{});
            v[i] += v[i + HALF];
        }
        add_across_by<HALF / 2>(v);
    }
}
// A vector of the sums of N vectors.
template <class V, int N> SHEER_INLINE V add_across(V (&v)[N]) {
    add_across_by<N / 2>(v);
    return v[0];
}

// --- what a tile cannot do itself ----------------------------------------------------------------

template <class T> SHEER_INLINE Vector<T> activated(Vector<T> x, Activation activation) {
    switch (activation) {
    case Activation::none: return x;
    case Activation::relu: return choose(x < 0, Vector<T>{}, x);
    case Activation::sigmoid: return sigmoid_of<T>(x);
    case Activation::tanh: return tanh_of<T>(x);
    }
    return x;
}

// c = activation(c + sums + bias), with each or without, for any number of columns.
template <class T>
void finish(const T* sums, int64_t row, T* c, int64_t c_row, int64_t rows, int64_t columns,
            bool add, const T* bias, Activation activation) {
    for (int64_t i = 0; i < rows; ++i, sums += row, c += c_row)
        for (int64_t j = 0; j < columns; j += WIDTH<T>) {
            const int64_t count = smaller(WIDTH<T>, columns - j);
            Vector<T> x = load_part(sums + j, count);
            if (add) x += load_part(c + j, count);
            if (bias) x += load_part(bias + j, count);
            store_part(c + j, activated<T>(x, activation), count);
        }
}

// c' = sums, or c' + sums, for whole vectors of sums.
template <class T>
void finish_transposed(const T* sums, int64_t row, T* c, int64_t c_column, int64_t rows,
                       int64_t columns, bool add) {
    constexpr int64_t W = WIDTH<T>;
    for (int64_t j = 0; j < columns; j += W)
        for (int64_t i = 0; i < rows; i += W) {
            const int64_t high = smaller(W, rows - i);
            Vector<T> block[W];
            SHEER_UNROLL for (int64_t r = 0; r < W; ++r)
                block[r] = load(sums + smaller(i + r, rows - 1) * row + j);
            transpose(block);
            T* to = c + j * c_column + i;
            for (int64_t q = 0; q < smaller(W, columns - j); ++q, to += c_column)
                store_part(to, add ? block[q] + load_part(to, high) : block[q], high);
        }
}

// Copies of a panel. Its last columns, which b does not have, hold anything.
template <class T>
void copy_rows(const T* b, int64_t b_row, int64_t k, int64_t columns, int64_t width, T* panel) {
    for (int64_t j = 0; j < columns; j += WIDTH<T>) {
        const int64_t count = smaller(WIDTH<T>, columns - j);
        for (int64_t p = 0; p < k; ++p)
            store(panel + p * width + j, load_part(b + p * b_row + j, count));
    }
}

template <class T>
void copy_transposed(const T* b, int64_t b_column, int64_t k, int64_t columns, int64_t width,
                     T* panel) {
    constexpr int64_t W = WIDTH<T>;
    for (int64_t j = 0; j < columns; j += W)
        for (int64_t p = 0; p < k; p += W) {
            const int64_t deep = smaller(W, k - p);
            const auto column = [&](int64_t i) {
                return b + smaller(j + i, columns - 1) * b_column + p;
            };
            Vector<T> block[W];
            if (deep == W) {
                SHEER_UNROLL for (int64_t i = 0; i < W; ++i) block[i] = load(column(i));
            } else {
                SHEER_UNROLL for (int64_t i = 0; i < W; ++i) block[i] = load_part(column(i), deep);
            }
            transpose(block);
            T* to = panel + p * width + j;
            for (int64_t q = 0; q < deep; ++q, to += width) store(to, block[q]);
        }
}

// --- a whole product -----------------------------------------------------------------------------

// A product with its roles as they are computed, and how it is cut.
template <class T> struct Work {
    const T *a, *b, *bias;
    T* c;
    bool add;
    Activation activation;
    int64_t m, n, k;
    int64_t a_row, a_column, b_row, b_column, c_row, c_column, bias_column;  // distances
    int64_t a_next, b_next, c_next;                                          // of matrices
    bool by_dots, by_rows;  // and not by tiles
    int64_t tiles, rows, larger;   // `larger` tiles have one more than `rows`
    int64_t panels, width;

    int64_t tile_begin(int64_t i) const { return i * rows + smaller(i, larger); }

    void next(int64_t matrices) {
        a += matrices * a_next, b += matrices * b_next, c += matrices * c_next;
    }
};

// Whether c' = b' · a' is better: one column, or so few that vectors along them would be half empty
// while those along the rows are not.
template <class T> bool swaps(const Product& p) {
    if (p.n == 1 && p.ldc == 1) return true;
    const int64_t lanes = parts_of(p.n, WIDTH<T>) * WIDTH<T>;
    return p.a_transposed && !p.bias && p.activation == Activation::none && p.n < p.m &&
           p.n < 2 * WIDTH<T> && 4 * lanes > 5 * p.n;
}

template <class T> Work<T> work_of(const Product& p) {
    const int64_t a_row = p.a_transposed ? 1 : p.lda, a_column = p.a_transposed ? p.lda : 1;
    const int64_t b_row = p.b_transposed ? 1 : p.ldb, b_column = p.b_transposed ? p.ldb : 1;
    const T *a = reinterpret_cast<const T*>(p.a), *b = reinterpret_cast<const T*>(p.b);
    Work<T> w;
    if (swaps<T>(p)) {
        w.a = b, w.a_row = b_column, w.a_column = b_row, w.a_next = p.b_stride;
        w.b = a, w.b_row = a_column, w.b_column = a_row, w.b_next = p.a_stride;
        w.m = p.n, w.n = p.m, w.c_row = 1, w.c_column = p.ldc, w.bias_column = 0;
    } else {
        w.a = a, w.a_row = a_row, w.a_column = a_column, w.a_next = p.a_stride;
        w.b = b, w.b_row = b_row, w.b_column = b_column, w.b_next = p.b_stride;
        w.m = p.m, w.n = p.n, w.c_row = p.ldc, w.c_column = 1, w.bias_column = 1;
    }
    w.k = p.k;
    w.c = reinterpret_cast<T*>(p.c), w.c_next = p.c_stride;
    w.bias = reinterpret_cast<const T*>(p.bias);
    w.add = p.accumulate, w.activation = p.activation;
    w.by_dots = w.m <= DOT_ROWS && w.k >= 2 * WIDTH<T> && w.a_column == 1 && w.b_column != 1 &&
                w.c_column == 1;
    w.by_rows = w.m == 1 && w.k > 0 && w.b_column == 1 && w.c_column == 1;
    w.tiles = w.by_dots ? w.m > 0 : parts_of(w.m, ROWS);
    w.rows = w.tiles <= 1 ? w.m : w.m / w.tiles;
    w.larger = w.m - w.rows * w.tiles;
    w.width = WIDTH<T> * (w.by_dots ? 1 : w.by_rows ? 4 : w.tiles <= 1 ? vectors_for(w.m) : 2);
    w.panels = parts_of(w.n, w.width);
    return w;
}

// The dot products of a and each of `count` columns of b, up to WIDTH, of contiguous elements.
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
    return add_across(sums);
}

// The panels [left, right), each of WIDTH columns, of all rows.
template <class T> void panels_by_dots(const Work<T>& w, int64_t left, int64_t right) {
    for (int64_t j = left * w.width; j < smaller(right * w.width, w.n); j += w.width) {
        const int64_t count = smaller(w.width, w.n - j);
        for (int64_t i = 0; i < w.m; ++i) {
            T* c = w.c + i * w.c_row + j;
            Vector<T> x =
                dots(w.a + i * w.a_row, w.b + j * w.b_column, w.b_column, count, w.k);
            if (w.add) x += load_part(c, count);
            if (w.bias) x += load_part(w.bias + j * w.bias_column, count);
            store_part(c, activated<T>(x, w.activation), count);
        }
    }
}

// Where tiles are narrow, several read the same lines of a when it is transposed. If these share
// their places in the cache, each tile would fetch them again: then A_TILES are copied at a time.
template <class T> constexpr bool NARROW = ROWS * SIZE<T> <= 48;
constexpr int64_t A_TILES = 8;
template <class T> constexpr int64_t A_WIDTH = parts_of(ROWS, WIDTH<T>) * WIDTH<T>;

template <class T>
void copy_tiles(const Work<T>& w, int64_t from, int64_t to, int64_t p, int64_t depth, T* copy) {
    for (int64_t q = 0; q < depth; ++q) {
        const T* a = w.a + (p + q) * w.a_column;
        for (int64_t i = from; i < to; ++i) {
            const int64_t row = w.tile_begin(i), rows = w.tile_begin(i + 1) - row;
            T* to_row = copy + ((i - from) * depth + q) * A_WIDTH<T>;
            for (int64_t r = 0; r < rows; r += WIDTH<T>)
                store(to_row + r, load_part(a + row + r, smaller(WIDTH<T>, rows - r)));
        }
    }
}

// c += (N numbers of a) · (N rows of b), in the columns [j, end); where `fresh`, c is 0 before.
template <class T, int N>
void add_rows(const Work<T>& w, int64_t p, int64_t j, int64_t end, bool fresh) {
    constexpr int64_t W = WIDTH<T>;
    Vector<T> x[N];
    const T* row[N];
    SHEER_UNROLL for (int r = 0; r < N; ++r) {
        x[r] = splat(w.a[(p + r) * w.a_column]);
        row[r] = w.b + (p + r) * w.b_row;
    }
    for (; j + W <= end; j += W) {
        Vector<T> sum{};
        SHEER_UNROLL for (int r = 0; r < N; ++r) sum += x[r] * load(row[r] + j);
        store(w.c + j, fresh ? sum : load(w.c + j) + sum);
    }
    if (j < end) {
        Vector<T> sum{};
        SHEER_UNROLL for (int r = 0; r < N; ++r) sum += x[r] * load_part(row[r] + j, end - j);
        store_part(w.c + j, fresh ? sum : load_part(w.c + j, end - j) + sum, end - j);
    }
}

// The columns [j, end) of the one row of c.
template <class T> void one_row(const Work<T>& w, int64_t j, int64_t end) {
    int64_t p = 0;
    for (; p + 8 <= w.k; p += 8) add_rows<T, 8>(w, p, j, end, p == 0 && !w.add);
    for (; p < w.k; ++p) add_rows<T, 1>(w, p, j, end, p == 0 && !w.add);
    if (!w.bias && w.activation == Activation::none) return;
    for (constexpr int64_t STEP = WIDEST * WIDTH<T>; j < end; j += STEP)
        finish(w.c + j, 0, w.c + j, 0, 1, smaller(STEP, end - j), false,
               w.bias ? w.bias + j * w.bias_column : nullptr, w.activation);
}

template <class T> struct Panel {
    int64_t first, columns, width;  // width: in whole vectors
    const T* b;
    int64_t b_row;
    T* copy;  // that the first tile shall make
    Kind kind;
};

// Parts of the scratch memory, in elements. Copies of panels take the rest.
template <class T> constexpr int64_t SPARE = 0;  // for a tile of c
template <class T> constexpr int64_t BIAS = SPARE<T> + REGISTERS * WIDTH<T>;
template <class T> constexpr int64_t COPIES = BIAS<T> + WIDEST * WIDTH<T>;
template <class T> constexpr bool FITS =
    SIZE<T> * (COPIES<T> + (WIDEST * WIDTH<T> + (NARROW<T> ? A_TILES * A_WIDTH<T> : 0)) * DEPTH) +
        PANELS_BYTES <= SCRATCH_BYTES;
static_assert(FITS<float> && FITS<double>);

// The panel of up to w.width columns from j on, for `depth` of k from p, to be read by `tiles`.
template <class T>
Panel<T> panel_of(const Work<T>& w, int64_t j, int64_t columns, int64_t p, int64_t depth,
                  int64_t tiles, T* copy) {
    constexpr int64_t W = WIDTH<T>;
    Panel<T> panel;
    panel.first = j, panel.columns = columns;
    const int64_t vectors = parts_of(columns, W);
    panel.width = vectors * W;
    panel.kind = vectors == 1 ? ONE : vectors == 2 ? TWO : MOST;
    panel.b = w.b + p * w.b_row + j * w.b_column, panel.b_row = w.b_row;
    panel.copy = nullptr;
    if (w.b_column == 1 && columns == panel.width) {
        // From a quarter of SAME_PLACES on the copy costs nothing.
        if (tiles > 2 && panel.kind == TWO && w.b_row % (SAME_PLACES / 4 / SIZE<T>) == 0)
            panel.copy = copy;
        return panel;
    }
    if (w.b_column == 1) copy_rows(panel.b, w.b_row, depth, columns, panel.width, copy);
    else copy_transposed(panel.b, w.b_column, depth, columns, panel.width, copy);
    panel.b = copy, panel.b_row = panel.width;
    return panel;
}

// One tile of c, from row `row` on: what t has of a, and the panel.
template <class T>
void run(const Work<T>& w, Tile<T>& t, Panel<T>& panel, int64_t row, int64_t rows, bool add,
         bool last, T* scratch) {
    const bool direct = panel.columns == panel.width && w.c_column == 1;
    const T* const bias = last && w.bias ? w.bias + panel.first * w.bias_column : nullptr;
    const Activation activation = last ? w.activation : Activation::none;
    T* const c = w.c + row * w.c_row + panel.first * w.c_column;

    t.b = panel.b, t.b_row = panel.b_row, t.copy = panel.copy;
    t.c = direct ? c : scratch + SPARE<T>, t.c_row = direct ? w.c_row : panel.width;
    t.add = direct && add, t.bias = direct ? bias : nullptr;
    t.relu = direct && activation == Activation::relu;
    const bool by_columns = w.a_column != 1 || w.m == 1;
    TILES<T>.of[rows - 1][panel.copy ? TWO_COPYING : panel.kind][by_columns](t);
    if (panel.copy) panel.b = panel.copy, panel.b_row = panel.width, panel.copy = nullptr;

    if (w.c_column != 1)
        finish_transposed(t.c, t.c_row, c, w.c_column, rows, panel.columns, add);
    else if (!direct)
        finish(t.c, t.c_row, c, w.c_row, rows, panel.columns, add, bias, activation);
    else if (activation > Activation::relu)
        finish<T>(c, w.c_row, c, w.c_row, rows, panel.columns, false, nullptr, activation);
}

// The tiles [from, to) of the columns [left, right), for `depth` of k from p.
template <class T>
void block(const Work<T>& w, int64_t from, int64_t to, int64_t left, int64_t right, int64_t p,
           int64_t depth, T* scratch) {
    // Where less than a panel is left over, it is cut into narrower ones.
    Panel<T> panels[MOST_PANELS + WIDEST / 2];
    int count = 0;
    T* copy = scratch + COPIES<T>;
    for (int64_t j = left; j < right; j += panels[count++].columns) {
        const int64_t rest = right - j;
        const int64_t columns = rest >= w.width ? w.width : smaller(rest, 2 * WIDTH<T>);
        panels[count] = panel_of(w, j, columns, p, depth, to - from, copy);
        copy += depth * panels[count].width;
    }
    const bool copy_a = NARROW<T> && count > 2 && w.a_column % (SAME_PLACES / SIZE<T>) == 0;
    Tile<T> t;
    t.k = depth;
    t.a_stride = copy_a ? A_WIDTH<T> : w.a_column != 1 || w.m == 1 ? w.a_column : w.a_row;
    for (int64_t i = from; i < to; ++i) {
        const int64_t row = w.tile_begin(i), rows = w.tile_begin(i + 1) - row;
        t.a = w.a + row * w.a_row + p * w.a_column;
        if (copy_a) {
            const int64_t at = (i - from) % A_TILES;
            if (at == 0) copy_tiles(w, i, smaller(i + A_TILES, to), p, depth, copy);
            t.a = copy + at * depth * A_WIDTH<T>;
        }
        for (int q = 0; q < count; ++q)
            run(w, t, panels[q], row, rows, p > 0 || w.add, p + depth == w.k, scratch);
    }
}

// The tiles [from, to) of the panels [left, right).
template <class T>
void rectangle(const Work<T>& w, int64_t from, int64_t to, int64_t left, int64_t right,
               T* scratch) {
    if (w.by_dots) return panels_by_dots(w, left, right);
    if (w.by_rows) return one_row(w, left * w.width, smaller(right * w.width, w.n));
    const int64_t blocks = w.k > DEPTH ? parts_of(w.k, DEPTH) : 1;
    const int64_t depth = blocks > 1 ? parts_of(w.k, blocks) : w.k;
    const int64_t end = smaller(right * w.width, w.n);
    int64_t at_once = 1;
    if (right - left > 1)
        at_once = smaller(PANELS_BYTES / (w.width * (depth + 1) * SIZE<T>), MOST_PANELS);
    at_once = (at_once > 0 ? at_once : 1) * w.width;
    for (int64_t i = 0; i < blocks; ++i)
        for (int64_t j = left * w.width, p = i * depth; j < end; j += at_once)
            block(w, from, to, j, smaller(j + at_once, end), p, smaller(depth, w.k - p), scratch);
}

// The part [begin, end) is at most a few rectangles of tiles for each matrix.
template <class T>
void product_of(const Product& product, int64_t begin, int64_t end, T* scratch) {
    Work<T> w = work_of<T>(product);
    if (w.bias && w.bias_column == 0) {
        for (int v = 0; v < WIDEST; ++v)
            store(scratch + BIAS<T> + v * WIDTH<T>, splat(*w.bias));
        w.bias = scratch + BIAS<T>;
    }
    int64_t tile = 0, panel = 0;
    if (begin > 0) {
        tile = begin % w.tiles, panel = begin / w.tiles;
        w.next(panel / w.panels);
        panel %= w.panels;
    }
    for (int64_t units = end - begin; units > 0;) {
        const int64_t tiles = smaller(w.tiles - tile, units);
        int64_t panels = 1;
        if (tiles == w.tiles && units > tiles) panels = smaller(w.panels - panel, units / tiles);
        rectangle(w, tile, tile + tiles, panel, panel + panels, scratch);
        units -= tiles * panels;
        tile = 0, panel += panels;
        if (panel == w.panels) panel = 0, w.next(1);
    }
}

template <class T> int64_t units_of(const Product& p) {
    const Work<T> w = work_of<T>(p);
    return p.batch * w.panels * w.tiles;
}

int64_t product_units(const Product& p) {
    return p.dtype == DType::float64 ? units_of<double>(p) : units_of<float>(p);
}

void product(const Product& p, int64_t begin, int64_t end, char* scratch) {
    if (p.dtype == DType::float64) product_of(p, begin, end, reinterpret_cast<double*>(scratch));
    else product_of(p, begin, end, reinterpret_cast<float*>(scratch));
}

}  // namespace

void enter_product(Kernels& kernels) {
    kernels.product_units = product_units;
    kernels.product = product;
}

}  // namespace sheer::SHEER_ISA
