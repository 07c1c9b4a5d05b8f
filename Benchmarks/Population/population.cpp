// Events {"k": key, "u": user} of a population of keys in random order: key number r of N has max(1, floor(10^6 *
// (r * 5*10^6 / N)^-0.8756)) users, each once (median 2, mean 8.9 at 5 million keys), as in SketchBenchmark.
//   population KEYS > events.ndjson
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

int main(int argc, char **argv) {
    const unsigned long keys = argc == 2 ? std::strtoul(argv[1], nullptr, 10) : 0;
    if (keys == 0) {
        std::fprintf(stderr, "usage: population KEYS > FILE\n");
        return 2;
    }
    std::vector<uint32_t> events;
    for (unsigned long key = 0; key < keys; key++) {
        const double rank = static_cast<double>(key + 1) * 5e6 / static_cast<double>(keys);
        const auto users = std::max(1.0, std::floor(1e6 * std::pow(rank, -0.8756)));
        events.insert(events.end(), static_cast<size_t>(users), static_cast<uint32_t>(key));
    }
    std::shuffle(events.begin(), events.end(), std::mt19937_64(1));
    std::vector<char> buffer(1 << 20);
    std::setvbuf(stdout, buffer.data(), _IOFBF, buffer.size());
    for (size_t user = 0; user < events.size(); user++) {
        std::printf("{\"k\":\"key-%08x\",\"u\":\"u%08zx\"}\n", events[user] * 2654435761u, user);
    }
    return std::fflush(stdout) == 0 ? 0 : 1;
}
