/// One percentile sketch: exact count, minimum, maximum and sum, and an exponential histogram of scale 6.
///
/// Everything it answers and every byte it encodes is a function of the multiset of values alone; the order of inserts
/// and the tree of merges leave no trace. A percentile is off by at most 0.5416 % of the true order statistic as long
/// as the values lie within 32 octaves of each sign's range, or use at most 2,048 buckets; beyond that the scale is
/// halved, i -> ceil(i/2), until they fit. Up to 32 integers or decimals, or 2 doubles, it is exact. Subnormal doubles
/// count as zero in percentiles, not in minimum, maximum and sum.
///
/// The histogram is that of OpenTelemetry ("exponential histogram") and Prometheus ("native histogram"), with exact
/// sums and a scale that follows from the set instead of from the order.
///
/// Made for reuse at a commit: `reset()` keeps the storage. For many sketches at once use `QuantileTable`.
public struct ExponentialHistogram: Sendable {
    /// The kind of the values; merging needs equal kinds.
    public let kind: QuantileValueKind
    /// Number of values; at most 2^63 - 1.
    public private(set) var count = 0

    private(set) var low = Int64.max
    private(set) var high = Int64.min
    private(set) var total = WideSum()
    /// The sorted raw values while there are at most `kind.exactMax`; then empty.
    private(set) var exact: [Int64] = []
    /// How many times the scale was halved.
    private(set) var halvings = 0
    private(set) var buckets = BucketList()
    /// Storage for the other list of a merge and for its result.
    private var incoming = BucketList()
    private var united = BucketList()

    /// Creates an empty sketch.
    ///
    /// - Parameter kind: a decimal scale must be 0 ... 18.
    public init(kind: QuantileValueKind) {
        if case .decimal(let scale) = kind {
            precondition((0...18).contains(scale), "the scale of a decimal column is 0 ... 18")
        }
        self.kind = kind
    }

    /// Forgets all values and keeps the storage.
    public mutating func reset() {
        count = 0
        low = .max
        high = .min
        total = WideSum()
        exact.removeAll(keepingCapacity: true)
        halvings = 0
        buckets.removeAll()
    }

    /// Whether the values themselves are kept, so that percentiles are exact.
    public var isExact: Bool { count <= kind.exactMax }

    /// The scale of the histogram: 6 unless more than 2,048 buckets were needed; -1 at the coarsest.
    public var scale: Int { ExponentialScale.finest - halvings }

    /// The smallest value; nil without values.
    public var min: Double? { count == 0 ? nil : kind.double(low) }

    /// The largest value; nil without values.
    public var max: Double? { count == 0 ? nil : kind.double(high) }

    /// The sum in units of 10^-`sumScale`: exact for integers and decimals, nil where 128 bits do not hold it.
    ///
    /// Doubles are rounded half to even to multiples of 10^-9 one by one, so their sum is off by at most half of that for
    /// each. Where that says nothing there is no sum: nil when the largest magnitude is 1.7e29 or more, which the units do
    /// not reach, or below 10^-6. (A `sum` metric has the exact sum of doubles: `DoubleSum`.)
    public var sum: Int128? { hasSum ? total.narrow : nil }

    /// Whether values of doubles lie where multiples of 10^-9 say what they are.
    private var hasSum: Bool {
        guard kind == .double, count > 0 else { return true }
        let largest = Swift.max(kind.double(low).magnitude, kind.double(high).magnitude)
        return largest == 0 || largest >= 1e-6 && FixedPoint.units(largest) < .max
    }

    /// Decimal places of `sum`.
    public var sumScale: Int { kind.sumScale }

    /// Inserts a finite double.
    ///
    /// - Parameter value: must be finite; the sketch must be of kind `double`.
    public mutating func insert(_ value: Double) {
        precondition(kind == .double, "a double goes into a sketch of doubles only")
        precondition(value.isFinite, "a percentile sketch holds finite doubles; reject NaN and infinity before it")
        insert(raw: DoubleRule.ordered(value))
    }

    /// Inserts an integer, or a decimal scaled by 10^scale.
    ///
    /// - Parameter value: the sketch must be of kind `integer` or `decimal`.
    public mutating func insert(scaled value: Int64) {
        precondition(kind != .double, "a scaled integer goes into a sketch of integers or decimals only")
        insert(raw: value)
    }

    mutating func insert(raw: Int64) {
        precondition(count < Int.max, "a percentile sketch holds at most 2^63 - 1 values")
        noteExtremes(raw, raw)
        total.add(kind.units(raw))
        count += 1
        if count <= kind.exactMax {
            let position = exact.firstIndex { $0 > raw } ?? exact.count
            exact.insert(raw, at: position)
        } else {
            spill()
            buckets.add(QuantileKey.coarsened(kind.key(raw), by: halvings), 1)
            fitScale()
        }
    }

    private mutating func noteExtremes(_ least: Int64, _ greatest: Int64) {
        low = Swift.min(low, least)
        high = Swift.max(high, greatest)
    }

    /// Turns the exact list into buckets.
    private mutating func spill() {
        for raw in exact { buckets.append(kind.key(raw), 1) }
        exact.removeAll(keepingCapacity: true)
    }

    /// Halves the scale until the cap holds.
    private mutating func fitScale() {
        if buckets.count <= ExponentialScale.bucketsMax { return }
        while buckets.signedCount > ExponentialScale.bucketsMax {
            buckets.coarsen(by: 1)
            halvings += 1
        }
    }
}

// MARK: - Merging

extension ExponentialHistogram {
    /// Adds all values of another sketch.
    ///
    /// Commutative and associative; merging a sketch with itself doubles it.
    /// - Throws: `parameterMismatch` if the kinds differ, `outOfRange` beyond 2^63 - 1 values; the sketch
    ///   is unchanged.
    public mutating func merge(_ other: borrowing ExponentialHistogram) throws(SketchError) {
        try requireUnion(kind: other.kind, count: other.count)
        if other.isExact {
            for raw in other.exact { insert(raw: raw) }
        } else {
            incoming = other.buckets
            absorbIncoming(
                count: other.count, low: other.low, high: other.high, total: other.total, halvings: other.halvings)
        }
    }

    /// Adds all values of an encoded sketch.
    ///
    /// - Parameter encoded: bytes written by `encode(into:)`; read only, not kept.
    /// - Throws: `malformedBytes` or `unsupportedFormat` for anything no encoder writes, and what
    ///   `merge(_:)` throws; the sketch is unchanged.
    public mutating func merge(encoded: UnsafeRawBufferPointer) throws(SketchError) {
        var reader = unsafe QuantileReader(encoded)
        let header = try reader.header()
        guard header.kind == kind else { throw SketchError.kinds(kind, header.kind) }
        switch header.form {
        case .empty:
            try reader.expectEnd()
        case .exact:
            let values = try reader.exactValues(kind: kind)
            try requireUnion(kind: kind, count: values.count)
            for raw in values { insert(raw: raw) }
        case .buckets:
            incoming.removeAll()
            let body = try reader.buckets(kind: kind, into: &incoming)
            try requireUnion(kind: kind, count: body.count)
            absorbIncoming(
                count: body.count, low: body.low, high: body.high, total: body.total, halvings: body.halvings)
        }
    }

    /// Adds a histogram given by its parts; the closure appends the buckets in ascending order.
    mutating func absorb(
        low: Int64, high: Int64, total: WideSum, halvings: Int, buckets fill: (inout BucketList) -> Void
    ) throws(SketchError) {
        incoming.removeAll()
        fill(&incoming)
        let more = unsafe Int(incoming.read { unsafe $0.reduce(0) { $0 + $1.count } })
        try requireUnion(kind: kind, count: more)
        absorbIncoming(count: more, low: low, high: high, total: total, halvings: halvings)
    }

    func requireUnion(kind other: QuantileValueKind, count more: Int) throws(SketchError) {
        guard other == kind else { throw SketchError.kinds(kind, other) }
        guard count <= Int.max - more else {
            throw SketchError(
                .outOfRange, "percentile sketch: the union has too many values, expected at most 2^63 - 1")
        }
    }

    private mutating func absorbIncoming(count more: Int, low: Int64, high: Int64, total: WideSum, halvings other: Int)
    {
        spill()
        noteExtremes(low, high)
        self.total.add(total)
        count += more
        let common = Swift.max(halvings, other)
        incoming.coarsen(by: common - other)
        if buckets.isEmpty {
            swap(&buckets, &incoming)
        } else {
            buckets.coarsen(by: common - halvings)
            united.setUnion(buckets, incoming)
            swap(&buckets, &united)
        }
        halvings = common
        fitScale()
    }
}

extension SketchError {
    static func kinds(_ expected: QuantileValueKind, _ found: QuantileValueKind) -> SketchError {
        SketchError(
            .parameterMismatch,
            "percentile sketch: kinds have no common union, found \(found), expected \(expected)")
    }
}
