// The C interface that Python calls through ctypes (which releases the interpreter's lock), and an empty module so
// that the library is found, built and installed like any extension.
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <cstdint>
#include <new>
#include <type_traits>
#include <vector>

#include "chain.hpp"
#include "../../native/interface.hpp"
#include "prepare.hpp"
#include "work.hpp"

namespace {

using namespace qaml;

const InstructionSet* instruction_set(int level) {
#if defined(__x86_64__)
    if (level == 2) return &kAvx512;
    if (level == 1) return &kAvx2;
#endif
    return level == 0 ? &kGeneric : nullptr;
}

template <class T>
const Layouts<T>& layouts(int level) {
    if constexpr (std::is_same_v<T, float>) return *instruction_set(level)->single_precision;
    else return *instruction_set(level)->double_precision;
}

// Does what only the first member of a crew does; the others wait.
template <class Action>
void once(const Crew& crew, Action action) {
    if (crew.member == 0) action();
    if (crew.members > 1) crew.wait(crew.barrier);
}

template <class T>
void forward(int level, int threads, const QamlProgram& program, std::int64_t batch, const T* amplitudes,
             int is_complex, T* state) {
    const int n = int(program.num_qubits);
    const Partition<T> partition(layouts<T>(level), n, batch);
    const Prepared<T> prepared(program, false);
    const std::int64_t row = (std::int64_t(1) << n) << is_complex;
    const auto work = [&](const auto& chunk, std::int64_t, T*, const Scratch<T>& scratch, const Crew& crew) {
        T* packed = state + chunk.place;
        once(crew, [&] { chunk.functions->pack(n, amplitudes + chunk.first * row, is_complex, chunk.count, packed); });
        chunk.functions->run(&prepared.chain(), packed, &scratch, &crew);
    };
    for_chunks<T>(partition, n, program.num_walls + 1, threads, work);
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
    const int n = int(program.num_qubits);
    const Partition<T> partition(layouts<T>(level), n, job.batch);
    const Prepared<T> prepared(program, true);
    const std::int64_t row = std::int64_t(2) << n, angles = program.num_angles;
    std::vector<T> partial(job.angles && !job.per_sample ? partition.chunks() * angles : 0);
    const auto work = [&](const auto& chunk, std::int64_t index, T* adjoint, const Scratch<T>& scratch,
                          const Crew& crew) {
        const ChunkFunctions<T>& f = *chunk.functions;
        const T* state = job.state + chunk.place;
        once(crew, [&] {
            const T* values = job.values + chunk.first * job.num_wires;
            if (job.amplitudes) f.pack(n, job.amplitudes + chunk.first * row, 1, chunk.count, adjoint);
            else f.seed(n, state, job.wires, job.num_wires, chunk.count, values, adjoint, &scratch);
        });
        if (!job.angles) {
            f.run(&prepared.chain(), adjoint, &scratch, &crew);
        } else {
            Gradients<T> gradients{partial.data() + index * angles, 0};
            if (job.per_sample) gradients = {job.angles + chunk.first * angles, angles};
            f.run_both(&prepared.chain(), state, adjoint, chunk.count, gradients, &scratch, &crew);
        }
        if (!job.inputs) return;
        if (crew.members > 1) crew.wait(crew.barrier);
        if (crew.member == 0) f.unpack(n, adjoint, chunk.count, job.inputs + chunk.first * row);
    };
    for_chunks<T>(partition, n, program.num_walls + 1, threads, work);
    if (!job.angles || job.per_sample) return;
    // Always in the order of the chunks, whoever computed them.
    for (std::int64_t index = 0; index < angles; index++) {
        double total = 0;
        for (std::int64_t chunk = 0; chunk < partition.chunks(); chunk++) total += partial[chunk * angles + index];
        job.angles[index] = T(total);
    }
}

}  // namespace

// Levels: 0 generic, 1 avx2, 2 avx512. All tensors are contiguous; float and complex64 for is_double = 0.

// Raised whenever a signature, QamlProgram or QamlSweep changes, so that Python never calls a library of another version.
QAML_API int qaml_interface_version(void) { return 4; }

QAML_API int qaml_best_level(void) { return best_level(); }

QAML_API const char* qaml_level_name(int level) { return instruction_set(level)->name; }

// Numbers in the packed state of a batch.
QAML_API std::int64_t qaml_state_size(int level, int is_double, int num_qubits, std::int64_t batch) {
    if (is_double) return Partition<double>(layouts<double>(level), num_qubits, batch).packed();
    return Partition<float>(layouts<float>(level), num_qubits, batch).packed();
}

// Bytes of working space that a call for this batch allocates.
QAML_API std::int64_t qaml_workspace_size(int level, int is_double, int threads, int num_qubits, std::int64_t batch,
                                          std::int64_t num_walls) {
    const auto size = [&](const auto& partition, auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        return std::int64_t(Staffing<T>(partition, num_qubits, num_walls + 1, threads).bytes(partition));
    };
    if (is_double) return size(Partition<double>(layouts<double>(level), num_qubits, batch), (double*)nullptr);
    return size(Partition<float>(layouts<float>(level), num_qubits, batch), (float*)nullptr);
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
        const Partition<T> partition(layouts<T>(level), num_qubits, batch);
        const std::int64_t row = std::int64_t(2) << num_qubits;
        const auto work = [&](const auto& chunk, std::int64_t, T*, const Scratch<T>&, const Crew& crew) {
            if (crew.member > 0) return;
            const T* packed = static_cast<const T*>(state) + chunk.place;
            chunk.functions->unpack(num_qubits, packed, chunk.count, static_cast<T*>(amplitudes) + chunk.first * row);
        };
        for_chunks<T>(partition, num_qubits, 1, threads, work);
    });
}

// Packed state -> <Z> of the wires, (batch, num_wires).
QAML_API int qaml_expectations(int level, int is_double, int threads, int num_qubits, std::int64_t batch,
                               const void* state, const int* wires, int num_wires, void* values) {
    return guarded(is_double, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        const Partition<T> partition(layouts<T>(level), num_qubits, batch);
        const auto work = [&](const auto& chunk, std::int64_t, T*, const Scratch<T>& scratch, const Crew& crew) {
            if (crew.member > 0) return;
            const T* packed = static_cast<const T*>(state) + chunk.place;
            T* rows = static_cast<T*>(values) + chunk.first * num_wires;
            chunk.functions->expectations(num_qubits, packed, wires, num_wires, chunk.count, rows, &scratch);
        };
        for_chunks<T>(partition, num_qubits, 1, threads, work);
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
