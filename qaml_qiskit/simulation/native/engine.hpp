// Runs a chain on one state, block by block. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

template <class Lanes, class T>
Plan plan_of(int n, bool both) {
    const int wires = n - Lanes::template wires<T>;
    const bool has_lanes = Lanes::template wires<T> > 0;
    if (both) return make_plan(wires, has_lanes, QAML_BOTH_FUSED, QAML_BOTH, 4L * QAML_BYTES);
    return make_plan(wires, has_lanes, QAML_FUSED, QAML_RUN, 2L * QAML_BYTES);
}

// The members of a crew share a state: each takes every so manieth block, and all wait for each other behind a step.
inline void wait_for(const Crew& crew) {
    if (crew.members > 1) crew.wait(crew.barrier);
}

// What both directions know of a chain: which wires of a group turn behind a diagonal, and their tangents.
template <class T, class Lanes>
struct Turns {
    static constexpr int lane_wires = Lanes::template wires<T>;
    const Chain<T>& chain;
    const bool collects;  // gradients, which a wall may want without turning

    bool works(int first, int count, int s) const {
        if (s < 0 || s >= chain.num_steps - 1) return false;
        const std::uint32_t wires = chain.steps[s].turning | (collects ? chain.steps[s].wanted : 0);
        return wires >> first & ((1u << count) - 1);
    }
    static int first_wire(const Part& part, Group group) { return part.wire(group.wire) + lane_wires; }
    bool works(const Part& part, Group group, int s) const {
        return works(first_wire(part, group), group.count, s);
    }
    const T* tangents(const Part& part, Group group, int s) const {
        return works(part, group, s) ? chain.steps[s].tangents + first_wire(part, group) : nullptr;
    }
    // Of the lanes' wires, which turn with the run `r`; null where nothing does.
    const T* of_lanes(const Part& part, int r, int s) const {
        if (r > 0 || !part.turns_lanes || !works(0, lane_wires, s)) return nullptr;
        return chain.steps[s].tangents;
    }
};

template <class T, class Lanes>
class Runner {
  public:
    Runner(const Chain<T>& chain, const Scratch<T>& scratch, const Crew& crew)
        : chain_(chain),
          turns_{chain, false},
          crew_(crew),
          plan_(plan_of<Lanes, T>(chain.num_qubits, false)),
          state_(reinterpret_cast<Vec<T>*>(scratch.state)),
          table_(scratch.table) {}

    const Plan& plan() const { return plan_; }

    void run() {
        for (int s = 0; s < chain_.num_steps; s++) {
            for (long block = crew_.member; block < plan_.parts[s & 1].blocks; block += crew_.members) turn(s, block);
            wait_for(crew_);
        }
    }

  private:
    void turn(int s, long block) {
        const Part& part = plan_.parts[s & 1];
        Vec<T>* state = state_ + plan_.block_offset(s & 1, block);
        build_block_table(chain_, chain_.steps[s], plan_, s & 1, turns_.lane_wires, block, T(1), table_);
        rotate_runs(part, state, s - 1);
        fused_group<T, Lanes>(state, walk(part.view, part.fused), part.fused.count,
                              turns_.tangents(part, part.fused, s - 1), table_,
                              1L << (part.view.wires + turns_.lane_wires), turns_.tangents(part, part.fused, s));
        rotate_runs(part, state, s);
    }

    void rotate_runs(const Part& part, Vec<T>* state, int s) {
        for (int r = 0; r < part.num_runs; r++) {
            const Group group = part.runs[r];
            const T *turn = turns_.tangents(part, group, s), *lanes = turns_.of_lanes(part, r, s);
            if (!turn && !lanes) continue;
            run_group<T, Lanes>(state, walk(part.view, group), group.count,
                                chain_.steps[s].tangents + turns_.first_wire(part, group), lanes);
        }
    }

    const Chain<T>& chain_;
    const Turns<T, Lanes> turns_;
    const Crew crew_;
    const Plan plan_;
    Vec<T>* state_;
    T* table_;
};

}  // namespace
}  // namespace qaml
