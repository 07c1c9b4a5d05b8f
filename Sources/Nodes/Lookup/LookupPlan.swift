import Dataflow
package import Declaration
import LookupSources
import Lookups
import Postgres

/// What a `lookup` node does, checked.
struct LookupPlan: StagePlan {
    /// A field of the records that must be equal to a column of the dimension.
    struct Key: Sendable {
        /// The field.
        var field: String
        /// Its column in the batch.
        var column: Int
        /// The dimension's column.
        var dimension: DimensionField
    }

    /// A field that is added.
    struct Cell: Sendable {
        /// The field.
        var name: String
        /// Its column in the batch.
        var column: Int
        /// The dimension's column.
        var dimension: DimensionField

        var columnType: ColumnType { ColumnType(dimension.type) }
    }

    /// What becomes of a record without a row.
    enum Missing: String {
        case null
        case drop
        case deadLetter = "dead_letter"
    }

    var node: String
    var origin: LookupOrigin
    var keys: [Key]
    var cells: [Cell]
    /// The column of the moments at which rows are to hold; nil where there is one row per key.
    var moments: Int?
    var validity: DimensionSchema.Validity?
    var missing: Missing
    var schedule: LookupSchedule

    var addedColumns: [ColumnType] { cells.map(\.columnType) }

    /// The hashes of the key, where it is one text: they are those by which rows are found.
    var neededHashes: Set<Int> {
        if case .networks = origin { return [] }
        return keys.count == 1 && keys[0].dimension.type == .text ? [keys[0].column] : []
    }

    /// What the dimension holds.
    var schema: DimensionSchema {
        DimensionSchema(keys: keys.map(\.dimension), cells: cells.map(\.dimension), validity: validity)
    }

    /// The content is not part of what rows mean, since it changes by design: its generations stand in the database.
    func trace(_ meaning: inout EventMeaning) {
        let used = cells.filter { meaning.usedFields.remove($0.name) != nil }
        guard !used.isEmpty || missing != .null else { return }
        meaning.usedFields.formUnion(keys.map(\.field))
        if moments != nil { meaning.usesEventTime = true }
        let ways = keys.map { key in
            key.field == key.dimension.name ? key.field : "\(key.field) = \(key.dimension.name)"
        }
        var place = "\(origin.meaning) by \(ways.sorted().joined(separator: ", "))"
        if let validity { place += " as of event between \(validity.from) and \(validity.to)" }
        for cell in used {
            meaning.add("field \(cell.name)", "is \(cell.dimension.name) (\(cell.dimension.type.name)) of \(place)")
        }
        if missing != .null { meaning.add("only if", "there is a row in \(place)") }
    }

    func build(in context: BuildContext) throws -> any Operator {
        let standIn = context.services[LookupStandIns.self]?.paths[node]
        let store = try makeStore(standIn, context)
        let listener = standIn == nil ? try origin.listener(for: schedule, context) : nil
        let keeper = LookupKeeper(
            self, store, listener, isPatient: context.services[LookupStandIns.self]?.isPatient ?? true,
            logger: context.logger)
        return Lookup(
            plan: self, store: store, keeper: keeper, hashedColumns: context.hashedColumns,
            watch: context.services[Remarks.self]?.watch { LookupWatch(self, $0) })
    }

    private func makeStore(_ standIn: String?, _ context: BuildContext) throws -> any LookupStore {
        switch standIn.map({ .file($0) }) ?? origin {
        case .file(let path): return RowStore(self, context.memory) { _ in try FileRows.source(of: path) }
        case .networks(let path): return NetworkStore(self, path: path)
        case .database(let rows, let url, _):
            let settings = try LookupOrigin.settings(url, context)
            return RowStore(self, context.memory) { isCancelled in
                PostgresSource(settings, rows, isCancelled: isCancelled)
            }
        }
    }
}

/// When a dimension is read.
struct LookupSchedule: Sendable {
    /// How often.
    var every: Duration
    /// The channel on which it is told to.
    var notify: String?
    /// The oldest that its content may be.
    var maxStaleness: Duration?
}

/// Files that take the place of lookups' own rows, by node: for `try`, which has no database.
package struct LookupStandIns: Sendable {
    let paths: [String: String]
    /// Whether rows that cannot be read now are waited for.
    let isPatient: Bool

    /// Puts files in the place of the rows of nodes.
    package init(paths: [String: String], isPatient: Bool) {
        self.paths = paths
        self.isPatient = isPatient
    }

    /// The lookups of a topology.
    package static func nodes(of topology: CompiledTopology) -> [String] {
        topology.stages.filter { $0.plan is LookupPlan }.map(\.name)
    }
}
