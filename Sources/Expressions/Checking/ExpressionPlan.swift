import Dataflow

/// What an evaluator does: an expression whose names and types are resolved, by the representation of its values.
///
/// No plan is constantly null but `BooleanPlan.null`; the checker replaces the others. `column` is a batch's column.
enum ValuePlan: Sendable {
    case integer(IntegerPlan)
    case double(DoublePlan)
    case text(TextPlan)
    case boolean(BooleanPlan)
}

/// An operand that several parts of a plan use: it is computed once for the rows that the whole is asked for, and each
/// `bound` part of its number reads it.
struct BoundOperand: Sendable {
    var number: Int
    var plan: ValuePlan
}

/// Values held in 64-bit whole numbers: integers, decimals' units, timestamps. Overflow gives null, which is counted at
/// the operation's site.
indirect enum IntegerPlan: Sendable {
    case constant(Int64)
    case column(Int)
    case arithmetic(Arithmetic, IntegerPlan, IntegerPlan, site: Int)
    case negate(IntegerPlan, site: Int)
    /// The units of a decimal with more digits.
    case rescale(IntegerPlan, by: Int64, site: Int)
    case coalesce([ScaledPlan])
    case choose(ChoicePlan)
    case call(CallPlan)
    case bound(Int)
}

/// Exact numbers beside others that have more digits after the point: whether one is there is asked of the number itself,
/// since one that does not fit the common digits is not absent.
struct ScaledPlan: Sendable {
    var plan: IntegerPlan
    /// What makes units of the common digits of it; 1 where it has them.
    var factor: Int64
    /// Where the numbers that do not fit are counted.
    var site: Int
}

/// Doubles; a result that is not finite is null.
indirect enum DoublePlan: Sendable {
    case constant(Double)
    case column(Int)
    case arithmetic(Arithmetic, DoublePlan, DoublePlan, site: Int)
    case negate(DoublePlan)
    /// An integer, or a decimal's units divided by 10^scale.
    case fromInteger(IntegerPlan, divisor: Double)
    case coalesce([DoublePlan])
    case choose(ChoicePlan)
    case call(CallPlan)
    case bound(Int)
}

/// Texts.
indirect enum TextPlan: Sendable {
    /// An index into the expression's constant texts.
    case constant(Int)
    case column(Int)
    /// Where all texts found are too many to be copied side by side, that is counted at `site`.
    case coalesce([TextPlan], site: Int)
    case choose(ChoicePlan)
    case call(CallPlan)
    case bound(Int)
}

/// Truth values.
indirect enum BooleanPlan: Sendable {
    case null
    case constant(Bool)
    case column(Int)
    case compareIntegers(Comparison, IntegerPlan, IntegerPlan)
    /// Decimals of different scales, each multiplied by its factor in 128 bits first.
    case compareScaled(Comparison, IntegerPlan, Int64, IntegerPlan, Int64)
    case compareDoubles(Comparison, DoublePlan, DoublePlan)
    case compareTexts(Comparison, TextPlan, TextPlan)
    case compareBooleans(isEqual: Bool, BooleanPlan, BooleanPlan)
    case inIntegers(IntegerPlan, IntegerSet)
    case inDoubles(DoublePlan, DoubleSet)
    case inTexts(TextPlan, TextSet)
    case isNull(ValuePlan)
    case and([BooleanPlan])
    case or([BooleanPlan])
    case not(BooleanPlan)
    case coalesce([BooleanPlan])
    case choose(ChoicePlan)
    case call(CallPlan)
    case bound(Int)
    /// A condition in which operands stand more than once.
    case binding([BoundOperand], BooleanPlan)
}

/// The value of the first condition that is true.
struct ChoicePlan: Sendable {
    struct Branch: Sendable {
        var condition: BooleanPlan
        /// nil: null.
        var value: ValuePlan?
    }

    var branches: [Branch]
    /// nil: null.
    var otherwise: ValuePlan?
    /// What the conditions compare, when that is to be computed first.
    var operand: BoundOperand?
    /// Where texts are counted that are too long to be handed on.
    var site: Int
}

/// A function's kernel with its arguments, none of which is constantly null.
struct CallPlan: Sendable {
    var kernel: Kernel
    var arguments: [ValuePlan]
    /// Where the nulls that the function makes are counted.
    var site: Int
}

/// An operation that can fail: where it stands and what it is called.
package struct FailureSite: Sendable, Hashable {
    /// Unicode scalars of the expression's text.
    package var range: Range<Int>
    /// The operator or function, such as `/` or `round`.
    package var operation: String
}

/// The whole numbers of an `in` list.
struct IntegerSet: Sendable {
    /// Ascending.
    private let sorted: [Int64]

    init(_ values: [Int64]) {
        sorted = Set(values).sorted()
    }

    @inline(__always)
    func contains(_ value: Int64) -> Bool {
        guard sorted.count > 8 else { return sorted.contains(value) }
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == value
    }
}

/// The doubles of an `in` list.
struct DoubleSet: Sendable {
    private let values: Set<Double>

    init(_ values: [Double]) {
        self.values = Set(values)
    }

    @inline(__always)
    func contains(_ value: Double) -> Bool { values.contains(value) }
}

/// The texts of an `in` list: an open-addressing table over their bytes.
struct TextSet: Sendable {
    private struct Entry: Sendable {
        var start: Int
        var length: Int
    }

    private var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// Indexes into `entries`, -1 where free; a power of two of them, at most half of them used.
    private var table: [Int32]
    /// Bit n is set when a text of n bytes is in the set; 63 stands for all longer ones.
    private var lengths: UInt64 = 0

    init(_ texts: [[UInt8]]) {
        var size = 4
        while size < texts.count * 2 { size *= 2 }
        table = Array(repeating: -1, count: size)
        for text in texts where !contains(text) {
            lengths |= 1 << UInt64(min(text.count, 63))
            var slot = unsafe text.withUnsafeBytes { unsafe Self.hash($0) } & (size - 1)
            while table[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            table[slot] = Int32(entries.count)
            entries.append(Entry(start: bytes.count, length: text.count))
            bytes += text
        }
    }

    private func contains(_ text: [UInt8]) -> Bool {
        unsafe text.withUnsafeBytes { unsafe contains($0) }
    }

    @inline(__always)
    func contains(_ text: UnsafeRawBufferPointer) -> Bool {
        let count = text.count
        guard lengths & (1 << UInt64(min(count, 63))) != 0 else { return false }
        var slot = unsafe Self.hash(text) & (table.count - 1)
        while table[slot] >= 0 {
            let entry = entries[Int(table[slot])]
            if entry.length == count,
                unsafe bytes.withUnsafeBytes({
                    unsafe equalBytes($0.baseAddress! + entry.start, text.baseAddress!, count)
                })
            {
                return true
            }
            slot = (slot + 1) & (table.count - 1)
        }
        return false
    }

    /// FNV-1a over the first 16 bytes and the length; longer texts that begin alike share a slot and are compared.
    @inline(__always)
    private static func hash(_ text: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(text.count)
        for index in 0..<min(16, text.count) {
            hash = (hash ^ UInt64(unsafe text[index])) &* 0x100_0000_01B3
        }
        return Int(truncatingIfNeeded: (hash ^ (hash >> 29)) & 0x7FFF_FFFF)
    }
}
