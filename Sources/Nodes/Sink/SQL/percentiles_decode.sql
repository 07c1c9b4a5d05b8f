-- Percentile sketches in SQL: the careful decoder, which reads whatever the engine reads, numbers of any size, and says
-- what is wrong with anything else.

CREATE SCHEMA IF NOT EXISTS millrace;

-- Everything a sketch holds: the exact values, or buckets in ascending order.
CREATE OR REPLACE FUNCTION millrace._percentiles_decode(
    sketch bytea,
    OUT code int, OUT is_exact boolean, OUT n bigint, OUT low bigint, OUT high bigint, OUT total numeric,
    OUT halvings int, OUT vals bigint[], OUT keys int[], OUT counts bigint[])
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size int := length(sketch);
    form int;
    field record;
    at int := 2;
BEGIN
    -- A sum of zero has one byte.
    IF size > 0 AND get_byte(sketch, 0) >> 4 = 1 THEN
        PERFORM millrace._percentiles_malformed('this is a sketch of uniques(); use uniques_estimate()');
    ELSIF size > 0 AND get_byte(sketch, 0) >> 4 = 3 THEN
        PERFORM millrace._percentiles_malformed('this is the exact sum of doubles; use sum_exact()');
    ELSIF size > 0 AND get_byte(sketch, 0) >> 4 = 4 THEN
        PERFORM millrace._percentiles_malformed('this is a sketch of top(); use top()');
    ELSIF size < 2 THEN
        PERFORM millrace._percentiles_malformed(format('ends too early, found %s bytes', size));
    END IF;
    form := get_byte(sketch, 0);
    code := get_byte(sketch, 1);
    IF form >> 4 <> 2 THEN
        PERFORM millrace._percentiles_malformed(format('unknown version, found %s, expected 2', form >> 4));
    ELSIF form & 15 NOT BETWEEN 1 AND 3 THEN
        PERFORM millrace._percentiles_malformed(format('unknown layout, found %s, expected 1 to 3', form & 15));
    ELSIF NOT (code = 0 OR code BETWEEN 32 AND 50 OR code = 73) THEN
        PERFORM millrace._percentiles_malformed(format('unknown kind of values, found %s', code));
    END IF;
    is_exact := form & 15 < 3;
    halvings := 0;
    vals := '{}';
    keys := '{}';
    counts := '{}';
    IF is_exact THEN
        vals := millrace._percentiles_values(sketch, code);
        n := cardinality(vals);
        IF (form & 15 = 1) <> (n = 0) THEN
            PERFORM millrace._percentiles_malformed('layout and number of values do not agree');
        END IF;
        low := vals[1];
        high := vals[n];
        total := CASE WHEN code < 64 THEN (SELECT coalesce(sum(v::numeric), 0) FROM unnest(vals) v)
                 ELSE (SELECT coalesce(sum(millrace._raw_to_units(code, v)), 0) FROM unnest(vals) v) END;
        RETURN;
    END IF;
    IF size < 4 THEN
        PERFORM millrace._percentiles_malformed(format('ends too early, found %s bytes', size));
    END IF;
    halvings := get_byte(sketch, at);
    field := millrace._read_varint(sketch, at + 1);
    IF halvings > 7 OR field.value > 9223372036854775807
        OR field.value <= (CASE WHEN code = 73 THEN 2 ELSE 32 END) THEN
        PERFORM millrace._percentiles_malformed('scale or count out of range');
    END IF;
    n := field.value;
    at := field.next;
    IF code = 73 THEN
        low := millrace._read_double(sketch, at);
        high := millrace._read_double(sketch, at + 8);
        at := at + 16;
    ELSE
        field := millrace._read_varint(sketch, at);
        at := field.next;
        total := millrace._unzigzag(field.value);
        field := millrace._read_varint(sketch, at);
        at := field.next;
        IF total NOT BETWEEN -9223372036854775808 AND 9223372036854775807
            OR total + field.value > 9223372036854775807 THEN
            PERFORM millrace._percentiles_malformed('value above 64 bits');
        END IF;
        low := total;
        high := total + field.value;
    END IF;
    field := millrace._read_varint(sketch, at);
    total := millrace._unzigzag(field.value);
    IF abs(total) > n * 170141183460469231731687303715884105728 THEN
        PERFORM millrace._percentiles_malformed('sum out of range');
    END IF;
    SELECT b.keys, b.counts INTO keys, counts FROM millrace._percentiles_buckets(sketch, field.next, halvings) b;
    IF (SELECT sum(c) FROM unnest(counts) c) IS DISTINCT FROM n::numeric THEN
        PERFORM millrace._percentiles_malformed(format('buckets do not hold the %s values of the count', n));
    ELSIF cardinality(keys) - (0 = ANY (keys))::int > 2048
        OR halvings > 0 AND cardinality(keys) - (0 = ANY (keys))::int <= 1024 THEN
        PERFORM millrace._percentiles_malformed('number of buckets does not go with the scale');
    ELSIF low > high OR keys[1] <> millrace._coarsened(millrace._raw_to_key(code, low), halvings)
        OR keys[cardinality(keys)] <> millrace._coarsened(millrace._raw_to_key(code, high), halvings) THEN
        PERFORM millrace._percentiles_malformed('outer buckets do not hold minimum and maximum');
    END IF;
END $$;

-- The values of an EXACT sketch, none for EMPTY.
CREATE OR REPLACE FUNCTION millrace._percentiles_values(sketch bytea, code int) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    field record;
    at int := 2;
    value numeric;
    vals bigint[] := '{}';
BEGIN
    WHILE at < length(sketch) LOOP
        IF code = 73 THEN
            value := millrace._read_double(sketch, at);
            at := at + 8;
        ELSIF value IS NOT NULL AND get_byte(sketch, at) < 128 THEN
            value := value + get_byte(sketch, at);
            at := at + 1;
        ELSIF value IS NOT NULL AND at + 1 < length(sketch) AND get_byte(sketch, at + 1) BETWEEN 1 AND 127 THEN
            value := value + ((get_byte(sketch, at) & 127) | (get_byte(sketch, at + 1) << 7));
            at := at + 2;
        ELSE
            field := millrace._read_varint(sketch, at);
            at := field.next;
            value := CASE WHEN value IS NULL THEN millrace._unzigzag(field.value) ELSE value + field.value END;
        END IF;
        IF value NOT BETWEEN -9223372036854775808 AND 9223372036854775807 OR value < vals[cardinality(vals)]
            OR cardinality(vals) = (CASE WHEN code = 73 THEN 2 ELSE 32 END) THEN
            PERFORM millrace._percentiles_malformed('exact values out of range, out of order or too many');
        END IF;
        vals := vals || value::bigint;
    END LOOP;
    RETURN vals;
END $$;

-- The buckets from the zero bucket's field to the end of the sketch.
CREATE OR REPLACE FUNCTION millrace._percentiles_buckets(
    sketch bytea, start int, halvings int, OUT keys int[], OUT counts bigint[])
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size int := length(sketch);
    field record;
    at int := start;
    zeros bigint;
    negatives numeric;
    sign int;
    key int;
    token bigint;
    gap bigint;
    byte int;
    shift int;
    is_first boolean;
    least_key int := millrace._coarsened(65664, halvings);
    greatest_key int := millrace._coarsened(196608, halvings);
BEGIN
    keys := '{}';
    counts := '{}';
    field := millrace._read_varint(sketch, at);
    zeros := least(field.value, 9223372036854775807);
    field := millrace._read_varint(sketch, field.next);
    negatives := field.value;
    at := field.next;
    FOREACH sign IN ARRAY '{-1,1}'::int[] LOOP
        IF sign = 1 AND zeros > 0 THEN
            keys := keys || 0;
            counts := counts || zeros;
        END IF;
        CONTINUE WHEN sign = -1 AND negatives = 0 OR sign = 1 AND at = size;
        field := millrace._read_varint(sketch, at);
        at := field.next;
        IF field.value > 131072 THEN
            PERFORM millrace._percentiles_malformed('bucket out of range');
        END IF;
        key := sign * (131072 + millrace._unzigzag(field.value)::int);
        is_first := true;
        WHILE CASE WHEN sign = -1 THEN cardinality(keys) < negatives ELSE at < size OR is_first END LOOP
            IF at >= size THEN
                PERFORM millrace._percentiles_malformed(format('ends too early, found %s bytes', size));
            END IF;
            -- One byte is the rule and read here: calling the general reader costs ten times as much.
            token := get_byte(sketch, at);
            at := at + 1;
            IF token > 127 THEN
                token := token & 127;
                shift := 7;
                LOOP
                    IF at >= size OR shift > 63 THEN
                        PERFORM millrace._percentiles_malformed(format('ends too early, found %s bytes', size));
                    END IF;
                    byte := get_byte(sketch, at);
                    at := at + 1;
                    IF shift = 63 AND byte & 126 > 0 THEN
                        -- More than 64 bits, which no count of values has.
                        PERFORM millrace._percentiles_malformed('bucket out of range');
                    END IF;
                    token := token | ((byte & 127)::bigint << shift);
                    EXIT WHEN byte < 128;
                    shift := shift + 7;
                END LOOP;
                IF byte = 0 THEN
                    PERFORM millrace._percentiles_malformed('number with a superfluous byte');
                END IF;
            END IF;
            IF token & 1 = 1 THEN
                IF at < size AND get_byte(sketch, at) < 128 THEN
                    gap := get_byte(sketch, at);
                    at := at + 1;
                ELSE
                    field := millrace._read_varint(sketch, at);
                    at := field.next;
                    gap := least(field.value, 262145);
                END IF;
                IF is_first OR gap > 262144 THEN
                    PERFORM millrace._percentiles_malformed('bucket gap out of range');
                END IF;
                key := key + gap::int + 1;
            END IF;
            IF sign * key NOT BETWEEN least_key AND greatest_key
                OR (token >> 1) & 9223372036854775807 = 9223372036854775807 THEN
                PERFORM millrace._percentiles_malformed('bucket out of range');
            END IF;
            keys := keys || key;
            counts := counts || ((token >> 1) & 9223372036854775807) + 1;
            key := key + 1;
            is_first := false;
        END LOOP;
    END LOOP;
END $$;
