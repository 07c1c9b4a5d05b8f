import Dataflow

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
        /// A sketch or another state with a format of its own.
        case bytes
    }

    /// Whom it is for.
    package enum Role: Hashable, Sendable {
        /// People.
        case shown
        /// Whoever merges rows: shown columns that can be merged themselves have none beside them.
        case state
    }

    /// The column's name.
    package var name: String
    /// What its values are.
    package var kind: Kind
    /// Whom it is for.
    package var role: Role
    /// Whether it may be null.
    package var isNullable: Bool

    static func shown(_ name: String, _ kind: Kind, isNullable: Bool = true) -> ResultColumn {
        ResultColumn(name: name, kind: kind, role: .shown, isNullable: isNullable)
    }

    static func state(_ name: String, _ kind: Kind, isNullable: Bool = true) -> ResultColumn {
        ResultColumn(name: name, kind: kind, role: .state, isNullable: isNullable)
    }
}

extension MetricPlan {
    /// The columns that the metric makes, in the order of a table: first what is shown.
    package var columns: [ResultColumn] {
        switch function {
        case .count: [.shown(name, .integer, isNullable: false)]
        case .sum: [.shown(name, .decimal)] + exactState
        case .avg:
            [
                .shown(name, .double), .state(name + "_sum", .decimal),
                .state(name + "_count", .integer, isNullable: false),
            ] + exactState
        case .min, .max: [.shown(name, extremeKind)]
        case .uniques:
            [
                .shown(name, .integer, isNullable: false), .state(name + "_sketch", .bytes, isNullable: false),
                .state(name + "_values", .integer),
            ]
        case .percentiles(let percentiles):
            percentiles.map { .shown(name + "_" + $0.columnSuffix, .double) }
                + [.state(name + "_sketch", .bytes, isNullable: false)]
        }
    }

    /// Doubles are summed exactly, which a number of Postgres cannot hold in few bytes.
    private var exactState: [ResultColumn] { type == .double ? [.state(name + "_exact", .bytes)] : [] }

    private var extremeKind: ResultColumn.Kind {
        switch type {
        case .decimal: .decimal
        case .double: .double
        case .timestamp: .timestamp
        default: .integer
        }
    }

    /// Decimal places of a sum that is kept in 128 bits: a decimal's own, none for integers.
    package var sumScale: Int {
        if case .decimal(let scale) = type { scale } else { 0 }
    }
}
