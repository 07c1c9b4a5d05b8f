-- Unions of distinct-count sketches in SQL, with the bytes that the engine would have written.
--
-- An aggregate gathers the sketches of a group as an array, with a built-in function, and one call unites them all:
-- calls cost more than bytes. Loops are PL/pgSQL statements of some 60 ns each; dense sketches are united as strings of
-- bits, with operators that run in C.

CREATE SCHEMA IF NOT EXISTS millrace;

-- Field by field the larger of two strings of fields of 4 to 6 bits. below: every bit of a field but its first.
CREATE OR REPLACE FUNCTION millrace._larger_fields(a bit varying, b bit varying, below bit varying)
RETURNS bit varying
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    differ bit varying := a # b;
    third CONSTANT bit varying := below & (below >> 1);
    spread bit varying;
BEGIN
    -- From the first bit that differs to the end of its field.
    spread := differ | ((differ >> 1) & below);
    spread := spread | ((spread >> 2) & third);
    spread := spread | ((spread >> 2) & third);
    -- Where a has the first 1, a's bits are taken from there on; before it both have the same.
    spread := (spread >> 1) & below;
    spread := a & (differ # (differ & spread));
    spread := spread | ((spread >> 1) & below);
    spread := spread | ((spread >> 2) & third);
    spread := spread | ((spread >> 2) & third);
    RETURN b # (differ & spread);
END $$;

-- The bits of every field but its first, for so many bits of fields so wide.
CREATE OR REPLACE FUNCTION millrace._bits_below_first(width int, size int) RETURNS bit varying
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    -- Constants up to log2m 14, which a session computes once.
    IF size > 98304 THEN
        RETURN substring(
            ('x' || repeat((ARRAY['777777', '7bdef7bdef', '7df7df'])[width - 3], 1 + size / 24))::bit varying FOR size);
    ELSIF width = 5 THEN
        RETURN substring(('x' || repeat('7bdef7bdef', 2458))::bit varying FOR size);
    ELSIF width = 4 THEN
        RETURN substring(('x' || repeat('77777777', 3072))::bit varying FOR size);
    END IF;
    RETURN substring(('x' || repeat('7df7df', 4096))::bit varying FOR size);
END $$;

-- Registers as packed fields of a FULL body.
CREATE OR REPLACE FUNCTION millrace._pack_registers(registers int[], width int) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    -- Eight registers are `width` bytes.
    RETURN (
        SELECT string_agg(substring(int8send(
            (((((((registers[i]::bigint << width | registers[i + 1]) << width | registers[i + 2]) << width
                | registers[i + 3]) << width | registers[i + 4]) << width | registers[i + 5]) << width
                | registers[i + 6]) << width | registers[i + 7])
            ) FROM 9 - width FOR width), ''::bytea ORDER BY i)
        FROM generate_series(1, cardinality(registers) - 7, 8) AS i);
END $$;

-- Register words, index << width | value, of hashes; a hash without a trace has none.
CREATE OR REPLACE FUNCTION millrace._words_of_hashes(hashes bigint[], log2m int, width int) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    -- 1 + trailing zeros: where the first 1 stands from the right.
    RETURN (
        SELECT coalesce(array_agg((h & ((1 << log2m) - 1))::int << width
            | least(strpos(reverse(rest::bit(64)::text), '1'), (1 << width) - 1)), '{}')
        FROM (SELECT h, (h >> log2m) & ((1::bigint << (64 - log2m)) - 1) AS rest FROM unnest(hashes) AS h) AS cut
        WHERE rest <> 0);
END $$;

-- A sketch that is no longer exact, from one word for each register, or all registers, and fields of a FULL body.
CREATE OR REPLACE FUNCTION millrace._uniques_written(
    parameters bytea, sparse boolean, log2m int, width int, words int[], registers int[], dense bit varying)
RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    word_size CONSTANT int := log2m + width;
    body bytea;
BEGIN
    IF dense IS NULL AND sparse AND cardinality(words) * word_size < (1 << log2m) * width THEN
        RETURN E'\\x13'::bytea || parameters || coalesce((
            SELECT substring(varbit_send(string_agg(pg_catalog."bit"(w, word_size)::text, '' ORDER BY w)::bit varying)
                FROM 5)
            FROM unnest(words) AS w), '');
    END IF;
    IF registers IS NULL AND (dense IS NULL OR words <> '{}') THEN
        registers := array(
            SELECT coalesce(w & ((1 << width) - 1), 0)
            FROM generate_series(0, (1 << log2m) - 1) AS i LEFT JOIN unnest(words) AS w ON w >> width = i ORDER BY i);
    END IF;
    IF registers IS NOT NULL THEN
        body := millrace._pack_registers(registers, width);
        IF dense IS NULL THEN
            RETURN E'\\x14'::bytea || parameters || body;
        END IF;
        dense := millrace._larger_fields(
            ('x' || encode(body, 'hex'))::bit varying, dense, millrace._bits_below_first(width, length(dense)));
    END IF;
    RETURN E'\\x14'::bytea || parameters || substring(varbit_send(dense) FROM 5);
END $$;

-- The union of sketches of equal parameters; null without sketches.
CREATE OR REPLACE FUNCTION millrace._uniques_merge(sketches bytea[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- So many words and hashes are kept as a list; then there is an array of all registers.
    buffered CONSTANT int := 1500;
    sketch bytea;
    size int;
    form int;
    header record;
    parameters bytea;
    log2m int;
    width int;
    top int;
    full_size int;
    below bit varying;
    bits bit varying;
    dense bit varying;
    registers int[];
    words int[] := '{}';
    word int;
    register int;
    previous int;
    word_size int;
    hashes bigint[] := '{}';
    hash bigint;
    last_hash bigint;
    rest bigint;
    is_exact boolean := true;
    hashes_max int := buffered;
BEGIN
    FOR i IN 1 .. cardinality(sketches) LOOP
        sketch := sketches[i];
        CONTINUE WHEN sketch IS NULL;
        size := length(sketch);
        IF parameters IS NULL OR size < 3 OR substring(sketch FROM 2 FOR 2) <> parameters THEN
            header := millrace._uniques_header(sketch);
            IF parameters IS NOT NULL THEN
                RAISE EXCEPTION 'distinct-count sketches: parameters have no common union, found % and %',
                    encode(substring(sketch FROM 2 FOR 2), 'hex'), encode(parameters, 'hex')
                    USING ERRCODE = 'datatype_mismatch';
            END IF;
            parameters := substring(sketch FROM 2 FOR 2);
            log2m := header.log2m;
            width := header.width;
            top := (1 << width) - 1;
            word_size := log2m + width;
            full_size := 3 + ((1 << log2m) * width) / 8;
            hashes_max := greatest(buffered, 2 * header.threshold);
        END IF;
        form := get_byte(sketch, 0);
        IF form = 18 AND size > 3 AND size % 8 = 3 AND size <= 3 + 8 * header.threshold THEN
            bits := ('x' || encode(substring(sketch FROM 4), 'hex'))::bit varying;
            last_hash := NULL;
            FOR at IN 1 .. 8 * size - 24 BY 64 LOOP
                hash := substring(bits FROM at FOR 64)::bigint;
                IF hash <= last_hash THEN
                    PERFORM millrace._uniques_malformed('duplicate or descending explicit elements');
                END IF;
                last_hash := hash;
                IF is_exact THEN
                    hashes := hashes || hash;
                ELSE
                    rest := (hash >> log2m) & ((1::bigint << (64 - log2m)) - 1);
                    CONTINUE WHEN rest = 0;
                    word := 1;
                    WHILE rest & 1 = 0 AND word < top LOOP
                        rest := rest >> 1;
                        word := word + 1;
                    END LOOP;
                    register := (hash & ((1 << log2m) - 1))::int;
                    IF registers IS NULL THEN
                        words := words || (register << width | word);
                    ELSIF registers[register + 1] < word THEN
                        registers[register + 1] := word;
                    END IF;
                END IF;
            END LOOP;
        ELSIF form = 19 AND (8 * size - 24) / word_size * word_size < 8 * full_size - 24 THEN
            is_exact := false;
            bits := ('x' || encode(substring(sketch FROM 4), 'hex'))::bit varying;
            size := 8 * size - 24;
            IF size % word_size > 7 OR position(B'1' IN substring(bits FROM size - size % word_size + 1)) > 0 THEN
                PERFORM millrace._uniques_malformed('bits after the last register');
            END IF;
            previous := -1;
            FOR at IN 1 .. size - size % word_size BY word_size LOOP
                word := substring(bits FROM at FOR word_size)::int;
                register := word >> width;
                -- Nothing writes such: putting them right in silence would hide that somebody has damaged them.
                IF register <= previous OR word & top = 0 THEN
                    PERFORM millrace._uniques_malformed('duplicate, descending or empty sparse registers');
                END IF;
                previous := register;
                IF registers IS NULL THEN
                    words := words || word;
                ELSIF registers[register + 1] < word & top THEN
                    registers[register + 1] := word & top;
                END IF;
            END LOOP;
        ELSIF form = 20 AND size = full_size THEN
            is_exact := false;
            bits := ('x' || encode(substring(sketch FROM 4), 'hex'))::bit varying;
            IF dense IS NULL THEN
                dense := bits;
                below := millrace._bits_below_first(width, length(bits));
            ELSIF bits <> dense THEN
                dense := millrace._larger_fields(bits, dense, below);
            END IF;
        ELSE
            -- Empty, or malformed.
            PERFORM millrace._uniques_header(sketch);
        END IF;
        IF cardinality(hashes) > hashes_max OR NOT is_exact AND hashes <> '{}' THEN
            hashes := array(SELECT DISTINCT h FROM unnest(hashes) AS h);
            IF NOT is_exact OR cardinality(hashes) > header.threshold THEN
                is_exact := false;
                words := words || millrace._words_of_hashes(hashes, log2m, width);
                hashes := '{}';
            END IF;
        END IF;
        IF cardinality(words) > buffered THEN
            registers := array_fill(0, ARRAY[1 << log2m]);
            FOREACH word IN ARRAY words LOOP
                register := word >> width;
                IF registers[register + 1] < word & top THEN
                    registers[register + 1] := word & top;
                END IF;
            END LOOP;
            words := '{}';
        END IF;
    END LOOP;
    IF parameters IS NULL THEN
        RETURN NULL;
    ELSIF is_exact AND hashes = '{}' THEN
        RETURN E'\\x11'::bytea || parameters;
    ELSIF is_exact THEN
        hashes := array(SELECT DISTINCT h FROM unnest(hashes) AS h ORDER BY h);
        IF cardinality(hashes) <= header.threshold THEN
            RETURN E'\\x12'::bytea || parameters
                || (SELECT string_agg(int8send(h), ''::bytea ORDER BY h) FROM unnest(hashes) AS h);
        END IF;
        words := millrace._words_of_hashes(hashes, log2m, width);
    END IF;
    IF registers IS NULL THEN
        words := array(SELECT max(w) FROM unnest(words) AS w GROUP BY w >> width ORDER BY 1);
    ELSIF dense IS NULL THEN
        words := array(
            SELECT i - 1 << width | registers[i] FROM generate_series(1, 1 << log2m) AS i
            WHERE registers[i] > 0 ORDER BY i);
    END IF;
    RETURN millrace._uniques_written(parameters, header.sparse, log2m, width, words, registers, dense);
END $$;
