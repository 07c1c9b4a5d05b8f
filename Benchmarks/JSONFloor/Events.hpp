#pragma once
// Game events like the product's, about 340 bytes each: the same bytes for everything measured in one run.
#include <cstdint>
#include <cstdio>
#include <string>

struct Events {
    uint64_t state;

    explicit Events(uint64_t seed) : state(seed) {}

    uint32_t below(uint32_t bound) {
        state += 0x9e3779b97f4a7c15u;
        uint64_t word = state;
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
        word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
        return static_cast<uint32_t>(((word ^ (word >> 31)) >> 32) * bound >> 32);
    }

    /// Appends one event and a newline.
    void append(std::string &out, uint64_t number) {
        static const char *const names[] = {"session_start", "kill", "level_up", "purchase", "chat", "item_used"};
        static const char *const platforms[] = {"ios", "android", "windows", "playstation", "xbox"};
        static const char *const countries[] = {"US", "DE", "BR", "JP", "IN", "FR", "PL", "ID"};
        static const char *const weapons[] = {"ak47", "sniper_rifle", "katana", "railgun", "bow"};
        const uint64_t millis = 32400000 + number / 20;
        const uint32_t event = below(6);
        char revenue[24];
        if (event == 3) { std::snprintf(revenue, sizeof revenue, "%u.%02u", below(100), below(100)); }
        char text[640];
        std::snprintf(
            text, sizeof text,
            "{\"ts\":\"2026-03-01T%02u:%02u:%02u.%03uZ\",\"event\":\"%s\",\"user\":\"u%08u\","
            "\"session\":\"%08x-%04x-4%03x-a%03x-%08x%04x\",\"platform\":\"%s\",\"country\":\"%s\","
            "\"app_version\":\"2.%u.%u\",\"level\":%u,\"duration_ms\":%u,\"revenue\":%s,"
            "\"payload\":{\"weapon\":\"%s\",\"item\":\"item_%06u\",\"x\":%u.%02u,\"y\":-%u.%02u,\"headshot\":%s},"
            "\"tags\":[\"a%u\",\"b%u\"]}\n",
            static_cast<unsigned>(millis / 3600000 % 24), static_cast<unsigned>(millis / 60000 % 60),
            static_cast<unsigned>(millis / 1000 % 60), static_cast<unsigned>(millis % 1000), names[event],
            below(2000000), below(1u << 31), below(65536), below(4096), below(4096), below(1u << 31), below(65536),
            platforms[below(5)], countries[below(8)], below(30), below(10), below(100), below(1000000),
            event == 3 ? revenue : "0", weapons[below(5)], below(500000), below(2000), below(100), below(2000),
            below(100), below(2) ? "true" : "false", below(10), below(10));
        out += text;
    }
};
