import Synchronization

/// The one account that every part draws its memory from.
public final class MemoryAccountant: Sendable {
    /// Who holds memory.
    public enum Part: Int, CaseIterable, Sendable {
        /// librdkafka's queues and fetch buffers: the most its settings allow.
        case queues
        /// Batches: payload buffers and columns.
        case batches
        /// Group tables and sketches of the epoch being filled and the one being written.
        case groups
        /// Rows on their way to Postgres.
        case rows
        /// The program itself: code, libraries, thread stacks.
        case process
    }

    /// The budget in bytes.
    public let budget: Int
    private let held: [5 of Atomic<Int>]

    /// An account of `budget` bytes, of which the program itself takes a fixed share.
    public init(budget: Int) {
        self.budget = budget
        held = [Atomic(0), Atomic(0), Atomic(0), Atomic(0), Atomic(Self.processBytes)]
    }

    /// Resident bytes of the program with nothing to do: 31.6 MiB (VmHWM) for a release build of `millrace run` that waits
    /// for standard input, 28 MiB of them code and libraries.
    public static let processBytes = 32 << 20

    /// Adds `bytes` (negative to give back) to a part.
    public func draw(_ bytes: Int, for part: Part) {
        held[part.rawValue].wrappingAdd(bytes, ordering: .relaxed)
    }

    /// Bytes a part holds now.
    public func held(by part: Part) -> Int { held[part.rawValue].load(ordering: .relaxed) }

    /// Bytes held by all parts.
    public var total: Int { Part.allCases.reduce(0) { $0 + held(by: $1) } }

    /// Bytes one epoch's groups may take before the epoch is closed early: what the fixed parts leave, shared by the
    /// epoch being filled, the one being written, and the rows made of it.
    public var epochShare: Int {
        let fixed = held(by: .queues) + held(by: .batches) + held(by: .process)
        return max(1 << 20, (budget - fixed) / 3)
    }

    /// Whether reading must stop until memory comes back.
    public var isExhausted: Bool { total >= budget }
}
