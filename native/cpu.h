// Which kernels this processor can run.

#pragma once

#include "kernels/kernels.h"

namespace sheer {

// The kernels of the best instruction set that this processor has; SHEER_ISA=baseline or avx2 asks
// for less.
const Kernels& kernels();

// The kernels of one instruction set by its name, or null where they are unknown or cannot run.
const Kernels* kernels_named(const char* name);

}  // namespace sheer
