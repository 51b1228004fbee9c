#include "cpu.h"

#include <cstdlib>
#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#define SHEER_X86 1
#include <cpuid.h>
#endif

namespace sheer {
namespace {

#define SHEER_TABLE(isa)                    \
    const Kernels* isa##_kernels() {        \
        static const Kernels table = [] {   \
            Kernels filled{};               \
            filled.name = #isa;             \
            isa::enter_product(filled);     \
            isa::enter_reduce(filled);      \
            isa::enter_softmax(filled);     \
            isa::enter_take(filled);        \
            isa::enter_copy(filled);        \
            isa::enter_random(filled);      \
            isa::enter_elementwise(filled); \
            isa::enter_pairs(filled);       \
            return filled;                  \
        }();                                \
        return &table;                      \
    }

bool always() { return true; }

#ifdef SHEER_X86

// The processor's own answer: __builtin_cpu_supports needs a library that clang-cl does not link.
struct Processor {
    unsigned ecx1 = 0, ebx7 = 0, saved = 0;

    Processor() {
        unsigned eax, ebx, ecx, edx;
        if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) ecx1 = ecx;
        if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) ebx7 = ebx;
        // The registers that the operating system saves (XCR0), where it lets a program ask.
        if (ecx1 & bit_OSXSAVE) asm volatile("xgetbv" : "=a"(saved), "=d"(edx) : "c"(0));
    }
};

bool has(unsigned word, unsigned bits) { return (word & bits) == bits; }

bool has_avx2() {
    const Processor cpu;
    return has(cpu.saved, 0x06) && has(cpu.ecx1, bit_AVX | bit_FMA) &&
           has(cpu.ebx7, bit_AVX2 | bit_BMI2);
}

bool has_avx512() {
    const Processor cpu;
    return has_avx2() && has(cpu.saved, 0xe6) &&
           has(cpu.ebx7, bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL);
}

SHEER_TABLE(avx512)
SHEER_TABLE(avx2)
#endif
SHEER_TABLE(baseline)

struct InstructionSet {
    const char* name;
    bool (*runs)();
    const Kernels* (*kernels)();
};

// The best first.
constexpr InstructionSet INSTRUCTION_SETS[] = {
#ifdef SHEER_X86
    {"avx512", has_avx512, avx512_kernels},
    {"avx2", has_avx2, avx2_kernels},
#endif
    {"baseline", always, baseline_kernels},
};

const Kernels& best_kernels() {
    for (const InstructionSet& set : INSTRUCTION_SETS)
        if (set.runs()) return *set.kernels();
    return *baseline_kernels();
}

const Kernels& chosen_kernels() {
    const char* name = std::getenv("SHEER_ISA");
    const Kernels* named = name ? kernels_named(name) : nullptr;
    return named ? *named : best_kernels();
}

}  // namespace

const Kernels& kernels() {
    static const Kernels& chosen = chosen_kernels();
    return chosen;
}

const Kernels* kernels_named(const char* name) {
    for (const InstructionSet& set : INSTRUCTION_SETS)
        if (!std::strcmp(set.name, name) && set.runs()) return set.kernels();
    return nullptr;
}

}  // namespace sheer
