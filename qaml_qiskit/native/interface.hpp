// What the C interfaces have in common; included by files that are compiled for any machine.
//
// Everything in this folder has internal linkage: every library, and every level in it, has copies of its own.
#pragma once
#include <cstddef>
#include <new>

#if defined(_WIN32)
#define QAML_API extern "C" __declspec(dllexport)
#else
#define QAML_API extern "C" __attribute__((visibility("default")))
#endif

namespace qaml {
namespace {

constexpr std::size_t kPage = 4096;

// Of memory that starts at a page.
struct FreePages {
    void operator()(void* memory) const { ::operator delete(memory, std::align_val_t(kPage)); }
};

// The best level of vector instructions that this machine has: 0 generic, 1 begin_avx2.hpp, 2 begin_avx512.hpp.
inline int best_level() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw"))
        return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
    return 0;
}

// Runs `action`; 0 on success, 1 without memory.
template <class Action>
int guarded(Action action) {
    try {
        action();
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}

// The same with a null pointer of the wanted precision for `action`.
template <class Action>
int guarded(int is_double, Action action) {
    return guarded([&] {
        if (is_double) action(static_cast<double*>(nullptr));
        else action(static_cast<float*>(nullptr));
    });
}

}  // namespace
}  // namespace qaml
