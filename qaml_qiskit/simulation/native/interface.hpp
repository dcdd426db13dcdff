// What the C interfaces have in common; included by files that are compiled for any machine.
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

// Runs `action` on a null pointer of the wanted precision; 0 on success, 1 without memory.
template <class Action>
int guarded(int is_double, Action action) {
    try {
        if (is_double) action(static_cast<double*>(nullptr));
        else action(static_cast<float*>(nullptr));
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}

}  // namespace
}  // namespace qaml
