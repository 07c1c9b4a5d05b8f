import Postgres
import Summaries

/// A column that Postgres computes from others of its row.
struct GeneratedTableColumn: Sendable {
    /// The column's name.
    let name: String
    /// What it is made of, in SQL.
    let expression: String

    init(_ column: GeneratedColumn) {
        name = column.name
        expression = column.sql()
    }

    /// The column in CREATE TABLE.
    var definition: String {
        "\(SQLName.quote(name)) double precision GENERATED ALWAYS AS (\(expression)) STORED"
    }
}
