public import Lookups

/// A dimension in a CSV file, whose first record names the columns.
///
/// Columns that are not asked for are skipped. A field without quotes and without contents is null, and `""` is the empty
/// text, as in Postgres's COPY. Values are written as ``FieldText`` says.
public struct CSVSource: DimensionSource {
    private let path: String
    private let delimiter: UInt8

    /// A file, which is opened anew for every load.
    /// - Parameters:
    ///   - path: where it is.
    ///   - delimiter: what stands between fields; of ASCII, not a quote, and no line end.
    public init(path: String, delimiter: Unicode.Scalar = ",") {
        self.path = path
        self.delimiter = UInt8(ascii: delimiter)
    }

    /// Hands over all rows.
    /// - Throws: ``LookupError``, which names file, line and column.
    public func read(_ fields: [DimensionField], _ emit: (borrowing DimensionRow) throws -> Void) throws {
        var reader = try CSVReader(path: path, delimiter: delimiter)
        guard try reader.next() else {
            throw LookupError(.source, "\(path): the file is empty, expected a first line that names the columns")
        }
        let names = (0..<reader.count).map { reader.text($0) }
        let positions = try fields.map { try position(of: $0, names) }
        var row = DimensionRow(count: fields.count)
        while try reader.next() {
            guard reader.count == names.count else {
                throw LookupError(
                    .value,
                    "\(reader.place): \(reader.count) fields, expected \(names.count) as in the first line; put fields that "
                        + "hold a delimiter in quotes")
            }
            row.clear()
            for (field, declared) in fields.enumerated() {
                let range = reader.range(positions[field])
                if range.isEmpty, !reader.isQuoted(positions[field]) { continue }
                guard FieldText.set(&row, field, declared.type, reader.bytes, range) else {
                    throw LookupError(
                        .value,
                        "\(reader.place): column \(declared.name): no \(declared.type.name), found "
                            + "\(FieldText.shown(reader.bytes[range])), expected \(FieldText.expectation(declared.type))"
                    )
                }
            }
            try emit(row)
        }
    }

    private func position(of field: DimensionField, _ names: [String]) throws(LookupError) -> Int {
        let found = names.indices.filter { names[$0] == field.name }
        guard let first = found.first else {
            throw LookupError(
                .column, "\(path):1: no column \(field.name), found \(names.joined(separator: ", "))")
        }
        guard found.count == 1 else {
            throw LookupError(.column, "\(path):1: two columns are named \(field.name); rename one of them")
        }
        return first
    }
}
