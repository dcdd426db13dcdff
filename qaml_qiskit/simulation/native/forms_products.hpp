// Products with a matrix in panels. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// A tile keeps kTileRows·kPanelVectors sums in registers, beside a row of its panel and one factor.
#if QAML_BYTES == 64
constexpr int kTileRows = 8;
#else
constexpr int kTileRows = 4;
#endif
constexpr int kPanelVectors = 3;
// From so many tiles on a panel is used often enough that the next one can be fetched meanwhile.
constexpr std::int64_t kFetchingTiles = 3;
// Rows of a matrix at a time, so that a panel's part and the part of a block of images stay in the second cache.
constexpr std::int64_t kDepth = 1024;

// Vectors in memory that need not start at a multiple of their size.
template <class T>
struct LooseVector {
    typedef T type __attribute__((vector_size(QAML_BYTES), aligned(sizeof(T))));
};
template <class T>
using Loose = typename LooseVector<T>::type;

template <class T>
std::int64_t filled_up(std::int64_t width) {
    return (width + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

template <class T>
void pack(const PanelMatrix* matrix, const T* from, T* panels) {
    const std::int64_t width = matrix->width, whole = kPanelVectors * kLanes<T>;
    for (std::int64_t start = 0; start < width; start += whole) {
        const std::int64_t left = width - start, columns = left < whole ? filled_up<T>(left) : whole;
        for (std::int64_t k = 0; k < matrix->depth; k++) {
            const T* row = from + k * width + start;
            for (std::int64_t j = 0; j < columns; j++) *panels++ = j < left ? row[j] : T(0);
        }
    }
}

// Which columns of a left factor matter, and which rows of the panels they belong to.
struct Places {
    std::int64_t count;
    const std::int32_t* rows;  // null: all, in order
};

// What to fetch from memory while a tile is computed: `step` bytes further for each row of its panel.
struct Ahead {
    const char* from;  // null: nothing
    std::int64_t step;
};

// Rows of a left factor times one panel, added to `out` or written there.
template <class T, int Rows, int Vectors, bool Sparse>
QAML_OUTLINE void tile(const T* left, std::int64_t stride, const Places& places, const T* panel, T* out,
                       std::int64_t out_stride, bool add, const Ahead& ahead) {
    Vec<T> sums[Rows][Vectors];
    QAML_UNROLL for (int i = 0; i < Rows; i++) {
        const Loose<T>* from = reinterpret_cast<const Loose<T>*>(out + i * out_stride);
        QAML_UNROLL for (int j = 0; j < Vectors; j++) {
            sums[i][j] = Vec<T>{};
            if (add) sums[i][j] = from[j];
        }
    }
    const std::int32_t* rows = places.rows;
    const Ahead fetched = ahead;
    for (std::int64_t k = 0, count = places.count; k < count; k++) {
        if (fetched.from) __builtin_prefetch(fetched.from + k * fetched.step, 0, 2);
        const Vec<T>* at = reinterpret_cast<const Vec<T>*>(panel) + (Sparse ? rows[k] : k) * Vectors;
        Vec<T> row[Vectors];
        QAML_UNROLL for (int j = 0; j < Vectors; j++) {
            row[j] = at[j];
            keep_apart(row[j]);  // one load, not one for each use
        }
        QAML_UNROLL for (int i = 0; i < Rows; i++) {
            Vec<T> factor = splat(left[i * stride + k]);
            keep_apart(factor);
            QAML_UNROLL for (int j = 0; j < Vectors; j++) sums[i][j] += factor * row[j];
        }
    }
    QAML_UNROLL for (int i = 0; i < Rows; i++) {
        Loose<T>* to = reinterpret_cast<Loose<T>*>(out + i * out_stride);
        QAML_UNROLL for (int j = 0; j < Vectors; j++) to[j] = sums[i][j];
    }
}

template <class T>
using Tile = void (*)(const T*, std::int64_t, const Places&, const T*, T*, std::int64_t, bool, const Ahead&);

// The tiles of 1 … Rows rows, by rows and vectors.
template <class T, bool Sparse, int Rows>
struct Tiles {
    static Tile<T> of(std::int64_t rows, std::int64_t vectors) {
        if (rows != Rows) return Tiles<T, Sparse, Rows - 1>::of(rows, vectors);
        if (vectors == 1) return tile<T, Rows, 1, Sparse>;
        return vectors == 2 ? tile<T, Rows, 2, Sparse> : tile<T, Rows, 3, Sparse>;
    }
};
template <class T, bool Sparse>
struct Tiles<T, Sparse, 0> {
    static Tile<T> of(std::int64_t, std::int64_t) { return nullptr; }
};

// All rows of a left factor times one panel; columns of `out` beyond the matrix are left alone. Each tile fetches its
// share of the next panel: a processor does so by itself only for the first tile, which then waits for it.
template <class T>
void panel_product(const T* left, std::int64_t stride, std::int64_t count, const Places& places, const T* panel,
                   const T* next, std::int64_t columns, T* out, std::int64_t out_stride, bool add) {
    const std::int64_t vectors = filled_up<T>(columns) / kLanes<T>, width = vectors * kLanes<T>;
    const std::int64_t tiles = (count + kTileRows - 1) / kTileRows, share = places.count * width / tiles;
    const bool fetches = next && !places.rows && tiles >= kFetchingTiles;
    alignas(64) T edge[kTileRows * kPanelVectors * kLanes<T>];
    for (std::int64_t first = 0, number = 0; first < count; first += kTileRows, number++) {
        const std::int64_t rows = count - first < kTileRows ? count - first : kTileRows;
        const Tile<T> run = places.rows ? Tiles<T, true, kTileRows>::of(rows, vectors)
                                        : Tiles<T, false, kTileRows>::of(rows, vectors);
        const char* fetched = fetches ? reinterpret_cast<const char*>(next + number * share) : nullptr;
        const Ahead ahead = {fetched, width * std::int64_t(sizeof(T)) / tiles};
        const T* from = left + first * stride;
        T* to = out + first * out_stride;
        if (columns == width) {
            run(from, stride, places, panel, to, out_stride, add, ahead);
            continue;
        }
        run(from, stride, places, panel, edge, width, false, ahead);
        for (std::int64_t i = 0; i < rows; i++)
            for (std::int64_t j = 0; j < columns; j++)
                to[i * out_stride + j] = edge[i * width + j] + (add ? to[i * out_stride + j] : T(0));
    }
}

// The left factor without the columns that are zero in all its rows, if they are many; `rows` has room for all.
template <class T>
QAML_OUTLINE Places used_places(T* left, std::int64_t stride, std::int64_t count, std::int64_t depth,
                                std::int32_t* rows) {
    for (std::int64_t k = 0; k < depth; k++) rows[k] = 0;
    for (std::int64_t i = 0; i < count; i++)
        for (std::int64_t k = 0; k < depth; k++) rows[k] |= left[i * stride + k] != T(0);
    std::int64_t used = 0;
    for (std::int64_t k = 0; k < depth; k++) used += rows[k];
    if (8 * used > 7 * depth) return {depth, nullptr};
    used = 0;
    for (std::int64_t k = 0; k < depth; k++)
        if (rows[k]) rows[used++] = std::int32_t(k);
    for (std::int64_t i = 0; i < count; i++)
        for (std::int64_t k = 0; k < used; k++) left[i * stride + k] = left[i * stride + rows[k]];
    return {used, rows};
}

// `left` (count, depth), rows a stride apart, times the matrix. `left` is overwritten, `rows` has room for its depth.
template <class T>
void multiply_panels(const PanelMatrix& matrix, std::int64_t count, T* left, std::int64_t stride, std::int32_t* rows,
                     T* out, std::int64_t out_stride) {
    const std::int64_t whole = kPanelVectors * kLanes<T>;
    const Places all = used_places(left, stride, count, matrix.depth, rows);
    std::int64_t start = 0;
    do {
        // At least one turn, which writes zeros where nothing is used.
        const std::int64_t now = all.count - start < kDepth ? all.count - start : kDepth;
        const T* panel = static_cast<const T*>(matrix.panels);
        for (std::int64_t column = 0; column < matrix.width; column += whole) {
            const std::int64_t columns = matrix.width - column < whole ? matrix.width - column : whole;
            const std::int64_t width = filled_up<T>(columns);
            const Places places = {now, all.rows ? all.rows + start : nullptr};
            const T *here = all.rows ? panel : panel + start * width, *behind = panel + matrix.depth * width;
            // The same rows of the next panel, which may be narrower: then the rest is fetched for nothing.
            const T* next = column + whole < matrix.width ? behind + start * width : nullptr;
            panel_product(left + start, stride, count, places, here, next, columns, out + column, out_stride,
                          start > 0);
            panel = behind;
        }
        start += now;
    } while (start < all.count);
}

}  // namespace
}  // namespace qaml
