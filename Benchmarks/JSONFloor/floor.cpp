// What simdjson alone does on one core, and what our walker does on the same bytes in the same run.
//   floor [events in thousands [part of a measurement's name]]      prints events per CPU-second
// The floor: On-Demand iterate_many reading 7 fields, the file read through a reused buffer of 1 MiB or held in
// memory. Ours: 8 declared fields, every token checked, columns filled.
#include "CSimdJSON.h"
#include "Events.hpp"

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
        std::string_view ts, event, user, platform, country;
        int64_t duration;
        double revenue;
        if (document["ts"].get(ts) || document["event"].get(event) || document["user"].get(user)
            || document["platform"].get(platform) || document["country"].get(country)
            || document["duration_ms"].get(duration) || document["revenue"].get(revenue)) {
            std::abort();
        }
        totals.events++;
        totals.bytes += ts.size() + event.size() + user.size() + platform.size() + country.size();
        totals.duration += duration;
        totals.revenue += revenue;
    }
}

Totals floorFromFile(const char *path) {
    constexpr size_t room = 1 << 20;
    static char buffer[room + simdjson::SIMDJSON_PADDING];
    static simdjson::ondemand::parser parser;
    Totals totals;
    std::FILE *file = std::fopen(path, "rb");
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
    sj_parser *parser = sj_parser_create(64, 1 << 20);
    std::vector<uint8_t> buffer = std::vector<uint8_t>(2 * room + SJ_PADDING);
    std::vector<sj_slice> lines = std::vector<sj_slice>(documentsMax);
    std::vector<std::vector<uint64_t>> values;
    std::vector<std::vector<uint8_t>> valid;
    std::vector<sj_column> columns;
    std::vector<uint8_t> status = std::vector<uint8_t>(documentsMax);
    size_t bad = 0;

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
        sj_parser_add_field(
            parser, reinterpret_cast<const uint8_t *>(keys.data()), lengths.data(), lengths.size(),
            {type, 2, false, false, 256});
        values.emplace_back(documentsMax);
        valid.emplace_back(documentsMax);
        columns.push_back({values.back().data(), valid.back().data()});
    }

    void parse(uint8_t *bytes, size_t length, size_t capacity, size_t count, Totals &totals) {
        sj_summary summary;
        const char *misuse = sj_parse(
            parser, bytes, length, capacity, lines.data(), count, columns.data(), status.data(), &summary);
        if (misuse != nullptr) { std::abort(); }
        bad += summary.failure_count;
        totals.events += summary.ok_count;
        const auto *durations = reinterpret_cast<const int64_t *>(columns[5].values);
        for (size_t each = 0; each < count; each++) { totals.duration += durations[each] * columns[5].valid[each]; }
    }

    /// In place, as On-Demand does it. The padding our parser overwrites holds the next batch here, so it is kept;
    /// there are no escapes in the events, so the arena behind it stays empty.
    Totals inMemory(std::string &text) {
        Totals totals;
        uint8_t *const bytes = reinterpret_cast<uint8_t *>(text.data());
        uint8_t kept[SJ_PADDING];
        for (size_t begin = 0; begin < text.size();) {
            const size_t length = std::min(room, text.size() - begin);
            const sj_lines found = sj_split_lines(bytes + begin, length, false, lines.data(), documentsMax);
            std::memcpy(kept, bytes + begin + found.consumed, SJ_PADDING);
            parse(bytes + begin, found.consumed, 2 * found.consumed + SJ_PADDING, found.count, totals);
            std::memcpy(bytes + begin + found.consumed, kept, SJ_PADDING);
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

const char *wanted = "";

void measure(const char *what, const std::function<Totals()> &run) {
    if (std::strstr(what, wanted) == nullptr) { return; }
    run();
    double best = 0;
    Totals totals;
    for (int round = 0; round < 7; round++) {
        const double begin = cpuSeconds();
        totals = run();
        best = std::max(best, static_cast<double>(totals.events) / (cpuSeconds() - begin));
    }
    std::printf("%-44s %10.0f events/CPU-s  (sum %lld)\n", what, best, static_cast<long long>(totals.duration));
}

}  // namespace

int main(int argc, char **argv) {
    const uint64_t count = 1000 * (argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 400);
    if (argc > 2) { wanted = argv[2]; }
    std::string text;
    Events events(7);
    for (uint64_t number = 0; number < count; number++) { events.append(text, number); }
    std::printf("%llu events of %zu bytes; kernel %s, walker %s\n", static_cast<unsigned long long>(count),
                text.size() / count, sj_kernel_name(), sj_walker_name());
    std::string bad = damaged(text);
    bad.reserve(2 * bad.size() + SJ_PADDING);
    text.reserve(2 * text.size() + SJ_PADDING);
    const size_t length = text.size();
    char path[] = "/tmp/json-floor-XXXXXX";
    std::FILE *file = fdopen(mkstemp(path), "wb");
    std::fwrite(text.data(), 1, length, file);
    std::fclose(file);

    Ours ours;
    measure("simdjson On-Demand, 7 fields, from file", [&] { return floorFromFile(path); });
    measure("simdjson On-Demand, 7 fields, in memory", [&] { return floorInMemory(text); });
    measure("ours, 8 fields to columns, from file", [&] { return ours.fromFile(path); });
    measure("ours, 8 fields to columns, in memory", [&] { return ours.inMemory(text); });
    ours.bad = 0;
    measure("ours, lines only", [&] { return ours.linesOnly(text); });
    measure("ours, 1 % of the documents cut short", [&] { return ours.inMemory(bad); });
    std::printf("bad documents per run: %zu\n", ours.bad / 8);
    std::remove(path);
}
