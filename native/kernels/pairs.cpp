// Elementwise kernels of two operations at once, for where the second alone needs the value of the
// first: it stays in a register of the processor.

#include "compute.h"

namespace sheer::SHEER_ISA {

// G(F(a, b), c), or, swapped, G(c, F(a, b)).
template <class F, class G, bool SWAPPED> struct Pair {
    static constexpr int OPERANDS = G::OPERANDS + 1;
    template <class T> SHEER_INLINE Vector<T> of(Vector<T> a, Vector<T> b, Vector<T> c) {
        const Vector<T> value = F::template of<T>(a, b, b);
        return SWAPPED ? G::template of<T>(c, value, c) : G::template of<T>(value, c, c);
    }
};

template <class P, class T> static void enter(Computes& computes) {
    computes.of[0] = compute<P, T, 0>;
    computes.of[1] = compute<P, T, 1>;
    computes.of[2] = compute<P, T, 2>;
    if constexpr (P::OPERANDS == 3) {
        computes.of[4] = compute<P, T, 4>;
        computes.of[5] = compute<P, T, 5>;
        computes.of[6] = compute<P, T, 6>;
    }
}

template <class F, class G, bool SWAPPED>
static void enter_floats(Kernels& kernels, int first, int second) {
    Computes(&lanes)[LANES] = kernels.pair[first][second][SWAPPED];
    enter<Pair<F, G, SWAPPED>, float>(lanes[static_cast<int>(Lane::f32)]);
    enter<Pair<F, G, SWAPPED>, double>(lanes[static_cast<int>(Lane::f64)]);
}

template <class F> static void enter_first(Kernels& kernels, int first) {
    enter_floats<F, Add, false>(kernels, first, 0);
    enter_floats<F, Subtract, false>(kernels, first, 1);
    enter_floats<F, Subtract, true>(kernels, first, 1);
    enter_floats<F, Multiply, false>(kernels, first, 2);
    enter_floats<F, Divide, false>(kernels, first, 3);
    enter_floats<F, Divide, true>(kernels, first, 3);
    enter_floats<F, Sqrt, false>(kernels, first, 4);
}

void enter_pairs(Kernels& kernels) {
    enter_first<Add>(kernels, 0);
    enter_first<Subtract>(kernels, 1);
    enter_first<Multiply>(kernels, 2);
}

}  // namespace sheer::SHEER_ISA
