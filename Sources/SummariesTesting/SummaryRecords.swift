package import Dataflow
package import Declaration
import Expressions
package import Platform
import Sketches
package import Summaries

/// A record with a field of every type.
package struct SummaryRecord {
    package var time: Int64
    package var country: String?
    package var level: Int64?
    package var paid: Bool?
    package var user: String
    package var price: Int64?
    package var ratio: Double
    /// Where it stands in the log, for records that keep their place whatever batch they are in.
    package var offset: Int64?

    package init(
        time: Int64, country: String?, level: Int64?, paid: Bool?, user: String, price: Int64?, ratio: Double
    ) {
        self.time = time
        self.country = country
        self.level = level
        self.paid = paid
        self.user = user
        self.price = price
        self.ratio = ratio
    }

    /// The fields in the order of the batch's columns.
    package static let schema = RecordSchema(
        fields: [
            .init(name: "time", type: .timestamp, column: 0), .init(name: "country", type: .text, column: 1),
            .init(name: "level", type: .integer, column: 2), .init(name: "paid", type: .boolean, column: 3),
            .init(name: "user", type: .text, column: 4), .init(name: "price", type: .decimal(scale: 2), column: 5),
            .init(name: "ratio", type: .double, column: 6),
        ], eventTimeColumn: 0)

    /// What is grouped by: text, integer, boolean, decimal.
    package static let keys: [SummaryPlan.Key] = ["country", "level", "paid", "price"].map { key($0) }

    /// One metric of every kind, two with conditions.
    package static func metrics() throws -> [MetricPlan] {
        try [
            metric("events", "count()"), metric("users", "uniques(user)"),
            metric("compact_users", "uniques(user, precision: compact)"), metric("total", "sum(price)"),
            metric("mean", "avg(ratio)"), metric("least", "min(price)"), metric("most", "max(ratio)"),
            metric("last", "max(time)"), metric("prices", "percentiles(price, 50, 99)"),
            metric("ratios", "percentiles(ratio, 50, 99)"), metric("dear", "count()", where: "price > 500"),
            metric("levelled", "count(level)"), metric("losses", "share_below(ratio, 0)"),
            metric("opening", "first(price)"), metric("closing", "last(country)"), metric("paid_last", "last(paid)"),
            metric("earliest", "first(time)", where: "level > 0"), metric("last_ratio", "last(ratio)"),
            metric("busiest", "top(user, 3)"), metric("usual", "top(price, 2)", where: "level > 0"),
            metric("low_users", "uniques(user, precision: precise)", where: "level < 0 || level is null"),
        ]
    }

    /// A metric over records, as a topology file has it.
    package static func metric(
        _ name: String, _ text: String, where condition: String? = nil, of catalog: MetricCatalog = .all
    ) throws -> MetricPlan {
        let place = SourceLocation(file: "t", line: 1, column: 1)
        var problems = Diagnostics()
        let metric = catalog.compile(
            try MetricCall.parse(text, at: place), named: name, input: schema, &problems)
        guard let metric, !problems.hasErrors else { throw problems }
        let checked = try condition.map { try Expression.parse($0, at: place).checkCondition(against: schema) }
        return MetricPlan(metric, condition: checked, conditionText: condition)
    }

    private static func key(_ name: String) -> SummaryPlan.Key {
        guard let field = schema[name] else { preconditionFailure("no field \(name)") }
        return .init(name: name, type: field.type, column: field.column)
    }

    /// Random records: a few minutes, few values per key, nulls.
    package static func random(_ count: Int, _ random: inout SeededRandom) -> [SummaryRecord] {
        (0..<count).map { number in
            var record = SummaryRecord(
                time: Int64.random(in: -200_000_000...200_000_000, using: &random),
                country: random.chance(10)
                    ? nil : ["US", "DE", "a country with a long name", ""].randomElement(using: &random),
                level: random.chance(10) ? nil : Int64.random(in: -2...2, using: &random),
                paid: random.chance(10) ? nil : random.chance(50),
                user: "u\(Int.random(in: 0..<400, using: &random))",
                price: random.chance(50) ? nil : Int64.random(in: -9...999, using: &random) * 100,
                ratio: Double.random(in: -1e6...1e6, using: &random))
            record.offset = Int64(number)
            return record
        }
    }

    /// Where records stand: each at its own offset, or, without one, all in one message.
    package static func places(_ records: some Collection<SummaryRecord>, of offset: Int64) -> RecordPlaces {
        var places = RecordPlaces()
        places.reset(rows: records.count)
        for (row, record) in records.enumerated() {
            places[row] = RecordPlace(
                partition: 1, offset: record.offset ?? offset, within: record.offset == nil ? UInt32(row) : 0)
        }
        return places
    }

    /// The records as a parsed batch.
    package static func batch(_ records: ArraySlice<SummaryRecord>, serial: UInt64) -> Batch {
        let batch = Batch(payloadBytes: 4_096, layout: BatchLayout(schema.fields.map(\.type)))
        batch.serial = serial
        func append(_ text: String) -> TextSlice {
            let offset = batch.length
            var copy = text
            copy.withUTF8 { unsafe batch.append(UnsafeRawBufferPointer($0), offset: 0, timestamp: nil) }
            return TextSlice(offset: UInt32(offset), length: UInt32(text.utf8.count))
        }
        let texts = records.map { (country: append($0.country ?? ""), user: append($0.user)) }
        batch.beginRows(records.count)
        for (row, record) in records.enumerated() {
            unsafe batch.columns[0].integers[row] = record.time
            unsafe batch.columns[1].slices[row] = texts[row].country
            unsafe batch.columns[2].integers[row] = record.level ?? 0
            unsafe batch.columns[3].booleans[row] = record.paid == true ? 1 : 0
            unsafe batch.columns[4].slices[row] = texts[row].user
            unsafe batch.columns[5].integers[row] = record.price ?? 0
            unsafe batch.columns[6].doubles[row] = record.ratio
            let valid = [
                true, record.country != nil, record.level != nil, record.paid != nil, true, record.price != nil, true,
            ]
            for (column, isValid) in valid.enumerated() { unsafe batch.columns[column].valid[row] = isValid ? 1 : 0 }
        }
        for column in schema.fields.indices { batch.fillHashes(ofColumn: column) }
        return batch
    }
}

extension SummaryPlan {
    /// A plan over `SummaryRecord`, by all keys or by sets of them.
    package static func ofRecords(
        keys: [Key] = SummaryRecord.keys, sets: [[Int]]? = nil, hasWindow: Bool = true,
        window: any WindowFunction = Tumbling(microseconds: 60_000_000), metrics: [MetricPlan]
    ) -> SummaryPlan {
        SummaryPlan(
            node: "kpi", window: hasWindow ? window : nil, eventTimeColumn: 0, keys: keys,
            groupingSets: sets.map { sets in sets.map { GroupingSet($0, of: keys) } }, metrics: metrics)
    }
}

extension Hopping {
    /// Windows of `count` times `seconds`, one beginning every `seconds`.
    package init(everySeconds seconds: Int64, count: Int) { self.init(every: seconds * 1_000_000, count: count) }
}

extension SummaryDelta {
    /// An empty delta with a dictionary of its own.
    package static func empty(_ plan: SummaryPlan, _ memory: MemoryAccountant) -> SummaryDelta {
        SummaryDelta(plan, dictionary: KeyDictionary(memory: memory), memory: memory)
    }

    /// Adds records as one batch, whose number is its place in the log.
    package func add(_ records: ArraySlice<SummaryRecord>, serial: UInt64) {
        let batch = SummaryRecord.batch(records, serial: serial)
        let rows = unsafe RowSelection(rows: nil, count: records.count)
        add(
            batch, rows, plan.metrics.map { $0.condition?.makeEvaluator() },
            at: SummaryRecord.places(records, of: Int64(serial)))
    }

    /// All groups in the order in which they are written, each with what people read and the bytes of its sketches.
    package var lines: [String] { lines(ofWindow: nil) }

    /// The same of one window alone.
    package func lines(ofWindow window: Int?) -> [String] {
        GroupOrder(self, window: window).entries.map { entry in
            let (groups, group) = (sets[Int(entry.set)], Int(entry.group))
            return SummaryJSON.line(groups, group) + " " + groups.states.map { Self.bytes($0, group) }.joined()
        }
    }

    private static func bytes(_ state: any MetricState, _ group: Int) -> String {
        var bytes: [UInt8] = []
        if let state = state as? UniquesState { state.table.encode(group: group, into: &bytes) }
        if let state = state as? PercentilesState { state.table.encode(group: group, into: &bytes) }
        if let state = state as? TopState {
            do { try state.encode(group: group, into: &bytes) } catch {
                preconditionFailure("an epoch has fewer values than can be counted")
            }
        }
        return bytes.isEmpty ? "" : " \(bytes)"
    }
}
