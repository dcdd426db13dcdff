// Vectors and register-blocked rotations. Included by one translation unit for each instruction set, which defines
// QAML_BYTES (vector width), QAML_RUN (wires a rotation pass keeps in registers), QAML_FUSED (wires around a
// diagonal), QAML_BOTH and QAML_BOTH_FUSED (the same with state and adjoint together) and QAML_SPLIT.
//
// Everything here has internal linkage, see chain.hpp. Of the standard library only types are used.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

namespace qaml {
namespace {

template <class T>
struct Vector {
    typedef T type __attribute__((vector_size(QAML_BYTES)));
};
template <class T>
using Vec = typename Vector<T>::type;

#define QAML_INLINE inline __attribute__((always_inline))
#define QAML_OUTLINE __attribute__((noinline))
#if defined(__clang__)
#define QAML_UNROLL _Pragma("clang loop unroll(full)")
#else
#define QAML_UNROLL _Pragma("GCC unroll 16")
#endif

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define QAML_HAS_SHUFFLEVECTOR 1
#endif
#endif

template <class T>
QAML_INLINE Vec<T> splat(T value) {
    // Not 0 + value, which is an addition, because of -0.
    return value - Vec<T>{};
}

// Keeps a product from being contracted into a fused multiply-add.
template <class V>
QAML_INLINE void keep_apart(V& product) {
#if QAML_SPLIT
    __asm__("" : "+v"(product));
#else
    (void)product;
#endif
}

// Rotations of M wires on 2^M registers.
//
// Zen's fused multiply-add borrows the register port that a store needs, its separate adders are idle: with the last
// rotation as multiply and add (Split), a pass over one state is a tenth faster. With the adjoint beside it the sums keep
// the adders busy, and it is a twentieth slower.
template <int M, bool Split, class T>
QAML_INLINE void rotate(Vec<T>* x, const T* tangents) {
    QAML_UNROLL for (int wire = 0; wire < M; wire++) {
        const Vec<T> t = splat(tangents[wire]);
        QAML_UNROLL for (int i = 0; i < (1 << M); i++) {
            if (i >> wire & 1) continue;
            const Vec<T> a = x[i], b = x[i | 1 << wire];
            if (Split && wire == M - 1) {
                Vec<T> tb = t * b, ta = t * a;
                keep_apart(tb);
                keep_apart(ta);
                x[i] = a - tb;
                x[i | 1 << wire] = b + ta;
            } else {
                x[i] = a - t * b;
                x[i | 1 << wire] = b + t * a;
            }
        }
    }
}

// The same for state and adjoint together, on groups of up to three wires.
//
// Sums and differences of two wires' amplitudes turn by the sum and by the difference of the wires' angles, a pair of
// numbers each: x0 - x3 and x1 + x2 by the sum, x0 + x3 and x1 - x2 by the difference. A turn by a is three lifts, with
// tan(a/2), sin(a) and tan(a/2) again: three multiply-adds for two numbers where two rotations take four, and the
// additions go to the adders. The correlations want the same sums and differences. What comes out is 2 times as long.
template <class T>
struct Lifts {
    T half_tangent, sine;
};

template <class T>
struct GroupTurn {
    Lifts<T> sum, difference;  // of the first two wires, where there are two
    T tangent;                 // of a last single wire
};

template <class T>
QAML_INLINE Lifts<T> lifts(T cosine, T sine) {
    return {sine / (1 + cosine), sine};
}

template <class T>
QAML_INLINE GroupTurn<T> group_turn(const T* tangents, const T* cosines, int count) {
    GroupTurn<T> turn{};
    if (count > 0) turn.tangent = tangents[count - 1];
    if (count < 2) return turn;
    // The product of both cosines goes with every term.
    const T scale = cosines[0] * cosines[1], a = tangents[0], b = tangents[1];
    turn.sum = lifts<T>(scale * (1 - a * b), scale * (a + b));
    turn.difference = lifts<T>(scale * (1 + a * b), scale * (a - b));
    return turn;
}

// From x0, x1, x2, x3 to x0 - x3, x1 + x2, x0 + x3, x1 - x2, and from these back, twice as long.
template <int M, class T>
QAML_INLINE void to_sums(Vec<T>* x) {
    QAML_UNROLL for (int i = 0; i < (1 << M); i += 4) {
        const Vec<T> a = x[i], b = x[i + 1], c = x[i + 2], d = x[i + 3];
        x[i] = a - d, x[i + 1] = b + c, x[i + 2] = a + d, x[i + 3] = b - c;
    }
}

template <int M, class T>
QAML_INLINE void from_sums(Vec<T>* x) {
    QAML_UNROLL for (int i = 0; i < (1 << M); i += 4) {
        const Vec<T> a = x[i], b = x[i + 1], c = x[i + 2], d = x[i + 3];
        x[i] = a + c, x[i + 1] = b + d, x[i + 2] = b - d, x[i + 3] = c - a;
    }
}

template <int M, class T>
QAML_INLINE void lift_sums(Vec<T>* x, const GroupTurn<T>& turn) {
    QAML_UNROLL for (int lift = 0; lift < 3; lift++) {
        QAML_UNROLL for (int i = 0; i < (1 << M); i += 2) {
            const Lifts<T>& by = i & 2 ? turn.difference : turn.sum;
            if (lift == 1) x[i + 1] += splat(by.sine) * x[i];
            else x[i] -= splat(by.half_tangent) * x[i + 1];
        }
    }
}

// Adds the correlations sum(l1·x0 - l0·x1) of M wires to sums[0..M), those of two wires as their sum and difference;
// then rotates.
template <int M, class T>
QAML_INLINE void rotate_both(Vec<T>* x, Vec<T>* l, const GroupTurn<T>& turn, Vec<T>* sums) {
    constexpr int half = M & 1 ? 1 << (M - 1) : 0;  // amplitudes on either side of the single wire
    QAML_UNROLL for (int i = 0; i < half; i++) {
        sums[M - 1] += l[i + half] * x[i];
        sums[M - 1] -= l[i] * x[i + half];
    }
    if (M >= 2) {
        to_sums<M, T>(x);
        to_sums<M, T>(l);
        QAML_UNROLL for (int i = 0; i < (1 << M); i += 4) {
            sums[0] += l[i + 1] * x[i];
            sums[0] -= l[i] * x[i + 1];
            sums[1] += l[i + 3] * x[i + 2];
            sums[1] -= l[i + 2] * x[i + 3];
        }
        lift_sums<M, T>(x, turn);
        from_sums<M, T>(x);
        lift_sums<M, T>(l, turn);
        from_sums<M, T>(l);
    }
    const Vec<T> t = splat(turn.tangent);
    QAML_UNROLL for (int i = 0; i < half; i++) {
        const Vec<T> a = x[i], b = x[i + half], c = l[i], d = l[i + half];
        x[i] = a - t * b, x[i + half] = b + t * a;
        l[i] = c - t * d, l[i + half] = d + t * c;
    }
}

// Undo the sum and difference of rotate_both's correlations.
template <int M, class T>
QAML_INLINE void separate(Vec<T>* sums) {
    if (M >= 2) {
        const Vec<T> sum = sums[0], difference = sums[1], half = splat(T(0.5));
        sums[0] = half * (sum + difference);
        sums[1] = half * (sum - difference);
    }
}

template <class T>
constexpr std::int64_t kLanes = QAML_BYTES / sizeof(T);

constexpr int log2_of(std::int64_t value) { return value > 1 ? 1 + log2_of(value / 2) : 0; }

template <int Bit, class V, std::size_t... Lane>
QAML_INLINE V exchange_lanes(const V& value, std::index_sequence<Lane...>) {
#if QAML_HAS_SHUFFLEVECTOR
    return __builtin_shufflevector(value, value, (int(Lane) ^ (1 << Bit))...);
#else
    return V{value[Lane ^ (std::size_t(1) << Bit)]...};
#endif
}

// Every lane gets what lies where its number differs in one bit.
template <int Bit, class T>
QAML_INLINE Vec<T> exchanged(const Vec<T>& value) {
    return exchange_lanes<Bit>(value, std::make_index_sequence<kLanes<T>>());
}

// The number of a wire as a type, so that it can choose code.
template <int Number>
struct Wire {
    static constexpr int number = Number;
};

template <class Work, int... Number>
QAML_INLINE void each_of([[maybe_unused]] Work work, std::integer_sequence<int, Number...>) {
    (work(Wire<Number>()), ...);
}

// The sum over the lanes, in halves: short chains of additions, and one rounding for each halving.
template <class T>
QAML_INLINE T sum_lanes(Vec<T> value) {
    each_of([&](auto wire) __attribute__((always_inline)) {
        value += exchanged<log2_of(kLanes<T>) - 1 - decltype(wire)::number, T>(value);
    }, std::make_integer_sequence<int, log2_of(kLanes<T>)>());
    return value[0];
}

// One entry of a diagonal.
template <class T>
struct Factor {
    Vec<T> re, im;
};

template <class T>
QAML_INLINE void multiply(Vec<T>& re, Vec<T>& im, const Factor<T>& f) {
    const Vec<T> real = f.re * re - f.im * im;
    im = f.re * im + f.im * re;
    re = real;
}

}  // namespace
}  // namespace qaml
