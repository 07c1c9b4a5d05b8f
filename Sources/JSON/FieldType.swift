/// What a declared field holds. Each case says which JSON values it takes and what its column holds.
public enum FieldType: Hashable, Sendable {
    /// A string; the column holds a `TextSlice`.
    case text
    /// A number that is an integer of 64 bits, however it is written (`1.0` and `1e3` are); the column holds `Int64`.
    case integer
    /// A number with `scale` (0...18) digits behind the point; the column holds it as `Int64`, times 10^scale. More
    /// digits are rounded half away from zero, as Postgres' `numeric` does.
    case decimal(scale: Int)
    /// Any number; the column holds the nearest `Double`. Too large for one is out of range, too small is zero.
    case double
    /// `true` or `false`; the column holds `UInt8` 1 or 0.
    case boolean
    /// An instant; the column holds microseconds since 1970-01-01T00:00:00Z as `Int64`, in the years 0001 to 9999.
    case timestamp(TimestampFormat)
}

/// How an instant is written.
public enum TimestampFormat: Hashable, Sendable {
    /// A string by RFC 3339: `T`, `t` or a space in the middle, `Z`, `z` or an offset at the end, any number of digits
    /// of a second (cut after the sixth). Second 60 is the first one of the next minute.
    case rfc3339
    /// A number of seconds since 1970, fractions allowed; cut toward negative infinity to microseconds.
    case epochSeconds
    /// A number of milliseconds since 1970, fractions allowed; cut toward negative infinity to microseconds.
    case epochMilliseconds
    /// A number of microseconds since 1970; a fraction is cut toward negative infinity.
    case epochMicroseconds
    /// A number of nanoseconds since 1970; cut toward negative infinity to microseconds.
    case epochNanoseconds
}
