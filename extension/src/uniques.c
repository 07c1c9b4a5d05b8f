/* Distinct-count sketches: reading and uniting. */
#include "uniques.h"

#include <stdlib.h>
#include <string.h>

#define EXPLICIT_ORDER "distinct-count sketch: duplicate or descending explicit elements"
#define SPARSE_ORDER "distinct-count sketch: duplicate, descending or empty sparse registers"

static bool
refuse_other_kind(const uint8_t *bytes, size_t size, mrs_error *error)
{
    static const char *const others[] = {"this is a sketch of percentiles(); use percentile()",
                                         "this is the exact sum of doubles; use sum_exact()",
                                         "this is a sketch of top(); use top()"};

    if (size > 0 && bytes[0] >> 4 >= 2 && bytes[0] >> 4 <= 4)
        return mrs_refuse(error, MRS_MALFORMED, "distinct-count sketch: %s", others[(bytes[0] >> 4) - 2]);
    if (size < 3)
        return mrs_refuse(error, MRS_MALFORMED, "distinct-count sketch: cut short, found %zu bytes, expected at least 3",
                          size);
    return true;
}

static bool
refuse_parameters(const uint8_t *bytes, mrs_error *error)
{
    int log2m = bytes[1] & 31, width = (bytes[1] >> 5) + 1, code = bytes[2];

    if (bytes[0] >> 4 != 1)
        return mrs_refuse(error, MRS_MALFORMED,
                          "distinct-count sketch: unknown schema version, found %d, expected 1", bytes[0] >> 4);
    if ((bytes[0] & 15) < MRS_UNIQUES_EMPTY || (bytes[0] & 15) > MRS_UNIQUES_FULL)
        return mrs_refuse(error, MRS_MALFORMED, "distinct-count sketch: unknown type, found %d, expected 1 to 4",
                          bytes[0] & 15);
    if (log2m < 4 || log2m > 17 || width < 4 || width > 6)
        return mrs_refuse(error, MRS_MALFORMED,
                          "distinct-count sketch: parameters not supported, found log2m %d and register width %d, "
                          "expected 4 to 17 and 4 to 6", log2m, width);
    if ((code & 128) != 0 || ((code & 63) > 14 && (code & 63) != 63))
        return mrs_refuse(error, MRS_MALFORMED, "distinct-count sketch: cut-off byte not usable, found %d", code);
    return true;
}

bool
mrs_uniques_read_header(const uint8_t *bytes, size_t size, mrs_uniques_header *header, mrs_error *error)
{
    size_t body = size - 3, bits, registers, word;
    int code;

    if (!refuse_other_kind(bytes, size, error) || !refuse_parameters(bytes, error))
        return false;
    header->form = bytes[0] & 15;
    header->log2m = bytes[1] & 31;
    header->width = (bytes[1] >> 5) + 1;
    memcpy(header->parameters, bytes + 1, 2);
    code = bytes[2] & 63;
    header->sparse = (bytes[2] & 64) != 0;
    registers = (size_t) 1 << header->log2m;
    header->threshold = code == 63 ? (int) (registers * header->width / 64) : code == 0 ? 0 : 1 << (code - 1);
    bits = 8 * body;
    word = header->log2m + header->width;
    if ((header->form == MRS_UNIQUES_EMPTY && body != 0) ||
        (header->form == MRS_UNIQUES_EXPLICIT &&
         (body == 0 || body % 8 != 0 || body / 8 > (size_t) header->threshold)) ||
        (header->form == MRS_UNIQUES_FULL && body != registers * header->width / 8) ||
        (header->form == MRS_UNIQUES_SPARSE && bits / word * word >= registers * header->width))
        return mrs_refuse(error, MRS_MALFORMED, "distinct-count sketch: body of %zu bytes does not go with type %d", body,
                          header->form);
    return true;
}

void
mrs_uniques_begin(mrs_uniques *state, void *memory)
{
    memset(state, 0, sizeof *state);
    state->memory = memory;
    state->is_exact = true;
}

/* A block twice as large, or of the first size, with what the old one held. */
static void *
grown(void *memory, void *block, int count, int room, size_t element)
{
    void *larger = mrs_allocate(memory, room * element);

    if (block != NULL)
    {
        memcpy(larger, block, count * element);
        mrs_release(block);
    }
    return larger;
}

static int
compare_hashes(const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

    return (x > y) - (x < y);
}

static int
compare_words(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

    return (x > y) - (x < y);
}

static void
settle_hashes(mrs_uniques *state)
{
    int kept = 0;

    if (state->hash_count > 1)
        qsort(state->hashes, state->hash_count, sizeof *state->hashes, compare_hashes);
    for (int i = 0; i < state->hash_count; i++)
        if (kept == 0 || state->hashes[kept - 1] != state->hashes[i])
            state->hashes[kept++] = state->hashes[i];
    state->hash_count = kept;
}

/* One word for each register, with its largest value, ascending. */
static void
settle_words(mrs_uniques *state)
{
    int kept = 0, width = state->header.width;

    if (state->word_count > 1)
        qsort(state->words, state->word_count, sizeof *state->words, compare_words);
    for (int i = 0; i < state->word_count; i++)
    {
        if (kept > 0 && state->words[kept - 1] >> width == state->words[i] >> width)
            kept--;
        state->words[kept++] = state->words[i];
    }
    state->word_count = kept;
}

static void
need_registers(mrs_uniques *state)
{
    int width = state->header.width, top = (1 << width) - 1;
    size_t size = (size_t) 1 << state->header.log2m;

    if (state->registers != NULL)
        return;
    state->registers = mrs_allocate(state->memory, size);
    memset(state->registers, 0, size);
    for (int i = 0; i < state->word_count; i++)
    {
        uint8_t *at = state->registers + (state->words[i] >> width), value = state->words[i] & top;

        if (*at < value)
            *at = value;
    }
    state->word_count = 0;
}

static void
add_word(mrs_uniques *state, uint32_t word)
{
    int width = state->header.width, most = (1 << state->header.log2m) / 8;

    if (state->registers == NULL && state->word_count == state->word_room)
    {
        settle_words(state);
        if (state->word_count * 2 >= state->word_room)
        {
            if (state->word_room >= most)
                need_registers(state);
            else
            {
                int room = state->word_room == 0 ? 16 : 2 * state->word_room;

                state->words = grown(state->memory, state->words, state->word_count, room, sizeof *state->words);
                state->word_room = room;
            }
        }
    }
    if (state->registers != NULL)
    {
        uint8_t *at = state->registers + (word >> width), value = word & ((1 << width) - 1);

        if (*at < value)
            *at = value;
    }
    else
        state->words[state->word_count++] = word;
}

static void
add_hash_to_registers(mrs_uniques *state, int64_t hash)
{
    int log2m = state->header.log2m, width = state->header.width, top = (1 << width) - 1;
    uint64_t rest = (uint64_t) hash >> log2m;
    int value;

    if (rest == 0)
        return;
    value = 1 + __builtin_ctzll(rest);
    add_word(state, (uint32_t) ((uint64_t) hash & ((1u << log2m) - 1)) << width | (value < top ? value : top));
}

static void
leave_exact(mrs_uniques *state)
{
    state->is_exact = false;
    for (int i = 0; i < state->hash_count; i++)
        add_hash_to_registers(state, state->hashes[i]);
    state->hash_count = 0;
}

static void
add_hash(mrs_uniques *state, int64_t hash)
{
    if (state->is_exact && state->hash_count == state->hash_room)
    {
        settle_hashes(state);
        if (state->hash_count > state->header.threshold)
            leave_exact(state);
        else if (state->hash_count * 2 >= state->hash_room)
        {
            int room = state->hash_room == 0 ? 16 : 2 * state->hash_room;

            state->hashes = grown(state->memory, state->hashes, state->hash_count, room, sizeof *state->hashes);
            state->hash_room = room;
        }
    }
    if (state->is_exact)
        state->hashes[state->hash_count++] = hash;
    else
        add_hash_to_registers(state, hash);
}

static bool
add_explicit(mrs_uniques *state, const uint8_t *bytes, size_t size, mrs_error *error)
{
    int64_t previous = 0;

    for (size_t at = 3; at < size; at += 8)
    {
        int64_t hash = (int64_t) mrs_load64(bytes + at);

        if (at > 3 && hash <= previous)
            return mrs_refuse(error, MRS_MALFORMED, EXPLICIT_ORDER);
        previous = hash;
        add_hash(state, hash);
    }
    return true;
}

/* So many bits, at most 23, from a bit on, which must be there. */
static inline uint32_t
bits_at(const uint8_t *body, size_t size, size_t bit, int count)
{
    size_t at = bit / 8;
    uint32_t window = 0;

    for (size_t i = 0; i < 4; i++)
        window = window << 8 | (at + i < size ? body[at + i] : 0);
    return window << (bit % 8) >> (32 - count);
}

/* Checks the words of a SPARSE body and gives each to the state or, without one, counts the values. */
static bool
read_sparse(const uint8_t *body, size_t size, const mrs_uniques_header *header, mrs_uniques *state, int *counts,
            mrs_error *error)
{
    int length = header->log2m + header->width, top = (1 << header->width) - 1;
    size_t bits = 8 * size, end = bits / length * length;
    int64_t previous = -1;

    if (bits - end > 7 || (bits > end && bits_at(body, size, end, (int) (bits - end)) != 0))
        return mrs_refuse(error, MRS_MALFORMED, "distinct-count sketch: bits after the last register");
    for (size_t bit = 0; bit < end; bit += length)
    {
        uint32_t word = bits_at(body, size, bit, length);

        if ((int64_t) (word >> header->width) <= previous || (word & top) == 0)
            return mrs_refuse(error, MRS_MALFORMED, SPARSE_ORDER);
        previous = word >> header->width;
        if (state != NULL)
            add_word(state, word);
        else
            counts[word & top]++;
    }
    return true;
}

/* Bytes of eight fields apart, so that each stands in a byte of its own. */
static inline uint64_t
spread(uint64_t fields, int width)
{
    uint64_t lanes = (fields >> 4 * width) << 32 | (fields & (((uint64_t) 1 << 4 * width) - 1));
    uint64_t two = (((uint64_t) 1 << 2 * width) - 1) * UINT64_C(0x0000000100000001);
    uint64_t one = (((uint64_t) 1 << width) - 1) * UINT64_C(0x0001000100010001);

    lanes = (lanes & two << 2 * width) << (16 - 2 * width) | (lanes & two);
    return (lanes & one << width) << (8 - width) | (lanes & one);
}

static inline uint64_t
gathered(uint64_t lanes, int width)
{
    lanes = (lanes & UINT64_C(0xff00ff00ff00ff00)) >> (8 - width) | (lanes & UINT64_C(0x00ff00ff00ff00ff));
    lanes = (lanes & UINT64_C(0xffff0000ffff0000)) >> (16 - 2 * width) | (lanes & UINT64_C(0x0000ffff0000ffff));
    return lanes >> 32 << 4 * width | (lanes & UINT64_C(0xffffffff));
}

/* The larger of each byte; all are below 64. */
static inline uint64_t
larger_bytes(uint64_t a, uint64_t b)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint64_t not_less = ((a | high) - b) & high, mask = not_less - (not_less >> 7);

    return (a & mask) | (b & ~mask);
}

/* Eight packed fields, as they are. */
static inline uint64_t
packed(const uint8_t *body, size_t size, size_t group, int width)
{
    const uint8_t *at = body + group * width;
    uint64_t fields = 0;

    if (group * width + 8 <= size)
        return mrs_load64(at) >> (64 - 8 * width);
    for (int i = 0; i < width; i++)
        fields = fields << 8 | at[i];
    return fields;
}

static inline uint64_t
eight(const uint8_t *body, size_t size, size_t group, int width)
{
    return spread(packed(body, size, group, width), width);
}

static inline void
add_full_of(uint8_t *registers, const uint8_t *body, size_t size, int width)
{
    for (size_t group = 0; group < size / width; group++)
    {
        uint8_t *at = registers + 8 * group;

        mrs_store64(at, larger_bytes(mrs_load64(at), eight(body, size, group, width)));
    }
}

static void
add_full(mrs_uniques *state, const uint8_t *body, size_t size)
{
    need_registers(state);
    state->is_full = true;
    /* With the width as a constant, shifts and masks are constants too. */
    if (state->header.width == 5)
        add_full_of(state->registers, body, size, 5);
    else if (state->header.width == 4)
        add_full_of(state->registers, body, size, 4);
    else
        add_full_of(state->registers, body, size, 6);
}

bool
mrs_uniques_add(mrs_uniques *state, const uint8_t *bytes, size_t size, mrs_error *error)
{
    mrs_uniques_header header;

    if (!mrs_uniques_read_header(bytes, size, &header, error))
        return false;
    if (!state->started)
    {
        state->started = true;
        state->header = header;
    }
    else if (memcmp(state->header.parameters, header.parameters, 2) != 0)
        return mrs_refuse(error, MRS_MISMATCH,
                          "distinct-count sketches: parameters have no common union, found %02x%02x and %02x%02x",
                          header.parameters[0], header.parameters[1], state->header.parameters[0],
                          state->header.parameters[1]);
    if (header.form == MRS_UNIQUES_EXPLICIT)
        return add_explicit(state, bytes, size, error);
    if (header.form == MRS_UNIQUES_EMPTY)
        return true;
    if (state->is_exact)
        leave_exact(state);
    if (header.form == MRS_UNIQUES_SPARSE)
        return read_sparse(bytes + 3, size - 3, &header, state, NULL, error);
    add_full(state, bytes + 3, size - 3);
    return true;
}

size_t
mrs_uniques_size_max(const mrs_uniques *state)
{
    size_t full = ((size_t) 1 << state->header.log2m) * state->header.width / 8, exact = 8 * (size_t) state->header.threshold;

    return 3 + (full > exact ? full : exact);
}

static size_t
write_sparse(const mrs_uniques *state, uint8_t *body)
{
    int width = state->header.width, length = state->header.log2m + width, held = 0;
    size_t count = state->registers != NULL ? (size_t) 1 << state->header.log2m : (size_t) state->word_count, size = 0;
    uint64_t bits = 0;

    for (size_t i = 0; i < count; i++)
    {
        uint32_t word = state->registers == NULL ? state->words[i] : (uint32_t) i << width | state->registers[i];

        if ((word & ((1u << width) - 1)) == 0)
            continue;
        bits = bits << length | word;
        for (held += length; held >= 8; held -= 8)
            body[size++] = (uint8_t) (bits >> (held - 8));
    }
    if (held > 0)
        body[size++] = (uint8_t) (bits << (8 - held));
    return size;
}

static inline void
put_packed(uint8_t *body, size_t size, size_t group, int width, uint64_t fields)
{
    uint8_t *at = body + group * width;

    /* What is written beyond the group is that of the next, which comes after it. */
    if (group * width + 8 <= size)
        mrs_store64(at, fields << (64 - 8 * width));
    else
        for (int i = width - 1; i >= 0; i--, fields >>= 8)
            at[i] = (uint8_t) fields;
}

static inline void
write_full_of(const uint8_t *registers, uint8_t *body, size_t size, int width)
{
    for (size_t group = 0; group < size / width; group++)
        put_packed(body, size, group, width, gathered(mrs_load64(registers + 8 * group), width));
}

static size_t
write_full(mrs_uniques *state, uint8_t *body)
{
    size_t size = ((size_t) 1 << state->header.log2m) * state->header.width / 8;

    need_registers(state);
    if (state->header.width == 5)
        write_full_of(state->registers, body, size, 5);
    else if (state->header.width == 4)
        write_full_of(state->registers, body, size, 4);
    else
        write_full_of(state->registers, body, size, 6);
    return size;
}

/* The larger of every other field, from the lowest on; what lies between them is free for the borrow. */
static inline uint64_t
larger_alternate(uint64_t a, uint64_t b, int width)
{
    const uint64_t one = width == 4   ? UINT64_C(0x0001010101)
                         : width == 5 ? UINT64_C(0x0040100401)
                                      : UINT64_C(0x1001001001),
                   fields = (one << width) - one, guard = one << width;
    uint64_t not_less, mask;

    a &= fields;
    b &= fields;
    not_less = ((a | guard) - b) & guard;
    mask = not_less - (not_less >> width);
    return (a & mask) | (b & ~mask);
}

static inline void
unite_full_of(const uint8_t *a, const uint8_t *b, size_t size, uint8_t *out, int width)
{
    for (size_t group = 0; group < size / width; group++)
    {
        uint64_t of_a = packed(a, size, group, width), of_b = packed(b, size, group, width);

        put_packed(out, size, group, width,
                   larger_alternate(of_a >> width, of_b >> width, width) << width | larger_alternate(of_a, of_b, width));
    }
}

bool
mrs_uniques_unite_full(const uint8_t *a, const uint8_t *b, size_t size, uint8_t *out)
{
    mrs_uniques_header header;
    mrs_error error;

    if (size < 3 || memcmp(a, b, 3) != 0 || (a[0] & 15) != MRS_UNIQUES_FULL ||
        !mrs_uniques_read_header(a, size, &header, &error))
        return false;
    memcpy(out, a, 3);
    if (header.width == 5)
        unite_full_of(a + 3, b + 3, size - 3, out + 3, 5);
    else if (header.width == 4)
        unite_full_of(a + 3, b + 3, size - 3, out + 3, 4);
    else
        unite_full_of(a + 3, b + 3, size - 3, out + 3, 6);
    return true;
}

size_t
mrs_uniques_write(mrs_uniques *state, uint8_t *bytes)
{
    size_t registers = (size_t) 1 << state->header.log2m, filled = 0;
    bool is_sparse;

    memcpy(bytes + 1, state->header.parameters, 2);
    if (state->is_exact)
    {
        settle_hashes(state);
        if (state->hash_count <= state->header.threshold)
        {
            bytes[0] = 0x10 | (state->hash_count == 0 ? MRS_UNIQUES_EMPTY : MRS_UNIQUES_EXPLICIT);
            for (int i = 0; i < state->hash_count; i++)
                mrs_store64(bytes + 3 + 8 * i, (uint64_t) state->hashes[i]);
            return 3 + 8 * (size_t) state->hash_count;
        }
        leave_exact(state);
    }
    if (state->registers == NULL)
    {
        settle_words(state);
        filled = state->word_count;
    }
    else if (!state->is_full)
        for (size_t i = 0; i < registers; i++)
            filled += state->registers[i] != 0;
    is_sparse = !state->is_full && state->header.sparse &&
                filled * (state->header.log2m + state->header.width) < registers * state->header.width;
    bytes[0] = 0x10 | (is_sparse ? MRS_UNIQUES_SPARSE : MRS_UNIQUES_FULL);
    return 3 + (is_sparse ? write_sparse(state, bytes + 3) : write_full(state, bytes + 3));
}

int
mrs_uniques_shared(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    size_t i = 3, j = 3;
    int shared = 0;

    while (i + 8 <= a_size && j + 8 <= b_size)
    {
        int64_t x = (int64_t) mrs_load64(a + i), y = (int64_t) mrs_load64(b + j);

        shared += x == y;
        i += x <= y ? 8 : 0;
        j += y <= x ? 8 : 0;
    }
    return shared;
}

/* How many registers hold each value; explicit elements are counted as their number at counts[0]. */
bool mrs_uniques_histogram(const uint8_t *bytes, size_t size, mrs_uniques_header *header, int *counts, mrs_error *error);

bool
mrs_uniques_histogram(const uint8_t *bytes, size_t size, mrs_uniques_header *header, int *counts, mrs_error *error)
{
    const uint8_t *body = bytes + 3;
    int several[4][64];

    memset(counts, 0, 64 * sizeof *counts);
    if (!mrs_uniques_read_header(bytes, size, header, error))
        return false;
    if (header->form == MRS_UNIQUES_EXPLICIT)
    {
        for (size_t at = 11; at < size; at += 8)
            if ((int64_t) mrs_load64(bytes + at) <= (int64_t) mrs_load64(bytes + at - 8))
                return mrs_refuse(error, MRS_MALFORMED, EXPLICIT_ORDER);
        counts[0] = (int) ((size - 3) / 8);
        return true;
    }
    if (header->form == MRS_UNIQUES_SPARSE)
        return read_sparse(body, size - 3, header, NULL, counts, error);
    if (header->form == MRS_UNIQUES_EMPTY)
        return true;
    /* Four tables: an increment need not wait for the one before. */
    memset(several, 0, sizeof several);
    for (size_t group = 0; group < (size - 3) / header->width; group++)
    {
        uint64_t lanes = eight(body, size - 3, group, header->width);

        for (int i = 0; i < 8; i++, lanes >>= 8)
            several[i & 3][lanes & 63]++;
    }
    for (int value = 1; value < 64; value++)
        counts[value] = several[0][value] + several[1][value] + several[2][value] + several[3][value];
    return true;
}
