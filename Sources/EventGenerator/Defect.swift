/// What is wrong with a malformed event: one of each thing a parser must refuse or a column cannot hold.
///
/// Every one makes a dead letter as long as the topology reads `user` and `duration_ms`.
enum Defect: CaseIterable, Sendable {
    /// Cut off, perhaps within a string or a character.
    case truncated
    /// A second closing brace.
    case trailingGarbage
    /// Words instead of a document.
    case notJSON
    /// `"duration_ms":,`
    case missingValue
    /// `"duration_ms":"fast"`
    case wrongType
    /// `"duration_ms":` and 20 digits, beyond 64 bits.
    case integerTooLarge
    /// A byte that no UTF-8 text holds, in `user`.
    case invalidUTF8
    /// A tab that is not escaped, in `user`.
    case controlCharacter
    /// Half of a surrogate pair, in `user`.
    case unpairedSurrogate
    /// U+0000, which Postgres's text cannot hold, in `user`.
    case nul

    static let all = Array(allCases)

    /// What stands at the end of the user's id.
    @inline(__always)
    func appendToUser(_ buffer: inout EventBuffer) {
        switch self {
        case .invalidUTF8: buffer.append(byte: 0xff)
        case .controlCharacter: buffer.append("\t")
        case .unpairedSurrogate: buffer.append(#"\ud83d"#)
        case .nul: buffer.append(#"\u0000"#)
        default: break
        }
    }

    /// What stands after `"duration_ms":`, or nil when the right number does.
    var duration: StaticString? {
        switch self {
        case .missingValue: ""
        case .wrongType: #""fast""#
        case .integerTooLarge: "92233720368547758070"
        default: nil
        }
    }
}
