// Sweeps over the tile of a Pauli vector. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// Four numbers, wherever the vectors are longer.
template <class T>
struct QuadOf {
    typedef T type __attribute__((vector_size(4 * sizeof(T))));
};
template <class T>
using Quad = typename QuadOf<T>::type;

// A 4×4 matrix, row-major, on four vectors. A number times a vector, not a splat: it becomes a broadcasting operand.
template <int Form, class T>
QAML_INLINE void transform(const T* m, Vec<T>& a, Vec<T>& b, Vec<T>& c, Vec<T>& d) {
    Vec<T> i = m[0] * a;
    Vec<T> x = m[5] * b + m[6] * c + m[7] * d;
    Vec<T> y = m[9] * b + m[10] * c + m[11] * d;
    Vec<T> z = m[13] * b + m[14] * c + m[15] * d;
    if (Form != kUnital) i += m[1] * b + m[2] * c + m[3] * d;
    if (Form == kFull) x += m[4] * a, y += m[8] * a, z += m[12] * a;
    a = i, b = x, c = y, d = z;
}

// The identity with more in its first row.
template <class T>
QAML_INLINE void shift(const T* m, Vec<T>& a, const Vec<T>& b, const Vec<T>& c, const Vec<T>& d) {
    a += m[1] * b + m[2] * c + m[3] * d;
}

template <class T, int Kind, int Form>
QAML_OUTLINE void blocks_sweep(T* tile, const Rows& rows, const Pattern& pattern, const T* numbers) {
    for_rows(rows, tile, [&](T* row) QAML_ALWAYS {
        for (T* part = row; part < row + kRow; part += QAML_BYTES / sizeof(T)) {
            Vec<T> x[16];
            load<T>(x, part, pattern.source);
            QAML_UNROLL for (int i = 0; i < 16; i += 4) {
                transform<Form, T>(numbers + 4 * i, x[i], x[i + 1], x[i + 2], x[i + 3]);
            }
            if (Kind != kBlocks) {
                QAML_UNROLL for (int i = 0; i < 4; i++) {
                    if (Kind == kShift) shift<T>(numbers + 64, x[i], x[i + 4], x[i + 8], x[i + 12]);
                    else transform<Form, T>(numbers + 64, x[i], x[i + 4], x[i + 8], x[i + 12]);
                }
            }
            store<T>(x, part, pattern.target);
        }
    });
}

// Two 2×2 matrices on the diagonal of a 4×4 matrix.
template <class T>
QAML_INLINE void transform_pairs(const T* m, Vec<T>& a, Vec<T>& b, Vec<T>& c, Vec<T>& d) {
    const Vec<T> i = m[0] * a + m[1] * b, x = m[4] * a + m[5] * b;
    const Vec<T> y = m[10] * c + m[11] * d, z = m[14] * c + m[15] * d;
    a = i, b = x, c = y, d = z;
}

// Blocks, then a 4×4 matrix on the lower digit and, if `Both`, one on the higher. What the blocks leave is put in order
// in the nearest cache, which is cheaper than another sweep over the tile.
template <class T, bool Both, bool Pairs, int Form>
QAML_OUTLINE void local_sweep(T* tile, const Rows& rows, const Pattern& pattern, const std::int32_t* target,
                              const T* numbers) {
    for_rows(rows, tile, [&](T* row) QAML_ALWAYS {
        for (T* part = row; part < row + kRow; part += QAML_BYTES / sizeof(T)) {
            Vec<T> x[16], ordered[16];
            load<T>(x, part, pattern.source);
            QAML_UNROLL for (int i = 0; i < 16; i += 4) {
                if (Pairs) transform_pairs<T>(numbers + 4 * i, x[i], x[i + 1], x[i + 2], x[i + 3]);
                else transform<kFull, T>(numbers + 4 * i, x[i], x[i + 1], x[i + 2], x[i + 3]);
            }
            QAML_UNROLL for (int i = 0; i < 16; i++) ordered[target[i]] = x[i];
            QAML_UNROLL for (int i = 0; i < 16; i++) x[i] = ordered[i];
            QAML_UNROLL for (int i = 0; i < 16; i += 4) {
                transform<Form, T>(numbers + 64, x[i], x[i + 1], x[i + 2], x[i + 3]);
            }
            if (Both) {
                QAML_UNROLL for (int i = 0; i < 4; i++) {
                    transform<Form, T>(numbers + 80, x[i], x[i + 4], x[i + 8], x[i + 12]);
                }
            }
            store<T>(x, part, pattern.target);
        }
    });
}

// One 16×16 matrix; `Preserving` where its first column is that of the identity.
template <class T, bool Preserving>
QAML_OUTLINE void dense_sweep(T* tile, const Rows& rows, const Pattern& pattern, const T* numbers) {
    for_rows(rows, tile, [&](T* row) QAML_ALWAYS {
        for (T* part = row; part < row + kRow; part += QAML_BYTES / sizeof(T)) {
            Vec<T> x[16];
            load<T>(x, part, pattern.source);
            QAML_UNROLL for (int start = 0; start < 16; start += 8) {
                const T* m = numbers + 16 * start;
                Vec<T> y[8];
                QAML_UNROLL for (int i = 0; i < 8; i++) {
                    y[i] = Preserving ? m[16 * i + 1] * x[1] : m[16 * i] * x[0];
                }
                if (Preserving && start == 0) y[0] += x[0];
                QAML_UNROLL for (int j = 1 + Preserving; j < 16; j++) {
                    QAML_UNROLL for (int i = 0; i < 8; i++) y[i] += m[16 * i + j] * x[j];
                }
                QAML_UNROLL for (int i = 0; i < 8; i++) {
                    *reinterpret_cast<Vec<T>*>(part + pattern.target[start + i]) = y[i];
                }
            }
        }
    });
}

// Where lane i of a result comes from, counted through two vectors one behind the other.
template <int Lanes, int Start, int Shift>
constexpr int lane(int i) {
    return (i >> Shift & 1) * Lanes + (i & ~3) + Start + (Shift ? i & 1 : i >> 1 & 1);
}

// In every group of four lanes: a, b, a, b from `Start` on (Shift 0), or a, a, b, b (Shift 1).
template <int Start, int Shift, class V, int... I>
QAML_INLINE void interleave(const V& a, const V& b, V& result, std::integer_sequence<int, I...>) {
    constexpr int lanes = sizeof...(I);
#if defined(__clang__) || __GNUC__ >= 12
    result = __builtin_shufflevector(a, b, lane<lanes, Start, Shift>(I)...);
#else
    result = __builtin_shuffle(a, b, decltype(a < b){lane<lanes, Start, Shift>(I)...});
#endif
}

// Exchange the lower digit of the row with the digit that tells four rows apart.
template <class T>
QAML_OUTLINE void exchange_low(T* tile, const Rows& rows, std::int64_t stride) {
    constexpr int lanes = QAML_BYTES / sizeof(T) < 4 ? 4 : QAML_BYTES / sizeof(T);
    typedef T Group __attribute__((vector_size(lanes * sizeof(T))));
    const std::make_integer_sequence<int, lanes> all{};
    for_rows(rows, tile, [&](T* row) QAML_ALWAYS {
        for (T* part = row; part < row + kRow; part += lanes) {
            Group *first = reinterpret_cast<Group*>(part), *second = reinterpret_cast<Group*>(part + stride);
            Group* third = reinterpret_cast<Group*>(part + 2 * stride);
            Group* last = reinterpret_cast<Group*>(part + 3 * stride);
            const Group a = *first, b = *second, c = *third, d = *last;
            Group low[2], high[2];
            interleave<0, 0>(a, b, low[0], all);
            interleave<0, 0>(c, d, low[1], all);
            interleave<2, 0>(a, b, high[0], all);
            interleave<2, 0>(c, d, high[1], all);
            interleave<0, 1>(low[0], low[1], *first, all);
            interleave<2, 1>(low[0], low[1], *second, all);
            interleave<0, 1>(high[0], high[1], *third, all);
            interleave<2, 1>(high[0], high[1], *last, all);
        }
    });
}

// The same for the higher digit of the row.
template <class T>
QAML_OUTLINE void exchange_high(T* tile, const Rows& rows, std::int64_t stride) {
    for_rows(rows, tile, [&](T* row) QAML_ALWAYS {
        for (int r = 0; r < 4; r++)
            for (int q = 0; q < r; q++) {
                Quad<T>*one = reinterpret_cast<Quad<T>*>(row + r * stride + 4 * q),
                       *other = reinterpret_cast<Quad<T>*>(row + q * stride + 4 * r);
                const Quad<T> kept = *one;
                *one = *other;
                *other = kept;
            }
    });
}

template <class T>
void run_sweep(const QamlPropagation& propagation, std::int64_t places, const QamlSweep& sweep, T* tile) {
    if (sweep.kind == kExchange) {
        const Rows rows(propagation, places & ~(std::int64_t(1) << sweep.high));
        const std::int64_t stride = propagation.strides[sweep.high];
        return sweep.low == 0 ? exchange_low<T>(tile, rows, stride) : exchange_high<T>(tile, rows, stride);
    }
    const Rows rows(propagation, places & ~(std::int64_t(1) << sweep.low | std::int64_t(1) << sweep.high));
    const Pattern pattern(propagation, sweep);
    const T* numbers = static_cast<const T*>(propagation.numbers) + sweep.numbers;
    if (sweep.kind == kDense) {
        if (sweep.form == kFull) return dense_sweep<T, false>(tile, rows, pattern, numbers);
        return dense_sweep<T, true>(tile, rows, pattern, numbers);
    }
    if (sweep.kind == kPhases) {
        const std::make_integer_sequence<int, kPhasesForms> all{};
        return run_phases<T>(sweep.form, tile, rows, pattern, numbers, all);
    }
    if (sweep.kind == kBlocksLow || sweep.kind == kBlocksBoth) {
        using Local = void (*)(T*, const Rows&, const Pattern&, const std::int32_t*, const T*);
        constexpr Local locals[8] = {local_sweep<T, false, false, kFull>, local_sweep<T, false, false, kUnital>,
                                     local_sweep<T, false, true, kFull>,  local_sweep<T, false, true, kUnital>,
                                     local_sweep<T, true, false, kFull>,  local_sweep<T, true, false, kUnital>,
                                     local_sweep<T, true, true, kFull>,   local_sweep<T, true, true, kUnital>};
        const bool is_unital = sweep.form & kUnital, pairs = sweep.form & kPairs, both = sweep.kind == kBlocksBoth;
        return locals[4 * both + 2 * pairs + is_unital](tile, rows, pattern, sweep.target, numbers);
    }
    using Function = void (*)(T*, const Rows&, const Pattern&, const T*);
    constexpr Function functions[3][3] = {
        {blocks_sweep<T, kBlocks, kFull>, blocks_sweep<T, kBlocks, kPreserving>, blocks_sweep<T, kBlocks, kUnital>},
        {blocks_sweep<T, kAcross, kFull>, blocks_sweep<T, kAcross, kPreserving>, blocks_sweep<T, kAcross, kUnital>},
        {blocks_sweep<T, kShift, kFull>, blocks_sweep<T, kShift, kPreserving>, blocks_sweep<T, kShift, kUnital>}};
    functions[sweep.kind][sweep.form](tile, rows, pattern, numbers);
}

template <class T>
void run_turn(const QamlPropagation* propagation, const QamlTurn* turn, T* tile) {
    for (std::int64_t s = 0; s < turn->num_sweeps; s++)
        run_sweep<T>(*propagation, turn->places, propagation->sweeps[turn->first_sweep + s], tile);
}

// Lane i of the result is lane i ^ Mask of the value.
template <int Mask, class V, int... I>
QAML_INLINE V exchanged(const V& value, std::integer_sequence<int, I...>) {
#if defined(__clang__) || __GNUC__ >= 12
    return __builtin_shufflevector(value, value, (I ^ Mask)...);
#else
    return __builtin_shuffle(value, decltype(value < value){(I ^ Mask)...});
#endif
}

// Overlaps on the digits inside the rows of two tiles, added to out[place][i][j].
template <class T>
QAML_OUTLINE void overlap_inside(const T* one, const T* other, const Rows& rows, double* out) {
    constexpr int width = QAML_BYTES / sizeof(T), parts = kRow / width;
    typedef std::make_integer_sequence<int, width> All;
    // By which number's bits the places of two numbers in a row differ: of the lower digit, then of the higher.
    T sums[8][kRow] = {};
    for (int o = 0; o < rows.num_outer; o++) {
        Vec<T> found[8][parts] = {};
        for (int i = 0; i < rows.num_inner; i++) {
            const Vec<T>* a = reinterpret_cast<const Vec<T>*>(one + rows.outer[o] + rows.inner[i]);
            const Vec<T>* b = reinterpret_cast<const Vec<T>*>(other + rows.outer[o] + rows.inner[i]);
            const auto add = [&](int k, auto mask) QAML_ALWAYS {
                constexpr int across = decltype(mask)::value / width, within = decltype(mask)::value % width;
                QAML_UNROLL for (int q = 0; q < parts; q++) found[k][q] += a[q] * exchanged<within>(b[q ^ across], All{});
            };
            add(0, std::integral_constant<int, 0>{}), add(1, std::integral_constant<int, 1>{});
            add(2, std::integral_constant<int, 2>{}), add(3, std::integral_constant<int, 3>{});
            add(5, std::integral_constant<int, 4>{}), add(6, std::integral_constant<int, 8>{});
            add(7, std::integral_constant<int, 12>{});
        }
        for (int k = 0; k < 8; k++)
            for (int q = 0; q < parts; q++)
                for (int lane = 0; lane < width; lane++) sums[k][q * width + lane] += found[k][q][lane];
    }
    for (int shift = 0; shift < 4; shift++)
        for (int at = 0; at < kRow; at++) {
            const int low = at & 3, high = at >> 2;
            out[4 * low + (low ^ shift)] += double(sums[shift][at]);
            out[16 + 4 * high + (high ^ shift)] += double(sums[shift ? 4 + shift : 0][at]);
        }
}

// Overlaps on the digit that tells four rows apart, `stride` numbers from one to the next, added to out[i][j].
template <class T>
QAML_OUTLINE void overlap_outside(const T* one, const T* other, const Rows& rows, std::int64_t stride, double* out) {
    constexpr int width = QAML_BYTES / sizeof(T);
    for (int o = 0; o < rows.num_outer; o++) {
        Vec<T> sums[16] = {};
        for (int i = 0; i < rows.num_inner; i++)
            for (int part = 0; part < kRow; part += width) {
                const std::int64_t at = rows.outer[o] + rows.inner[i] + part;
                Vec<T> b[4];
                QAML_UNROLL for (int j = 0; j < 4; j++) {
                    b[j] = *reinterpret_cast<const Vec<T>*>(other + at + j * stride);
                }
                QAML_UNROLL for (int k = 0; k < 4; k++) {
                    const Vec<T> a = *reinterpret_cast<const Vec<T>*>(one + at + k * stride);
                    QAML_UNROLL for (int j = 0; j < 4; j++) sums[4 * k + j] += a * b[j];
                }
            }
        for (int k = 0; k < 16; k++) out[k] += double(sum_lanes<T>(sums[k]));
    }
}

// Overlaps on the places `wanted` of the tiles that start at `one` and `other`, added to out[place][i][j].
template <class T>
void overlap_tile(const QamlPropagation* propagation, std::int64_t places, std::int64_t wanted, const T* one,
                  const T* other, double* out) {
    if (wanted & 3) overlap_inside<T>(one, other, Rows(*propagation, places), out);
    for (int place = kRowPlaces; place < propagation->num_places; place++) {
        if (!(wanted >> place & 1)) continue;
        const Rows rows(*propagation, places & ~(std::int64_t(1) << place));
        overlap_outside<T>(one, other, rows, propagation->strides[place], out + 16 * place);
    }
}

}  // namespace
}  // namespace qaml
