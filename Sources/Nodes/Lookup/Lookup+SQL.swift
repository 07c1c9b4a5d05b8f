import Dataflow
import Declaration
import LookupSources
import Lookups

extension LookupPlan: QueryableStage {
    /// The most rows of a file that are written out.
    private static let rowsMax = 1_000

    func query(_ input: QueryRelation, as node: String, in query: inout QueryText) -> QueryRelation {
        var output = input
        output.fields += cells.map { QueryRelation.Field($0.name, $0.columnType) }
        let rows = relation(node, &query)
        var conditions = keys.map { "rows.\(SQLWord.name($0.dimension.name)) = records.\(SQLWord.name($0.field))" }
        if let validity {
            let (from, to) = ("rows.\(SQLWord.name(validity.from))", "rows.\(SQLWord.name(validity.to))")
            let time = "records.\(QueryRelation.eventTimeColumn)"
            conditions.append("(\(from) IS NULL OR \(from) <= \(time))")
            conditions.append("(\(to) IS NULL OR \(time) < \(to))")
        }
        let added = cells.map { "rows.\(SQLWord.name($0.dimension.name)) AS \(SQLWord.name($0.name))" }
        // A record without a row goes no further unless it gets nulls.
        let join = missing == .null ? "LEFT JOIN" : "JOIN"
        let body = """
            SELECT records.*, \(added.joined(separator: ", "))
            FROM \(input.name) AS records
            \(join) \(rows) AS rows ON \(conditions.joined(separator: "\n    AND "))
            """
        return output.renamed(query.define(node, as: body))
    }

    /// The dimension's rows with columns of the declared types.
    private func relation(_ node: String, _ query: inout QueryText) -> String {
        let columns = schema.fields.reduce(into: [DimensionField]()) { if !$0.contains($1) { $0.append($1) } }
        let list = columns.map { field in
            let name = SQLWord.name(field.name)
            let type = ColumnType(field.type)
            return "cast(\(name) AS \(SQLWord.type(type)))\(type == .text ? " COLLATE \"C\"" : "") AS \(name)"
        }
        let from: String
        switch origin {
        case .database(.table(let table), let url, _):
            let parts = table.split(separator: ".", omittingEmptySubsequences: false).map { SQLWord.name(String($0)) }
            from = parts.joined(separator: ".")
            if url != nil { query.gap("node \(node): table \(table) is in a database of its own; copy it") }
        case .database(.query(let text), let url, let isSecret):
            guard !isSecret else { return absent(node, "its query is a secret", columns, &query) }
            if url != nil { query.gap("node \(node): its query reads a database of its own; copy what it answers") }
            from = "(\(text)\n) AS dimension"
        case .file(let path):
            guard let rows = Self.rows(of: path, columns), rows.count <= Self.rowsMax else {
                return absent(
                    node, "\(path) cannot be read here or has more than \(Self.rowsMax) rows", columns, &query)
            }
            guard !rows.isEmpty else { return empty(columns, node, &query) }
            let names = columns.map { SQLWord.name($0.name) }.joined(separator: ", ")
            from = "(VALUES\n    \(QueryText.list(rows))\n) AS dimension(\(names))"
        case .networks(let path):
            query.gap("node \(node): there is no SQL for the networks of \(path); what it adds is null")
            return empty(columns, node, &query)
        }
        return query.define(
            "\(node).rows", as: "SELECT \(list.joined(separator: ", "))\nFROM \(from)", readsTables: true)
    }

    /// A table that whoever asks has to make.
    private func absent(
        _ node: String, _ why: String, _ columns: [DimensionField], _ query: inout QueryText
    ) -> String {
        let list = columns.map { "\(SQLWord.name($0.name)) \(SQLWord.type(ColumnType($0.type)))" }
        query.gap("node \(node): \(why); make a table \(node)_rows(\(list.joined(separator: ", ")))")
        return SQLWord.name("\(node)_rows")
    }

    private func empty(_ columns: [DimensionField], _ node: String, _ query: inout QueryText) -> String {
        let nulls = columns.map { "cast(NULL AS \(SQLWord.type(ColumnType($0.type)))) AS \(SQLWord.name($0.name))" }
        return query.define("\(node).rows", as: "SELECT \(nulls.joined(separator: ", ")) WHERE false")
    }

    /// The rows of a file as entries of VALUES; nil when it cannot be read.
    private static func rows(of path: String, _ fields: [DimensionField]) -> [String]? {
        var rows: [String] = []
        do {
            try FileRows.source(of: path).read(fields) { row in
                guard rows.count <= rowsMax else { return }
                let values = fields.enumerated().map { literal(row.value($0, of: $1.type)) }
                rows.append("(\(values.joined(separator: ", ")))")
            }
            return rows
        } catch {
            return nil
        }
    }

    private static func literal(_ value: DimensionValue?) -> String {
        switch value {
        case nil: "NULL"
        case .text(let text)?: SQLWord.literal(text)
        case .integer(let number)?: "\(number)"
        case .decimal(let units, let scale)?: "\(units)e-\(scale)"
        case .double(let number)?: "cast('\(number)' AS double precision)"
        case .boolean(let truth)?: truth ? "true" : "false"
        case .timestamp(.min)?: "timestamptz '-infinity'"
        case .timestamp(.max)?: "timestamptz 'infinity'"
        case .timestamp(let moment)?: SQLWord.timestamp(moment)
        }
    }
}
