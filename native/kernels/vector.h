// Vectors of numbers, in the compiler's own notation (GCC and Clang), as wide as the registers of the
// instruction set that this file is compiled for.

#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#ifndef SHEER_ISA
#error "compile kernels with -DSHEER_ISA=baseline, avx2 or avx512"
#endif

#define SHEER_INLINE static inline __attribute__((always_inline))

namespace sheer::SHEER_ISA {

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX2__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

typedef float f32v __attribute__((vector_size(VECTOR_BYTES)));
typedef double f64v __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t i32v __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t i64v __attribute__((vector_size(VECTOR_BYTES)));

// For a scalar type: its vector, and the vector of whole numbers of the same width, which is also what
// a comparison of two vectors gives (-1 for true, 0 for false).
template <class T> struct VectorOf;
template <> struct VectorOf<float> { using type = f32v; using bits = i32v; };
template <> struct VectorOf<double> { using type = f64v; using bits = i64v; };
template <> struct VectorOf<int32_t> { using type = i32v; using bits = i32v; };
template <> struct VectorOf<int64_t> { using type = i64v; using bits = i64v; };

template <class T> using Vector = typename VectorOf<T>::type;
template <class T> using Bits = typename VectorOf<T>::bits;
template <class T> constexpr int64_t WIDTH = VECTOR_BYTES / static_cast<int64_t>(sizeof(T));

template <class T> SHEER_INLINE Vector<T> load(const T* from) {
    Vector<T> v;
    memcpy(&v, from, sizeof v);
    return v;
}

template <class T> SHEER_INLINE void store(T* to, Vector<T> v) { memcpy(to, &v, sizeof v); }

template <class T> SHEER_INLINE Vector<T> splat(T value) { return value - Vector<T>{}; }

// The same bits as another vector type.
template <class To, class From> SHEER_INLINE To as(From v) {
    static_assert(sizeof(To) == sizeof(From), "vectors of one size");
    To to;
    memcpy(&to, &v, sizeof to);
    return to;
}

// load_part: the first `count` elements, and 0 for the others. store_part: nothing beyond the first
// `count`. A memcpy of any length is a call, which is slow for so few bytes.
#if defined(__AVX512F__)

template <class T> SHEER_INLINE Vector<T> load_part(const T* from, int64_t count) {
    const auto mask = static_cast<uint16_t>((1u << count) - 1);
    if constexpr (sizeof(T) == 4) return as<Vector<T>>(_mm512_maskz_loadu_epi32(mask, from));
    else return as<Vector<T>>(_mm512_maskz_loadu_epi64(static_cast<uint8_t>(mask), from));
}

template <class T> SHEER_INLINE void store_part(T* to, Vector<T> v, int64_t count) {
    const auto mask = static_cast<uint16_t>((1u << count) - 1);
    if constexpr (sizeof(T) == 4) _mm512_mask_storeu_epi32(to, mask, as<__m512i>(v));
    else _mm512_mask_storeu_epi64(to, static_cast<uint8_t>(mask), as<__m512i>(v));
}

#elif defined(__AVX2__)

template <class T> SHEER_INLINE __m256i first_lanes(int64_t count) {
    if constexpr (sizeof(T) == 4) {
        const i32v lanes = {0, 1, 2, 3, 4, 5, 6, 7};
        return as<__m256i>(lanes < static_cast<int32_t>(count));
    } else {
        const i64v lanes = {0, 1, 2, 3};
        return as<__m256i>(lanes < count);
    }
}

template <class T> SHEER_INLINE Vector<T> load_part(const T* from, int64_t count) {
    const __m256i mask = first_lanes<T>(count);
    if constexpr (sizeof(T) == 4)
        return as<Vector<T>>(_mm256_maskload_epi32(reinterpret_cast<const int*>(from), mask));
    else
        return as<Vector<T>>(_mm256_maskload_epi64(reinterpret_cast<const long long*>(from), mask));
}

template <class T> SHEER_INLINE void store_part(T* to, Vector<T> v, int64_t count) {
    const __m256i mask = first_lanes<T>(count), bits = as<__m256i>(v);
    if constexpr (sizeof(T) == 4) _mm256_maskstore_epi32(reinterpret_cast<int*>(to), mask, bits);
    else _mm256_maskstore_epi64(reinterpret_cast<long long*>(to), mask, bits);
}

#else

template <class T> SHEER_INLINE Vector<T> load_part(const T* from, int64_t count) {
    Vector<T> v{};
    for (int64_t i = 0; i < WIDTH<T>; i++) {
        T element{};
        if (i < count) memcpy(&element, from + i, sizeof element);
        v[i] = element;
    }
    return v;
}

template <class T> SHEER_INLINE void store_part(T* to, Vector<T> v, int64_t count) {
    for (int64_t i = 0; i < WIDTH<T>; i++) {
        T element = v[i];
        if (i < count) memcpy(to + i, &element, sizeof element);
    }
}

#endif

// b where the mask is set, else c.
template <class V, class M> SHEER_INLINE V choose(M mask, V b, V c) { return mask ? b : c; }

}  // namespace sheer::SHEER_ISA
