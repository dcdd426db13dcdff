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

// Correlations sum(l1·x0 - l0·x1) of M wires, added to sums[0..M).
//
// Two wires together: their sum and difference factor into products of sums, which halves the multiplications:
// g_a + g_b = (l1 + l2)(x0 - x3) - (l0 - l3)(x1 + x2), g_a - g_b = (l1 - l2)(x0 + x3) - (l0 + l3)(x1 - x2).
template <int M, class T>
QAML_INLINE void correlate(const Vec<T>* l, const Vec<T>* x, Vec<T>* sums) {
    if (M >= 2) {
        QAML_UNROLL for (int i = 0; i < (1 << M); i += 4) {
            sums[0] += (l[i + 1] + l[i + 2]) * (x[i] - x[i + 3]);
            sums[0] -= (l[i] - l[i + 3]) * (x[i + 1] + x[i + 2]);
            sums[1] += (l[i + 1] - l[i + 2]) * (x[i] + x[i + 3]);
            sums[1] -= (l[i] + l[i + 3]) * (x[i + 1] - x[i + 2]);
        }
    }
    if (M & 1) {
        const int bit = 1 << (M - 1);
        QAML_UNROLL for (int i = 0; i < bit; i++) {
            sums[M - 1] += l[i | bit] * x[i];
            sums[M - 1] -= l[i] * x[i | bit];
        }
    }
}

// Undo the sum and difference of correlate.
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
