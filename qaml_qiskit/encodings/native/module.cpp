// The C interface of the fit, and what is planned once for all images.
#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "../../native/interface.hpp"
#include "../../native/threads.hpp"
#include "fit.hpp"

namespace qaml {

namespace {

// Positions of the line, the most significant bit first.
using Order = std::vector<int>;

Order line_of(int num_qubits) {
    Order line(num_qubits);
    for (int i = 0; i < num_qubits; i++) line[i] = i;
    return line;
}

// The pair at a bond comes first; the far half of the line comes last and in its own order, which makes long blocks.
Order order_of(int bond, int num_qubits) {
    Order order{bond, bond + 1}, far;
    const int half = num_qubits / 2;
    for (int position = 0; position < num_qubits; position++) {
        if (position == bond || position == bond + 1) continue;
        if ((position < half) == (bond >= half)) far.push_back(position);
        else order.push_back(position);
    }
    order.insert(order.end(), far.begin(), far.end());
    return order;
}

struct Table {
    std::int64_t block;
    std::vector<std::int32_t> from;
};

Table table_of(const Order& here, const Order& there) {
    const int n = int(here.size());
    int same = 0;
    while (same < n && here[n - 1 - same] == there[n - 1 - same]) same++;
    Table turn{std::int64_t(1) << same, {}};
    std::vector<int> bit(n);  // of a position, in the old order
    for (int i = 0; i < n; i++) bit[here[i]] = n - 1 - i;
    turn.from.resize(std::size_t(1) << (n - same));
    for (std::size_t k = 0; k < turn.from.size(); k++) {
        std::int32_t from = 0;
        for (int i = 0; i < n - same; i++)
            if (k >> (n - same - 1 - i) & 1) from |= std::int32_t(1) << bit[there[i]];
        turn.from[k] = from;
    }
    return turn;
}

// Everything that a plan points at.
class Planned {
  public:
    explicit Planned(const QamlFit& fit) {
        const int n = int(fit.num_qubits), middle = n / 2 - 1;
        for (int bond = middle; bond >= 0; bond--) bonds_.push_back(bond);
        for (int bond = middle + 1; bond < n - 1; bond++) bonds_.push_back(bond);
        const std::size_t layer = bonds_.size();
        const Order line = line_of(n);
        for (std::size_t g = 0; g < layer; g++) {
            const Order here = order_of(bonds_[g], n), next = order_of(bonds_[(g + 1) % layer], n);
            for (const auto& [from, to] : {std::pair(here, next), {next, here}, {line, here}, {here, line}})
                tables_.push_back(table_of(from, to));
        }
        turns_.resize(tables_.size());
        for (std::size_t i = 0; i < tables_.size(); i++) {
            const Table& table = tables_[i];
            turns_[i % 4 * layer + i / 4] = {table.block, std::int64_t(table.from.size()), table.from.data()};
        }
        const Turn* turns = turns_.data();
        plan_ = {n,         int(layer),    int(fit.layers),   bonds_.data(), turns,
                 turns + layer, turns + 2 * layer, turns + 3 * layer};
    }
    const Plan& plan() const { return plan_; }

  private:
    std::vector<int> bonds_;
    std::vector<Table> tables_;
    std::vector<Turn> turns_;
    Plan plan_;
};

// Numbers that one image needs: the states before and after every rotation and two more, and six kinds of rotations.
std::size_t scratch_size(const QamlFit& fit) {
    const std::size_t size = std::size_t(1) << fit.num_qubits, gates = fit.layers * (fit.num_qubits - 1);
    return (2 * gates + 2) * std::max<std::size_t>(size, 8) + gates * (4 * 8 + 16);
}

FitFunction function_of(int level) {
#if defined(__x86_64__)
    if (level == 2) return kFitAvx512;
    if (level == 1) return kFitAvx2;
#endif
    (void)level;
    return kFitGeneric;
}

}  // namespace
}  // namespace qaml

using namespace qaml;

// Raised whenever a signature or QamlFit changes, so that Python never calls a library of another version.
QAML_API int qaml_fit_version(void) { return 1; }

QAML_API int qaml_fit_best_level(void) { return best_level(); }

// Bytes of scratch a thread needs.
QAML_API std::int64_t qaml_fit_scratch(const QamlFit* fit) { return std::int64_t(8 * scratch_size(*fit) + 64); }

// Fit `count` states (count, 2^n): rotors (count, L(n-1), 2, 4), and the prepared states (count, 2^n) unless null. 0 on
// success, 1 without memory. Threads take images from a counter; images are fitted one by one, so results depend neither
// on the number of threads nor on the batch.
QAML_API int qaml_fit(int level, int threads, const QamlFit* fit, std::int64_t count, const double* states,
                      double* rotors, double* prepared) {
    return guarded([&] {
        const Planned planned(*fit);
        const std::int64_t size = std::int64_t(1) << fit->num_qubits, gates = fit->layers * (fit->num_qubits - 1);
        const int workers = int(std::max<std::int64_t>(1, std::min<std::int64_t>(threads, count)));
        const FitFunction run = function_of(level);
        std::vector<std::vector<double>> scratches(workers, std::vector<double>(scratch_size(*fit) + 8));
        std::atomic<std::int64_t> next{0};
        with_threads(workers, [&](int worker) {
            const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(scratches[worker].data());
            double* scratch = reinterpret_cast<double*>((start + 63) / 64 * 64);
            for (std::int64_t i = next++; i < count; i = next++)
                run(fit, &planned.plan(), states + i * size, rotors + i * gates * 8, prepared ? prepared + i * size : nullptr,
                    scratch);
        });
    });
}
