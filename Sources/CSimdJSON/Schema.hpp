#pragma once
// The declared fields as a tree of objects, and what the walker has learned about the order of keys in each of them.
#include "CSimdJSON.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sj {

/// One declared field, with the column it is written to during a batch.
struct Field {
    void *values = nullptr;
    uint8_t *valid = nullptr;
    /// Serial number of the last document in which this field had a value that does not fit its type.
    uint64_t errorSerial = 0;
    uint32_t textLengthMax = 0;
    uint32_t errorPosition = 0;
    uint8_t type = SJ_TEXT;
    uint8_t scale = 0;
    bool isRequired = false;
    bool nullOnTypeError = false;
    uint8_t errorCode = SJ_OK;
    uint8_t errorFound = SJ_FOUND_NOTHING;
    bool acceptsText = false;
    bool truncates = false;
    /// Serial numbers of the last record in which a value was taken for null, and in which one was cut.
    uint64_t nullSerial = 0;
    uint64_t cutSerial = 0;
    sj_concessions concessions{0, 0, SJ_OK, SJ_FOUND_NOTHING};
};

struct Level;

/// One of the elements of an array of objects, chosen by what stands under a key in it.
struct Choice {
    std::string text;
    std::unique_ptr<Level> child;
};

/// A declared member of an object: a leaf, an object with declared members below, or both.
struct Member {
    std::string name;
    std::vector<Field *> fields;
    std::unique_ptr<Level> child;
    /// Elements of the array that stands here, and the key by which all of them are chosen.
    std::vector<Choice> choices;
    std::string choiceKey;
    /// The elements of the array that stands here, when each of them is a record.
    std::unique_ptr<Level> elements;
};

/// What to do with the value of a key. The first ten are the field types, in the order of SJ_TEXT....
enum Action : uint8_t {
    actionText = SJ_TEXT,
    actionInteger = SJ_INTEGER,
    actionDecimal = SJ_DECIMAL,
    actionDouble = SJ_DOUBLE,
    actionBoolean = SJ_BOOLEAN,
    actionTimestampText = SJ_TIMESTAMP_RFC3339,
    actionTimestampSeconds = SJ_TIMESTAMP_SECONDS,
    actionTimestampMilliseconds = SJ_TIMESTAMP_MILLISECONDS,
    actionTimestampMicroseconds = SJ_TIMESTAMP_MICROSECONDS,
    actionTimestampNanoseconds = SJ_TIMESTAMP_NANOSECONDS,
    /// An object with declared members and nothing else.
    actionObject,
    /// Several fields of one path, a field that has declared members below it too, the array of the elements, or one whose
    /// elements are chosen.
    actionMember,
    /// A field that takes more than its type: text for numbers, or text that is too long.
    actionLenient,
    /// An undeclared key: its value is checked and dropped.
    actionSkip,
};

/// A key as it is spelled in documents, from the '{' or ',' before it to the ':' after it, and what came after it last.
///
///     , " r e v e n u e " :        (white space included, where the producer writes any)
///
/// The bytes of a spelling at a structural ',' or '{' prove three structural characters at once: separator, key and
/// colon. So a document in the learned order costs one wide comparison per member.
struct Spelling {
    alignas(32) uint8_t bytes[32];
    /// One bit per byte that has to match.
    uint32_t need;
    Action action;
    union {
        Field *field;
        Level *child;
        Member *member;
    };
    /// The two spellings that followed this one last; they point at `noSpelling` at first, never at null.
    Spelling *next[2];
};
static_assert(sizeof(Spelling) == 64, "one cache line per key");

/// Matches nothing: the first byte compared is a structural character, and 0xff is none.
extern Spelling noSpelling;

/// The members of one declared object: what is declared, and the spellings met so far.
struct Level {
    /// The longest spelling that can be learned, in bytes.
    static constexpr size_t spellingLengthMax = 32;

    Level();
    Level(const Level &) = delete;
    Level &operator=(const Level &) = delete;

    /// Finds or adds the declared member `name`.
    Member &declare(std::string_view name);
    /// Call once after the last `declare`: sorts the members and learns their compact spellings.
    void seal();

    const Member *find(std::string_view name) const;
    /// The learned spelling of these bytes, or null.
    Spelling *recall(const uint8_t *bytes, size_t length) const;
    /// Learns a spelling of at most spellingLengthMax bytes. With the room used up, the undeclared ones are forgotten.
    Spelling *learn(const uint8_t *bytes, size_t length, const Member *member);

    static void describe(Spelling &spelling, const Member *member);

    /// Its `next` are the spellings that began the object last.
    Spelling start;
    /// Stands for a key too long to be learned, while its value is read.
    Spelling passing;
    /// Every field at or below this level, but for those of elements.
    std::vector<Field *> fields;
    /// Whether the array of the elements lies below this level.
    bool holdsElements = false;
    /// Serial number of the last document that had this object.
    uint64_t seenSerial = 0;

private:
    void forget();
    void insert(Spelling *spelling, size_t length);

    std::vector<std::unique_ptr<Member>> members;
    struct Slot {
        Spelling *spelling;
        uint32_t hash;
        uint32_t length;
    };
    std::unique_ptr<Slot[]> slots;
    size_t slotMask = 0;
    std::unique_ptr<Spelling[]> spellings;
    size_t spellingCapacity = 0;
    size_t spellingCount = 0;
};

}  // namespace sj
