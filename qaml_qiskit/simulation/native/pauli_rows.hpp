// Which rows of a Pauli vector's tile a sweep works on. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

#define QAML_ALWAYS __attribute__((always_inline))

// The rows of a tile whose digits at the given places are 0, as two nested loops over offsets in numbers.
struct Rows {
    std::int64_t outer[1 << kMaxTilePlaces], inner[1 << kMaxTilePlaces];
    int num_outer = 1, num_inner = 1;

    Rows(const QamlPropagation& propagation, std::int64_t places) {
        outer[0] = inner[0] = 0;
        bool odd = false;
        for (int place = kRowPlaces; place < propagation.num_places; place++) {
            if (!(places >> place & 1)) continue;
            const std::int64_t stride = propagation.strides[place];
            odd ? extend(outer, num_outer, stride) : extend(inner, num_inner, stride);
            odd = !odd;
        }
    }

  private:
    static void extend(std::int64_t* offsets, int& count, std::int64_t stride) {
        for (int digit = 1; digit < 4; digit++)
            for (int i = 0; i < count; i++) offsets[digit * count + i] = offsets[i] + digit * stride;
        count *= 4;
    }
};

template <class T, class Action>
QAML_INLINE void for_rows(const Rows& rows, T* tile, Action action) {
    for (int o = 0; o < rows.num_outer; o++)
        for (int i = 0; i < rows.num_inner; i++) action(tile + rows.outer[o] + rows.inner[i]);
}

// Where the 16 rows of a sweep lie, in numbers.
struct Pattern {
    std::int64_t source[16], target[16];

    Pattern(const QamlPropagation& propagation, const QamlSweep& sweep) {
        const std::int64_t low = propagation.strides[sweep.low], high = propagation.strides[sweep.high];
        const bool is_ordered = sweep.kind == kBlocksLow || sweep.kind == kBlocksBoth;
        for (int i = 0; i < 16; i++) {
            const int to = is_ordered ? i : sweep.target[i];
            source[i] = (sweep.source[i] >> 2) * high + (sweep.source[i] & 3) * low;
            target[i] = (to >> 2) * high + (to & 3) * low;
        }
    }
};

template <class T>
QAML_INLINE void load(Vec<T>* x, const T* from, const std::int64_t* offsets) {
    QAML_UNROLL for (int i = 0; i < 16; i++) {
        x[i] = *reinterpret_cast<const Vec<T>*>(from + offsets[i]);
        keep_apart(x[i]);  // one load, not one for each use
    }
}

template <class T>
QAML_INLINE void store(const Vec<T>* x, T* to, const std::int64_t* offsets) {
    QAML_UNROLL for (int i = 0; i < 16; i++) *reinterpret_cast<Vec<T>*>(to + offsets[i]) = x[i];
}

}  // namespace
}  // namespace qaml
