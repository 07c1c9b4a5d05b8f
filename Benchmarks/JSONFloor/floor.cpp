// What simdjson alone does on one core, and what our walker does with the same bytes in the same run.
//   floor FILE [part of a measurement's name]      FILE: events of `millrace generate`; prints events per CPU-second
//   floor --once FILE     On-Demand once from the file and nothing else, for measuring the whole process from outside
// The floor: On-Demand iterate_many reading 7 fields, the file read through a reused buffer of 1 MiB or held in
// memory. Ours: 8 declared fields, every token checked, columns filled.
#include "CSimdJSON.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <simdjson.h>
#include <string>
#include <vector>

namespace {

double cpuSeconds() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Totals {
    uint64_t events = 0, bytes = 0;
    int64_t duration = 0;
    double revenue = 0;
};

void readSeven(simdjson::ondemand::parser &parser, const char *bytes, size_t length, Totals &totals) {
    simdjson::ondemand::document_stream stream;
    if (parser.iterate_many(bytes, length, length + 1).get(stream)) { std::abort(); }
    for (auto document : stream) {
        // In the order of the events. Not every event has every field, so an error only means that it is missing.
        for (const char *name : {"ts", "event", "user", "platform", "country"}) {
            std::string_view text;
            if (document[name].get(text) == simdjson::SUCCESS) { totals.bytes += text.size(); }
        }
        int64_t duration;
        double revenue;
        if (document["duration_ms"].get(duration) == simdjson::SUCCESS) { totals.duration += duration; }
        if (document["revenue"].get(revenue) == simdjson::SUCCESS) { totals.revenue += revenue; }
        totals.events++;
    }
}

Totals floorFromFile(const char *path) {
    constexpr size_t room = 1 << 20;
    static char buffer[room + simdjson::SIMDJSON_PADDING];
    static simdjson::ondemand::parser parser;
    Totals totals;
    std::FILE *file = std::fopen(path, "rb");
    if (file == nullptr) {
        std::perror(path);
        std::exit(2);
    }
    std::setvbuf(file, nullptr, _IONBF, 0);
    size_t kept = 0;
    for (;;) {
        const size_t length = kept + std::fread(buffer + kept, 1, room - kept, file);
        if (length == 0) { break; }
        const void *const last = memrchr(buffer, '\n', length);
        const size_t whole = static_cast<size_t>(static_cast<const char *>(last) - buffer) + 1;
        // The bytes behind are looked at as padding only, so the next event's beginning may stay there.
        readSeven(parser, buffer, whole, totals);
        kept = length - whole;
        std::memmove(buffer, buffer + whole, kept);
    }
    std::fclose(file);
    return totals;
}

Totals floorInMemory(const std::string &text) {
    constexpr size_t room = 1 << 20;
    static simdjson::ondemand::parser parser;
    Totals totals;
    for (size_t begin = 0; begin < text.size();) {
        const size_t stop = std::min(begin + room, text.size());
        const size_t length = text.rfind('\n', stop - 1) + 1 - begin;
        readSeven(parser, text.data() + begin, length, totals);
        begin += length;
    }
    return totals;
}

/// Our parser with its columns, all 8 fields of the event declared.
struct Ours {
    static constexpr size_t room = 1 << 20, documentsMax = room / 16;
    sj_parser *parser = sj_parser_create(64, 1 << 20, true);
    std::vector<uint8_t> buffer = std::vector<uint8_t>(2 * room + SJ_PADDING);
    std::vector<sj_slice> lines = std::vector<sj_slice>(documentsMax);
    std::vector<std::vector<uint64_t>> values;
    std::vector<std::vector<uint8_t>> valid;
    std::vector<sj_column> columns;
    std::vector<uint8_t> status = std::vector<uint8_t>(documentsMax);

    Ours() {
        for (const char *name : {"ts", "event", "user", "platform", "country"}) {
            field({name}, *name == 't' ? SJ_TIMESTAMP_RFC3339 : SJ_TEXT);
        }
        field({"duration_ms"}, SJ_INTEGER);
        field({"revenue"}, SJ_DECIMAL);
        field({"payload", "weapon"}, SJ_TEXT);
    }
    ~Ours() { sj_parser_destroy(parser); }

    void field(std::vector<std::string> path, uint8_t type) {
        std::string keys;
        std::vector<uint32_t> lengths;
        for (const auto &key : path) {
            keys += key;
            lengths.push_back(static_cast<uint32_t>(key.size()));
        }
        sj_field_options options = {};
        options.type = type;
        options.scale = 2;
        options.text_length_max = 256;
        const std::vector<uint8_t> kinds(lengths.size(), SJ_KEY_MEMBER);
        sj_parser_add_field(
            parser, reinterpret_cast<const uint8_t *>(keys.data()), lengths.data(), kinds.data(), lengths.size(), options);
        values.emplace_back(documentsMax);
        valid.emplace_back(documentsMax);
        columns.push_back({values.back().data(), valid.back().data()});
    }

    void parse(uint8_t *bytes, size_t length, size_t capacity, size_t count, Totals &totals) {
        sj_summary summary;
        const char *misuse = sj_parse(
            parser, bytes, length, capacity, lines.data(), count, columns.data(), status.data(), &summary);
        if (misuse != nullptr || summary.arena_used + SJ_PADDING > 8192) { std::abort(); }
        totals.events += summary.ok_count;
        const auto *durations = reinterpret_cast<const int64_t *>(columns[5].values);
        for (size_t each = 0; each < count; each++) { totals.duration += durations[each] * columns[5].valid[each]; }
    }

    /// In place, as On-Demand does it. What our parser writes behind the documents (padding, unescaped text) overwrites
    /// the next batch here, so that is kept and put back.
    Totals inMemory(std::string &text) {
        Totals totals;
        uint8_t *const bytes = reinterpret_cast<uint8_t *>(text.data());
        uint8_t kept[8192];
        for (size_t begin = 0; begin < text.size();) {
            const size_t length = std::min(room, text.size() - begin);
            const sj_lines found = sj_split_lines(bytes + begin, length, false, lines.data(), documentsMax);
            std::memcpy(kept, bytes + begin + found.consumed, sizeof kept);
            parse(bytes + begin, found.consumed, 2 * found.consumed + SJ_PADDING, found.count, totals);
            std::memcpy(bytes + begin + found.consumed, kept, sizeof kept);
            begin += found.consumed;
        }
        return totals;
    }

    /// The share of cutting into lines.
    Totals linesOnly(const std::string &text) {
        Totals totals;
        const uint8_t *const bytes = reinterpret_cast<const uint8_t *>(text.data());
        for (size_t begin = 0; begin < text.size();) {
            const size_t length = std::min(room, text.size() - begin);
            const sj_lines found = sj_split_lines(bytes + begin, length, false, lines.data(), documentsMax);
            totals.events += found.count;
            begin += found.consumed;
        }
        return totals;
    }

    Totals fromFile(const char *path) {
        Totals totals;
        std::FILE *file = std::fopen(path, "rb");
        std::setvbuf(file, nullptr, _IONBF, 0);
        size_t kept = 0;
        std::vector<uint8_t> rest(room);
        for (;;) {
            std::memcpy(buffer.data(), rest.data(), kept);
            const size_t length = kept + std::fread(buffer.data() + kept, 1, room - kept, file);
            if (length == 0) { break; }
            const sj_lines found = sj_split_lines(buffer.data(), length, false, lines.data(), documentsMax);
            kept = length - found.consumed;
            std::memcpy(rest.data(), buffer.data() + found.consumed, kept);
            parse(buffer.data(), found.consumed, buffer.size(), found.count, totals);
        }
        std::fclose(file);
        return totals;
    }
};

/// The same events with one in a hundred cut in the middle.
std::string damaged(const std::string &text) {
    std::string out;
    size_t number = 0;
    for (size_t begin = 0; begin < text.size(); number++) {
        const size_t end = text.find('\n', begin);
        out.append(text, begin, number % 100 == 37 ? (end - begin) * (number / 100 % 90 + 5) / 100 : end - begin);
        out += '\n';
        begin = end + 1;
    }
    return out;
}

struct Measurement {
    const char *name;
    std::function<Totals()> run;
    double best = 0;
    Totals totals{};
};

/// Round by round, one after the other, so that a busy moment of the machine hits all of them.
void measure(std::vector<Measurement> &measurements, int rounds) {
    for (int round = 0; round < rounds; round++) {
        for (Measurement &each : measurements) {
            const double begin = cpuSeconds();
            each.totals = each.run();
            each.best = std::max(each.best, static_cast<double>(each.totals.events) / (cpuSeconds() - begin));
        }
    }
    for (const Measurement &each : measurements) {
        std::printf("%-44s %10.0f events/CPU-s  (%llu events, sum %lld)\n", each.name, each.best,
                    static_cast<unsigned long long>(each.totals.events), static_cast<long long>(each.totals.duration));
    }
}

}  // namespace

int main(int argc, char **argv) {
    if (argc == 3 && std::strcmp(argv[1], "--once") == 0) {
        const Totals totals = floorFromFile(argv[2]);
        std::printf("%llu events, sum %lld\n", static_cast<unsigned long long>(totals.events),
                    static_cast<long long>(totals.duration));
        return 0;
    }
    std::FILE *file = argc > 1 ? std::fopen(argv[1], "rb") : nullptr;
    if (file == nullptr) {
        std::fprintf(stderr, "usage: floor FILE [part of a measurement's name] | floor --once FILE\n");
        return 2;
    }
    const char *const path = argv[1];
    const char *const wanted = argc > 2 ? argv[2] : "";
    std::string text;
    std::vector<char> piece(1 << 20);
    while (const size_t length = std::fread(piece.data(), 1, piece.size(), file)) { text.append(piece.data(), length); }
    std::fclose(file);
    const auto count = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
    std::printf("%zu events of %zu bytes; kernel %s, walker %s\n", count, text.size() / count, sj_kernel_name(),
                sj_walker_name());
    std::string bad = damaged(text);
    text.reserve(text.size() + 2 * Ours::room);
    bad.reserve(bad.size() + 2 * Ours::room);

    Ours ours;
    std::vector<Measurement> measurements{
        {"simdjson On-Demand, 7 fields, from file", [&] { return floorFromFile(path); }},
        {"simdjson On-Demand, 7 fields, in memory", [&] { return floorInMemory(text); }},
        {"ours, 8 fields to columns, from file", [&] { return ours.fromFile(path); }},
        {"ours, 8 fields to columns, in memory", [&] { return ours.inMemory(text); }},
        {"ours, lines only", [&] { return ours.linesOnly(text); }},
        {"ours, 1 % of the documents cut short", [&] { return ours.inMemory(bad); }},
    };
    const auto isUnwanted = [&](const Measurement &each) { return std::strstr(each.name, wanted) == nullptr; };
    measurements.erase(std::remove_if(measurements.begin(), measurements.end(), isUnwanted), measurements.end());
    measure(measurements, 15);
}
