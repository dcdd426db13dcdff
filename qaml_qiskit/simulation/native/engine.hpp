// Runs a chain on one chunk. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// Which wires a pass takes together, from the lowest: runs[0], inner, runs[1..], outer.
//
// Diagonals are multiplied in by turns with the outer and with the inner wires, each time fused with the rotations
// of those wires before and behind it. All wires but the outer ones form a tile that stays in cache for an inner
// turn: rotate the runs, fused diagonal, rotate the runs.
struct Plan {
    Layout form;
    Group outer, inner, runs[kMaxQubits];
    int num_runs;
    int tile;  // bits of a tile

    long tiles() const { return 1L << (form.num_qubits - tile); }
    long tile_offset(long index) const { return (index << (tile - form.low)) * form.block; }
};

inline Plan make_plan(int n, int max_fused, int max_run) {
    Plan plan;
    plan.outer.count = n >= 2 * max_fused ? max_fused : (n + 1) / 2;
    plan.inner.count = n >= 2 * max_fused ? max_fused : n / 2;
    const int rest = n - plan.outer.count - plan.inner.count;
    plan.num_runs = (rest + max_run - 1) / max_run;
    int wire = 0;
    for (int r = 0; r < plan.num_runs; r++) {
        plan.runs[r].wire = wire;
        plan.runs[r].count = (rest + plan.num_runs - 1 - r) / plan.num_runs;
        wire += plan.runs[r].count;
        if (r > 0) continue;
        plan.inner.wire = wire;
        wire += plan.inner.count;
    }
    if (plan.num_runs == 0) plan.inner.wire = 0, wire = plan.inner.count;
    plan.outer.wire = plan.tile = wire;
    plan.form = layout(n, plan.inner.wire + plan.inner.count);
    return plan;
}

inline std::uint32_t mask(Group group) { return ((1u << group.count) - 1) << group.wire; }

// ---- one state ----

template <class T>
class Runner {
  public:
    Runner(const Chain<T>& chain, const Scratch<T>& scratch)
        : chain_(chain),
          plan_(make_plan(chain.num_qubits, QAML_FUSED, QAML_RUN)),
          state_(reinterpret_cast<Vec<T>*>(scratch.state)),
          table_(scratch.table) {}

    const Layout& form() const { return plan_.form; }

    void run() {
        for (int s = 0; s < chain_.num_steps; s++) {
            build_table(chain_, chain_.steps[s], table_);
            if (s & 1) {
                for (long tile = 0; tile < plan_.tiles(); tile++) inner_turn(s, tile);
            } else {
                diagonal(state_, table_, plan_.outer, chain_.num_qubits, s);
            }
        }
    }

  private:
    void inner_turn(int s, long tile) {
        Vec<T>* state = state_ + plan_.tile_offset(tile);
        rotate_runs(state, s - 1);
        diagonal(state, table_ + (tile << plan_.tile), plan_.inner, plan_.tile, s);
        rotate_runs(state, s);
    }

    // The tangents of wall s for a group, or null where nothing turns.
    const T* tangents(Group group, int s) const {
        if (s < 0 || s >= chain_.num_steps - 1 || !(chain_.steps[s].turning & mask(group))) return nullptr;
        return chain_.steps[s].tangents + group.wire;
    }

    void rotate_runs(Vec<T>* state, int s) {
        for (int r = 0; r < plan_.num_runs; r++) {
            const Group group = plan_.runs[r];
            const T* turn = tangents(group, s);
            if (turn) run_group<T>(state, walk(plan_.form, group, plan_.tile), group.count, turn);
        }
    }

    void diagonal(Vec<T>* state, const T* table, Group group, int bits, int s) {
        fused_group<T>(state, walk(plan_.form, group, bits), group.count, tangents(group, s - 1), table,
                       1L << chain_.num_qubits, tangents(group, s));
    }

    const Chain<T>& chain_;
    const Plan plan_;
    Vec<T>* state_;
    T* table_;
};

// ---- state and adjoint ----

template <class T>
class BothRunner {
  public:
    BothRunner(const Chain<T>& chain, const Scratch<T>& scratch, int count, Gradients<T> gradients)
        : chain_(chain),
          plan_(make_plan(chain.num_qubits, QAML_BOTH_FUSED, QAML_BOTH)),
          state_(reinterpret_cast<Vec<T>*>(scratch.state)),
          adjoint_(reinterpret_cast<Vec<T>*>(scratch.adjoint)),
          products_(reinterpret_cast<Vec<T>*>(scratch.sums)),
          table_(scratch.table),
          count_(count),
          gradients_(gradients) {}

    const Layout& form() const { return plan_.form; }

    void run() {
        for (int s = 0; s < chain_.num_steps; s++) {
            build_table(chain_, chain_.steps[s], table_);
            FusedSums<T> sums{};
            if (s & 1) {
                inner_turns(s, &sums);
            } else {
                diagonal(0, 0, plan_.outer, chain_.num_qubits, s, &sums, products_);
                finish_diagonal(plan_.outer, s, &sums);
            }
        }
    }

  private:
    struct RunSums {
        Vec<T> at[kMaxQubits];
    };

    bool works(Group group, int s) const {
        if (s < 0 || s >= chain_.num_steps - 1) return false;
        return (chain_.steps[s].turning | chain_.steps[s].wanted) & mask(group);
    }

    const T* tangents(Group group, int s) const {
        return works(group, s) ? chain_.steps[s].tangents + group.wire : nullptr;
    }

    bool keeps_products(int s) const { return chain_.steps[s].num_pairs > 0; }

    void inner_turns(int s, FusedSums<T>* sums) {
        RunSums before{}, after{};
        const int products = keeps_products(s) ? plan_.tile : plan_.tile - plan_.inner.count;
        for (long tile = 0; tile < plan_.tiles(); tile++) {
            const long offset = plan_.tile_offset(tile);
            rotate_runs(offset, s - 1, &before);
            diagonal(offset, tile << plan_.tile, plan_.inner, plan_.tile, s, sums, products_ + (tile << products));
            rotate_runs(offset, s, &after);
        }
        finish_runs(s - 1, &before);
        finish_diagonal(plan_.inner, s, sums);
        finish_runs(s, &after);
    }

    void rotate_runs(long offset, int s, RunSums* sums) {
        for (int r = 0; r < plan_.num_runs; r++) {
            const Group group = plan_.runs[r];
            const T* turn = tangents(group, s);
            if (!turn) continue;
            run_both_group<T>(state_ + offset, adjoint_ + offset, walk(plan_.form, group, plan_.tile), group.count,
                              turn, sums->at + group.wire);
        }
    }

    void finish_runs(int s, RunSums* sums) {
        for (int r = 0; r < plan_.num_runs; r++) finish_wall(plan_.runs[r], s, sums->at + plan_.runs[r].wire);
    }

    void diagonal(long offset, long position, Group group, int bits, int s, FusedSums<T>* sums, Vec<T>* products) {
        fused_both_group<T>(state_ + offset, adjoint_ + offset, walk(plan_.form, group, bits), group.count,
                            keeps_products(s), tangents(group, s - 1), table_ + position, 1L << chain_.num_qubits,
                            tangents(group, s), sums, products);
    }

    // Gradients of a wall's group from its correlations. Products of state and adjoint lack the squared cosines of
    // the rotations that were done since the last diagonal, which `gain_` accumulates.
    void finish_wall(Group group, int s, Vec<T>* sums) {
        if (!works(group, s)) return;
        const Step<T>& step = chain_.steps[s];
        if (group.count == 2) separate<2, T>(sums);
        if (group.count == 3) separate<3, T>(sums);
        for (int k = 0; k < group.count; k++) {
            const int wire = group.wire + k;
            emit(sums[k], step.wall_index + wire, gain_ * step.wall_factors[wire]);
        }
        for (int k = 0; k < group.count; k++) gain_ *= step.squared_cosines[group.wire + k];
    }

    // Gradients of a diagonal and of the fused rotations on both sides.
    void finish_diagonal(Group group, int s, FusedSums<T>* sums) {
        const Step<T>& step = chain_.steps[s];
        finish_wall(group, s - 1, sums->before);
        gain_ = T(1);
        const int n = chain_.num_qubits;
        Vec<T> signs[kMaxQubits], total;
        if (keeps_products(s)) {
            for (int k = 0; k < step.num_pairs; k++) {
                const PairGradient& pair = step.pairs[k];
                emit(pair_sum<T>(products_, n, pair.low, pair.high), pair.index, T(pair.factor));
            }
            total = fold_signs<T>(products_, n, signs);
        } else {
            Vec<T> others[kMaxQubits];
            total = fold_signs<T>(products_, n - group.count, others);
            for (int wire = 0; wire < group.wire; wire++) signs[wire] = others[wire];
            for (int k = 0; k < group.count; k++) signs[group.wire + k] = sums->signs[k];
            for (int wire = group.wire + group.count; wire < n; wire++) signs[wire] = others[wire - group.count];
        }
        for (int wire = 0; wire < n; wire++) emit(signs[wire], step.z_index + wire, step.z_factors[wire]);
        if (s == chain_.num_steps - 1) emit(total, chain_.phase_index, T(-1));
        finish_wall(group, s, sums->after);
    }

    void emit(const Vec<T>& sum, std::int64_t index, T factor) {
        if (gradients_.stride) {
            T* at = gradients_.base + index;
            for (int lane = 0; lane < count_; lane++) at[lane * gradients_.stride] = factor * sum[lane];
            return;
        }
        gradients_.base[index] = factor * sum_lanes<T>(sum);
    }

    const Chain<T>& chain_;
    const Plan plan_;
    Vec<T>* state_;
    Vec<T>* adjoint_;
    Vec<T>* products_;
    T* table_;
    int count_;
    Gradients<T> gradients_;
    T gain_ = T(1);
};

}  // namespace
}  // namespace qaml
