// Batches cut into chunks, and the threads and buffers that they are worked on with.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "chain.hpp"
#include "../../native/interface.hpp"
#include "../../native/threads.hpp"

namespace qaml {

// ---- how a batch lies in chunks ----

// What a sample of its own costs, in the amplitudes' layout, compared with its share of a full chunk.
constexpr double kSingleCost = 1.4;
// Bytes of a chunk from which on it leaves the caches, and what that costs compared with staying there.
constexpr std::int64_t kLargeChunk = std::int64_t(1) << 22;
constexpr double kLargeCost = 1.5;

// Full chunks of a sample a lane, then what remains of the batch: in one more of these, or a sample a chunk.
template <class T>
class Partition {
  public:
    Partition(const Layouts<T>& layouts, int num_qubits, std::int64_t batch)
        : layouts_(layouts),
          by_sample_(layouts.by_sample.sizes(num_qubits)),
          by_amplitude_(layouts.by_amplitude.sizes(num_qubits)),
          batch_(batch) {
        const std::int64_t lanes = by_sample_.samples, rest = batch % lanes;
        const bool leaves = by_sample_.packed * std::int64_t(sizeof(T)) >= kLargeChunk;
        // In units of a sample's share of a full chunk that stays in the caches.
        const double chunk = double(lanes) * (leaves ? kLargeCost : 1.0);
        const bool possible = by_amplitude_.packed > 0;
        if (possible && kSingleCost * double(lanes) < chunk) full_ = 0;
        else full_ = batch / lanes + (rest && !(possible && kSingleCost * double(rest) < chunk));
        singles_ = std::max<std::int64_t>(batch - full_ * lanes, 0);
    }

    struct Chunk {
        const ChunkFunctions<T>* functions;
        std::int64_t first;  // sample
        int count;           // samples
        std::int64_t place;  // in the packed batch
    };

    std::int64_t chunks() const { return full_ + singles_; }
    Chunk chunk(std::int64_t index) const {
        const std::int64_t lanes = by_sample_.samples;
        if (index < full_) {
            const std::int64_t first = index * lanes;
            return {&layouts_.by_sample, first, int(std::min(lanes, batch_ - first)), index * by_sample_.packed};
        }
        const std::int64_t single = index - full_;
        return {&layouts_.by_amplitude, full_ * lanes + single, 1,
                full_ * by_sample_.packed + single * by_amplitude_.packed};
    }
    // Numbers in the packed batch.
    std::int64_t packed() const { return full_ * by_sample_.packed + singles_ * by_amplitude_.packed; }

    // Amplitudes of a batch, in units of what a single one costs.
    double cost() const {
        return full_ * double(by_sample_.samples) + kSingleCost * double(singles_);
    }

    // Whether all chunks can be worked on by crews.
    bool shared() const { return (!full_ || by_sample_.shared) && (!singles_ || by_amplitude_.shared); }

    // Room for any chunk.
    ChunkSizes<T> room() const {
        ChunkSizes<T> room{};
        for (const ChunkSizes<T>* sizes : {&by_sample_, &by_amplitude_}) {
            if (sizes == &by_sample_ ? !full_ : !singles_) continue;
            room.packed = std::max(room.packed, sizes->packed);
            room.state = std::max(room.state, sizes->state);
            room.sums = std::max(room.sums, sizes->sums);
            room.table = std::max(room.table, sizes->table);
        }
        return room;
    }

  private:
    const Layouts<T>& layouts_;
    const ChunkSizes<T> by_sample_, by_amplitude_;
    const std::int64_t batch_;
    std::int64_t full_, singles_;
};

// ---- buffers ----

// What one chunk needs, with the tables of all threads that work on it, in one allocation.
template <class T>
class Workspace {
  public:
    Workspace(const ChunkSizes<T>& sizes, int members) : table_(round(sizes.table)) {
        const std::size_t state = round(sizes.state) + kGap, sums = round(sizes.sums), packed = round(sizes.packed);
        memory_.reset(static_cast<char*>(::operator new(bytes(sizes, members), std::align_val_t(kPage))));
        char* at = memory_.get();
        state_ = at;
        adjoint_ = at + state;
        sums_ = at + 2 * state;
        packed_ = at + 2 * state + sums;
        tables_ = at + 2 * state + sums + packed;
    }

    Scratch<T> scratch(int member) const {
        return {reinterpret_cast<T*>(state_), reinterpret_cast<T*>(adjoint_), reinterpret_cast<T*>(sums_),
                reinterpret_cast<T*>(tables_ + member * table_)};
    }
    T* packed() const { return reinterpret_cast<T*>(packed_); }

    static std::size_t bytes(const ChunkSizes<T>& sizes, int members) {
        return 2 * (round(sizes.state) + kGap) + round(sizes.sums) + round(sizes.packed) +
               members * round(sizes.table);
    }

  private:
    // Staggered, so that equal places of state and adjoint do not compete for one cache set.
    static constexpr std::size_t kGap = 1024;
    static std::size_t round(std::int64_t numbers) { return (numbers * sizeof(T) + 63) / 64 * 64; }

    const std::size_t table_;
    std::unique_ptr<char, FreePages> memory_;
    char *state_, *adjoint_, *sums_, *packed_, *tables_;
};

// ---- threads ----

// Amplitudes (counted once for every diagonal they pass) that are worth starting a thread for: about 0.3 ms.
constexpr double kWorthAThread = 40000;

// Where the threads of a crew wait for each other: a moment awake, since the others are about to come, then asleep.
class Barrier {
  public:
    explicit Barrier(int members) : members_(members) {}

    void wait() {
        const unsigned round = round_.load(std::memory_order_acquire);
        if (come_.fetch_add(1, std::memory_order_acq_rel) + 1 == members_) {
            come_.store(0, std::memory_order_relaxed);
            const std::lock_guard<std::mutex> lock(mutex_);
            round_.store(round + 1, std::memory_order_release);
            everybody_.notify_all();
            return;
        }
        for (int turn = 0; turn < kAwake; turn++) {
            if (round_.load(std::memory_order_acquire) != round) return;
        }
        std::unique_lock<std::mutex> lock(mutex_);
        everybody_.wait(lock, [&] { return round_.load(std::memory_order_acquire) != round; });
    }

    static void wait_at(void* barrier) { static_cast<Barrier*>(barrier)->wait(); }

  private:
    static constexpr int kAwake = 4000;
    const int members_;
    std::atomic<int> come_{0};
    std::atomic<unsigned> round_{0};
    std::mutex mutex_;
    std::condition_variable everybody_;
};

// How many threads a batch is worth, and whether they share each chunk or take one each.
template <class T>
struct Staffing {
    int workers;
    bool crew;

    Staffing(const Partition<T>& partition, int num_qubits, std::int64_t steps, int threads) {
        const double useful = 1 + partition.cost() * double(steps << num_qubits) / kWorthAThread;
        const std::int64_t wanted = std::int64_t(std::min(double(std::max(threads, 1)), useful));
        crew = partition.shared() && partition.chunks() < wanted;
        workers = int(crew ? wanted : std::min(wanted, partition.chunks()));
    }

    std::size_t bytes(const Partition<T>& partition) const {
        const ChunkSizes<T> room = partition.room();
        return crew ? Workspace<T>::bytes(room, workers) : workers * Workspace<T>::bytes(room, 1);
    }
};

// Calls work(chunk, index, packed buffer, scratch, crew) for every chunk, by every member of its crew. Every chunk
// writes to places of its own, and crews add in the order of the blocks, so results do not depend on the number of
// threads.
template <class T, class Work>
void for_chunks(const Partition<T>& partition, int num_qubits, std::int64_t steps, int threads, Work work) {
    const Staffing<T> staffing(partition, num_qubits, steps, threads);
    const ChunkSizes<T> room = partition.room();
    std::atomic<std::int64_t> next{0};
    std::vector<Workspace<T>> workspaces;
    std::unique_ptr<Barrier> barrier;
    int members = 1;
    for (int k = 0; k < (staffing.crew ? 1 : staffing.workers); k++) {
        workspaces.emplace_back(room, staffing.crew ? staffing.workers : 1);
    }
    const auto begin = [&](int present) {
        if (!staffing.crew) return;
        barrier = std::make_unique<Barrier>(present);
        members = present;
    };
    const auto serve = [&](int k) {
        const Workspace<T>& workspace = workspaces[staffing.crew ? 0 : k];
        const Scratch<T> scratch = workspace.scratch(staffing.crew ? k : 0);
        const Crew crew{staffing.crew ? k : 0, members, Barrier::wait_at, barrier.get()};
        std::int64_t index = staffing.crew ? 0 : next++;
        while (index < partition.chunks()) {
            work(partition.chunk(index), index, workspace.packed(), scratch, crew);
            if (crew.members > 1) crew.wait(crew.barrier);
            index = staffing.crew ? index + 1 : next++;
        }
    };
    if (staffing.workers > 0) with_threads(staffing.workers, begin, serve);
}

}  // namespace qaml
