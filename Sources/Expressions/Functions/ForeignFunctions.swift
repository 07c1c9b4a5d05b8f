/// What other languages call functions that there are, or that there cannot be.
enum ForeignFunctions {
    private static let ours: [String: String] = [
        "ifnull": "coalesce(a, b)", "nvl": "coalesce(a, b)", "isnull": "coalesce(a, b), or a is null",
        "zeroifnull": "coalesce(a, 0)", "nullifzero": "nullif(a, 0)", "decode": "case a when 1 then 'x' else 'y' end",
        "len": "length(t)", "strlen": "length(t)", "character_length": "length(t)", "size": "length(t)",
        "lcase": "lower(t)", "tolower": "lower(t)", "to_lower": "lower(t)", "ucase": "upper(t)", "toupper": "upper(t)",
        "instr": "strpos(t, part)", "charindex": "strpos(t, part)", "locate": "strpos(t, part)",
        "indexof": "strpos(t, part)",
        "index_of": "strpos(t, part)", "mid": "substring(t, start, count)", "substring_index": "split_part(t, '/', 1)",
        "split": "split_part(t, '/', 1)", "splitbychar": "split_part(t, '/', 1)", "strip": "trim(t)",
        "startswith": "starts_with(t, beginning)", "endswith": "ends_with(t, ending)", "includes": "contains(t, part)",
        "has": "contains(t, part)", "string_contains": "contains(t, part)",
        "regexp_extract": "regexp_substr(t, pattern, 1, 1, '', group)", "regexp_match": "regexp_substr(t, pattern)",
        "regexp_matches": "regexp_like(t, pattern)", "rlike": "regexp_like(t, pattern)",
        "match": "regexp_like(t, pattern)",
        "regexp_contains": "regexp_like(t, pattern)", "extractall": "regexp_substr(t, pattern)",
        "pow": "power(a, b)", "truncate": "trunc(x)", "log2": "log(2, x)", "rint": "round(x)",
        "datediff": "seconds_between(start, end)", "date_diff": "seconds_between(start, end)",
        "timestampdiff": "seconds_between(start, end)", "timestamp_diff": "seconds_between(start, end)",
        "age": "seconds_between(start, end)", "dateadd": "time + interval '1 day'",
        "date_add": "time + interval '1 day'",
        "date_sub": "time - interval '1 day'", "from_unixtime": "to_timestamp(seconds)",
        "timestamp_seconds": "to_timestamp(seconds)", "unix_timestamp": "extract(epoch from time)",
        "to_unix_timestamp": "extract(epoch from time)", "date_format": "to_char(time, 'YYYY-MM-DD')",
        "strftime": "to_char(time, 'YYYY-MM-DD')", "format_timestamp": "to_char(time, 'YYYY-MM-DD')",
        "formatdatetime": "to_char(time, 'YYYY-MM-DD')", "year": "extract(year from time)",
        "month": "extract(month from time)", "day": "extract(day from time)", "hour": "extract(hour from time)",
        "minute": "extract(minute from time)", "second": "extract(second from time)",
        "dayofweek": "extract(dow from time)", "tostartofday": "date_trunc('day', time)",
        "tostartofhour": "date_trunc('hour', time)", "date": "date_trunc('day', time)", "to_date": "t::timestamp",
        "timestamp_trunc": "date_trunc('day', time)", "convert_tz": "time at time zone 'Europe/Berlin'",
        "from_utc_timestamp": "time at time zone 'Europe/Berlin'", "totimezone": "time at time zone 'Europe/Berlin'",
        "to_number": "t::decimal(2)", "tostring": "x::text", "to_text": "x::text", "str": "x::text",
        "int": "x::integer",
        "toint": "x::integer", "toint64": "x::integer", "float": "x::double", "convert": "x::integer",
        "sha2": "sha256(t)", "sha": "sha256(t)", "hmac": "pseudonym(t, key)", "encode": "sha256(t)", "hex": "to_hex(n)",
        "domain": "url_host(url)", "parse_url": "url_host(url), url_path(url) or url_query_parameter(url, name)",
        "urldecode": "url_decode(t)", "decodeurlcomponent": "url_decode(t)",
        "extracturlparameter": "url_query_parameter(url, name)", "max": "greatest(a, b)", "min": "least(a, b)",
        "least_ignore_nulls": "least(a, b)", "format": "concat(a, b)", "concat_all": "concat(a, b)",
    ]

    /// What takes values out of JSON elsewhere.
    private static let ofJSON: Set<String> = [
        "json_value", "json_query", "json_extract", "json_extract_scalar", "json_extract_string", "json_extract_path",
        "jsonb_extract_path", "jsonb_extract_path_text", "get_json_object", "get_json_string", "json_tuple",
        "jsonextractstring",
        "jsonextractraw", "jsonextractint", "jsonextractfloat", "jsonextractbool", "visitparamextractstring",
        "simplejsonextractstring", "get_path", "parse_json", "from_json", "jsonb_path_query_first",
        "json_path_query_first",
    ]
    private static let jsonLengths: Set<String> = [
        "jsonb_array_length", "json_length", "jsonlength", "jsonarraylength", "array_length", "cardinality",
    ]

    private static let wanting: [String: String] = [
        "now": "results depend on records alone, so that they can be computed again; use a field with a time",
        "current_timestamp":
            "results depend on records alone, so that they can be computed again; use a field with a time",
        "random": "results depend on records alone; sample: takes a share of the records",
        "rand": "results depend on records alone; sample: takes a share of the records",
        "gen_random_uuid": "results depend on records alone, so that they can be computed again",
        "count": "metrics stand under metrics:", "sum": "metrics stand under metrics:",
        "avg": "metrics stand under metrics:",
        "uniques": "metrics stand under metrics:", "percentiles": "metrics stand under metrics:",
    ]

    static func hint(for name: String) -> String? {
        let name = name.lowercased()
        if ofJSON.contains(name) {
            return
                "where JSON stands in a text, write json_extract_path_text(t, 'key'); what is nested in the document is a "
                + "field with a path"
        }
        if jsonLengths.contains(name) { return "where JSON stands in a text, write json_array_length(t)" }
        return ours[name].map { "write \($0)" } ?? wanting[name]
    }
}
