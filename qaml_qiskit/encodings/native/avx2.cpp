// AVX2 with fused multiply-add.
#include "fit.hpp"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define QAML_BYTES 32

#include "image.hpp"

namespace qaml {
const FitFunction kFitAvx2 = fit_image;
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
