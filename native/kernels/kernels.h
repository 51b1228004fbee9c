// The kernels: what each is called with, and the table of those that fit the processor.
//
// A kernel is a pure function of its arguments. It does the part [begin, end) of its units, so that
// a caller can give parts to several threads; the result does not depend on how it was cut, bit for
// bit. Sizes and strides are counted in elements. Kernels allocate nothing: each thread brings
// SCRATCH_BYTES of its own, aligned to 64 bytes.
//
// Each file in this folder is compiled once for each instruction set (SHEER_ISA), in a namespace of
// that name. These files use no templates or inline functions of the C++ library: the linker would
// keep one copy of such a function for all of them, maybe one that this processor cannot run.

#pragma once

#include <cstdint>

namespace sheer {

// In the order of sheer.core.dtypes.DTYPES.
enum class DType : uint8_t {
    boolean, uint8, uint16, uint32, uint64, int8, int16, int32, int64, float32, float64
};
constexpr int DTYPES = 11;

constexpr int64_t size_of(DType dtype) {
    constexpr int64_t sizes[DTYPES] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
    return sizes[static_cast<int>(dtype)];
}

constexpr int MAX_AXES = 8;
constexpr int64_t SCRATCH_BYTES = int64_t(1) << 20;

// Set by a kernel that met an index out of range; the first one stays.
struct Fault {
    int64_t index;
    int64_t size;
    bool met;
};

enum class Activation : uint8_t { none, relu, sigmoid, tanh };

// c = activation(a · b + bias), or c + a · b where it accumulates, for `batch` pairs of matrices.
// a is (m, k), b is (k, n), c is (m, n), row by row: lda, ldb, ldc are the distances of rows. A
// transposed operand is stored as its transpose: a as (k, m), b as (n, k). bias is (n,) or null.
// Each element of c is summed in one order that depends on the shape alone. Units: see
// product_units; float32 and float64.
struct Product {
    DType dtype;
    bool a_transposed, b_transposed, accumulate;
    Activation activation;
    int64_t m, n, k, lda, ldb, ldc;
    int64_t batch, a_stride, b_stride, c_stride;
    const char *a, *b, *bias;
    char* c;
};

enum class Reduction : uint8_t { sum, prod, max, min, any, all, argmax, argmin };

// y[o, i] = reduction over r of x[o, r, i]: x is (outer, count, inner), y (outer, inner), both
// contiguous. sum, prod, max, min: y has the dtype of x (floats and all integers; sums of integers
// wrap); any, all: of any dtype to boolean; argmax, argmin: to int32, the first of equal ones, the
// first NaN if there is one. max and min of NaN are NaN. Sums of floats are taken in blocks, so that
// their error grows with the logarithm of the count, not with the count. Of no numbers the sum is 0,
// the product 1, any false, all true. Units: elements of y; one long sum is given to several threads
// as two calls, first of rows of it, then of their sums.
struct Reduce {
    Reduction reduction;
    DType dtype;
    int64_t outer, count, inner;
    const char* x;
    char* y;
};

// y = softmax of each row of x, or its logarithm; contiguous, float32 and float64; y is not x.
// Units: rows.
struct Softmax {
    DType dtype;
    bool logarithm;
    int64_t rows, columns;
    const char* x;
    char* y;
};

// y[o, c, :] = x[o, index[c], :], converted from one dtype to another as C does. x is (outer, size,
// inner), y (outer, count, inner), contiguous. A negative index counts from the end. Units: pairs
// (o, c), as o * count + c.
struct Take {
    DType from, to, index_dtype;
    int64_t outer, size, count, inner;
    const char *x, *index;
    char* y;
    Fault* fault;
};

// y = 0, then y[o, index[c], :] += x[o, c, :] in the order of c. x is (outer, count, inner), y (outer,
// size, inner). float32, float64. Units: where outer > 1, outer; else columns of inner.
struct ScatterAdd {
    DType dtype, index_dtype;
    int64_t outer, size, count, inner;
    const char *x, *index;
    char* y;
    Fault* fault;
};

// y[o, c, i] = x[o, index[o, c, i], i], x (outer, size, inner), index and y (outer, count, inner), of
// any one dtype. Its opposite: y = 0, then y[o, index[o, c, i], i] += x[o, c, i], with y (outer, size,
// inner) and x like index; float32 and float64. Units: outer.
struct TakeAlong {
    DType dtype, index_dtype;
    bool add;
    int64_t outer, size, count, inner;
    const char *x, *index;
    char* y;
    Fault* fault;
};

// to[...] = from[...] for views of one shape and elements of `bytes` bytes (1, 2, 4 or 8). Strides in
// elements; 0 repeats, negative goes back. Units: indices of the first axis.
struct Copy {
    int64_t bytes;
    int axes;
    int64_t shape[MAX_AXES], from_strides[MAX_AXES], to_strides[MAX_AXES];
    const char* from;
    char* to;
};

enum class Draw : uint8_t { words, fractions32, fractions64 };

// Random numbers from the key (two uint32): the function `threefry` or `fractions` of sheer's
// ops/random.py, bit for bit: `count` words (uint32), or numbers in [0, 1). Units: counters, of
// which each gives one fractions64 or two of the others: see random_units.
struct Random {
    Draw draw;
    int64_t count;
    const char* key;
    char* y;
};

constexpr int64_t random_units(const Random& random) {
    return random.draw == Draw::fractions64 ? random.count : (random.count + 1) / 2;
}

// order = the stable order of `count` uint32 words, as int64: a radix sort. At most 2³² words;
// `other` has room for 2 · count int64. One unit.
struct Order {
    int64_t count;
    const char* words;
    char *order, *other;
};

// y[i] = x[i] in another dtype, as NumPy's astype: a float is cut towards 0, whole numbers wrap, any
// number but 0 is true. Contiguous. Units: elements.
struct Convert {
    DType from, to;
    int64_t count;
    const char* x;
    char* y;
};

// --- elementwise groups: a list of instructions over blocks that fit the first-level cache ---------

constexpr int64_t BLOCK = 1024;  // elements in a register of a group

// The type in which a register holds its numbers. A boolean is 0 or 1 in one of these.
enum class Lane : uint8_t { f32, f64, i64 };
constexpr int LANES = 3;

enum class Instruction : uint8_t {
    // two operands
    add, subtract, multiply, divide, maximum, minimum, power, mod, floor_divide,
    equal, not_equal, less, less_equal, logical_and, logical_or,
    // three: a where it is not 0, b, else c
    select,
    // one
    copy, negative, abs, sign, square, sqrt, floor, ceil, rint, reciprocal,
    exp, expm1, log, log1p, log2, log10, sin, cos, tanh, sigmoid, erf,
    logical_not, isnan, isinf, isfinite,
    COUNT
};

// d[i] = f(a[i], b[i], c[i]) for i in [0, n). Comparisons give 0 or 1 in the lane of their operands.
// Pointers may be unaligned; d may be a, b or c itself.
using Compute = void (*)(void* d, const void* a, const void* b, const void* c, int64_t n);

// A Compute for each combination of operands that are one number for all: bit 0 for a, 1 for b, 2 for
// c. Null where there is none.
struct Computes {
    Compute of[8];
};

// The kernels of one instruction set.
struct Kernels {
    const char* name;

    int64_t (*product_units)(const Product&);
    void (*product)(const Product&, int64_t begin, int64_t end, char* scratch);
    void (*reduce)(const Reduce&, int64_t begin, int64_t end, char* scratch);
    void (*softmax)(const Softmax&, int64_t begin, int64_t end, char* scratch);
    void (*take)(const Take&, int64_t begin, int64_t end, char* scratch);
    void (*scatter_add)(const ScatterAdd&, int64_t begin, int64_t end, char* scratch);
    void (*take_along)(const TakeAlong&, int64_t begin, int64_t end, char* scratch);
    void (*copy)(const Copy&, int64_t begin, int64_t end, char* scratch);
    void (*random)(const Random&, int64_t begin, int64_t end, char* scratch);
    void (*order)(const Order&, int64_t begin, int64_t end, char* scratch);
    void (*convert)(const Convert&, int64_t begin, int64_t end, char* scratch);

    Computes compute[static_cast<int>(Instruction::COUNT)][LANES];
    // d = second(first(a, b), c), or, swapped, second(c, first(a, b)): by first (add, subtract,
    // multiply), second (add, subtract, multiply, divide, sqrt), whether swapped (not where that is the
    // same), and lane (not i64).
    Computes pair[3][5][2][LANES];
    // From a dtype in memory to a lane, and back; null where there is none (uint64).
    Compute load[DTYPES][LANES];
    Compute store[LANES][DTYPES];
};

// Each kernel file enters its own kernels.
#define SHEER_DECLARE_KERNELS(isa)          \
    namespace isa {                         \
    void enter_product(Kernels&);           \
    void enter_reduce(Kernels&);            \
    void enter_softmax(Kernels&);           \
    void enter_take(Kernels&);              \
    void enter_copy(Kernels&);              \
    void enter_random(Kernels&);            \
    void enter_elementwise(Kernels&);       \
    void enter_pairs(Kernels&);             \
    }

SHEER_DECLARE_KERNELS(baseline)
SHEER_DECLARE_KERNELS(avx2)
SHEER_DECLARE_KERNELS(avx512)

}  // namespace sheer
