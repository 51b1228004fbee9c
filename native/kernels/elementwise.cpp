// Elementwise kernels: an operation on vectors for each instruction, and conversions of dtype.

#include "compute.h"
#include "kernels.h"
#include "math.h"
#include "vector.h"

namespace sheer::SHEER_ISA {

// --- operations ----------------------------------------------------------------------------------

template <class T> constexpr T INFINITE = T(__builtin_inff());

// 1 where the mask is set, else 0.
template <class T> SHEER_INLINE Vector<T> truth(Bits<T> mask) {
    return choose(mask, splat<T>(1), splat<T>(0));
}

template <class T> SHEER_INLINE Vector<T> sign_of(Vector<T> a) {
    // the last choice is 0 or NaN; the sum makes -0 a 0
    return choose(a > 0, splat<T>(1), choose(a < 0, splat<T>(-1), a + T(0)));
}

SHEER_INLINE float fmod_one(float a, float b) { return __builtin_fmodf(a, b); }
SHEER_INLINE double fmod_one(double a, double b) { return __builtin_fmod(a, b); }
SHEER_INLINE float floor_one(float a) { return __builtin_floorf(a); }
SHEER_INLINE double floor_one(double a) { return __builtin_floor(a); }
SHEER_INLINE float copy_sign(float a, float b) { return __builtin_copysignf(a, b); }
SHEER_INLINE double copy_sign(double a, double b) { return __builtin_copysign(a, b); }

// The remainder of a / b, with the sign of b.
template <class T> SHEER_INLINE T mod_one(T a, T b) {
    T rest = fmod_one(a, b);
    if (b == 0) return rest;
    if (rest == 0) return copy_sign(T(0), b);
    return (b < 0) != (rest < 0) ? rest + b : rest;
}

SHEER_INLINE int64_t mod_one(int64_t a, int64_t b) {
    if (b == 0 || b == -1) return 0;
    int64_t rest = a % b;
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
}

// The integer below a / b.
template <class T> SHEER_INLINE T floor_divide_one(T a, T b) {
    if (b == 0) return a / b;
    T rest = fmod_one(a, b);
    T quotient = (a - rest) / b;  // a whole number, but for rounding
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return copy_sign(T(0), a / b);
    T below = floor_one(quotient);
    return quotient - below > T(0.5) ? below + 1 : below;
}

SHEER_INLINE int64_t floor_divide_one(int64_t a, int64_t b) {
    if (b == 0) return 0;
    if (b == -1) return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

template <class T> SHEER_INLINE Vector<T> mod_of(Vector<T> a, Vector<T> b) {
    for (int i = 0; i < WIDTH<T>; ++i) a[i] = mod_one(a[i], b[i]);
    return a;
}

template <class T> SHEER_INLINE Vector<T> floor_divide_of(Vector<T> a, Vector<T> b) {
    for (int i = 0; i < WIDTH<T>; ++i) a[i] = floor_divide_one(a[i], b[i]);
    return a;
}

SHEER_OPERATION(Maximum, 2, choose(a != a, a, choose(a > b, a, b)))
SHEER_OPERATION(Minimum, 2, choose(a != a, a, choose(a < b, a, b)))
SHEER_OPERATION(Power, 2, pow_of<T>(a, b))
SHEER_OPERATION(Mod, 2, mod_of<T>(a, b))
SHEER_OPERATION(FloorDivide, 2, floor_divide_of<T>(a, b))
SHEER_OPERATION(Equal, 2, truth<T>(a == b))
SHEER_OPERATION(NotEqual, 2, truth<T>(a != b))
SHEER_OPERATION(Less, 2, truth<T>(a < b))
SHEER_OPERATION(LessEqual, 2, truth<T>(a <= b))
SHEER_OPERATION(And, 2, truth<T>((a != 0) & (b != 0)))
SHEER_OPERATION(Or, 2, truth<T>((a != 0) | (b != 0)))
SHEER_OPERATION(Select, 3, choose(a != 0, b, c))
SHEER_OPERATION(Same, 1, a)
SHEER_OPERATION(Negative, 1, as<Vector<T>>(-raw(a)))
SHEER_OPERATION(Abs, 1, absolute<T>(a))
SHEER_OPERATION(WholeAbs, 1, choose(a < 0, as<Vector<T>>(-raw(a)), a))
SHEER_OPERATION(Sign, 1, sign_of<T>(a))
SHEER_OPERATION(Square, 1, as<Vector<T>>(raw(a) * raw(a)))
SHEER_OPERATION(Floor, 1, floor_of<T>(a))
SHEER_OPERATION(Ceil, 1, ceil_of<T>(a))
SHEER_OPERATION(Rint, 1, rint_of<T>(a))
SHEER_OPERATION(Reciprocal, 1, 1 / a)
SHEER_OPERATION(Exp, 1, exp_of<T>(a))
SHEER_OPERATION(Expm1, 1, expm1_of<T>(a))
SHEER_OPERATION(Log, 1, log_of<T>(a))
SHEER_OPERATION(Log1p, 1, log1p_of<T>(a))
SHEER_OPERATION(Log2, 1, log2_of<T>(a))
SHEER_OPERATION(Log10, 1, log10_of<T>(a))
SHEER_OPERATION(Sin, 1, sin_of<T>(a))
SHEER_OPERATION(Cos, 1, cos_of<T>(a))
SHEER_OPERATION(Tanh, 1, tanh_of<T>(a))
SHEER_OPERATION(Sigmoid, 1, sigmoid_of<T>(a))
SHEER_OPERATION(Erf, 1, erf_of<T>(a))
SHEER_OPERATION(Not, 1, truth<T>(a == 0))
SHEER_OPERATION(IsNan, 1, truth<T>(a != a))
SHEER_OPERATION(IsInf, 1, truth<T>(absolute<T>(a) == INFINITE<T>))
SHEER_OPERATION(IsFinite, 1, truth<T>(absolute<T>(a) < INFINITE<T>))
SHEER_OPERATION(IsItself, 1, truth<T>(a == a))

// --- conversions ---------------------------------------------------------------------------------

template <DType D> struct StoredAs;
template <> struct StoredAs<DType::boolean> { using type = uint8_t; };
template <> struct StoredAs<DType::uint8> { using type = uint8_t; };
template <> struct StoredAs<DType::uint16> { using type = uint16_t; };
template <> struct StoredAs<DType::uint32> { using type = uint32_t; };
template <> struct StoredAs<DType::uint64> { using type = uint64_t; };
template <> struct StoredAs<DType::int8> { using type = int8_t; };
template <> struct StoredAs<DType::int16> { using type = int16_t; };
template <> struct StoredAs<DType::int32> { using type = int32_t; };
template <> struct StoredAs<DType::int64> { using type = int64_t; };
template <> struct StoredAs<DType::float32> { using type = float; };
template <> struct StoredAs<DType::float64> { using type = double; };
template <DType D> using Stored = typename StoredAs<D>::type;

constexpr bool is_float(DType d) { return d == DType::float32 || d == DType::float64; }

// A float cut towards 0; the least integer for NaN and where it is out of range, as on x86.
template <class Int, class T> SHEER_INLINE Int cut(T x) {
    constexpr T END = sizeof(Int) == 8 ? T(0x1p63) : T(0x1p31);
    return static_cast<Int>(x >= -END && x < END ? x : -END);
}

// The upper half of the unsigned range by way of the lower one.
template <class Int, class Signed, class T> SHEER_INLINE Int cut_unsigned(T x) {
    constexpr Int HIGH = Int(1) << (8 * sizeof(Int) - 1);
    constexpr T END = T(HIGH);
    return static_cast<Int>(cut<Signed>(x >= END ? x - END : x)) ^ (x >= END ? HIGH : 0);
}

template <DType TO, DType FROM> SHEER_INLINE Stored<TO> cast(Stored<FROM> x) {
    using To = Stored<TO>;
    if constexpr (TO == DType::boolean) return x != 0;
    else if constexpr (FROM == DType::boolean) return static_cast<To>(x != 0);
    else if constexpr (!is_float(FROM) || is_float(TO)) return static_cast<To>(x);
    else if constexpr (TO == DType::uint32) return cut_unsigned<uint32_t, int32_t>(x);
    else if constexpr (TO == DType::uint64) return cut_unsigned<uint64_t, int64_t>(x);
    else if constexpr (TO == DType::int64) return cut<int64_t>(x);
    else return static_cast<To>(cut<int32_t>(x));
}

// A Compute. The compiler makes vectors of it.
template <DType TO, DType FROM>
void cast_all(void* d, const void* a, const void*, const void*, int64_t n) {
    struct __attribute__((packed, may_alias)) Out { Stored<TO> value; };
    struct __attribute__((packed, may_alias)) In { Stored<FROM> value; };
    Out* to = static_cast<Out*>(d);
    const In* from = static_cast<const In*>(a);
    for (int64_t i = 0; i < n; ++i) to[i].value = cast<TO, FROM>(from[i].value);
}

// Null where neither dtype is that of a lane: such a conversion goes through int64.
template <int FROM, int TO> constexpr Compute direct() {
    constexpr DType from = static_cast<DType>(FROM), to = static_cast<DType>(TO);
    if constexpr (is_float(from) || is_float(to) || from == DType::int64 || to == DType::int64) {
        return cast_all<to, from>;
    } else {
        return nullptr;
    }
}

#define SHEER_ROW(from)                                                                        \
    {direct<from, 0>(), direct<from, 1>(), direct<from, 2>(), direct<from, 3>(),               \
     direct<from, 4>(), direct<from, 5>(), direct<from, 6>(), direct<from, 7>(),               \
     direct<from, 8>(), direct<from, 9>(), direct<from, 10>()}

static constexpr Compute CASTS[DTYPES][DTYPES] = {
    SHEER_ROW(0), SHEER_ROW(1), SHEER_ROW(2), SHEER_ROW(3), SHEER_ROW(4), SHEER_ROW(5),
    SHEER_ROW(6), SHEER_ROW(7), SHEER_ROW(8), SHEER_ROW(9), SHEER_ROW(10)};

void convert(const Convert& c, int64_t begin, int64_t end, char* scratch) {
    const int from = static_cast<int>(c.from), to = static_cast<int>(c.to);
    const int whole = static_cast<int>(DType::int64);
    const int64_t from_size = size_of(c.from), to_size = size_of(c.to);
    const char* x = c.x + begin * from_size;
    char* y = c.y + begin * to_size;
    if (from == to) {
        memmove(y, x, static_cast<size_t>((end - begin) * from_size));
    } else if (CASTS[from][to]) {
        CASTS[from][to](y, x, nullptr, nullptr, end - begin);
    } else {
        for (int64_t left = end - begin; left > 0; left -= BLOCK) {
            int64_t n = left < BLOCK ? left : BLOCK;
            CASTS[from][whole](scratch, x, nullptr, nullptr, n);
            CASTS[whole][to](y, scratch, nullptr, nullptr, n);
            x += n * from_size;
            y += n * to_size;
        }
    }
}

// --- the table -----------------------------------------------------------------------------------

template <class F, class T> static void enter(Computes& computes) {
    computes.of[0] = compute<F, T, 0>;
    if constexpr (F::OPERANDS == 2) {
        computes.of[1] = compute<F, T, 1>;
        computes.of[2] = compute<F, T, 2>;
    } else if constexpr (F::OPERANDS == 3) {
        computes.of[2] = compute<F, T, 2>;
        computes.of[4] = compute<F, T, 4>;
        computes.of[6] = compute<F, T, 6>;
    }
}

static Computes& entry(Kernels& kernels, Instruction instruction, Lane lane) {
    return kernels.compute[static_cast<int>(instruction)][static_cast<int>(lane)];
}

template <class F> static void enter_floats(Kernels& kernels, Instruction instruction) {
    enter<F, float>(entry(kernels, instruction, Lane::f32));
    enter<F, double>(entry(kernels, instruction, Lane::f64));
}

template <class F> static void enter_whole(Kernels& kernels, Instruction instruction) {
    enter<F, int64_t>(entry(kernels, instruction, Lane::i64));
}

template <class F> static void enter_all(Kernels& kernels, Instruction instruction) {
    enter_floats<F>(kernels, instruction);
    enter_whole<F>(kernels, instruction);
}

static void enter_casts(Kernels& kernels) {
    constexpr DType lanes[LANES] = {DType::float32, DType::float64, DType::int64};
    for (int dtype = 0; dtype < DTYPES; ++dtype) {
        if (static_cast<DType>(dtype) == DType::uint64) continue;
        for (int lane = 0; lane < LANES; ++lane) {
            kernels.load[dtype][lane] = CASTS[dtype][static_cast<int>(lanes[lane])];
            kernels.store[lane][dtype] = CASTS[static_cast<int>(lanes[lane])][dtype];
        }
    }
}

void enter_elementwise(Kernels& kernels) {
    using I = Instruction;
    enter_all<Add>(kernels, I::add);
    enter_all<Subtract>(kernels, I::subtract);
    enter_all<Multiply>(kernels, I::multiply);
    enter_floats<Divide>(kernels, I::divide);
    enter_all<Maximum>(kernels, I::maximum);
    enter_all<Minimum>(kernels, I::minimum);
    enter_floats<Power>(kernels, I::power);
    enter_all<Mod>(kernels, I::mod);
    enter_all<FloorDivide>(kernels, I::floor_divide);
    enter_all<Equal>(kernels, I::equal);
    enter_all<NotEqual>(kernels, I::not_equal);
    enter_all<Less>(kernels, I::less);
    enter_all<LessEqual>(kernels, I::less_equal);
    enter_all<And>(kernels, I::logical_and);
    enter_all<Or>(kernels, I::logical_or);
    enter_all<Select>(kernels, I::select);
    enter_all<Same>(kernels, I::copy);
    enter_all<Negative>(kernels, I::negative);
    enter_floats<Abs>(kernels, I::abs);
    enter_whole<WholeAbs>(kernels, I::abs);
    enter_all<Sign>(kernels, I::sign);
    enter_all<Square>(kernels, I::square);
    enter_floats<Sqrt>(kernels, I::sqrt);
    enter_floats<Floor>(kernels, I::floor);
    enter_floats<Ceil>(kernels, I::ceil);
    enter_floats<Rint>(kernels, I::rint);
    enter_floats<Reciprocal>(kernels, I::reciprocal);
    enter_floats<Exp>(kernels, I::exp);
    enter_floats<Expm1>(kernels, I::expm1);
    enter_floats<Log>(kernels, I::log);
    enter_floats<Log1p>(kernels, I::log1p);
    enter_floats<Log2>(kernels, I::log2);
    enter_floats<Log10>(kernels, I::log10);
    enter_floats<Sin>(kernels, I::sin);
    enter_floats<Cos>(kernels, I::cos);
    enter_floats<Tanh>(kernels, I::tanh);
    enter_floats<Sigmoid>(kernels, I::sigmoid);
    enter_floats<Erf>(kernels, I::erf);
    enter_all<Not>(kernels, I::logical_not);
    enter_all<IsNan>(kernels, I::isnan);
    enter_floats<IsInf>(kernels, I::isinf);
    enter_whole<IsNan>(kernels, I::isinf);
    enter_floats<IsFinite>(kernels, I::isfinite);
    enter_whole<IsItself>(kernels, I::isfinite);

    // copy of one number fills an array
    entry(kernels, I::copy, Lane::f32).of[1] = compute<Same, float, 1>;
    entry(kernels, I::copy, Lane::f64).of[1] = compute<Same, double, 1>;
    entry(kernels, I::copy, Lane::i64).of[1] = compute<Same, int64_t, 1>;

    enter_casts(kernels);
    kernels.convert = convert;
}

}  // namespace sheer::SHEER_ISA
