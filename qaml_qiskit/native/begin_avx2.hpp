// AVX2 with fused multiply-add, for all that comes before end_level.hpp. Levels: see best_level().
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define QAML_BYTES 32
