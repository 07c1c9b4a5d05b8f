package import Dataflow

/// A column that a metric makes in whatever its summary is written to.
package struct ResultColumn: Hashable, Sendable {
    /// What its values are.
    package enum Kind: Hashable, Sendable {
        /// A signed 64-bit whole number.
        case integer
        /// A number with a fixed number of decimal places, of any length.
        case decimal
        /// An IEEE 754 binary64.
        case double
        /// A moment, in microseconds since 1970.
        case timestamp
        /// True or false.
        case boolean
        /// Text.
        case text
        /// A value of JSON, such as a list.
        case json
        /// A sketch or another state with a format of its own.
        case bytes

        /// What holds the values of a field.
        package init(_ type: ColumnType) {
            switch type {
            case .decimal: self = .decimal
            case .double: self = .double
            case .timestamp: self = .timestamp
            case .integer: self = .integer
            case .boolean: self = .boolean
            case .text: self = .text
            }
        }
    }

    /// Whom it is for.
    package enum Role: Hashable, Sendable {
        /// People.
        case shown
        /// Whoever merges rows.
        case state
        /// Both: what is shown can be merged.
        case total
    }

    /// How a shown value is read from a state by one of the SQL functions that come with Millrace.
    package struct Reading: Hashable, Sendable {
        /// The function's name, without a schema.
        package var function: String
        /// The column of the state, its first argument.
        package var state: String
        /// The other arguments, in SQL.
        package var arguments: [String]

        /// A reading.
        package init(_ function: String, of state: String, _ arguments: [String] = []) {
            self.function = function
            self.state = state
            self.arguments = arguments
        }
    }

    /// How a true value is bounded by what a state knows of it.
    package struct Bounds: Hashable, Sendable {
        /// The least that it can be, or is likely to be.
        package var low: Reading
        /// The most.
        package var high: Reading
        /// Another column of the metric that neither the value nor a bound of it exceeds.
        package var atMost: String?

        /// Bounds.
        package init(low: Reading, high: Reading, atMost: String? = nil) {
            self.low = low
            self.high = high
            self.atMost = atMost
        }
    }

    /// The column's name.
    package var name: String
    /// What its values are.
    package var kind: Kind
    /// Whom it is for.
    package var role: Role
    /// Whether it may be null.
    package var isNullable: Bool
    /// Whether it came later than its metric, so that a table of an earlier version gets it without being asked for.
    package var isAddedLater = false
    /// How old rows get its value when it is asked for later than its state; nil when they cannot.
    package var reading: Reading?
    /// How far a shown value may be from the true one; nil when it is exact.
    package var bounds: Bounds?

    /// Whether people read it.
    package var isShown: Bool { role != .state }
    /// Whether it is read before rows are merged.
    package var isMerged: Bool { role != .shown }

    /// A column that people read, and that says nothing to whoever merges rows.
    package static func shown(
        _ name: String, _ kind: Kind, isNullable: Bool = true, reading: Reading? = nil, bounds: Bounds? = nil
    ) -> ResultColumn {
        ResultColumn(name: name, kind: kind, role: .shown, isNullable: isNullable, reading: reading, bounds: bounds)
    }

    /// A column that people read and that rows are merged by.
    package static func total(_ name: String, _ kind: Kind, isNullable: Bool = true) -> ResultColumn {
        ResultColumn(name: name, kind: kind, role: .total, isNullable: isNullable)
    }

    /// A column that rows are merged by.
    package static func state(
        _ name: String, _ kind: Kind, isNullable: Bool = true, isAddedLater: Bool = false
    ) -> ResultColumn {
        ResultColumn(name: name, kind: kind, role: .state, isNullable: isNullable, isAddedLater: isAddedLater)
    }
}
