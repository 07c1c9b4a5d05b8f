import Sketches

/// Results of `top`: the list in JSON, and the sketch beside it.
final class TopResult: MetricResult {
    private let columns: [String]
    private let kind: ItemKind
    private let number: Int
    private var items: FrequentItems
    private var bytes: [UInt8] = []

    init(_ columns: [ResultColumn], _ kind: ItemKind, number: Int) {
        self.columns = columns.map(\.name)
        self.kind = kind
        self.number = number
        items = FrequentItems(kind: kind)
    }

    func load(_ group: Int, of state: any MetricState, merging stored: (any StoredValues)?) throws {
        guard let state = state as? TopState else { preconditionFailure("top of another metric's state") }
        items.reset()
        try StoredValueError.naming(columns[1]) {
            if let stored { _ = unsafe try stored.withBytes(1) { unsafe try items.merge(encoded: $0) } }
            try state.load(group, into: &items)
        }
    }

    func write(_ column: Int, to sink: inout some ValueSink) {
        bytes.removeAll(keepingCapacity: true)
        if column == 0 {
            appendJSON()
            sink.append(json: bytes)
        } else {
            items.encode(into: &bytes)
            sink.append(bytes)
        }
    }

    /// `[{"value": "a", "count": 3, "error": 0}]`
    private func appendJSON() {
        bytes.append(UInt8(ascii: "["))
        for (position, item) in items.top(number).enumerated() {
            bytes.append(contentsOf: (position > 0 ? ", {\"value\": " : "{\"value\": ").utf8)
            switch kind {
            case .text: bytes.appendJSON(text: item.bytes)
            case .boolean: bytes.append(contentsOf: (item.bytes == [1] ? "true" : "false").utf8)
            case .integer: bytes.append(contentsOf: String(ItemKind.number(item.bytes)).utf8)
            case .decimal(let scale):
                bytes.appendDecimal(unscaled: Int128(ItemKind.number(item.bytes)), scale: scale)
            }
            bytes.append(contentsOf: ", \"count\": \(item.count), \"error\": \(item.error)}".utf8)
        }
        bytes.append(UInt8(ascii: "]"))
    }
}
