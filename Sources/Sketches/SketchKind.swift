/// What stored bytes are a state of, told by the high nibble of the first of them.
enum SketchKind: UInt8 {
    case uniques = 1
    case percentiles = 2
    case sum = 3
    case top = 4

    /// The kind of stored bytes; nil for anything else.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let first = unsafe bytes.first, let kind = SketchKind(rawValue: first >> 4) else { return nil }
        self = kind
    }

    /// How messages call it.
    private var name: String {
        switch self {
        case .uniques: "a sketch of uniques()"
        case .percentiles: "a sketch of percentiles()"
        case .sum: "the exact sum of doubles"
        case .top: "a sketch of top()"
        }
    }

    /// What a reader of another kind has to say about bytes of this one.
    func error(reading expected: SketchKind) -> SketchError {
        let place =
            switch expected {
            case .uniques: "stored sketch"
            case .percentiles: "percentile sketch"
            case .sum: "sum of doubles"
            case .top: "frequent values"
            }
        return SketchError(.unsupportedFormat, "\(place): this is \(name), expected \(expected.name)")
    }
}
