package import Dataflow

/// Evaluates an expression over columnar batches; owns scratch memory that grows to the largest batch and is used
/// again. For one thread at a time.
///
/// Each operator is a loop over the selected rows. A condition is not computed as truth values: it narrows the list
/// of rows, so `a && b` looks at b only for the rows that a has kept, and `a || b` only for those it has not.
@safe package final class ExpressionEvaluator {
    /// The columns of a batch.
    @safe struct Frame {
        let columns: UnsafeBufferPointer<Column>

        subscript(column: Int) -> Column { unsafe columns[column] }
    }

    /// Selected rows; `list` is to be given back by whoever asked for them.
    struct Rows {
        var selection: RowSelection
        var list: ScratchPool.RowList?

        static var none: Rows { unsafe Rows(selection: RowSelection(rows: nil, count: 0), list: nil) }
    }

    /// nil: every value is null.
    let plan: ValuePlan?
    let type: ColumnType?
    let constantBytes: UnsafeMutablePointer<UInt8>
    private let constants: [TextView]
    private let sites: [FailureSite]
    private var counts: [Int]
    private var hasFailures = false
    /// The operands that are bound at present, by their numbers.
    private var bound: [Held?] = []
    private var result: ScratchPool.RowList?
    /// What `evaluate` answered last.
    var evaluated: Held?
    let zones = ZoneCache()
    var pool = ScratchPool()
    /// What is remembered of costly calls, by their sites.
    var memos: [ResultMemo?] = []
    let memoBytesMax: Int
    private let memory: MemoryAccountant?
    private var drawn = 0

    /// Results of one costly call that are remembered: this part of a budget, at most.
    private static let memoShare = 128
    private static let memoBytesMax = 4 << 20

    /// `type` is nil for types that no column has.
    init(
        plan: ValuePlan?, type: ColumnType?, texts: [[UInt8]], sites: [FailureSite], memory: MemoryAccountant? = nil
    ) {
        self.memory = memory
        memoBytesMax = min(Self.memoBytesMax, memory.map { $0.budget / Self.memoShare } ?? .max)
        self.plan = plan
        self.type = type
        self.sites = sites
        counts = Array(repeating: 0, count: sites.count)
        let count = texts.reduce(0) { $0 + $1.count }
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, count))
        var views: [TextView] = []
        var offset = 0
        for text in texts {
            for (index, byte) in text.enumerated() { unsafe (bytes + offset + index).initialize(to: byte) }
            unsafe views.append(TextView(start: UnsafeRawPointer(bytes + offset), count: text.count))
            offset += text.count
        }
        unsafe constantBytes = bytes
        constants = views
    }

    deinit {
        giveBackResults()
        unsafe constantBytes.deallocate()
        memory?.draw(-drawn, for: .kept)
    }

    /// Bytes of memory held: scratch memory, and results that are remembered.
    package var bytesHeld: Int { memos.reduce(pool.bytesAllocated) { $0 + ($1?.bytes ?? 0) } }

    /// Brings the account up to date.
    private func settle() {
        guard let memory else { return }
        let held = bytesHeld
        guard held != drawn else { return }
        memory.draw(held - drawn, for: .kept)
        drawn = held
    }

    /// An operation that made nulls of values, and how many.
    package typealias Failure = (site: FailureSite, count: Int)

    /// The operations that made nulls of values since this was asked last, and how many.
    package func takeFailures() -> [Failure] {
        guard hasFailures else { return [] }
        defer {
            hasFailures = false
            for index in counts.indices { counts[index] = 0 }
        }
        return zip(sites, counts).filter { $1 > 0 }.map { (site: $0, count: $1) }
    }

    /// Counts nulls that an operation made.
    func count(_ failures: Int, at site: Int) {
        guard failures > 0 else { return }
        counts[site] += failures
        hasFailures = true
    }

    /// Computes operands for all rows that `body` may ask for.
    func bind<Result>(
        _ operands: [BoundOperand], _ rows: RowSelection, _ frame: Frame, _ body: () -> Result
    ) -> Result {
        for operand in operands {
            while bound.count <= operand.number { bound.append(nil) }
            let values = held(operand.plan, rows, frame)
            bound[operand.number] = values
        }
        defer {
            for operand in operands {
                if let values = bound[operand.number] { give(values) }
                bound[operand.number] = nil
            }
        }
        return body()
    }

    /// The values of an operand that is bound, which stay its own.
    func boundOperand(_ number: Int) -> Held {
        switch bound[number] {
        case .integers(.column(let cells, _))?: .integers(.column(cells, scratch: nil))
        case .doubles(.column(let cells, _))?: .doubles(.column(cells, scratch: nil))
        case .truths(.column(let cells, _))?: .truths(.column(cells, scratch: nil))
        case .texts(.column(let column))?:
            .texts(unsafe .column(TextColumn(base: column.base, cells: column.cells, scratch: nil, bytes: nil)))
        case let constant?: constant
        case nil: preconditionFailure("An operand is used outside of what it was computed for.")
        }
    }

    /// The selected rows for which the condition is true: neither false nor null.
    ///
    /// `columns` are only read. The rows' list is owned by the evaluator
    /// and valid until the next call; when all rows are kept the answer may be `selection` itself. Does not allocate
    /// once the scratch memory has grown to the batch size.
    ///
    /// - Precondition: the expression's type is boolean.
    /// - Complexity: O(rows · operators).
    @unsafe
    package func select(
        columns: UnsafeBufferPointer<Column>, selection: RowSelection
    ) -> RowSelection {
        precondition(type == .boolean, "An expression that is not a condition cannot select rows.")
        giveBackResults()
        guard case .boolean(let condition)? = plan else { return unsafe RowSelection(rows: nil, count: 0) }
        guard selection.count > 0 else { return selection }
        pool.prepare(rows: selection.rowsEnd)
        let frame = unsafe Frame(columns: columns)
        let rows = select(condition, true, selection, frame)
        result = rows.list
        return rows.selection
    }

    /// Gives back what the last call answered.
    func giveBackResults() {
        if let result { pool.give(result) }
        result = nil
        if let evaluated { give(evaluated) }
        evaluated = nil
        settle()
    }

    func constantText(_ index: Int) -> TextView { constants[index] }
}

/// Memory that is to be given back.
enum Held {
    case integers(Vector<Int64>)
    case doubles(Vector<Double>)
    case truths(Vector<UInt8>)
    case texts(TextVector)
    case scratch(ScratchPool.Scratch)
}

/// The value of an expression without fields.
enum ConstantValue: Sendable, Equatable {
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    case text([UInt8])
}

extension ExpressionEvaluator {
    /// The value of an expression that uses no field; nil when it is null.
    func constantValue() -> ConstantValue? {
        pool.prepare(rows: 1)
        let one = unsafe RowSelection(rows: nil, count: 1)
        let frame = unsafe Frame(columns: UnsafeBufferPointer(start: nil, count: 0))
        switch plan {
        case nil: return nil
        case .integer(let plan)?:
            let vector = integers(plan, one, frame)
            defer { give(vector) }
            return first(vector).map { .integer($0) }
        case .double(let plan)?:
            let vector = doubles(plan, one, frame)
            defer { give(vector) }
            return first(vector).map { .double($0) }
        case .boolean(let plan)?:
            let vector = truths(plan, one, frame)
            defer { give(vector) }
            return first(vector).map { .boolean($0 == 1) }
        case .text(let plan)?:
            let vector = texts(plan, one, frame)
            defer { give(vector) }
            guard vector.validity(0) == 1 else { return nil }
            return unsafe .text(Array(vector[0].bytes))
        }
    }

    private func first<Value>(_ vector: Vector<Value>) -> Value? {
        switch vector {
        case .constant(let value): value
        case .column(let cells, _): cells.validity(0) == 1 ? cells[0] : nil
        }
    }

    func give<Value>(_ vector: Vector<Value>) {
        if case .column(_, let scratch?) = vector { pool.give(scratch) }
    }

    func give(_ vector: TextVector) {
        guard case .column(let column) = vector else { return }
        if let scratch = column.scratch { pool.give(scratch) }
        if let bytes = column.bytes { pool.give(bytes) }
    }

    func give(_ held: Held) {
        switch held {
        case .integers(let vector): give(vector)
        case .doubles(let vector): give(vector)
        case .truths(let vector): give(vector)
        case .texts(let vector): give(vector)
        case .scratch(let scratch): pool.give(scratch)
        }
    }

    func give(_ rows: Rows) {
        if let list = rows.list { pool.give(list) }
    }
}
