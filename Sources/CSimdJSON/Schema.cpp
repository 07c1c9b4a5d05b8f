#include "Schema.hpp"

#include <algorithm>
#include <cstring>

namespace sj {

namespace {

Spelling emptySpelling() {
    Spelling spelling;
    std::memset(&spelling, 0, sizeof spelling);
    spelling.bytes[0] = 0xff;
    spelling.need = 1;
    spelling.action = actionSkip;
    spelling.next[0] = spelling.next[1] = &noSpelling;
    return spelling;
}

uint32_t hash(const uint8_t *bytes, size_t length) {
    uint64_t state = 0x9e3779b97f4a7c15u ^ length;
    for (size_t at = 0; at < length; at += 8) {
        uint64_t word = 0;
        std::memcpy(&word, bytes + at, std::min<size_t>(8, length - at));
        state = (state ^ word) * 0xff51afd7ed558ccdu;
        state ^= state >> 32;
    }
    return static_cast<uint32_t>(state);
}

bool isBefore(std::string_view left, std::string_view right) {
    return left.size() != right.size() ? left.size() < right.size() : left < right;
}

/// True when a producer may write the key byte by byte as it is: no quote, backslash or control character in it.
bool isPlain(const std::string &name) {
    return std::all_of(name.begin(), name.end(), [](char byte) {
        return byte != '"' && byte != '\\' && static_cast<unsigned char>(byte) >= 0x20;
    });
}

}  // namespace

Spelling noSpelling = emptySpelling();

Level::Level() : start(emptySpelling()), passing(emptySpelling()) {}

Member &Level::declare(std::string_view name) {
    for (auto &member : members) {
        if (member->name == name) { return *member; }
    }
    members.push_back(std::make_unique<Member>());
    members.back()->name = name;
    return *members.back();
}

void Level::seal() {
    std::sort(members.begin(), members.end(), [](const auto &left, const auto &right) {
        return isBefore(left->name, right->name);
    });
    for (auto &member : members) {
        fields.insert(fields.end(), member->fields.begin(), member->fields.end());
        if (member->child) {
            member->child->seal();
            fields.insert(fields.end(), member->child->fields.begin(), member->child->fields.end());
            holdsElements |= member->child->holdsElements;
        }
        for (Choice &choice : member->choices) {
            choice.child->seal();
            fields.insert(fields.end(), choice.child->fields.begin(), choice.child->fields.end());
        }
        if (member->elements) {
            member->elements->seal();
            holdsElements = true;
        }
    }
    // Room for undeclared keys too, since a key is only recognised as undeclared by comparing it. 64 bytes each.
    spellingCapacity = 256 + 2 * members.size();
    spellings = std::make_unique<Spelling[]>(spellingCapacity);
    size_t slotCount = 512;
    while (slotCount < 2 * spellingCapacity) { slotCount *= 2; }
    slots = std::make_unique<Slot[]>(slotCount);
    slotMask = slotCount - 1;
    forget();
}

void Level::forget() {
    std::fill_n(slots.get(), slotMask + 1, Slot{nullptr, 0, 0});
    // A walker may still hold a spelling of this level: it stays allocated, and a wrong `next` only costs a comparison.
    std::fill_n(spellings.get(), spellingCapacity, emptySpelling());
    start = passing = emptySpelling();
    spellingCount = 0;
    for (auto &member : members) {
        if (!isPlain(member->name)) { continue; }
        for (char separator : {'{', ','}) {
            const std::string text = separator + ("\"" + member->name + "\":");
            if (text.size() > spellingLengthMax) { continue; }
            learn(reinterpret_cast<const uint8_t *>(text.data()), text.size(), member.get());
        }
    }
}

const Member *Level::find(std::string_view name) const {
    const auto found = std::lower_bound(
        members.begin(), members.end(), name,
        [](const auto &member, std::string_view wanted) { return isBefore(member->name, wanted); });
    return found != members.end() && (*found)->name == name ? found->get() : nullptr;
}

Spelling *Level::recall(const uint8_t *bytes, size_t length) const {
    const uint32_t wanted = hash(bytes, length);
    for (size_t at = wanted & slotMask; slots[at].spelling != nullptr; at = (at + 1) & slotMask) {
        const Slot &slot = slots[at];
        if (slot.hash == wanted && slot.length == length && std::memcmp(slot.spelling->bytes, bytes, length) == 0) {
            return slot.spelling;
        }
    }
    return nullptr;
}

Spelling *Level::learn(const uint8_t *bytes, size_t length, const Member *member) {
    if (spellingCount == spellingCapacity) { forget(); }
    Spelling *spelling = &spellings[spellingCount++];
    *spelling = emptySpelling();
    spelling->bytes[0] = 0;
    std::memcpy(spelling->bytes, bytes, length);
    spelling->need = static_cast<uint32_t>((uint64_t{1} << length) - 1);
    describe(*spelling, member);
    insert(spelling, length);
    return spelling;
}

void Level::insert(Spelling *spelling, size_t length) {
    const uint32_t value = hash(spelling->bytes, length);
    size_t at = value & slotMask;
    while (slots[at].spelling != nullptr) { at = (at + 1) & slotMask; }
    slots[at] = {spelling, value, static_cast<uint32_t>(length)};
}

void Level::describe(Spelling &spelling, const Member *member) {
    if (member == nullptr) {
        spelling.action = actionSkip;
        spelling.member = nullptr;
    } else if (member->fields.empty() && !member->elements && member->choices.empty()) {
        spelling.action = actionObject;
        spelling.child = member->child.get();
    } else if (member->fields.size() == 1 && !member->child && !member->elements && member->choices.empty()) {
        Field *const field = member->fields.front();
        const bool isLenient = field->acceptsText || field->truncates;
        spelling.action = isLenient ? actionLenient : static_cast<Action>(field->type);
        spelling.field = field;
    } else {
        spelling.action = actionMember;
        spelling.member = const_cast<Member *>(member);
    }
}

}  // namespace sj
