// Behind what begin_avx2.hpp or begin_avx512.hpp begins.
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
