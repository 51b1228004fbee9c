// Random numbers from a counter, and the order of random words.

#include "kernels.h"
#include "vector.h"

namespace sheer::SHEER_ISA {

namespace {

struct Words {
    uint32_t a, b;
};

SHEER_INLINE uint32_t rotate(uint32_t x, int bits) { return (x << bits) | (x >> (32 - bits)); }

// Four rounds, and the next keys.
template <int GROUP> SHEER_INLINE void mix(Words& w, const uint32_t (&keys)[3]) {
    constexpr int even[] = {13, 15, 26, 6}, odd[] = {17, 29, 16, 24};
    for (int round = 0; round < 4; round++) {
        w.a += w.b;
        w.b = rotate(w.b, GROUP % 2 ? odd[round] : even[round]) ^ w.a;
    }
    w.a += keys[(GROUP + 1) % 3];
    w.b += keys[(GROUP + 2) % 3] + GROUP + 1;
}

// Threefry-2x32 with 20 rounds of the counter (`counter`, 0).
SHEER_INLINE Words threefry(const uint32_t (&keys)[3], uint32_t counter) {
    Words w = {counter + keys[0], keys[1]};
    mix<0>(w, keys);
    mix<1>(w, keys);
    mix<2>(w, keys);
    mix<3>(w, keys);
    mix<4>(w, keys);
    return w;
}

// Exact, as the conversions are of less than 32 bits.
SHEER_INLINE float fraction(uint32_t word) {
    return static_cast<float>(static_cast<int32_t>(word >> 8)) * 0x1p-24f;
}

SHEER_INLINE double fraction(uint32_t high, uint32_t low) {
    return static_cast<double>(static_cast<int32_t>(high >> 5)) * 0x1p-27 +
           static_cast<double>(static_cast<int32_t>(low >> 6)) * 0x1p-53;
}

// Both words of a counter, half of y apart; an odd count lacks the last one.
template <class T, class F>
SHEER_INLINE void draw_pairs(const uint32_t (&keys)[3], int64_t count, T* y, int64_t begin,
                             int64_t end, F number) {
    const int64_t half = (count + 1) / 2;
    T* __restrict a = y;
    T* __restrict b = y + half;
    const int64_t whole = end < count - half ? end : count - half;
    for (int64_t i = begin; i < whole; i++) {
        const Words words = threefry(keys, static_cast<uint32_t>(i));
        a[i] = number(words.a);
        b[i] = number(words.b);
    }
    for (int64_t i = whole < begin ? begin : whole; i < end; i++)
        a[i] = number(threefry(keys, static_cast<uint32_t>(i)).a);
}

void random(const Random& r, int64_t begin, int64_t end, char*) {
    uint32_t keys[3];
    memcpy(keys, r.key, 8);
    keys[2] = keys[0] ^ keys[1] ^ 0x1BD11BDA;
    switch (r.draw) {
        case Draw::words:
            return draw_pairs(keys, r.count, reinterpret_cast<uint32_t*>(r.y), begin, end,
                              [](uint32_t word) { return word; });
        case Draw::fractions32:
            return draw_pairs(keys, r.count, reinterpret_cast<float*>(r.y), begin, end,
                              [](uint32_t word) { return fraction(word); });
        case Draw::fractions64:
            double* y = reinterpret_cast<double*>(r.y);
            for (int64_t i = begin; i < end; i++) {
                const Words words = threefry(keys, static_cast<uint32_t>(i));
                y[i] = fraction(words.a, words.b);
            }
    }
}

constexpr int DIGIT_BITS = 11, DIGITS = 3;
constexpr int64_t VALUES = int64_t(1) << DIGIT_BITS;

SHEER_INLINE uint64_t digit_of(uint64_t word, int digit) {
    return word >> (digit * DIGIT_BITS) & (VALUES - 1);
}

// Three passes over pairs in one number: the word above its place. The last one leaves the places.
void order(const Order& o, int64_t, int64_t, char* scratch) {
    const auto* words = reinterpret_cast<const uint32_t*>(o.words);
    auto *first = reinterpret_cast<uint64_t*>(o.other), *second = first + o.count;
    auto* places = reinterpret_cast<int64_t*>(o.order);
    auto* next = reinterpret_cast<int64_t(*)[VALUES]>(scratch);  // where the next of a digit goes
    memset(next, 0, sizeof *next * DIGITS);
    for (int64_t i = 0; i < o.count; i++)
        for (int d = 0; d < DIGITS; d++) next[d][digit_of(words[i], d)]++;
    for (int d = 0; d < DIGITS; d++) {
        int64_t sum = 0;
        for (int64_t v = 0; v < VALUES; v++) {
            const int64_t count = next[d][v];
            next[d][v] = sum;
            sum += count;
        }
    }
    for (int64_t i = 0; i < o.count; i++) {
        const uint64_t word = words[i];
        first[next[0][digit_of(word, 0)]++] = word << 32 | static_cast<uint64_t>(i);
    }
    for (int64_t i = 0; i < o.count; i++)
        second[next[1][digit_of(first[i] >> 32, 1)]++] = first[i];
    for (int64_t i = 0; i < o.count; i++)
        places[next[2][digit_of(second[i] >> 32, 2)]++] = second[i] & UINT32_MAX;
}

}  // namespace

void enter_random(Kernels& kernels) {
    kernels.random = random;
    kernels.order = order;
}

}  // namespace sheer::SHEER_ISA
