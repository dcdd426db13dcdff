// What a lane is: the two layouts of a chunk. Included like vectors.hpp.
//
// BySample: a vector is one amplitude of as many samples as there are lanes, for full batches. ByAmplitude: a vector is
// as many neighbouring amplitudes of one sample, for the rest; the lowest wires then live in the lanes. Everything
// else about a pass is the same in both: its wires are the `register wires`, those above the lanes'.
#pragma once

namespace qaml {
namespace {

struct BySample {
    template <class T>
    static constexpr int wires = 0;
    template <class T>
    static constexpr int samples = kLanes<T>;
};

struct ByAmplitude {
    template <class T>
    static constexpr int wires = log2_of(kLanes<T>);
    template <class T>
    static constexpr int samples = 1;
};

// ---- wires of the lanes ----

template <int Bit, class T, std::size_t... Lane>
QAML_INLINE Vec<T> make_signs(std::index_sequence<Lane...>) {
    return Vec<T>{(Lane >> Bit & 1 ? T(1) : T(-1))...};
}

// -1 in the lanes whose bit is 0, +1 in the others.
template <int Bit, class T>
QAML_INLINE Vec<T> lane_signs() {
    return make_signs<Bit, T>(std::make_index_sequence<kLanes<T>>());
}

// Calls work(Wire) for every wire of the lanes.
template <class T, class Lanes, class Work>
QAML_INLINE void each_lane_wire(Work work) {
    each_of(work, std::make_integer_sequence<int, Lanes::template wires<T>>());
}

#define QAML_EACH [&](auto wire) __attribute__((always_inline))

// ---- rotations of the lanes' wires ----

// Signed tangents of the lanes' wires: a rotation is one exchange and one multiply-add.
template <class T, class Lanes>
struct LaneTurn {
    Vec<T> at[Lanes::template wires<T> + 1];
};

template <class T, class Lanes>
QAML_INLINE LaneTurn<T, Lanes> lane_turn(const T* tangents) {
    LaneTurn<T, Lanes> turn{};
    each_lane_wire<T, Lanes>(QAML_EACH {
        constexpr int w = decltype(wire)::number;
        turn.at[w] = lane_signs<w, T>() * splat(tangents[w]);
    });
    return turn;
}

template <int Count, class T, class Lanes>
QAML_INLINE void rotate_lanes(Vec<T>* x, const LaneTurn<T, Lanes>& turn) {
    each_lane_wire<T, Lanes>(QAML_EACH {
        constexpr int w = decltype(wire)::number;
        QAML_UNROLL for (int i = 0; i < Count; i++) x[i] += turn.at[w] * exchanged<w, T>(x[i]);
    });
}

// The same for state and adjoint, with the correlations of every wire before its rotation; what is added to sums[wire]
// still lacks the signs of the lanes.
template <int Count, class T, class Lanes>
QAML_INLINE void rotate_both_lanes(Vec<T>* x, Vec<T>* l, const LaneTurn<T, Lanes>& turn, Vec<T>* sums) {
    each_lane_wire<T, Lanes>(QAML_EACH {
        constexpr int w = decltype(wire)::number;
        QAML_UNROLL for (int i = 0; i < Count; i++) {
            const Vec<T> partner = exchanged<w, T>(x[i]);
            sums[w] += l[i] * partner;
            x[i] += turn.at[w] * partner;
            l[i] += turn.at[w] * exchanged<w, T>(l[i]);
        }
    });
}

// ---- diagonals ----

// The factors of a vector: a table is all real parts, then all imaginary parts, by amplitude.
template <class T, class Lanes>
QAML_INLINE Factor<T> factor(const T* table, long position, long size) {
    if constexpr (Lanes::template wires<T> == 0) {
        return {splat(table[position]), splat(table[position + size])};
    } else {
        const T* at = table + position * kLanes<T>;
        return {*reinterpret_cast<const Vec<T>*>(at), *reinterpret_cast<const Vec<T>*>(at + size)};
    }
}

}  // namespace
}  // namespace qaml
