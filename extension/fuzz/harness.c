/*
 * Feeds the core with bytes, without Postgres and under the sanitizers: whole sketches from a file of seeds (a line of
 * hex each), changed at random. Reading must refuse or accept, never touch memory that is not its own; what is accepted
 * and written again must be read again, as the same bytes from then on.
 *
 *   harness SEEDS INPUTS [SEED]      prints how many were accepted; exit code 1 for a contradiction
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/quantiles.h"
#include "../src/sums.h"
#include "../src/uniques.h"

enum
{
    SIZE_MAX_OF_INPUT = 1 << 17
};

typedef struct
{
    uint8_t *bytes;
    size_t size;
} input;

/* Blocks of the state under way, released together as a memory context would be. */
static void *blocks[64];
static int block_count;

void *
mrs_allocate(void *memory, size_t size)
{
    void *block = malloc(size);

    (void) memory;
    if (block == NULL || block_count == 64)
        abort();
    return blocks[block_count++] = block;
}

void
mrs_release(void *block)
{
    for (int i = 0; i < block_count; i++)
        if (blocks[i] == block)
            blocks[i] = blocks[--block_count];
    free(block);
}

static void
release_all(void)
{
    while (block_count > 0)
        free(blocks[--block_count]);
}

static uint64_t draws;

static uint64_t
draw(void)
{
    uint64_t x = draws += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void
contradiction(const char *what, input given)
{
    fprintf(stderr, "harness: %s:", what);
    for (size_t i = 0; i < given.size; i++)
        fprintf(stderr, "%s%02x", i == 0 ? " " : "", given.bytes[i]);
    fprintf(stderr, "\n");
    exit(1);
}

/* An exact copy, so that reading one byte too many is seen. */
static input
copied(const uint8_t *bytes, size_t size)
{
    input copy = {malloc(size > 0 ? size : 1), size};

    memcpy(copy.bytes, bytes, size);
    if (size == 0)
        copy.bytes = realloc(copy.bytes, 1);
    return copy;
}

static bool
united_uniques(input a, input b, input *result)
{
    mrs_uniques state;
    mrs_error error;
    bool is_fine;

    mrs_uniques_begin(&state, NULL);
    is_fine = mrs_uniques_add(&state, a.bytes, a.size, &error) && mrs_uniques_add(&state, b.bytes, b.size, &error);
    if (is_fine)
    {
        result->bytes = malloc(mrs_uniques_size_max(&state));
        result->size = mrs_uniques_write(&state, result->bytes);
    }
    release_all();
    return is_fine;
}

static bool
try_uniques(input given, input other)
{
    double estimate;
    mrs_error error;
    input once, twice;
    bool is_fine = mrs_uniques_estimate(given.bytes, given.size, -2, &estimate, &error);

    if (is_fine && !(isfinite(estimate) && estimate >= 0))
        contradiction("estimate out of range", given);
    if (united_uniques(given, given, &once) != is_fine)
        contradiction("estimating and uniting do not agree", given);
    if (!is_fine)
        return false;
    if (!united_uniques(once, given, &twice) || once.size != twice.size || memcmp(once.bytes, twice.bytes, once.size) != 0)
        contradiction("a union with a part of it is another", given);
    free(twice.bytes);
    if (united_uniques(once, other, &twice))
    {
        uint8_t *direct = malloc(twice.size);

        mrs_uniques_shared(once.bytes, once.size, twice.bytes, twice.size);
        if (given.size == other.size && twice.size == other.size &&
            mrs_uniques_unite_full(given.bytes, other.bytes, other.size, direct) &&
            memcmp(direct, twice.bytes, twice.size) != 0)
            contradiction("two ways of uniting do not agree", given);
        free(direct);
        free(twice.bytes);
    }
    free(once.bytes);
    return true;
}

static bool
united_quantiles(input a, input b, input *result)
{
    mrs_quantile_union state;
    mrs_error error;
    size_t room;
    bool is_fine;

    mrs_quantile_union_begin(&state, NULL);
    is_fine = mrs_quantile_union_add(&state, a.bytes, a.size, &error) &&
              (b.bytes == NULL || mrs_quantile_union_add(&state, b.bytes, b.size, &error)) &&
              mrs_quantile_union_size_max(&state, &room, &error);
    if (is_fine)
    {
        result->bytes = malloc(room);
        result->size = mrs_quantile_union_write(&state, result->bytes);
    }
    release_all();
    return is_fine;
}

static void
ask(input given, const mrs_quantiles *sketch)
{
    char text[80];
    mrs_buckets walk;
    uint64_t count, held = 0, rank = sketch->n > 0 ? draw() % (uint64_t) sketch->n : 0;
    int key, previous = -MRS_KEY_GREATEST - 1, of_rank = 0;

    mrs_wide_text(&sketch->total, text);
    mrs_quantiles_has_sum(sketch);
    if (sketch->n == 0)
        return;
    for (int bound = -1; bound <= 1; bound++)
    {
        double x = mrs_key_value((int) (draw() % MRS_KEY_GREATEST), sketch->halvings, bound);
        double share = mrs_share_below(sketch, given.bytes, given.size, x, bound);

        if (!(share >= 0 && share <= 1))
            contradiction("share out of range", given);
    }
    if (!sketch->is_exact && !mrs_bucket_of_rank(sketch, given.bytes, given.size, (int64_t) rank, &of_rank))
        contradiction("no bucket holds a rank below the count", given);
    mrs_buckets_begin(&walk, sketch, given.bytes, given.size);
    while (mrs_buckets_next(&walk, &key, &count))
    {
        double value = mrs_quantiles_at_key(sketch, key, 0);

        if (key <= previous || !isfinite(value))
            contradiction("buckets out of order, or not finite", given);
        previous = key;
        if (rank >= held && rank - held < count && key != of_rank)
            contradiction("a rank is in another bucket", given);
        held += count;
    }
    if (!sketch->is_exact && held != (uint64_t) sketch->n)
        contradiction("buckets do not hold the count", given);
}

static bool
try_quantiles(input given, input other)
{
    mrs_quantiles sketch;
    mrs_error error;
    input once, twice;

    if (!mrs_quantiles_read(given.bytes, given.size, &sketch, &error))
        return false;
    ask(given, &sketch);
    if (!united_quantiles(given, (input){NULL, 0}, &once) || once.size != given.size ||
        memcmp(once.bytes, given.bytes, given.size) != 0)
        contradiction("accepted bytes are written as others", given);
    free(once.bytes);
    if (united_quantiles(given, other, &twice))
    {
        if (!mrs_quantiles_read(twice.bytes, twice.size, &sketch, &error))
            contradiction("a union that cannot be read", given);
        free(twice.bytes);
    }
    return true;
}

static bool
try_sums(input given, input other)
{
    mrs_sum sum = {{0}};
    mrs_error error;
    uint8_t bytes[MRS_SUM_BYTES_MAX];
    char text[MRS_SUM_TEXT_MAX];
    size_t size;
    bool is_fine = mrs_sum_text(given.bytes, given.size, text, &error);

    if (mrs_sum_add(&sum, given.bytes, given.size, &error) != is_fine)
        contradiction("reading and adding do not agree", given);
    if (!is_fine)
        return false;
    if (!mrs_sum_write(&sum, bytes, &size, &error) || size != given.size || memcmp(bytes, given.bytes, size) != 0)
        contradiction("accepted bytes are written as others", given);
    if (mrs_sum_add(&sum, other.bytes, other.size, &error))
        mrs_sum_write(&sum, bytes, &size, &error);
    return true;
}

static size_t
changed(const input *seed, uint8_t *bytes)
{
    size_t size = seed->size, at;
    int times = (int) (draw() % 4);

    memcpy(bytes, seed->bytes, size);
    for (int i = 0; i < times; i++)
    {
        at = size == 0 ? 0 : draw() % (draw() % 2 && size > 12 ? 12 : size);
        switch (size == 0 ? 1 : draw() % 6)
        {
            case 0:
                bytes[at] ^= (uint8_t) (1 << draw() % 8);
                break;
            case 1:
                if (size < SIZE_MAX_OF_INPUT)
                {
                    memmove(bytes + at + 1, bytes + at, size - at);
                    bytes[at] = (uint8_t) draw();
                    size++;
                }
                break;
            case 2:
                memmove(bytes + at, bytes + at + 1, --size - at);
                break;
            case 3:
                size = at;
                break;
            case 4:
                bytes[at] = (uint8_t) (draw() % 2 ? 255 : 128);
                break;
            default:
                bytes[at] = (uint8_t) draw();
        }
    }
    return size;
}

static input *
read_seeds(const char *path, size_t *count)
{
    static char line[2 * SIZE_MAX_OF_INPUT + 2];
    static uint8_t bytes[SIZE_MAX_OF_INPUT];
    FILE *file = fopen(path, "r");
    input *seeds = NULL;

    *count = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
    {
        size_t size = strspn(line, "0123456789abcdef") / 2;

        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t) strtoul((char[]){line[2 * i], line[2 * i + 1], 0}, NULL, 16);
        seeds = realloc(seeds, (*count + 1) * sizeof *seeds);
        seeds[(*count)++] = copied(bytes, size);
    }
    if (file != NULL)
        fclose(file);
    return seeds;
}

/* More seeds, by uniting some: larger ones, and every layout. */
static input *
grown_seeds(input *seeds, size_t *count)
{
    enum { ROUNDS = 3000 };

    seeds = realloc(seeds, (*count + 2 * ROUNDS) * sizeof *seeds);
    for (int i = 0; i < ROUNDS; i++)
    {
        input one = seeds[draw() % *count], other = seeds[draw() % *count], result;

        if (united_uniques(one, other, &result) || united_quantiles(one, other, &result))
        {
            seeds[(*count)++] = copied(result.bytes, result.size);
            free(result.bytes);
        }
    }
    return seeds;
}

int
main(int argc, char **argv)
{
    static uint8_t buffer[SIZE_MAX_OF_INPUT + 8];
    size_t count = 0;
    input *seeds = argc > 2 ? read_seeds(argv[1], &count) : NULL;
    long inputs = argc > 2 ? atol(argv[2]) : 0, accepted = 0;

    if (count == 0 || inputs <= 0)
    {
        fprintf(stderr, "harness: usage: harness SEEDS INPUTS [SEED], with a line of hex for each seed\n");
        return 2;
    }
    draws = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    seeds = grown_seeds(seeds, &count);
    for (long i = 0; i < inputs; i++)
    {
        const input *other = &seeds[draw() % count];
        input given = copied(buffer, changed(&seeds[draw() % count], buffer));

#ifdef MRS_CANARY
        accepted += given.bytes[given.size];
#endif
        /* Each reader sees what was meant for the others, too. */
        accepted += try_uniques(given, *other) + try_quantiles(given, *other) + try_sums(given, *other);
        free(given.bytes);
    }
    for (size_t i = 0; i < count; i++)
        free(seeds[i].bytes);
    free(seeds);
    printf("%ld inputs, %ld accepted, from %zu seeds\n", inputs, accepted, count);
    return 0;
}
