// The C interface of the engine of noisy observables.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../../native/interface.hpp"
#include "../../native/threads.hpp"
#include "pauli.hpp"

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

// Threads take numbers below `count` from a counter.
template <class Work>
void share(int threads, std::size_t count, const Work& work) {
    std::atomic<std::size_t> next{0};
    with_threads(int(std::min<std::size_t>(std::max(threads, 1), count)), [&](int) {
        for (std::size_t i = next++; i < count; i = next++) work(i);
    });
}

// Tiles do not touch each other, so results do not depend on the number of threads.
template <class T>
void propagate(TurnFunction<T> run, int threads, const QamlPropagation& propagation, const QamlTurn& turn, T* state) {
    const std::vector<std::int64_t> starts = tiles_of(propagation, turn);
    share(threads, starts.size(), [&](std::size_t i) { run(&propagation, &turn, state + starts[i]); });
}

// Some places at a time, so that the tiles of both vectors stay in the cache; every tile's sums are added in order.
template <class T>
void overlaps(OverlapFunction<T> add, int threads, const QamlPropagation& propagation, const T* one, const T* other,
              double* out) {
    const int places = int(propagation.num_places);
    std::fill(out, out + 16 * places, 0.0);
    for (int first = kRowPlaces; first < places; first += kMaxTilePlaces) {
        const int last = std::min(first + kMaxTilePlaces, places);
        std::int64_t wanted = first == kRowPlaces ? 3 : 0, within = 0;
        for (int place = first; place < last; place++) within |= std::int64_t(1) << place;
        wanted |= within;
        for (int place = kRowPlaces, more = kMaxTilePlaces - (last - first); place < first && more > 0; place++, more--)
            within |= std::int64_t(1) << place;
        const std::vector<std::int64_t> starts = tiles_of(propagation, QamlTurn{within, 0, 0});
        std::vector<double> sums(starts.size() * 16 * places);
        share(threads, starts.size(), [&](std::size_t i) {
            add(&propagation, within, wanted, one + starts[i], other + starts[i], &sums[16 * places * i]);
        });
        for (std::size_t i = 0; i < sums.size(); i++) out[i % (16 * places)] += sums[i];
    }
}

}  // namespace

// Run a turn on a vector of Pauli coefficients, in place; `state` starts at a multiple of 64 bytes. 0 on success, 1
// without memory.
QAML_API int qaml_propagate(int level, int is_double, int threads, const QamlPropagation* propagation,
                            const QamlTurn* turn, void* state) {
    const PauliInstructionSet& set = instruction_set(level);
    return guarded([&] {
        if (is_double) propagate(set.double_precision, threads, *propagation, *turn, static_cast<double*>(state));
        else propagate(set.single_precision, threads, *propagation, *turn, static_cast<float*>(state));
    });
}

// Σ one[i, rest]·other[j, rest] for every place of two vectors, to out[place][i][j]. 0 on success, 1 without memory.
QAML_API int qaml_overlaps(int level, int is_double, int threads, const QamlPropagation* propagation, const void* one,
                           const void* other, double* out) {
    const PauliInstructionSet& set = instruction_set(level);
    return guarded([&] {
        if (is_double)
            overlaps(set.double_overlap, threads, *propagation, static_cast<const double*>(one),
                     static_cast<const double*>(other), out);
        else
            overlaps(set.single_overlap, threads, *propagation, static_cast<const float*>(one),
                     static_cast<const float*>(other), out);
    });
}
