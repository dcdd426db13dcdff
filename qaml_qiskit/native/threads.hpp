// Threads that do one work together. Included like interface.hpp.
#pragma once
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace qaml {
namespace {

// Runs member(0) here and member(1), … in threads of their own, which begin once it is known how many there are;
// `begin(members)` is called before. Where no more threads can be had, those that there are do the work.
template <class Begin, class Member>
void with_threads(int wanted, Begin begin, Member member) {
    std::mutex gate;
    std::vector<std::thread> team;
    team.reserve(wanted);
    {
        const std::lock_guard<std::mutex> closed(gate);
        try {
            for (int k = 1; k < wanted; k++) {
                team.emplace_back([&gate, &member, k] {
                    { const std::lock_guard<std::mutex> open(gate); }
                    member(k);
                });
            }
        } catch (const std::system_error&) {
            // See above.
        }
        begin(int(team.size()) + 1);
    }
    member(0);
    for (std::thread& thread : team) thread.join();
}

// The same for members who need not know how many they are, such as those who take their work from a counter.
template <class Member>
void with_threads(int wanted, Member member) {
    with_threads(wanted, [](int) {}, member);
}

}  // namespace
}  // namespace qaml
