/// Rows of text in aligned columns; the first row is the head. Columns of numbers are aligned to the right.
struct TextTable: CustomStringConvertible {
    private let rows: [[String]]

    /// - Parameter rows: the head and the rows, all of one length.
    init(_ rows: [[String]]) {
        precondition(rows.allSatisfy { $0.count == rows[0].count }, "every row has a cell for every column")
        self.rows = rows
    }

    var description: String {
        let columns = rows[0].indices
        let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let isNumeric = columns.map { column in
            rows.count > 1 && rows.dropFirst().allSatisfy { Self.isNumber($0[column]) }
        }
        var lines = rows.map { row in
            columns.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return isNumeric[column] ? " \(padding)\(row[column]) " : " \(row[column])\(padding) "
            }.joined(separator: "|")
        }
        lines.insert(widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "+"), at: 1)
        return lines.joined(separator: "\n")
    }

    /// Whether a cell is a number, a short one such as `12k` and `1.5M` too, or stands for none.
    private static func isNumber(_ cell: String) -> Bool {
        if cell == "-" || Double(cell) != nil { return true }
        return cell.last.map { "kMGT".contains($0) } == true && Double(cell.dropLast()) != nil
    }
}
