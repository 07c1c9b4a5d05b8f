-- Frequent values in SQL: read, united and written as the engine does (docs/formats/frequent-items.md).
--
-- For PostgreSQL 13 and later; plain SQL and PL/pgSQL. Names with an underscore are internal.

CREATE SCHEMA IF NOT EXISTS millrace;

-- Always raises; one place for the SQLSTATE, 22P03 invalid_binary_representation.
CREATE OR REPLACE FUNCTION millrace._top_malformed(what text) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'frequent values: %', what USING ERRCODE = 'invalid_binary_representation';
END $$;

-- The number at an offset, below 2^63, and the offset behind it.
CREATE OR REPLACE FUNCTION millrace._top_varint_at(sketch bytea, start int, OUT value bigint, OUT next int)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size CONSTANT int := length(sketch);
    byte int := 128;
    shift int := 0;
BEGIN
    value := 0;
    next := start;
    WHILE byte >= 128 LOOP
        IF next >= size THEN
            PERFORM millrace._top_malformed(format('ends too early, found %s bytes', size));
        END IF;
        byte := get_byte(sketch, next);
        IF shift > 56 THEN
            PERFORM millrace._top_malformed('number above 63 bits');
        END IF;
        value := value | ((byte & 127)::bigint << shift);
        next := next + 1;
        shift := shift + 7;
    END LOOP;
    IF byte = 0 AND next > start + 1 THEN
        PERFORM millrace._top_malformed('number with a superfluous byte');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION millrace._top_varint(value bigint) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    rest bigint := value;
    bytes bytea := '';
BEGIN
    WHILE rest >= 128 LOOP
        bytes := bytes || set_byte(E'\\x00'::bytea, 0, 128 | (rest & 127)::int);
        rest := rest >> 7;
    END LOOP;
    RETURN bytes || set_byte(E'\\x00'::bytea, 0, rest::int);
END $$;

-- The number that the bytes of a value stand for.
CREATE OR REPLACE FUNCTION millrace._top_number(item bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('x' || lpad(encode(item, 'hex'), 16, CASE WHEN get_byte(item, 0) < 128 THEN '0' ELSE 'f' END))::bit(64)::bigint
$$;

-- What is wrong with the bytes of a value; null if nothing is. Texts are looked at all together.
CREATE OR REPLACE FUNCTION millrace._top_check(items bytea[], kind int) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    name CONSTANT text := CASE kind WHEN 0 THEN 'text' WHEN 1 THEN 'boolean' WHEN 2 THEN 'integer'
        ELSE 'decimal(' || (kind & 31) || ')' END;
    all_bytes bytea;
BEGIN
    IF EXISTS (
        SELECT 1 FROM unnest(items) WITH ORDINALITY AS a(item, i)
        JOIN unnest(items[2:]) WITH ORDINALITY AS b(item, i) USING (i) WHERE a.item >= b.item)
    THEN
        PERFORM millrace._top_malformed('values out of order');
    ELSIF kind = 0 THEN
        all_bytes := string_agg(item, E'\\x0a'::bytea) FROM unnest(items) AS item;
        -- UTF-8 without U+0000, by its pattern (RFC 3629) where there is more than ASCII: catching the error of convert_from
        -- would take a subtransaction, which parallel plans may not have.
        IF strpos(encode(all_bytes, 'escape'), E'\\') > 0 AND encode(all_bytes, 'hex') !~ (
            '^(?:0[1-9a-f]|[1-7][0-9a-f]|(?:c[2-9a-f]|d[0-9a-f])[89ab][0-9a-f]|e0[ab][0-9a-f][89ab][0-9a-f]'
            || '|e[1-9a-cef](?:[89ab][0-9a-f]){2}|ed[89][0-9a-f][89ab][0-9a-f]|f0[9ab][0-9a-f](?:[89ab][0-9a-f]){2}'
            || '|f[1-3](?:[89ab][0-9a-f]){3}|f48[0-9a-f](?:[89ab][0-9a-f]){2})*$')
        THEN
            PERFORM millrace._top_malformed('value is no text');
        END IF;
    ELSIF kind = 1 THEN
        IF EXISTS (SELECT 1 FROM unnest(items) AS item WHERE item NOT IN (E'\\x00', E'\\x01')) THEN
            PERFORM millrace._top_malformed('value is no ' || name);
        END IF;
    ELSIF EXISTS (
        SELECT 1 FROM unnest(items) AS item
        WHERE length(item) NOT BETWEEN 1 AND 8
            OR (length(item) > 1 AND get_byte(item, 0) = CASE WHEN get_byte(item, 1) < 128 THEN 0 ELSE 255 END))
    THEN
        PERFORM millrace._top_malformed('value is no ' || name);
    END IF;
END $$;

-- A stored sketch: its values in order, with counts (0 where they are estimated) and levels, and its counters.
CREATE OR REPLACE FUNCTION millrace._top_decode(
    sketch bytea, OUT kind int, OUT total bigint, OUT floor int, OUT items bytea[], OUT counts bigint[],
    OUT levels int[], OUT counters bigint[])
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size CONSTANT int := length(sketch);
    most CONSTANT bigint := 1125899906842624;
    form int;
    number int;
    at int := 2;
    field record;
    width bigint;
    value bigint;
    shift int;
    byte int;
    sum bigint;
BEGIN
    IF size = 0 THEN
        PERFORM millrace._top_malformed('found no bytes');
    END IF;
    form := get_byte(sketch, 0);
    IF form >> 4 = 1 THEN
        PERFORM millrace._top_malformed('this is a sketch of uniques(); use uniques_estimate()');
    ELSIF form >> 4 = 2 THEN
        PERFORM millrace._top_malformed('this is a sketch of percentiles(); use percentile()');
    ELSIF form >> 4 = 3 THEN
        PERFORM millrace._top_malformed('this is the exact sum of doubles; use sum_exact()');
    ELSIF form >> 4 <> 4 THEN
        PERFORM millrace._top_malformed(format('unknown version, found %s, expected 4', form >> 4));
    ELSIF form & 15 NOT IN (1, 2) THEN
        PERFORM millrace._top_malformed(format('unknown layout, found %s, expected 1 or 2', form & 15));
    ELSIF size < 3 THEN
        PERFORM millrace._top_malformed(format('ends too early, found %s bytes', size));
    END IF;
    kind := get_byte(sketch, 1);
    IF kind > 2 AND kind NOT BETWEEN 32 AND 50 THEN
        PERFORM millrace._top_malformed(format('unknown kind of values, found %s', kind));
    END IF;
    total := 0;
    floor := 0;
    IF form = 66 THEN
        field := millrace._top_varint_at(sketch, at);
        total := field.value;
        field := millrace._top_varint_at(sketch, field.next);
        floor := least(field.value, 1040);
        at := field.next;
        IF total > most THEN
            PERFORM millrace._top_malformed('count out of range, expected 1 to ' || most);
        ELSIF floor > 1039 THEN
            PERFORM millrace._top_malformed('level out of range, expected at most 1039');
        ELSIF total <= 1024 OR floor = 0 THEN
            PERFORM millrace._top_malformed('counts are estimated without need');
        END IF;
    END IF;
    field := millrace._top_varint_at(sketch, at);
    at := field.next;
    IF field.value > 1024 THEN
        PERFORM millrace._top_malformed(format('too many values, found %s, expected at most 1024', field.value));
    END IF;
    number := field.value;
    items := '{}';
    counts := '{}';
    levels := '{}';
    counters := '{}';
    FOR i IN 1 .. number LOOP
        -- Lengths are mostly below 128, and then need no call.
        width := CASE WHEN at < size THEN get_byte(sketch, at) ELSE 128 END;
        at := at + 1;
        IF width >= 128 THEN
            field := millrace._top_varint_at(sketch, at - 1);
            width := field.value;
            at := field.next;
        END IF;
        IF width > size - at THEN
            PERFORM millrace._top_malformed(format('ends too early, found %s bytes', size));
        END IF;
        items[i] := substring(sketch FROM at + 1 FOR width::int);
        at := at + width;
        counts[i] := 0;
        IF form = 65 THEN
            value := CASE WHEN at < size THEN get_byte(sketch, at) ELSE 128 END;
            at := at + 1;
            IF value >= 128 THEN
                field := millrace._top_varint_at(sketch, at - 1);
                value := field.value;
                at := field.next;
            END IF;
            IF value NOT BETWEEN 1 AND most THEN
                PERFORM millrace._top_malformed('count out of range, expected 1 to ' || most);
            END IF;
            counts[i] := value;
            total := total + value;
            IF total > most THEN
                PERFORM millrace._top_out_of_range(total);
            END IF;
        END IF;
        value := CASE WHEN at < size THEN get_byte(sketch, at) ELSE 128 END;
        at := at + 1;
        IF value >= 128 THEN
            field := millrace._top_varint_at(sketch, at - 1);
            value := field.value;
            at := field.next;
        END IF;
        IF value > 1039 - floor THEN
            PERFORM millrace._top_malformed('level out of range, expected at most 1039');
        END IF;
        levels[i] := floor + value;
    END LOOP;
    PERFORM millrace._top_check(items, kind);
    IF form = 66 THEN
        sum := 0;
        FOR i IN 1 .. 1280 LOOP
            value := 0;
            shift := 0;
            LOOP
                IF at >= size THEN
                    PERFORM millrace._top_malformed(format('ends too early, found %s bytes', size));
                END IF;
                byte := get_byte(sketch, at);
                at := at + 1;
                IF shift > 56 THEN
                    PERFORM millrace._top_malformed('number above 63 bits');
                END IF;
                value := value | ((byte & 127)::bigint << shift);
                EXIT WHEN byte < 128;
                shift := shift + 7;
            END LOOP;
            IF byte = 0 AND shift > 0 THEN
                PERFORM millrace._top_malformed('number with a superfluous byte');
            END IF;
            value := (value >> 1) # -(value & 1);
            IF abs(value) > total THEN
                PERFORM millrace._top_malformed(
                    format('counter out of range, expected at most %s of either sign', total));
            END IF;
            counters[i] := value;
            sum := sum + abs(value);
            IF i & 255 = 0 THEN
                IF sum > total OR (total - sum) & 1 = 1 THEN
                    PERFORM millrace._top_malformed('counters contradict the number of values');
                END IF;
                sum := 0;
            END IF;
        END LOOP;
    END IF;
    IF at <> size THEN
        PERFORM millrace._top_malformed(format('too long, found %s bytes, expected %s', size, at));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION millrace._top_out_of_range(total numeric) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'frequent values: the count leaves its range, found %, expected at most 1125899906842624', total
        USING ERRCODE = 'numeric_value_out_of_range';
END $$;

-- Where the counters of a value stand in each row, from 1, negative where it is subtracted.
CREATE OR REPLACE FUNCTION millrace._top_cells(item bytea) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    hex CONSTANT text := encode(item, 'hex') || repeat('0', (8 - length(item) * 2 % 8) % 8);
    words CONSTANT int := length(hex) / 8;
    word bigint;
    a bigint := 608135816;
    b bigint := 2242054355;
BEGIN
    FOR i IN 0 .. words LOOP
        word := CASE WHEN i < words THEN ('x' || substr(hex, 8 * i + 1, 8))::bit(32)::bigint ELSE length(item) END;
        a := a # word;
        a := ((a # (a >> 15)) * 739982445) & 4294967295;
        a := ((a # (a >> 12)) * 695872825) & 4294967295;
        a := a # (a >> 15);
        b := b # word;
        b := ((b # (b >> 15)) * 739982445) & 4294967295;
        b := ((b # (b >> 12)) * 695872825) & 4294967295;
        b := b # (b >> 15);
    END LOOP;
    RETURN ARRAY[
        (1 + (a & 255)) * (1 - ((a >> 7) & 2)), (257 + ((a >> 9) & 255)) * (1 - ((a >> 16) & 2)),
        (513 + ((a >> 18) & 255)) * (1 - ((a >> 25) & 2)), (769 + (b & 255)) * (1 - ((b >> 7) & 2)),
        (1025 + ((b >> 9) & 255)) * (1 - ((b >> 16) & 2))]::int[];
END $$;
