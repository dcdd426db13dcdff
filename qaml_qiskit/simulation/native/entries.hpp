// The entry points of both layouts of one instruction set, see ChunkFunctions. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

template <class T, class Lanes>
ChunkSizes<T> sizes(int n) {
    constexpr int lane_wires = Lanes::template wires<T>;
    ChunkSizes<T> found{Lanes::template samples<T>, 0, 0, 0, 0, 0};
    if (n < lane_wires + 2) return found;  // too few wires for this layout
    const Plan one = plan_of<Lanes, T>(n, false), both = plan_of<Lanes, T>(n, true);
    const auto larger = [](std::int64_t a, std::int64_t b) { return a > b ? a : b; };
    found.packed = (std::int64_t(2) << (n - lane_wires)) * kLanes<T>;
    found.state = larger(one.state_size(), both.state_size()) * kLanes<T>;
    found.sums = BothRunner<T, Lanes>::sums_size(both);
    found.table = 2 * larger(table_size(one, lane_wires), table_size(both, lane_wires));
    found.shared = one.large && both.large;
    return found;
}

// ---- rows of a batch to chunks and back ----

// Amplitudes that pack and unpack take from one row before they go to the next: rows are a power of two apart, so
// their lines push each other out of the cache.
constexpr long kStretch = 16;

template <class T, class Lanes>
void pack(int n, const T* rows, int is_complex, int count, T* packed) {
    constexpr int lanes = kLanes<T>;
    const long size = 1L << n;
    if constexpr (Lanes::template samples<T> == 1) {
        for (long start = 0; start < size; start += lanes, packed += 2 * lanes) {
            const T* from = rows + (start << is_complex);
            for (int lane = 0; lane < lanes; lane++) {
                packed[lane] = from[lane << is_complex];
                packed[lane + lanes] = is_complex ? from[2 * lane + 1] : T(0);
            }
        }
        return;
    }
    const long stretch = size < kStretch ? size : kStretch;
    for (long start = 0; start < size; start += stretch) {
        for (int lane = 0; lane < lanes; lane++) {
            const T* from = rows + ((lane * size + start) << is_complex);
            T* to = packed + 2 * lanes * start + lane;
            for (long i = 0; i < stretch; i++) {
                to[2 * lanes * i] = lane < count ? from[i << is_complex] : T(0);
                to[2 * lanes * i + lanes] = lane < count && is_complex ? from[2 * i + 1] : T(0);
            }
        }
    }
}

template <class T, class Lanes>
void unpack(int n, const T* packed, int count, T* rows) {
    constexpr int lanes = kLanes<T>;
    const long size = 1L << n;
    if constexpr (Lanes::template samples<T> == 1) {
        for (long start = 0; start < size; start += lanes, packed += 2 * lanes, rows += 2 * lanes) {
            for (int lane = 0; lane < lanes; lane++) rows[2 * lane] = packed[lane], rows[2 * lane + 1] = packed[lane + lanes];
        }
        return;
    }
    const long stretch = size < kStretch ? size : kStretch;
    for (long start = 0; start < size; start += stretch) {
        for (int lane = 0; lane < count; lane++) {
            const T* from = packed + 2 * lanes * start + lane;
            T* to = rows + 2 * (lane * size + start);
            for (long i = 0; i < stretch; i++) {
                to[2 * i] = from[2 * lanes * i];
                to[2 * i + 1] = from[2 * lanes * i + lanes];
            }
        }
    }
}

// ---- chunks to padded states and back ----

// The share of a crew's member: vectors of amplitudes, [first, last).
struct Share {
    long first, last;
};

inline Share share_of(const Crew& crew, long size) {
    return {size * crew.member / crew.members, size * (crew.member + 1) / crew.members};
}

// Packed chunks have no gaps; `gather` takes the frame off.
template <class T>
void spread(const Plan& plan, const Crew& crew, const T* packed, T* state) {
    const Vec<T>* from = reinterpret_cast<const Vec<T>*>(packed);
    Vec<T>* to = reinterpret_cast<Vec<T>*>(state);
    const Share share = share_of(crew, 1L << plan.num_wires);
    for (long i = share.first; i < share.last; i++) {
        Vec<T>* at = to + plan.offset(i);
        at[0] = from[2 * i];
        at[1] = from[2 * i + 1];
    }
}

// Moves what the frame says among the lanes.
template <class T, class Lanes>
QAML_INLINE Vec<T> unframed(Vec<T> value, std::uint32_t frame) {
    each_lane_wire<T, Lanes>(QAML_EACH {
        constexpr int w = decltype(wire)::number;
        if (frame >> w & 1) value = exchanged<w, T>(value);
    });
    return value;
}

template <class T, class Lanes>
void gather(const Plan& plan, const Crew& crew, const T* state, std::uint32_t frame, T* packed) {
    const Vec<T>* from = reinterpret_cast<const Vec<T>*>(state);
    Vec<T>* to = reinterpret_cast<Vec<T>*>(packed);
    const long flips = frame >> Lanes::template wires<T>;
    const Share share = share_of(crew, 1L << plan.num_wires);
    for (long i = share.first; i < share.last; i++) {
        const Vec<T>* at = from + plan.offset(i ^ flips);
        to[2 * i] = unframed<T, Lanes>(at[0], frame);
        to[2 * i + 1] = unframed<T, Lanes>(at[1], frame);
    }
}

template <class T, class Lanes>
void run(const Chain<T>* chain, T* packed, const Scratch<T>* scratch, const Crew* crew) {
    Runner<T, Lanes> runner(*chain, *scratch, *crew);
    spread<T>(runner.plan(), *crew, packed, scratch->state);
    wait_for(*crew);
    runner.run();
    gather<T, Lanes>(runner.plan(), *crew, scratch->state, chain->frame, packed);
}

template <class T, class Lanes>
void run_both(const Chain<T>* chain, const T* packed, T* adjoint, int count, Gradients<T> gradients,
              const Scratch<T>* scratch, const Crew* crew) {
    BothRunner<T, Lanes> runner(*chain, *scratch, *crew, count, gradients);
    spread<T>(runner.plan(), *crew, packed, scratch->state);
    spread<T>(runner.plan(), *crew, adjoint, scratch->adjoint);
    wait_for(*crew);
    runner.run();
    gather<T, Lanes>(runner.plan(), *crew, scratch->adjoint, chain->frame, adjoint);
}

// ---- <Z> ----

template <class T, class Lanes>
void expectations(int n, const T* packed, const int* wires, int num_wires, int count, T* values,
                  const Scratch<T>* scratch) {
    constexpr int lane_wires = Lanes::template wires<T>;
    const Vec<T>* state = reinterpret_cast<const Vec<T>*>(packed);
    Vec<T>* weights = reinterpret_cast<Vec<T>*>(scratch->sums);
    const int bits = n - lane_wires;
    for (long i = 0; i < 1L << bits; i++) weights[i] = state[2 * i] * state[2 * i] + state[2 * i + 1] * state[2 * i + 1];
    Vec<T> signs[kMaxQubits];
    const Vec<T> total = fold_signs<T>(weights, bits, signs + lane_wires);
    if constexpr (lane_wires == 0) {
        for (int k = 0; k < num_wires; k++)
            for (int lane = 0; lane < count; lane++) values[lane * num_wires + k] = signs[wires[k]][lane];
    } else {
        each_lane_wire<T, Lanes>(QAML_EACH {
            constexpr int w = decltype(wire)::number;
            signs[w] = -lane_signs<w, T>() * total;
        });
        for (int k = 0; k < num_wires; k++) values[k] = sum_lanes<T>(signs[wires[k]]);
    }
}

template <class T, class Lanes>
void seed(int n, const T* packed, const int* wires, int num_wires, int count, const T* cotangents, T* adjoint,
          const Scratch<T>* scratch) {
    constexpr int lane_wires = Lanes::template wires<T>;
    Vec<T> slopes[kMaxQubits] = {};
    for (int k = 0; k < num_wires; k++) {
        if constexpr (lane_wires > 0) slopes[wires[k]] += 2 * cotangents[k];
        else
            for (int lane = 0; lane < count; lane++) slopes[wires[k]][lane] += 2 * cotangents[lane * num_wires + k];
    }
    Vec<T>* weights = reinterpret_cast<Vec<T>*>(scratch->sums);
    weights[0] = Vec<T>{};
    each_lane_wire<T, Lanes>(QAML_EACH {
        constexpr int w = decltype(wire)::number;
        weights[0] -= lane_signs<w, T>() * slopes[w];
    });
    const int bits = n - lane_wires;
    const Vec<T>* by_wire = slopes + lane_wires;
    for (int wire = 0; wire < bits; wire++) weights[0] += by_wire[wire];
    for (int wire = 0; wire < bits; wire++)
        for (long i = 0; i < 1L << wire; i++) weights[i + (1L << wire)] = weights[i] - 2 * by_wire[wire];
    const Vec<T>* state = reinterpret_cast<const Vec<T>*>(packed);
    Vec<T>* to = reinterpret_cast<Vec<T>*>(adjoint);
    for (long i = 0; i < 2L << bits; i++) to[i] = weights[i >> 1] * state[i];
}

template <class T, class Lanes>
constexpr ChunkFunctions<T> kFunctions = {sizes<T, Lanes>,        pack<T, Lanes>, unpack<T, Lanes>,  run<T, Lanes>,
                                          expectations<T, Lanes>, seed<T, Lanes>, run_both<T, Lanes>};

template <class T>
constexpr Layouts<T> kLayouts = {kFunctions<T, BySample>, kFunctions<T, ByAmplitude>};

}  // namespace
}  // namespace qaml
