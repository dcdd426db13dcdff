// The order in which a state's wires are rotated, and how it lies in memory. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// A state of more bytes leaves the second-level cache of a core, and is worked on in blocks of kBlock, which stay there.
constexpr long kLargeState = 1L << 20, kBlock = 1L << 18;
// A state up to this size stays in the first-level cache whatever is done to it.
constexpr long kSmallState = 1L << 14;

// What a step does with a diagonal and the walls around it, on some of the wires, block by block: rotate the runs,
// then in one pass rotate the fused wires, multiply and rotate them again, then rotate the runs again.
//
// Wires are register wires; within a part they are numbered as its view has them.
struct Part {
    View view;  // of a block
    long blocks;
    Group fused, runs[kMaxQubits];
    int num_runs;
    bool turns_lanes;  // together with the first run
    int columns;       // view wires below are register wires, those from here on lie `shift` higher
    int shift;

    int wire(int view_wire) const { return view_wire < columns ? view_wire : view_wire + shift; }
};

// Diagonals are multiplied in by turns with the outer part's and the inner part's wires. All wires but the outer ones
// form a tile. The outer part of a large state takes all settings of the outer wires for a few neighbouring amplitudes
// (columns) of every tile at a time, so that whatever happens in a step happens on a block that stays in the cache.
struct Plan {
    int num_wires;  // register wires
    int low;        // amplitudes of 2^low lie together
    int tile;       // wires of a tile
    long block, tile_stride;
    bool large;
    Part parts[2];  // outer, inner

    long offset(long amplitude) const {
        const long inside = amplitude & ((1L << tile) - 1);
        return (amplitude >> tile) * tile_stride + (inside >> low) * block + 2 * (inside & ((1L << low) - 1));
    }
    long block_offset(int part, long index) const {
        return offset(part == 0 ? index << parts[0].columns : index << parts[1].view.wires);
    }
    // Vectors of a state with its gaps.
    long state_size() const { return tile_stride << (num_wires - tile); }
};

// Runs on `rest` wires from `first` on, around `inner` wires (behind the first run) if there are any.
inline void set_runs(Part* part, int first, int rest, int max_run, int inner, bool turns_lanes) {
    part->num_runs = (rest + max_run - 1) / max_run;
    part->turns_lanes = turns_lanes;
    const int runs = part->num_runs;
    if (runs == 0 && turns_lanes) part->num_runs = 1, part->runs[0] = {0, 0};
    part->fused = {first, inner};
    int wire = first;
    for (int r = 0; r < runs; r++) {
        part->runs[r] = {wire, (rest + runs - 1 - r) / runs};
        wire += part->runs[r].count;
        if (r == 0) part->fused.wire = wire, wire += inner;
    }
}

// `bytes` is what an amplitude takes in the cache, that of the adjoint included where it is there.
inline Plan make_plan(int num_wires, bool has_lanes, int max_fused, int max_run, long bytes) {
    Plan plan{};
    const int n = plan.num_wires = num_wires;
    plan.large = (bytes << n) > kLargeState;
    int outer = n >= 2 * max_fused ? max_fused : (n + 1) / 2, columns = 0;
    const int fused = outer;
    if (plan.large) {
        int tile = n - outer;
        while (tile > 2 * max_fused && (bytes << tile) > kBlock) tile--;
        outer = n - tile;
        columns = 3;
        while ((bytes << (outer + columns + 1)) <= kBlock && columns < 6) columns++;
    }
    plan.tile = n - outer;
    Part& inside = plan.parts[1];
    const int inner = n >= 2 * max_fused ? max_fused : n / 2;
    set_runs(&inside, 0, plan.tile - inner, max_run, inner, has_lanes);
    plan.low = inside.fused.wire + inside.fused.count;
    if (columns > plan.low) columns = plan.low;
    plan.block = 2 * ((1L << plan.low) + 1);
    plan.tile_stride = (plan.block << (plan.tile - plan.low)) + (plan.large ? 2L << columns : 0);
    inside.view = {(bytes << n) <= kSmallState ? n : plan.tile, plan.low, plan.block};
    inside.blocks = 1L << (n - inside.view.wires);
    inside.columns = n;
    Part& outside = plan.parts[0];
    if (!plan.large) {
        set_runs(&outside, plan.tile, 0, max_run, fused, false);
        outside.view = {n, plan.low, plan.block};
        outside.blocks = 1;
        outside.columns = n;
        return plan;
    }
    set_runs(&outside, columns, outer - fused, max_run, 0, false);
    outside.fused = {columns + outer - fused, fused};
    outside.view = {columns + outer, columns, plan.tile_stride};
    outside.blocks = 1L << (plan.tile - columns);
    outside.columns = columns;
    outside.shift = plan.tile - columns;
    return plan;
}

// The table of a block: 2^settings pieces of 2^length entries, each of neighbouring amplitudes.
struct Slice {
    int settings, length;
};

inline Slice slice_of(const Plan& plan, int part, int lane_wires) {
    const Part& p = plan.parts[part];
    if (part == 0 && plan.large) return {p.view.wires - p.columns, p.columns + lane_wires};
    return {0, p.view.wires + lane_wires};
}

// Entries of the largest slice.
inline long table_size(const Plan& plan, int lane_wires) {
    long size = 0;
    for (int part = 0; part < 2; part++) {
        const Slice slice = slice_of(plan, part, lane_wires);
        const long entries = 1L << (slice.settings + slice.length);
        if (entries > size) size = entries;
    }
    return size;
}

template <class T>
void build_block_table(const Chain<T>& chain, const Step<T>& step, const Plan& plan, int part, int lane_wires,
                       long block, T scale, T* table) {
    const Slice slice = slice_of(plan, part, lane_wires);
    const long length = 1L << slice.length, size = length << slice.settings;
    for (long setting = 0; setting < 1L << slice.settings; setting++) {
        const long first = (setting << (plan.tile + lane_wires)) + (block << slice.length);
        build_slice(chain, step, first, length, scale, table + setting * length, table + size + setting * length);
    }
}

}  // namespace
}  // namespace qaml
