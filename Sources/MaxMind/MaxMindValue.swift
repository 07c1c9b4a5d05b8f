/// What a database says of a network in one place.
public enum MaxMindValue: Sendable, Equatable {
    /// A text, which is copied.
    case text(String)
    /// A whole number of 64 bits.
    case integer(Int64)
    /// A binary number.
    case double(Double)
    /// True or false.
    case boolean(Bool)
}

/// The record that a database has for a network, by its place in the file. Many networks share one.
public struct MaxMindEntry: Sendable, Hashable {
    let offset: UInt32
}

/// The answer to an address.
public enum MaxMindAnswer: Sendable, Equatable {
    /// A network that holds the address has a record.
    case found(MaxMindEntry)
    /// None has, or the address is of version 6 and the database is not.
    case missing
    /// The text is no address.
    case notAnAddress
}
