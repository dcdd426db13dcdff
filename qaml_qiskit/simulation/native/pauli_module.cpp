// The C interface of the engine of noisy observables.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "pauli.hpp"

#if defined(_WIN32)
#define QAML_API extern "C" __declspec(dllexport)
#else
#define QAML_API extern "C" __attribute__((visibility("default")))
#endif

namespace {

using namespace qaml;

const PauliInstructionSet& instruction_set(int level) {
#if defined(__x86_64__)
    if (level == 2) return kPauliAvx512;
    if (level == 1) return kPauliAvx2;
#endif
    (void)level;
    return kPauliGeneric;
}

// Where the tiles of a turn start, in numbers.
std::vector<std::int64_t> tiles_of(const QamlPropagation& propagation, const QamlTurn& turn) {
    std::vector<std::int64_t> starts{0};
    for (int place = kRowPlaces; place < propagation.num_places; place++) {
        if (turn.places >> place & 1) continue;
        const std::size_t count = starts.size();
        for (int digit = 1; digit < 4; digit++)
            for (std::size_t i = 0; i < count; i++) starts.push_back(starts[i] + digit * propagation.strides[place]);
    }
    return starts;
}

// Threads take tiles from a counter; tiles do not touch each other, so results do not depend on their number.
template <class T>
void propagate(TurnFunction<T> run, int threads, const QamlPropagation& propagation, const QamlTurn& turn, T* state) {
    const std::vector<std::int64_t> starts = tiles_of(propagation, turn);
    std::atomic<std::size_t> next{0};
    const auto serve = [&] {
        for (std::size_t i = next++; i < starts.size(); i = next++) run(&propagation, &turn, state + starts[i]);
    };
    std::vector<std::thread> team;
    try {
        for (std::size_t k = 1; k < starts.size() && int(k) < threads; k++) team.emplace_back(serve);
    } catch (const std::system_error&) {
        // No more threads to be had: those that run, and this one, do the work.
    }
    serve();
    for (std::thread& member : team) member.join();
}

}  // namespace

// Run a turn on a vector of Pauli coefficients, in place; `state` starts at a multiple of 64 bytes. 0 on success, 1
// without memory.
QAML_API int qaml_propagate(int level, int is_double, int threads, const QamlPropagation* propagation,
                            const QamlTurn* turn, void* state) {
    const PauliInstructionSet& set = instruction_set(level);
    try {
        if (is_double) propagate(set.double_precision, threads, *propagation, *turn, static_cast<double*>(state));
        else propagate(set.single_precision, threads, *propagation, *turn, static_cast<float*>(state));
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}
