// The loop of an elementwise kernel, and the operations that several files use.

#pragma once

#include "kernels.h"
#include "math.h"
#include "vector.h"

namespace sheer::SHEER_ISA {

// --- operations ----------------------------------------------------------------------------------

// As wrapping numbers; floats stay as they are.
SHEER_INLINE f32v raw(f32v a) { return a; }
SHEER_INLINE f64v raw(f64v a) { return a; }
SHEER_INLINE u64v raw(i64v a) { return as<u64v>(a); }

// A struct for each, so that it can be the argument of a template.
#define SHEER_OPERATION(name, operands, formula)                                             \
    struct name {                                                                            \
        static constexpr int OPERANDS = operands;                                            \
        template <class T> SHEER_INLINE Vector<T> of([[maybe_unused]] Vector<T> a,           \
                                                     [[maybe_unused]] Vector<T> b,           \
                                                     [[maybe_unused]] Vector<T> c) {         \
            return formula;                                                                  \
        }                                                                                    \
    };

SHEER_OPERATION(Add, 2, as<Vector<T>>(raw(a) + raw(b)))
SHEER_OPERATION(Subtract, 2, as<Vector<T>>(raw(a) - raw(b)))
SHEER_OPERATION(Multiply, 2, as<Vector<T>>(raw(a) * raw(b)))
SHEER_OPERATION(Divide, 2, a / b)
SHEER_OPERATION(Sqrt, 1, sqrt_of<T>(a))

// --- the loop ------------------------------------------------------------------------------------

template <class T, bool NUMBER> SHEER_INLINE Vector<T> number_at(const void* from) {
    T number{};
    if constexpr (NUMBER) memcpy(&number, from, sizeof number);
    return splat<T>(number);
}

// `count` elements of an array from the i-th on, or else the number.
template <class T, bool ARRAY>
SHEER_INLINE Vector<T> operand(const void* from, Vector<T> number, int64_t i, int64_t count) {
    if constexpr (!ARRAY) return number;
    const T* at = static_cast<const T*>(from) + i;
    return count < WIDTH<T> ? load_part<T>(at, count) : load<T>(at);
}

// A Compute; NUMBERS has a bit for each operand that is one number for all. The last elements, less
// than a vector, take the same path, so that the code of an operation is there once.
template <class F, class T, int NUMBERS>
void compute(void* d, const void* a, const void* b, const void* c, int64_t n) {
    constexpr bool A = NUMBERS & 1, B = NUMBERS & 2, C = NUMBERS & 4;
    constexpr bool TAKES_B = F::OPERANDS > 1, TAKES_C = F::OPERANDS > 2;
    const Vector<T> a_number = number_at<T, A>(a), b_number = number_at<T, B>(b),
                    c_number = number_at<T, C>(c);
    T* to = static_cast<T*>(d);
    for (int64_t i = 0; i < n; i += WIDTH<T>) {
        int64_t count = n - i;
        Vector<T> v = F::template of<T>(operand<T, !A>(a, a_number, i, count),
                                        operand<T, TAKES_B && !B>(b, b_number, i, count),
                                        operand<T, TAKES_C && !C>(c, c_number, i, count));
        if (count < WIDTH<T>) store_part<T>(to + i, v, count);
        else store<T>(to + i, v);
    }
}

}  // namespace sheer::SHEER_ISA
