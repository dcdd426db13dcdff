// AVX2 with fused multiply-add, see avx2.cpp.
#include "forms.hpp"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define QAML_BYTES 32
#define QAML_SPLIT 0

// In this order: each builds on those before it.
#include "vectors.hpp"

#include "forms_products.hpp"

#include "forms_passes.hpp"

namespace qaml {
const FormsInstructionSet kFormsAvx2 = {kFormsFunctions<float>, kFormsFunctions<double>};
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
