-- Percentile sketches in SQL: reading their bytes.
--
-- Two decoders. The careful one reads whatever the engine reads, numbers of any size, and says what is wrong with
-- anything else. The quick one reads numbers of up to eight bytes, a PL/pgSQL statement of some 60 ns at a time; whatever
-- else comes makes it return null, and the careful one takes over.

CREATE SCHEMA IF NOT EXISTS millrace;

-- MARK: Careful

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

-- MARK: Quick

-- The values of an EXACT sketch, ascending.
CREATE OR REPLACE FUNCTION millrace._exact_values(sketch bytea) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size CONSTANT int := length(sketch);
    code CONSTANT int := get_byte(sketch, 1);
    vals bigint[] := '{}';
    value bigint;
    step bigint := 0;
    byte int;
    shift int := 0;
BEGIN
    IF code = 73 OR size < 3 THEN
        RETURN NULL;
    END IF;
    FOR at IN 2 .. size - 1 LOOP
        byte := get_byte(sketch, at);
        IF byte > 127 THEN
            step := step | ((byte & 127)::bigint << shift);
            shift := shift + 7;
            IF shift > 49 THEN
                RETURN NULL;
            END IF;
            CONTINUE;
        ELSIF shift > 0 THEN
            IF byte = 0 THEN
                RETURN NULL;
            END IF;
            step := step | (byte::bigint << shift);
            shift := 0;
        ELSE
            step := byte;
        END IF;
        IF value IS NULL THEN
            value := (step >> 1) # -(step & 1);
        ELSE
            value := value + step;
        END IF;
        vals := vals || value;
        step := 0;
    END LOOP;
    IF shift > 0 OR cardinality(vals) > 32 THEN
        RETURN NULL;
    END IF;
    RETURN vals;
END $$;

-- What stands in front of the runs of a BUCKETS sketch, and where they begin.
CREATE OR REPLACE FUNCTION millrace._buckets_header(
    sketch bytea, OUT n bigint, OUT low bigint, OUT high bigint, OUT total numeric, OUT zeros bigint,
    OUT negatives bigint, OUT next int)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size CONSTANT int := length(sketch);
    is_double CONSTANT boolean := get_byte(sketch, 1) = 73;
    numbers bigint[] := '{}';
    number bigint := 0;
    wide record;
    shift int := 0;
    byte int;
    at int := 3;
BEGIN
    -- Count, minimum, maximum less minimum, sum, zeros, negative buckets.
    WHILE cardinality(numbers) < 6 LOOP
        IF at >= size OR shift > 49 THEN
            -- The sum may have 192 bits.
            IF at >= size OR cardinality(numbers) <> 3 THEN
                RETURN;
            END IF;
            wide := millrace._read_varint(sketch, next);
            at := wide.next;
            total := millrace._unzigzag(wide.value);
            byte := 1;
        ELSE
            byte := get_byte(sketch, at);
            at := at + 1;
            number := number | ((byte & 127)::bigint << shift);
            IF byte > 127 THEN
                shift := shift + 7;
                CONTINUE;
            END IF;
        END IF;
        IF byte = 0 AND shift > 0 THEN
            RETURN;
        END IF;
        numbers := numbers || number;
        IF cardinality(numbers) = 1 AND is_double THEN
            IF at + 16 >= size THEN
                RETURN;
            END IF;
            low := millrace._read_double(sketch, at);
            high := millrace._read_double(sketch, at + 8);
            at := at + 16;
            numbers := numbers || ARRAY[0, 0]::bigint[];
        END IF;
        number := 0;
        shift := 0;
        next := at;
    END LOOP;
    total := coalesce(total, (numbers[4] >> 1) # -(numbers[4] & 1));
    IF abs(total) > numbers[1] * 170141183460469231731687303715884105728 THEN
        RETURN;
    ELSIF NOT is_double THEN
        low := (numbers[2] >> 1) # -(numbers[2] & 1);
        high := low + numbers[3];
    END IF;
    zeros := numbers[5];
    negatives := numbers[6];
    -- A header without a count is none.
    n := numbers[1];
END $$;

-- The buckets of one sign, so many or up to the end.
CREATE OR REPLACE FUNCTION millrace._buckets_run(
    sketch bytea, start int, sign int, buckets bigint, halvings int,
    OUT keys int[], OUT counts bigint[], OUT held bigint, OUT next int)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    token bigint := 0;
    count bigint := 0;
    byte int;
    shift int := 0;
    key int;
    in_gap boolean := false;
    is_open boolean := true;
    found_keys int[] := '{}';
BEGIN
    counts := '{}';
    held := 0;
    FOR at IN start .. length(sketch) - 1 LOOP
        byte := get_byte(sketch, at);
        IF is_open OR byte & 129 <> 0 THEN
            token := token | ((byte & 127)::bigint << shift);
            is_open := true;
            IF byte > 127 THEN
                shift := shift + 7;
                IF shift > 49 THEN
                    RETURN;
                END IF;
                CONTINUE;
            ELSIF byte = 0 AND shift > 0 THEN
                RETURN;
            END IF;
            shift := 0;
            IF key IS NULL THEN
                -- The index of the first bucket.
                IF token > 131072 THEN
                    RETURN;
                END IF;
                key := sign * (131072 + ((token >> 1) # -(token & 1))::int);
                token := 0;
                is_open := false;
                CONTINUE;
            ELSIF in_gap THEN
                IF token > 262143 OR found_keys = '{}' THEN
                    RETURN;
                END IF;
                key := key + token::int + 1;
                in_gap := false;
            ELSE
                count := (token >> 1) + 1;
                IF token & 1 = 1 THEN
                    in_gap := true;
                    token := 0;
                    CONTINUE;
                END IF;
            END IF;
            token := 0;
            is_open := false;
        ELSE
            count := (byte >> 1) + 1;
        END IF;
        found_keys := found_keys || key;
        counts := counts || count;
        held := held + count;
        key := key + 1;
        next := at + 1;
        EXIT WHEN cardinality(counts) = buckets;
    END LOOP;
    IF is_open OR found_keys = '{}' OR cardinality(counts) < buckets AND buckets <= 2048
        OR sign * (CASE sign WHEN 1 THEN found_keys[1] ELSE key - 1 END) < millrace._coarsened(65664, halvings)
        OR sign * (CASE sign WHEN 1 THEN key - 1 ELSE found_keys[1] END) > millrace._coarsened(196608, halvings) THEN
        RETURN;
    END IF;
    -- A run without keys is none.
    keys := found_keys;
END $$;

-- What _percentiles_decode returns, sooner.
CREATE OR REPLACE FUNCTION millrace._percentiles_read(
    sketch bytea,
    OUT code int, OUT is_exact boolean, OUT n bigint, OUT low bigint, OUT high bigint, OUT total numeric,
    OUT halvings int, OUT vals bigint[], OUT keys int[], OUT counts bigint[])
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size CONSTANT int := length(sketch);
    form CONSTANT int := CASE WHEN size > 3 THEN get_byte(sketch, 0) ELSE 0 END;
    whole record;
    head record;
    run record;
    at int;
    held bigint;
    signed int;
    is_plain boolean := false;
BEGIN
    IF form = 35 THEN
        code := get_byte(sketch, 1);
        halvings := get_byte(sketch, 2);
        is_plain := halvings <= 7 AND (code = 0 OR code BETWEEN 32 AND 50 OR code = 73);
    END IF;
    IF is_plain THEN
        head := millrace._buckets_header(sketch);
        is_plain := coalesce(head.n > (CASE WHEN code = 73 THEN 2 ELSE 32 END) AND head.negatives <= 2048
            AND head.low <= head.high, false);
    END IF;
    IF is_plain THEN
        keys := '{}';
        counts := '{}';
        held := head.zeros;
        at := head.next;
        IF head.negatives > 0 THEN
            run := millrace._buckets_run(sketch, at, -1, head.negatives, halvings);
            keys := run.keys;
            counts := run.counts;
            held := held + run.held;
            at := run.next;
        END IF;
        IF head.zeros > 0 THEN
            keys := keys || 0;
            counts := counts || head.zeros;
        END IF;
        IF at < size THEN
            run := millrace._buckets_run(sketch, at, 1, 9223372036854775807, halvings);
            keys := CASE WHEN run.keys IS NOT NULL THEN keys || run.keys END;
            counts := counts || run.counts;
            held := held + run.held;
        END IF;
        signed := cardinality(keys) - (head.zeros > 0)::int;
        IF held = head.n AND signed <= 2048 AND (halvings = 0 OR signed > 1024)
            AND keys[1] = millrace._coarsened(millrace._raw_to_key(code, head.low), halvings)
            AND keys[cardinality(keys)] = millrace._coarsened(millrace._raw_to_key(code, head.high), halvings) THEN
            is_exact := false;
            n := head.n;
            low := head.low;
            high := head.high;
            total := head.total;
            vals := '{}';
            RETURN;
        END IF;
    END IF;
    whole := millrace._percentiles_decode(sketch);
    code := whole.code;
    is_exact := whole.is_exact;
    n := whole.n;
    low := whole.low;
    high := whole.high;
    total := whole.total;
    halvings := whole.halvings;
    vals := whole.vals;
    keys := whole.keys;
    counts := whole.counts;
END $$;
