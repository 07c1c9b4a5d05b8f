import JSON
public import Lookups
import Platform

/// A dimension in a file with a JSON object per line.
///
/// A field's name is a key of the object, or a path of keys with points between them. A key that is missing or null is
/// null. Values are those of `parse_json`; a timestamp is text by RFC 3339.
public struct NDJSONSource: DimensionSource {
    /// Bytes parsed together.
    private static let blockBytes = 256 << 10
    private static let linesMax = 4_096

    private let path: String

    /// A file, which is opened anew for every load.
    public init(path: String) { self.path = path }

    /// Hands over all rows.
    /// - Throws: ``LookupError``, which names file, line and field.
    public func read(_ fields: [DimensionField], _ emit: (borrowing DimensionRow) throws -> Void) throws {
        let block = JSONBlock(fields: fields.map(Self.declaration), linesMax: Self.linesMax)
        var stream = try ByteStream(path: path)
        var parser = DocumentParser(fields: fields.map(Self.declaration), takesObjectsOnly: true)
        var row = DimensionRow(count: fields.count)
        var held = 0
        var line = 1
        var isAtStart = true
        var isFinal = false
        while !isFinal || held > 0 {
            if !isFinal {
                block.makeRoom(held + Self.blockBytes)
                let read = unsafe try stream.read(into: block.bytes + held, count: Self.blockBytes)
                isFinal = read == 0
                held += read
            }
            if isAtStart, isFinal || held >= ByteOrderMark.length {
                block.passMark(held)
                isAtStart = false
            }
            // Fewer bytes may be the beginning of a mark.
            if isAtStart { continue }
            let split = block.split(held, isFinal: isFinal)
            if split.consumed == 0, !isFinal, held > JSONLimits().documentLengthMax {
                throw LookupError(
                    .value, "\(path):\(line): a line of more than \(JSONLimits().documentLengthMax) bytes")
            }
            let lineEnds = block.lineEnds(upTo: split.consumed)
            block.parse(split, of: held, &parser)
            for index in 0..<split.count {
                if block.isBad(index), let failure = parser.failure(of: index) {
                    // Empty lines are no documents, so lines are counted by their ends.
                    throw LookupError(.value, "\(path):\(line + block.lineEnds(before: index)): \(failure)")
                }
                row.clear()
                for (field, declared) in fields.enumerated() { block.set(&row, field, declared.type, index) }
                try emit(row)
            }
            line += lineEnds
            held = block.takeRest()
            if isFinal, split.consumed == 0 { break }
        }
    }

    private static func declaration(_ field: DimensionField) -> FieldDeclaration {
        FieldDeclaration(
            path: field.name.split(separator: ".").map(String.init), type: type(field.type), textLengthMax: 65_535)
    }

    private static func type(_ type: DimensionType) -> FieldType {
        switch type {
        case .text: .text
        case .integer: .integer
        case .decimal(let scale): .decimal(scale: scale)
        case .double: .double
        case .boolean: .boolean
        case .timestamp: .timestamp(.rfc3339)
        }
    }
}
