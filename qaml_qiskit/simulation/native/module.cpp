// The C interface that Python calls through ctypes (which releases the interpreter's lock), and an empty module so
// that the library is found, built and installed like any extension.
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

#include "chain.hpp"
#include "prepare.hpp"

#if defined(_WIN32)
#define QAML_API extern "C" __declspec(dllexport)
#else
#define QAML_API extern "C" __attribute__((visibility("default")))
#endif

namespace {

using namespace qaml;

constexpr std::size_t kPage = 4096;

struct FreePages {
    void operator()(char* memory) const { ::operator delete(memory, std::align_val_t(kPage)); }
};

const InstructionSet* instruction_set(int level) {
#if defined(__x86_64__)
    if (level == 2) return &kAvx512;
    if (level == 1) return &kAvx2;
#endif
    return level == 0 ? &kGeneric : nullptr;
}

template <class T>
const ChunkFunctions<T>& functions(int level) {
    if constexpr (std::is_same_v<T, float>) return *instruction_set(level)->single_precision;
    else return *instruction_set(level)->double_precision;
}

// One thread's buffers in one allocation.
template <class T>
class Workspace {
  public:
    explicit Workspace(const ChunkSizes<T>& sizes, int num_qubits) {
        // Staggered, so that equal places of state and adjoint do not compete for one cache set.
        const std::size_t gap = 1024;
        const auto round = [](std::size_t bytes) { return (bytes + 63) / 64 * 64; };
        const std::size_t state = round(sizes.state * sizeof(T)) + gap, sums = round(sizes.sums * sizeof(T));
        const std::size_t table = round(sizes.table * sizeof(T));
        const std::size_t packed = round((std::size_t(2) << num_qubits) * sizes.lanes * sizeof(T));
        memory_.reset(static_cast<char*>(
            ::operator new(2 * state + sums + table + packed, std::align_val_t(kPage))));
        char* at = memory_.get();
        scratch_.state = reinterpret_cast<T*>(at);
        scratch_.adjoint = reinterpret_cast<T*>(at + state);
        scratch_.sums = reinterpret_cast<T*>(at + 2 * state);
        packed_ = reinterpret_cast<T*>(at + 2 * state + sums);
        scratch_.table = reinterpret_cast<T*>(at + 2 * state + sums + packed);
    }

    const Scratch<T>* scratch() const { return &scratch_; }
    T* packed() const { return packed_; }

  private:
    std::unique_ptr<char, FreePages> memory_;
    Scratch<T> scratch_;
    T* packed_;
};

// Amplitudes (counted once for every diagonal they pass) that are worth starting a thread for: about 0.3 ms.
constexpr std::int64_t kWorthAThread = 40000;

// Calls work(workspace, chunk, first sample, samples in it) for every chunk. Threads take chunks from a counter;
// every chunk writes to places of its own, so results do not depend on their number.
template <class T, class Work>
void for_chunks(const ChunkSizes<T>& sizes, std::int64_t batch, int num_qubits, std::int64_t steps, int threads,
                Work work) {
    const std::int64_t chunks = (batch + sizes.lanes - 1) / sizes.lanes;
    const std::int64_t useful = 1 + chunks * (steps << num_qubits) / kWorthAThread;
    const int workers = int(std::min({std::int64_t(std::max(threads, 1)), chunks, useful}));
    std::vector<Workspace<T>> workspaces;
    for (int k = 0; k < workers; k++) workspaces.emplace_back(sizes, num_qubits);
    std::atomic<std::int64_t> next{0};
    const auto serve = [&](const Workspace<T>& workspace) {
        for (std::int64_t chunk = next++; chunk < chunks; chunk = next++) {
            const std::int64_t first = chunk * sizes.lanes;
            work(workspace, chunk, first, int(std::min<std::int64_t>(sizes.lanes, batch - first)));
        }
    };
    std::vector<std::thread> team;
    team.reserve(workers);
    try {
        for (int k = 1; k < workers; k++) team.emplace_back(serve, std::cref(workspaces[k]));
    } catch (const std::system_error&) {
        // No more threads to be had: those that run, and this one, do the work.
    }
    if (workers) serve(workspaces[0]);
    for (std::thread& member : team) member.join();
}

template <class T>
std::int64_t packed_size(const ChunkSizes<T>& sizes, int num_qubits) {
    return (std::int64_t(2) << num_qubits) * sizes.lanes;
}

template <class T>
void forward(int level, int threads, const QamlProgram& program, std::int64_t batch, const T* amplitudes,
             int is_complex, T* state) {
    const ChunkFunctions<T>& f = functions<T>(level);
    const int n = int(program.num_qubits);
    const ChunkSizes<T> sizes = f.sizes(n);
    const Prepared<T> prepared(program, false);
    const std::int64_t row = (std::int64_t(1) << n) << is_complex, chunk_size = packed_size(sizes, n);
    const auto work = [&](const Workspace<T>& w, std::int64_t chunk, std::int64_t first, int count) {
        T* packed = state + chunk * chunk_size;
        f.pack(n, amplitudes + first * row, is_complex, count, packed);
        f.run(&prepared.chain(), packed, w.scratch());
    };
    for_chunks<T>(sizes, batch, n, program.num_walls + 1, threads, work);
}

// What to pull back and where to put it; see qaml_pull_back.
template <class T>
struct PullBack {
    std::int64_t batch;
    const T* state;
    const T* amplitudes;
    const int* wires;
    int num_wires;
    const T* values;
    int per_sample;
    T* inputs;
    T* angles;
};

template <class T>
void pull_back(int level, int threads, const QamlProgram& program, const PullBack<T>& job) {
    const ChunkFunctions<T>& f = functions<T>(level);
    const int n = int(program.num_qubits);
    const ChunkSizes<T> sizes = f.sizes(n);
    const Prepared<T> prepared(program, true);
    const std::int64_t row = std::int64_t(2) << n, chunk_size = packed_size(sizes, n), angles = program.num_angles;
    const std::int64_t chunks = (job.batch + sizes.lanes - 1) / sizes.lanes;
    std::vector<T> partial(job.angles && !job.per_sample ? chunks * angles : 0);
    const auto work = [&](const Workspace<T>& w, std::int64_t chunk, std::int64_t first, int count) {
        const T* state = job.state + chunk * chunk_size;
        const T* values = job.values + first * job.num_wires;
        T* adjoint = w.packed();
        if (job.amplitudes) f.pack(n, job.amplitudes + first * row, 1, count, adjoint);
        else f.seed(n, state, job.wires, job.num_wires, count, values, adjoint, w.scratch());
        if (!job.angles) {
            f.run(&prepared.chain(), adjoint, w.scratch());
        } else {
            Gradients<T> gradients{partial.data() + chunk * angles, 0};
            if (job.per_sample) gradients = {job.angles + first * angles, angles};
            f.run_both(&prepared.chain(), state, adjoint, count, gradients, w.scratch());
        }
        if (job.inputs) f.unpack(n, adjoint, count, job.inputs + first * row);
    };
    for_chunks<T>(sizes, job.batch, n, program.num_walls + 1, threads, work);
    if (!job.angles || job.per_sample) return;
    // Always in the order of the chunks, whoever computed them.
    for (std::int64_t index = 0; index < angles; index++) {
        double total = 0;
        for (std::int64_t chunk = 0; chunk < chunks; chunk++) total += partial[chunk * angles + index];
        job.angles[index] = T(total);
    }
}

// Runs `action` on a null pointer of the wanted precision; 0 on success, 1 without memory.
template <class Action>
int guarded(int is_double, Action action) {
    try {
        if (is_double) action(static_cast<double*>(nullptr));
        else action(static_cast<float*>(nullptr));
    } catch (const std::bad_alloc&) {
        return 1;
    }
    return 0;
}

}  // namespace

// Levels: 0 generic, 1 avx2, 2 avx512. All tensors are contiguous; float and complex64 for is_double = 0.

// Raised whenever a signature or QamlProgram changes, so that Python never calls a library of another version.
QAML_API int qaml_interface_version(void) { return 2; }

QAML_API int qaml_best_level(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw"))
        return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
    return 0;
}

QAML_API const char* qaml_level_name(int level) { return instruction_set(level)->name; }

// Numbers in the packed state of a batch.
QAML_API std::int64_t qaml_state_size(int level, int is_double, int num_qubits, std::int64_t batch) {
    const auto size = [&](const auto& sizes) {
        return (batch + sizes.lanes - 1) / sizes.lanes * packed_size(sizes, num_qubits);
    };
    if (is_double) return size(functions<double>(level).sizes(num_qubits));
    return size(functions<float>(level).sizes(num_qubits));
}

// amplitudes (batch, 2^n), interleaved if complex -> packed final state.
QAML_API int qaml_forward(int level, int is_double, int threads, const QamlProgram* program, std::int64_t batch,
                          const void* amplitudes, int is_complex, void* state) {
    return guarded(is_double, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        forward<T>(level, threads, *program, batch, static_cast<const T*>(amplitudes), is_complex,
                   static_cast<T*>(state));
    });
}

// Packed state -> amplitudes (batch, 2^n), interleaved complex.
QAML_API int qaml_amplitudes(int level, int is_double, int threads, int num_qubits, std::int64_t batch,
                             const void* state, void* amplitudes) {
    return guarded(is_double, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        const ChunkFunctions<T>& f = functions<T>(level);
        const ChunkSizes<T> sizes = f.sizes(num_qubits);
        const std::int64_t chunk_size = packed_size(sizes, num_qubits), row = std::int64_t(2) << num_qubits;
        const auto work = [&](const Workspace<T>&, std::int64_t chunk, std::int64_t first, int count) {
            const T* packed = static_cast<const T*>(state) + chunk * chunk_size;
            f.unpack(num_qubits, packed, count, static_cast<T*>(amplitudes) + first * row);
        };
        for_chunks<T>(sizes, batch, num_qubits, 1, threads, work);
    });
}

// Packed state -> <Z> of the wires, (batch, num_wires).
QAML_API int qaml_expectations(int level, int is_double, int threads, int num_qubits, std::int64_t batch,
                               const void* state, const int* wires, int num_wires, void* values) {
    return guarded(is_double, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        const ChunkFunctions<T>& f = functions<T>(level);
        const ChunkSizes<T> sizes = f.sizes(num_qubits);
        const std::int64_t chunk_size = packed_size(sizes, num_qubits);
        const auto work = [&](const Workspace<T>& w, std::int64_t chunk, std::int64_t first, int count) {
            const T* packed = static_cast<const T*>(state) + chunk * chunk_size;
            T* rows = static_cast<T*>(values) + first * num_wires;
            f.expectations(num_qubits, packed, wires, num_wires, count, rows, w.scratch());
        };
        for_chunks<T>(sizes, batch, num_qubits, 1, threads, work);
    });
}

// Gradients from those with respect to the final amplitudes (batch, 2^n), complex, or where that is null from those
// with respect to <Z> of the wires (batch, num_wires). Either result may be null: inputs (batch, 2^n) complex;
// angles (num_angles), or (batch, num_angles) per sample, which must be zero on entry.
QAML_API int qaml_pull_back(int level, int is_double, int threads, const QamlProgram* program, std::int64_t batch,
                            const void* state, const void* amplitudes, const int* wires, int num_wires,
                            const void* values, int per_sample, void* inputs, void* angles) {
    return guarded(is_double, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        pull_back<T>(level, threads, *program,
                     {batch, static_cast<const T*>(state), static_cast<const T*>(amplitudes), wires, num_wires,
                      static_cast<const T*>(values), per_sample, static_cast<T*>(inputs), static_cast<T*>(angles)});
    });
}

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT, "_kernel", "Compiled statevector kernel; called through ctypes.", 0, nullptr, nullptr,
    nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&module_definition); }
