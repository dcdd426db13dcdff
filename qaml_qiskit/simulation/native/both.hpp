// Runs a chain on state and adjoint together and collects the gradients. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// What a block collects, by wire: correlations of the walls before and behind the diagonal, signed sums of the fused
// wires.
template <class T>
struct Collected {
    Vec<T> before[kMaxQubits], after[kMaxQubits], signs[3];
};

inline long collected_blocks(const Plan& plan) {
    if (!plan.large) return 1;
    return plan.parts[0].blocks > plan.parts[1].blocks ? plan.parts[0].blocks : plan.parts[1].blocks;
}

template <class T, class Lanes>
class BothRunner {
  public:
    BothRunner(const Chain<T>& chain, const Scratch<T>& scratch, const Crew& crew, int count, Gradients<T> gradients)
        : chain_(chain),
          turns_{chain, true},
          crew_(crew),
          plan_(plan_of<Lanes, T>(chain.num_qubits, true)),
          state_(reinterpret_cast<Vec<T>*>(scratch.state)),
          adjoint_(reinterpret_cast<Vec<T>*>(scratch.adjoint)),
          table_(scratch.table),
          gradients_{gradients, count} {
        Vec<T>* sums = reinterpret_cast<Vec<T>*>(scratch.sums);
        for (int part = 0; part < 2; part++) {
            // Where there is no crew, a step's sums have been used before the next one makes its own.
            if (part == 0 || plan_.large) {
                products_[part] = sums;
                collected_[part] = reinterpret_cast<Collected<T>*>(sums + (1L << plan_.num_wires));
                sums = reinterpret_cast<Vec<T>*>(collected_[part] + collected_blocks(plan_));
            } else {
                products_[part] = products_[0];
                collected_[part] = collected_[0];
            }
        }
    }

    // Numbers that `sums` has room for.
    static std::int64_t sums_size(const Plan& plan) {
        const std::int64_t one = (std::int64_t(1) << plan.num_wires) * sizeof(Vec<T>) +
                                 collected_blocks(plan) * std::int64_t(sizeof(Collected<T>));
        return (plan.large ? 2 : 1) * one / std::int64_t(sizeof(T));
    }

    const Plan& plan() const { return plan_; }

    // The first member of a crew finishes a step while the others go on with the next, which has buffers of its own.
    void run() {
        for (int s = 0; s < chain_.num_steps; s++) {
            const int part = s & 1;
            const T scale = shortening(s - 1);
            if (!plan_.large) *collected_[part] = Collected<T>{};
            for (long block = crew_.member; block < plan_.parts[part].blocks; block += crew_.members) {
                Collected<T>* collected = collected_[part] + (plan_.large ? block : 0);
                if (plan_.large) *collected = Collected<T>{};
                turn(s, block, scale, collected);
            }
            wait_for(crew_);
            if (crew_.member == 0) finish(s);
        }
        wait_for(crew_);
    }

  private:
    bool keeps_products(int s) const { return chain_.steps[s].num_pairs > 0; }

    // What a diagonal's table is multiplied with: it carries the cosines of a wall that was rotated by tangents, which
    // makes everything 1 / cosine times as long for a wire; lifts make it 2 times as long for two.
    T shortening(int s) const {
        T length = 1;
        for (const Part& part : plan_.parts) {
            if (turns_.works(part, part.fused, s)) length *= lengthening(part, part.fused, s);
            for (int r = 0; r < part.num_runs; r++) {
                if (rotates(part, r, s)) length *= lengthening(part, part.runs[r], s);
            }
        }
        return 1 / length;
    }
    T lengthening(const Part& part, Group group, int s) const {
        const T* cosines = chain_.steps[s].cosines + turns_.first_wire(part, group);
        return group.count < 2 ? T(1) : 2 * cosines[0] * cosines[1];
    }

    // Whether a run turns behind diagonal s, or wires of the lanes with it.
    bool rotates(const Part& part, int r, int s) const {
        return turns_.works(part, part.runs[r], s) || turns_.of_lanes(part, r, s);
    }
    GroupTurn<T> turn_of(const Part& part, Group group, int s) const {
        const int wire = turns_.first_wire(part, group);
        return group_turn<T>(chain_.steps[s].tangents + wire, chain_.steps[s].cosines + wire, group.count);
    }

    void turn(int s, long block, T scale, Collected<T>* collected) {
        const Part& part = plan_.parts[s & 1];
        const long offset = plan_.block_offset(s & 1, block);
        build_block_table(chain_, chain_.steps[s], plan_, s & 1, turns_.lane_wires, block, scale, table_);
        rotate_runs(part, offset, s - 1, collected->before);
        const int bits = part.view.wires - (keeps_products(s) ? 0 : part.fused.count);
        const int wire = turns_.first_wire(part, part.fused);
        const bool turns_before = turns_.works(part, part.fused, s - 1);
        const bool turns_after = turns_.works(part, part.fused, s);
        GroupTurn<T> before, after;
        if (turns_before) before = turn_of(part, part.fused, s - 1);
        if (turns_after) after = turn_of(part, part.fused, s);
        fused_both_group<T, Lanes>(state_ + offset, adjoint_ + offset, walk(part.view, part.fused), part.fused.count,
                                   keeps_products(s), turns_before ? &before : nullptr, table_,
                                   1L << (part.view.wires + turns_.lane_wires), turns_after ? &after : nullptr,
                                   collected->before + wire, collected->signs, collected->after + wire,
                                   products_[s & 1] + (block << bits));
        rotate_runs(part, offset, s, collected->after);
    }

    void rotate_runs(const Part& part, long offset, int s, Vec<T>* sums) {
        for (int r = 0; r < part.num_runs; r++) {
            if (!rotates(part, r, s)) continue;
            const Group group = part.runs[r];
            const int wire = turns_.first_wire(part, group);
            run_both_group<T, Lanes>(state_ + offset, adjoint_ + offset, walk(part.view, group), group.count,
                                     turn_of(part, group, s), sums + wire, turns_.of_lanes(part, r, s), sums);
        }
    }

    // ---- gradients of a step, in the order in which its wires were rotated ----

    void finish(int s) {
        const Part& part = plan_.parts[s & 1];
        Collected<T>& sums = *collected_[s & 1];
        if (plan_.large) add_blocks(part, s, &sums);
        finish_runs(part, s - 1, sums.before);
        if (turns_.works(part, part.fused, s - 1)) finish_wall(part, part.fused, s - 1, sums.before);
        gain_ = T(1);
        finish_diagonal(part, s, sums.signs);
        if (turns_.works(part, part.fused, s)) finish_wall(part, part.fused, s, sums.after);
        finish_runs(part, s, sums.after);
    }

    // Always in the order of the blocks, whoever computed them.
    void add_blocks(const Part& part, int s, Collected<T>* sums) {
        for (long block = 1; block < part.blocks; block++) {
            const Collected<T>& other = collected_[s & 1][block];
            for (int wire = 0; wire < chain_.num_qubits; wire++) {
                sums->before[wire] += other.before[wire];
                sums->after[wire] += other.after[wire];
            }
            for (int k = 0; k < part.fused.count; k++) sums->signs[k] += other.signs[k];
        }
    }

    void finish_runs(const Part& part, int s, Vec<T>* sums) {
        for (int r = 0; r < part.num_runs; r++) {
            if (rotates(part, r, s)) finish_wall(part, part.runs[r], s, sums);
            if (turns_.of_lanes(part, r, s)) finish_lanes(s, sums);
        }
    }

    // Products of state and adjoint lack the squared cosines of the rotations that were done since the last diagonal,
    // or a quarter for two wires together; `gain_` accumulates them.
    void finish_wall(const Part& part, Group group, int s, Vec<T>* by_wire) {
        const int first = turns_.first_wire(part, group), count = group.count;
        const Step<T>& step = chain_.steps[s];
        Vec<T>* sums = by_wire + first;
        if (count >= 2) separate<2, T>(sums);
        for (int k = 0; k < count; k++) {
            const int wire = first + k;
            gradients_.emit(sums[k], step.wall_index + wire, gain_ * step.wall_factors[wire]);
        }
        if (count >= 2) gain_ *= T(0.25);
        if (count & 1) gain_ *= step.cosines[first + count - 1] * step.cosines[first + count - 1];
    }

    // Their correlations were taken one by one, each behind the rotation of those below.
    void finish_lanes(int s, const Vec<T>* sums) {
        const Step<T>& step = chain_.steps[s];
        each_lane_wire<T, Lanes>(QAML_EACH {
            constexpr int w = decltype(wire)::number;
            gradients_.emit(lane_signs<w, T>() * sums[w], step.wall_index + w, gain_ * step.wall_factors[w]);
            gain_ *= step.cosines[w] * step.cosines[w];
        });
    }

    void finish_diagonal(const Part& part, int s, const Vec<T>* fused_signs) {
        const Step<T>& step = chain_.steps[s];
        const bool every = keeps_products(s);
        // Which register wire a bit of the products' index stands for.
        int wires[kMaxQubits], bits = 0;
        for (int k = 0; k < part.view.wires; k++) {
            const bool summed = k >= part.fused.wire && k < part.fused.wire + part.fused.count;
            if (every || !summed) wires[bits++] = part.wire(k);
        }
        const int first_block_wire = &part == &plan_.parts[0] ? part.columns : part.view.wires;
        for (int k = 0; 1L << k < part.blocks; k++) wires[bits++] = first_block_wire + k;

        Vec<T>* products = products_[s & 1];
        if (every) finish_pairs(step, products, wires, bits);
        Vec<T> signs[kMaxQubits];
        const Vec<T> total = fold_signs<T>(products, bits, signs);
        for (int k = 0; k < bits; k++) emit_z(signs[k], step, wires[k] + turns_.lane_wires);
        if (!every) {
            const int first = turns_.first_wire(part, part.fused);
            for (int k = 0; k < part.fused.count; k++) emit_z(fused_signs[k], step, first + k);
        }
        each_lane_wire<T, Lanes>(QAML_EACH {
            constexpr int w = decltype(wire)::number;
            emit_z(-lane_signs<w, T>() * total, step, w);
        });
        if (s == chain_.num_steps - 1) gradients_.emit(total, chain_.phase_index, T(-1));
    }

    void emit_z(const Vec<T>& sum, const Step<T>& step, int wire) {
        gradients_.emit(sum, step.z_index + wire, step.z_factors[wire]);
    }

    void finish_pairs(const Step<T>& step, const Vec<T>* products, const int* wires, int bits) {
        constexpr int lane_wires = Lanes::template wires<T>;
        int bit_of[kMaxQubits];
        for (int k = 0; k < bits; k++) bit_of[wires[k]] = k;
        for (int k = 0; k < step.num_pairs; k++) {
            const PairGradient& pair = step.pairs[k];
            long mask = 0;
            if (pair.low >= lane_wires) mask |= 1L << bit_of[pair.low - lane_wires];
            if (pair.high >= lane_wires) mask |= 1L << bit_of[pair.high - lane_wires];
            Vec<T> sum = parity_sum<T>(products, bits, mask);
            if (pair.low < lane_wires) sum = negated_lanes<T>(sum, pair.low);
            if (pair.high < lane_wires) sum = negated_lanes<T>(sum, pair.high);
            gradients_.emit(sum, pair.index, T(pair.factor));
        }
    }

    // Where they go: a sample a lane, or all lanes to one.
    struct Sink {
        Gradients<T> to;
        int count;

        void emit(const Vec<T>& sum, std::int64_t index, T factor) const {
            if (to.stride && Lanes::template samples<T> > 1) {
                T* at = to.base + index;
                for (int lane = 0; lane < count; lane++) at[lane * to.stride] = factor * sum[lane];
                return;
            }
            to.base[index] = factor * sum_lanes<T>(sum);
        }
    };

    const Chain<T>& chain_;
    const Turns<T, Lanes> turns_;
    const Crew crew_;
    const Plan plan_;
    Vec<T>* state_;
    Vec<T>* adjoint_;
    T* table_;
    Vec<T>* products_[2];
    Collected<T>* collected_[2];
    const Sink gradients_;
    T gain_ = T(1);
};

}  // namespace
}  // namespace qaml
