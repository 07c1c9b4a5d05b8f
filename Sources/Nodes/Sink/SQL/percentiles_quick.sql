-- Percentile sketches in SQL: the quick decoder. It reads numbers of up to eight bytes, a PL/pgSQL statement of some
-- 60 ns at a time; whatever else comes makes it return null, and the careful one takes over.

CREATE SCHEMA IF NOT EXISTS millrace;

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
