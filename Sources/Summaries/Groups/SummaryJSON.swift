import Dataflow
import Declaration
package import Sketches

/// Groups as lines of JSON, for people.
package struct SummaryJSON {
    /// The lines so far, each with its newline.
    package private(set) var bytes: [UInt8] = []
    private let plan: SummaryPlan
    private let results: [any MetricResult]
    private var lastTime: (microseconds: Int64, text: String)?
    private var isFirst = true
    /// `"name": ` of each key.
    private let keyNames: [[UInt8]]
    /// `"name": ` of each column that is computed from metrics.
    private let generatedNames: [[UInt8]]
    /// The columns of each metric that people read, with `"name": `.
    private let metricNames: [[(column: Int, label: [UInt8])]]

    package init(_ plan: SummaryPlan) {
        self.plan = plan
        keyNames = plan.keys.map { Self.label($0.name) }
        metricNames = plan.metrics.map { metric in
            metric.columns.enumerated().filter { $0.element.isShown }.map { ($0.offset, Self.label($0.element.name)) }
        }
        results = plan.metrics.map { $0.metric.makeResult() }
        generatedNames = plan.generated.map { Self.label($0.name) }
    }

    /// One line, without its newline.
    package static func line(_ groups: SetGroups, _ group: Int) -> String {
        var json = SummaryJSON(groups.plan)
        json.appendLine(groups, group)
        return String(decoding: json.bytes.dropLast(), as: UTF8.self)
    }

    /// The keys of a group, which tell its row from all others of the table.
    package static func keys(_ groups: SetGroups, _ group: Int) -> String {
        var json = SummaryJSON(groups.plan)
        json.appendKeys(groups, group)
        return String(decoding: json.bytes, as: UTF8.self) + "}"
    }

    /// Gives the lines away.
    package mutating func takeBytes() -> [UInt8] {
        defer { bytes.removeAll() }
        return bytes
    }

    private static func label(_ name: String) -> [UInt8] { Array("\"\(name)\": ".utf8) }

    /// Appends text as it is.
    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { unsafe bytes.append(contentsOf: $0) }
    }

    /// Appends a group: keys in the order of the table's columns, without those that its set does not have.
    package mutating func appendLine(_ groups: SetGroups, _ group: Int) {
        appendKeys(groups, group)
        for (index, state) in groups.states.enumerated() { metric(index, state, group) }
        for (column, label) in zip(plan.generated, generatedNames) {
            name(label)
            append(column.value(number))
        }
        append("}\n")
    }

    /// Appends the keys of a group and leaves the line open.
    private mutating func appendKeys(_ groups: SetGroups, _ group: Int) {
        bytes.append(UInt8(ascii: "{"))
        isFirst = true
        if plan.windows.count > 1 {
            name(Self.sizeName)
            quote(plan.windows[groups.window].name.utf8)
        }
        if let window = groups.windowStart(ofGroup: group) {
            name(Self.windowName)
            append(microsecondsSince1970: window)
        }
        if plan.groupingSets != nil {
            name(Self.setName)
            quote(groups.set.name.utf8)
        }
        for index in groups.set.keys {
            name(keyNames[index])
            key(plan.keys[index].type, index, groups, group)
        }
    }

    private static let sizeName = label("window_size")
    private static let windowName = label("window_start")
    private static let setName = label("grouping_set")

    private mutating func name(_ label: [UInt8]) {
        if !isFirst {
            bytes.append(UInt8(ascii: ","))
            bytes.append(UInt8(ascii: " "))
        }
        bytes.append(contentsOf: label)
        isFirst = false
    }

    private mutating func key(_ type: ColumnType, _ index: Int, _ groups: SetGroups, _ group: Int) {
        if type == .text {
            if let text = unsafe groups.keyText(index, ofGroup: group) { unsafe quote(text) } else { appendNull() }
            return
        }
        guard let value = groups.keyInteger(index, ofGroup: group) else { return appendNull() }
        switch type {
        case .boolean: append(value == 0 ? "false" : "true")
        case .decimal(let scale): append(Int128(value), scale: scale)
        case .timestamp: append(microsecondsSince1970: value)
        default: append(value)
        }
    }

    private mutating func metric(_ index: Int, _ state: any MetricState, _ group: Int) {
        let result = results[index]
        do { try result.load(group, of: state, merging: nil) } catch {
            preconditionFailure("nothing stored was read, so nothing can be wrong with it")
        }
        for (column, label) in metricNames[index] {
            name(label)
            result.write(column, to: &self)
        }
    }

    /// The value of a metric's column of the group whose metrics were appended last.
    private func number(_ source: GeneratedColumn.Source) -> Double? {
        var sink = NumberSink()
        results[source.metric].write(source.column, to: &sink)
        return sink.value
    }

    private mutating func quote(_ text: some Sequence<UInt8>) { bytes.appendJSON(text: text) }
}

// MARK: - Values

extension SummaryJSON: ValueSink {
    package mutating func appendNull() { append("null") }

    package mutating func append(_ value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var first = digits.count
            repeat {
                first -= 1
                unsafe digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[first...]))
        }
    }

    /// Appends a number as Swift describes it, `null` for what JSON does not have. Values of whole numbers are mostly
    /// whole; -0 is 0.
    package mutating func append(_ value: Double) {
        let value = value + 0
        guard value.isFinite else { return appendNull() }
        guard value.magnitude < 1e15, value.rounded(.towardZero) == value, value != 0 else {
            return append(value.description)
        }
        append(Int64(value))
        bytes.append(UInt8(ascii: "."))
        bytes.append(UInt8(ascii: "0"))
    }

    /// Appends a moment as text. Groups come window by window, so the last one is mostly the next one too.
    package mutating func append(microsecondsSince1970 value: Int64) {
        if lastTime?.microseconds != value {
            lastTime = (value, "\"" + Self.text(microsecondsSince1970: value) + "\"")
        }
        append(lastTime?.text ?? "null")
    }

    /// As RFC 3339 has it, with as many digits behind the second as there are.
    static func text(microsecondsSince1970 value: Int64) -> String {
        SQLWord.clock(value).replacing(" ", with: "T") + "Z"
    }

    package mutating func append(_ unscaled: Int128, scale: Int) {
        bytes.appendDecimal(unscaled: unscaled, scale: scale)
    }

    /// Appends the nearest double; beyond the largest, digits and exponent, which JSON has too.
    package mutating func append(_ sum: DoubleSum) {
        if let nearest = sum.nearest { return append(nearest) }
        let shown = sum.decimal
        append("\(shown.isNegative ? "-" : "")\(shown.digits)e\(shown.exponent)")
    }

    package mutating func append(_ value: Bool) { append(value ? "true" : "false") }

    package mutating func append(text: [UInt8]) { quote(text) }

    package mutating func append(json: [UInt8]) { bytes.append(contentsOf: json) }

    /// Appends bytes as text of hexadecimal digits.
    package mutating func append(_ value: [UInt8]) {
        let digits = value.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        append("\"" + digits.joined() + "\"")
    }
}
