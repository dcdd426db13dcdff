// AVX-512, see avx512.cpp.
#include "forms.hpp"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")
#endif

#define QAML_BYTES 64
#define QAML_SPLIT 1

// In this order: each builds on those before it.
#include "vectors.hpp"

#include "forms_products.hpp"

#include "forms_passes.hpp"

namespace qaml {
const FormsInstructionSet kFormsAvx512 = {kFormsFunctions<float>, kFormsFunctions<double>};
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
