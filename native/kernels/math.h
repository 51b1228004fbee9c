// Functions of vectors of float or double: within 2 units in the last place, also for subnormal
// numbers, infinities and NaN. sin, cos and pow of awkward arguments ask the C library.

#pragma once

#include "vector.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace sheer::SHEER_ISA {

typedef uint32_t u32v __attribute__((vector_size(VECTOR_BYTES)));
typedef uint64_t u64v __attribute__((vector_size(VECTOR_BYTES)));

// How a number is stored, and the coefficients of its approximations, lowest power first: minimax
// polynomials for the ranges given, found by Remez's exchange.
template <class T> struct Real;

template <> struct Real<float> {
    using bits = u32v;
    using word = uint32_t;
    static constexpr int MANTISSA = 23, BIAS = 127;
    static constexpr word SIGN = 0x80000000, ONE = 0x3f800000, SQRT_HALF = 0x3f3504f3;
    static constexpr float LEAST_NORMAL = 0x1p-126f;
    // Added to a number that is not large, it leaves the nearest integer in the last bits.
    static constexpr float ROUNDER = 0x1.8p23f;

    // ln 2 in two parts; a small integer times the first is exact.
    static constexpr float LOG2_E = 0x1.715476p0f, LN2 = 0x1.62e4p-1f, LN2_LOW = 0x1.7f7d1cp-20f;
    // Beyond these exp is infinite, 0; expm1 is -1; tanh is 1. Below TINY expm1(x) is x.
    static constexpr float EXP_MOST = 89, EXP_LEAST = -104, EXPM1_LEAST = -20, TANH_MOST = 10;
    static constexpr float TINY = 0x1p-26f;
    // (eʳ − 1 − r) / r² for |r| ≤ ln 2 / 2
    static constexpr float EXP[] = {0.5f, 0x1.5554aap-3f, 0x1.5554c0p-5f, 0x1.122b9ap-7f,
                                    0x1.6d9592p-10f};
    // (tanh(x) / x − 1) / x² in x², for |x| ≤ TANH_SPLIT
    static constexpr float TANH_SPLIT = 0.6f;
    static constexpr float TANH[] = {-0x1.55553ep-2f, 0x1.1109bap-3f, -0x1.b89a06p-5f,
                                     0x1.54bebcp-6f, -0x1.827034p-8f};
    // (ln((1 + s) / (1 − s)) / s − 2) / s² in s², for (1 + s) / (1 − s) between √½ and √2
    static constexpr float LOG[] = {0x1.55557ap-1f, 0x1.995ed0p-2f, 0x1.31e1dap-2f};
    // 1 / ln 2, 1 / ln 10 and log10 2 in two parts, the first with few bits
    static constexpr float INV_LN2 = 0x1.716p0f, INV_LN2_LOW = -0x1.7135a8p-13f;
    static constexpr float INV_LN10 = 0x1.bccp-2f, INV_LN10_LOW = -0x1.09d5b2p-15f;
    static constexpr float LOG10_2 = 0x1.3442p-2f, LOG10_2_LOW = -0x1.95ec10p-19f;
    static constexpr word HIGH_BITS = 0xfffff000;
    // erf(x) / x − 1 in x² up to ERF_SPLIT; from there to ERF_MOST −ln(1 − erf(x)); then erf is 1
    static constexpr float ERF_SPLIT = 0.9f, ERF_MOST = 4;
    static constexpr float ERF[] = {0x1.06eba6p-3f,  -0x1.8126ecp-2f, 0x1.ce1b86p-4f,
                                    -0x1.b69b96p-6f, 0x1.479c9ep-8f,  -0x1.3ba9cep-11f};
    static constexpr float ERFC[] = {0x1.5d11c4p-13f, 0x1.20b752p0f,    0x1.4621bap-1f,
                                     0x1.aa7320p-4f,  -0x1.6d9cc8p-6f, 0x1.91cc82p-9f,
                                     -0x1.9fb104p-13f};
};

template <> struct Real<double> {
    using bits = u64v;
    using word = uint64_t;
    static constexpr int MANTISSA = 52, BIAS = 1023;
    static constexpr word SIGN = 0x8000000000000000, ONE = 0x3ff0000000000000,
                          SQRT_HALF = 0x3fe6a09e667f3bcd;
    static constexpr double LEAST_NORMAL = 0x1p-1022, ROUNDER = 0x1.8p52;

    static constexpr double LOG2_E = 0x1.71547652b82fep0, LN2 = 0x1.62e42ffp-1,
                            LN2_LOW = -0x1.718432a1b0e26p-35;
    static constexpr double EXP_MOST = 710, EXP_LEAST = -746, EXPM1_LEAST = -40, TANH_MOST = 20;
    static constexpr double TINY = 0x1p-55;
    static constexpr double EXP[] = {
        0.5,                   0x1.5555555555559p-3,  0x1.5555555555556p-5,
        0x1.111111110f611p-7,  0x1.6c16c16c16133p-10, 0x1.a01a01b0331f2p-13,
        0x1.a01a01a752c4bp-16, 0x1.71ddf76fc490cp-19, 0x1.27e4da9ce25dbp-22,
        0x1.af607959f0956p-26, 0x1.1f7384528126ep-29};
    static constexpr double TANH_SPLIT = 0.6;
    static constexpr double TANH[] = {
        -0x1.5555555555534p-2,  0x1.111111110e4fap-3,  -0x1.ba1ba1b79facep-5,
        0x1.664f47f4d10f1p-6,   -0x1.226e230067da0p-7, 0x1.d6d0d2bf3aa47p-9,
        -0x1.7d7a52a3dab2dp-10, 0x1.33de0d530b075p-11, -0x1.e34499bfcf9a2p-13,
        0x1.4cdee2b79c20dp-14,  -0x1.209c177ef0ee7p-16};
    static constexpr double LOG[] = {
        0x1.5555555555590p-1, 0x1.999999998069dp-2, 0x1.2492494190fcdp-2, 0x1.c71c52472c919p-3,
        0x1.746634af5543dp-3, 0x1.39a2914718e74p-3, 0x1.2efe82bd08c57p-3};
    static constexpr double INV_LN2 = 0x1.71547652p0, INV_LN2_LOW = 0x1.705fc2eefa200p-33;
    static constexpr double INV_LN10 = 0x1.bcb7b152p-2, INV_LN10_LOW = 0x1.b9438ca9aadd5p-36;
    static constexpr double LOG10_2 = 0x1.3441350ap-2, LOG10_2_LOW = -0x1.0c0219dc1da99p-39;
    static constexpr word HIGH_BITS = 0xffffffff00000000;
    static constexpr double ERF_SPLIT = 1, ERF_MOST = 6;
    static constexpr double ERF[] = {
        0x1.06eba8214db69p-3,   -0x1.812746b037a25p-2, 0x1.ce2f21a0458d7p-4,
        -0x1.b82ce31354c4fp-6,  0x1.565bcd2c6a111p-8,  -0x1.c02db937229c6p-11,
        0x1.f9a3ba2e7ae8bp-14,  -0x1.f4dd0a6b3e842p-17, 0x1.ba6acc9c4819fp-20,
        -0x1.63a36f4110769p-23, 0x1.139b9bec50060p-26, -0x1.c83f8bf53b6d2p-30,
        0x1.41247c42dc113p-33};
    static constexpr double ERFC[] = {
        0x1.de2094bd85ad6p-26,  0x1.20dd70cb430dep0,    0x1.45f3272e94735p-1,
        0x1.a4f301aa35143p-4,   -0x1.3964cc66e8290p-6,  -0x1.a84a955727035p-13,
        0x1.b716092e062f3p-10,  -0x1.219a64732b812p-11, -0x1.7115940a517e4p-16,
        0x1.d0a3ff62011a7p-14,  -0x1.0f9e852f4335dp-14, 0x1.9757a8a1af904p-16,
        -0x1.c742ae6f1d2e0p-18, 0x1.8a8112468c19dp-20,  -0x1.0a6c37327838bp-22,
        0x1.1487e198454e3p-25,  -0x1.ab252578811f2p-29, 0x1.cee55c43f5abcp-33,
        -0x1.3a1b0db71070bp-37, 0x1.919d140a3e983p-43};
    // (sin(r) / r − 1) / r² and (cos(r) − 1 + r²/2) / r⁴ in r², for |r| ≤ π/4
    static constexpr double SIN[] = {
        -0x1.5555555555549p-3, 0x1.111111110f897p-7,   -0x1.a01a019c1361ep-13,
        0x1.71de3578501a6p-19, -0x1.ae5e662fe893cp-26, 0x1.5d92e1a7441a2p-33};
    static constexpr double COS[] = {
        0x1.555555555554bp-5,   -0x1.6c16c16c1500fp-10, 0x1.a01a019c8e1dcp-16,
        -0x1.27e4f7f0928ffp-22, 0x1.1ee9dafe00332p-29,  -0x1.8fa60888aa43bp-37};
};

template <class T> SHEER_INLINE auto bits_of(Vector<T> x) { return as<typename Real<T>::bits>(x); }

template <class T> SHEER_INLINE Vector<T> absolute(Vector<T> x) {
    return as<Vector<T>>(bits_of<T>(x) & ~Real<T>::SIGN);
}

// x, not negative, with the sign of y.
template <class T> SHEER_INLINE Vector<T> with_sign(Vector<T> x, Vector<T> y) {
    return as<Vector<T>>(bits_of<T>(x) | (bits_of<T>(y) & Real<T>::SIGN));
}

// mul_add: a · b + c, rounded once where the processor can. Compilers also make these instructions of
// loops over elements, but not reliably: polynomials became several times slower.
#if defined(__AVX512F__)
SHEER_INLINE f32v mul_add(f32v a, f32v b, f32v c) { return _mm512_fmadd_ps(a, b, c); }
SHEER_INLINE f64v mul_add(f64v a, f64v b, f64v c) { return _mm512_fmadd_pd(a, b, c); }
SHEER_INLINE f32v root(f32v a) { return _mm512_mask_sqrt_ps(a, 0xffff, a); }
SHEER_INLINE f64v root(f64v a) { return _mm512_mask_sqrt_pd(a, 0xff, a); }
#elif defined(__AVX2__)
SHEER_INLINE f32v mul_add(f32v a, f32v b, f32v c) { return _mm256_fmadd_ps(a, b, c); }
SHEER_INLINE f64v mul_add(f64v a, f64v b, f64v c) { return _mm256_fmadd_pd(a, b, c); }
SHEER_INLINE f32v root(f32v a) { return _mm256_sqrt_ps(a); }
SHEER_INLINE f64v root(f64v a) { return _mm256_sqrt_pd(a); }
#else
SHEER_INLINE f32v mul_add(f32v a, f32v b, f32v c) { return a * b + c; }
SHEER_INLINE f64v mul_add(f64v a, f64v b, f64v c) { return a * b + c; }
#if defined(__SSE2__)
SHEER_INLINE f32v root(f32v a) { return _mm_sqrt_ps(a); }
SHEER_INLINE f64v root(f64v a) { return _mm_sqrt_pd(a); }
#else
SHEER_INLINE f32v root(f32v a) {
    for (int i = 0; i < WIDTH<float>; ++i) a[i] = __builtin_sqrtf(a[i]);
    return a;
}
SHEER_INLINE f64v root(f64v a) {
    for (int i = 0; i < WIDTH<double>; ++i) a[i] = __builtin_sqrt(a[i]);
    return a;
}
#endif
#endif

// c[I] + c[I + STEP]·x + c[I + 2·STEP]·x² + ...
template <class T, int N, int I = 0, int STEP = 1>
SHEER_INLINE Vector<T> polynomial(const T (&c)[N], Vector<T> x) {
    if constexpr (I + STEP >= N) {
        return splat<T>(c[I]);
    } else if constexpr (STEP == 1 && N - I > 8) {
        // two of half the length, to be computed side by side
        Vector<T> square = x * x;
        return mul_add(polynomial<T, N, I + 1, 2>(c, square), x,
                          polynomial<T, N, I, 2>(c, square));
    } else {
        return mul_add(polynomial<T, N, I + STEP, STEP>(c, x), x, splat<T>(c[I]));
    }
}

template <class T> SHEER_INLINE Vector<T> sqrt_of(Vector<T> x) { return root(x); }

// The nearest integer, the even one of two; a number too large for a fraction stays, as NaN does.
template <class T> SHEER_INLINE Vector<T> rint_of(Vector<T> x) {
    constexpr T ONES = T(typename Real<T>::word(1) << Real<T>::MANTISSA);
    Vector<T> size = absolute<T>(x);
    return choose(size < ONES, with_sign<T>((size + ONES) - ONES, x), x);
}

template <class T> SHEER_INLINE Vector<T> floor_of(Vector<T> x) {
    Vector<T> near = rint_of<T>(x);
    return choose(near > x, near - T(1), near);
}

template <class T> SHEER_INLINE Vector<T> ceil_of(Vector<T> x) { return -floor_of<T>(-x); }

// 2ⁿ for an n that has a normal number; n is unsigned and may have wrapped.
template <class T> SHEER_INLINE Vector<T> power_of_two(typename Real<T>::bits n) {
    return as<Vector<T>>((n + Real<T>::BIAS) << Real<T>::MANTISSA);
}

// x = n · ln 2 + r + low, with |r| at most ln 2 / 2.
template <class T> struct ExpParts {
    typename Real<T>::bits n;
    Vector<T> r, low;
};

template <class T> SHEER_INLINE ExpParts<T> split_exp(Vector<T> x) {
    using R = Real<T>;
    Vector<T> rounder = splat<T>(R::ROUNDER);
    Vector<T> shifted = mul_add(x, splat<T>(R::LOG2_E), rounder);
    Vector<T> n = shifted - rounder;
    Vector<T> high = mul_add(n, splat<T>(-R::LN2), x);
    Vector<T> r = mul_add(n, splat<T>(-R::LN2_LOW), high);
    Vector<T> low = mul_add(n, splat<T>(-R::LN2_LOW), high - r);
    return {bits_of<T>(shifted) - bits_of<T>(rounder), r, low};
}

// eˣ = y · 2ⁿ, with y between √½ and √2.
template <class T> struct ExpScaled {
    typename Real<T>::bits n;
    Vector<T> y;
};

template <class T> SHEER_INLINE ExpScaled<T> exp_scaled(Vector<T> x) {
    auto [n, r, low] = split_exp<T>(x);
    Vector<T> tail = mul_add(r * r, polynomial<T>(Real<T>::EXP, r), low);
    return {n, (tail + r) + T(1)};
}

template <class T> SHEER_INLINE Vector<T> exp_of(Vector<T> x) {
    using R = Real<T>;
    x = choose(x > R::EXP_MOST, splat<T>(R::EXP_MOST), x);
    x = choose(x < R::EXP_LEAST, splat<T>(R::EXP_LEAST), x);
    auto [n, y] = exp_scaled<T>(x);
    // 2ⁿ alone may overflow or be subnormal; the product is rounded once, by the second factor
    auto half = ((n + 2 * R::BIAS) >> 1) - R::BIAS;
    return y * power_of_two<T>(half) * power_of_two<T>(n - half);
}

template <class T> SHEER_INLINE Vector<T> expm1_of(Vector<T> x) {
    using R = Real<T>;
    Vector<T> z = choose(x > R::EXP_MOST, splat<T>(R::EXP_MOST), x);
    z = choose(z < R::EXPM1_LEAST, splat<T>(R::EXPM1_LEAST), z);
    auto [n, r, low] = split_exp<T>(z);
    Vector<T> y = r + mul_add(r * r, polynomial<T>(R::EXP, r), low);
    // 2ⁿ·(y + 1) − 1; half of it, for 2ⁿ alone may overflow
    Vector<T> scale = power_of_two<T>(n - 1);
    Vector<T> half = mul_add(scale, y, scale - T(0.5));
    return choose(absolute<T>(x) < R::TINY, x, half + half);
}

template <class T> SHEER_INLINE Vector<T> tanh_of(Vector<T> x) {
    using R = Real<T>;
    Vector<T> size = absolute<T>(x), square = x * x;
    Vector<T> small = mul_add(size * square, polynomial<T>(R::TANH, square), size);
    Vector<T> z = choose(size > R::TANH_MOST, splat<T>(R::TANH_MOST), size);
    auto [n, y] = exp_scaled<T>(z + z);
    Vector<T> large = T(1) - T(2) / mul_add(y, power_of_two<T>(n), splat<T>(1));
    return with_sign<T>(choose(size < R::TANH_SPLIT, small, large), x);
}

template <class T> SHEER_INLINE Vector<T> sigmoid_of(Vector<T> x) {
    Vector<T> e = exp_of<T>(-absolute<T>(x)), sum = e + T(1);
    Vector<T> y = choose(x < 0, e, splat<T>(1)) / sum;
    // what the sum lost by rounding, to first order
    Vector<T> lost = e - (sum - T(1));
    return mul_add(y * lost, choose(x < 0, y - T(1), -y), y);
}

// x = 2ᵉ · (1 + f), with 1 + f between √½ and √2; x is positive and normal.
template <class T> struct LogParts {
    Vector<T> e, f;
};

template <class T> SHEER_INLINE LogParts<T> split_log(Vector<T> x) {
    using R = Real<T>;
    constexpr typename R::word UNIT = typename R::word(1) << R::MANTISSA;
    auto bits = bits_of<T>(x) + (R::ONE - R::SQRT_HALF);
    // the exponent as the last bits of a number, from which the rest is taken away
    Vector<T> e = as<Vector<T>>((bits >> R::MANTISSA) | bits_of<T>(splat<T>(T(UNIT))));
    Vector<T> m = as<Vector<T>>((bits & (UNIT - 1)) + R::SQRT_HALF);
    return {e - T(UNIT + R::BIAS), m - T(1)};
}

// ln(1 + f) = f − (f²/2 − tail), given f²/2.
template <class T> SHEER_INLINE Vector<T> log_tail(Vector<T> f, Vector<T> half_square) {
    Vector<T> s = f / (f + T(2));
    Vector<T> z = s * s;
    return s * mul_add(z, polynomial<T>(Real<T>::LOG, z), half_square);
}

// y, or what the logarithm of x is where x is 0, negative, infinite or NaN.
template <class T> SHEER_INLINE Vector<T> log_or_special(Vector<T> x, Vector<T> y) {
    constexpr T INF = T(__builtin_inff()), NONE = T(__builtin_nanf(""));
    Vector<T> special = choose(x == INF, x, splat<T>(NONE));
    special = choose(x == 0, splat<T>(-INF), special);
    return choose((x > 0) & (x < INF), y, special);
}

// Subnormal numbers are made normal first.
template <class T> SHEER_INLINE LogParts<T> split_log_any(Vector<T> x) {
    using R = Real<T>;
    constexpr T UNIT = T(typename R::word(1) << R::MANTISSA);
    auto small = x < R::LEAST_NORMAL;
    auto [e, f] = split_log<T>(choose(small, x * UNIT, x));
    return {choose(small, e - T(R::MANTISSA), e), f};
}

template <class T> SHEER_INLINE Vector<T> log_of(Vector<T> x) {
    using R = Real<T>;
    auto [e, f] = split_log_any<T>(x);
    Vector<T> half_square = T(0.5) * f * f;
    Vector<T> tail = mul_add(e, splat<T>(R::LN2_LOW), log_tail<T>(f, half_square));
    return log_or_special<T>(x, mul_add(e, splat<T>(R::LN2), f - (half_square - tail)));
}

template <class T> SHEER_INLINE Vector<T> log1p_of(Vector<T> x) {
    using R = Real<T>;
    Vector<T> u = x + T(1);
    Vector<T> lost = choose(x < 1, x - (u - T(1)), T(1) - (u - x));
    auto [e, f] = split_log<T>(u);
    Vector<T> half_square = T(0.5) * f * f;
    Vector<T> tail = mul_add(e, splat<T>(R::LN2_LOW), log_tail<T>(f, half_square) + lost / u);
    Vector<T> y = mul_add(e, splat<T>(R::LN2), f - (half_square - tail));
    return choose(x == 0, x, log_or_special<T>(u, y));
}

// A logarithm to another base: 1 / ln(base) and log(2) to that base, both in two parts.
template <class T>
SHEER_INLINE Vector<T> log_to_base(Vector<T> x, T inv, T inv_low, T two, T two_low) {
    auto [e, f] = split_log_any<T>(x);
    Vector<T> half_square = T(0.5) * f * f;
    Vector<T> tail = log_tail<T>(f, half_square);
    Vector<T> high = as<Vector<T>>(bits_of<T>(f - half_square) & Real<T>::HIGH_BITS);
    Vector<T> low = (f - high) - half_square + tail;
    Vector<T> whole = e * two, part = high * inv, sum = whole + part;
    Vector<T> rest = (whole - sum) + part + ((low + high) * inv_low + low * inv + e * two_low);
    return log_or_special<T>(x, rest + sum);
}

template <class T> SHEER_INLINE Vector<T> log2_of(Vector<T> x) {
    return log_to_base<T>(x, Real<T>::INV_LN2, Real<T>::INV_LN2_LOW, 1, 0);
}

template <class T> SHEER_INLINE Vector<T> log10_of(Vector<T> x) {
    using R = Real<T>;
    return log_to_base<T>(x, R::INV_LN10, R::INV_LN10_LOW, R::LOG10_2, R::LOG10_2_LOW);
}

template <class T> SHEER_INLINE Vector<T> erf_of(Vector<T> x) {
    using R = Real<T>;
    Vector<T> size = absolute<T>(x);
    size = choose(size > R::ERF_MOST, splat<T>(R::ERF_MOST), size);
    Vector<T> small = mul_add(size, polynomial<T>(R::ERF, size * size), size);
    Vector<T> large = T(1) - exp_of<T>(-polynomial<T>(R::ERFC, size));
    return with_sign<T>(choose(size < R::ERF_SPLIT, small, large), x);
}

// True where any element of the mask is set.
template <class M> SHEER_INLINE bool any(M mask) {
    i64v words = as<i64v>(mask);
    int64_t all = 0;
    for (int i = 0; i < WIDTH<int64_t>; ++i) all |= words[i];
    return all != 0;
}

// sin(x + QUARTERS·π/2) for QUARTERS of 0 or 1: x = n·π/2 + r + low, with |r| at most π/4. That is
// exact enough up to |x| of 2²⁰ π/2; the C library does what is beyond.
template <int QUARTERS> SHEER_INLINE f64v sin_or_cos(f64v x) {
    using R = Real<double>;
    // π/2 in three parts; n times the first two is exact
    constexpr double PART_1 = 0x1.921fb544p0, PART_2 = 0x1.0b4611a6p-34,
                     PART_3 = 0x1.3198a2e037073p-69, TWO_OVER_PI = 0x1.45f306dc9c883p-1,
                     MOST = 1.6e6;

    f64v rounder = splat<double>(R::ROUNDER), size = absolute<double>(x);
    f64v shifted = size * TWO_OVER_PI + rounder;
    f64v n = shifted - rounder;
    f64v first = size - n * PART_1, second = n * PART_2;
    f64v high = first - second;
    f64v rest = ((first - high) - second) - n * PART_3;
    f64v r = high + rest, low = (high - r) + rest;

    f64v square = r * r, half = 0.5 * square;
    f64v sine_tail = square * r * polynomial<double>(R::SIN, square);
    f64v sine = r + (sine_tail + (low - half * low));
    f64v most = 1.0 - half;
    f64v cosine_tail = square * square * polynomial<double>(R::COS, square);
    f64v cosine = most + (((1.0 - most) - half) + (cosine_tail - r * low));

    u64v quarter = bits_of<double>(shifted) + QUARTERS;
    f64v y = choose((quarter & 1) != 0, cosine, sine);
    u64v sign = quarter << 62;
    if (QUARTERS == 0) sign ^= bits_of<double>(x);
    y = as<f64v>(bits_of<double>(y) ^ (sign & R::SIGN));
    if (any(size > MOST)) {
        for (int i = 0; i < WIDTH<double>; ++i) {
            if (size[i] > MOST) y[i] = QUARTERS ? __builtin_cos(x[i]) : __builtin_sin(x[i]);
        }
    }
    return y;
}

// A function of floats by way of doubles.
template <f64v F(f64v, f64v)> SHEER_INLINE f32v through_double(f32v x, f32v y) {
    typedef float half __attribute__((vector_size(VECTOR_BYTES / 2)));
    half xs[2], ys[2];
    memcpy(xs, &x, sizeof xs);
    memcpy(ys, &y, sizeof ys);
    for (int i = 0; i < 2; ++i) {
        f64v r = F(__builtin_convertvector(xs[i], f64v), __builtin_convertvector(ys[i], f64v));
        xs[i] = __builtin_convertvector(r, half);
    }
    memcpy(&x, xs, sizeof x);
    return x;
}

SHEER_INLINE f64v sin_of_double(f64v x, f64v) { return sin_or_cos<0>(x); }
SHEER_INLINE f64v cos_of_double(f64v x, f64v) { return sin_or_cos<1>(x); }

template <class T> SHEER_INLINE Vector<T> sin_of(Vector<T> x) {
    if constexpr (sizeof(T) == 8) return sin_of_double(x, x);
    else return through_double<sin_of_double>(x, x);
}

template <class T> SHEER_INLINE Vector<T> cos_of(Vector<T> x) {
    if constexpr (sizeof(T) == 8) return cos_of_double(x, x);
    else return through_double<cos_of_double>(x, x);
}

SHEER_INLINE f64v pow_of_double(f64v x, f64v y) { return exp_of<double>(y * log_of<double>(x)); }

template <class T> SHEER_INLINE Vector<T> pow_of(Vector<T> x, Vector<T> y) {
    if constexpr (sizeof(T) == 8) {
        for (int i = 0; i < WIDTH<T>; ++i) x[i] = __builtin_pow(x[i], y[i]);
        return x;
    } else {
        constexpr T INF = __builtin_inff();
        Vector<T> z = through_double<pow_of_double>(x, y);
        auto plain = (x > 0) & (x < INF) & (absolute<T>(y) < INF);
        if (any(~plain)) {
            for (int i = 0; i < WIDTH<T>; ++i) {
                if (!plain[i]) z[i] = __builtin_powf(x[i], y[i]);
            }
        }
        return z;
    }
}

}  // namespace sheer::SHEER_ISA
