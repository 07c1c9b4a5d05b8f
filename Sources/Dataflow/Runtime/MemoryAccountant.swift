import Synchronization

/// The one account that every part draws its memory from: anonymous memory, see `ProcessMemory`.
///
/// `queues` and `program` are reserves: what may be taken without asking, subtracted from the budget whether it is in use
/// or not. All others are what is held at this moment.
public final class MemoryAccountant: Sendable {
    /// Who holds memory.
    public enum Part: Int, CaseIterable, Sendable {
        /// Queues that a source's library fills by itself, whenever messages wait: the most that its settings allow,
        /// unpacked, with its overhead per message.
        case queues
        /// Batches: payload buffers and columns.
        case batches
        /// Group tables, keys and sketches of the epoch being filled and the one being written.
        case groups
        /// Rows on their way out: their order, the statement at hand with the copies that a library makes of it, the stored
        /// rows it reads, and dead letters.
        case rows
        /// What sinks keep from epoch to epoch.
        case totals
        /// The program itself: what its libraries allocate, thread stacks, free pieces between what is held.
        case program
        /// What nodes keep as long as they run, such as the table of a lookup.
        case kept
    }

    /// The budget in bytes.
    public let budget: Int
    private let books: Books
    private let owner: Owner?

    /// What all accountants of a budget share.
    private final class Books: Sendable {
        let parts = Counters()
        let owners = Mutex<[Owner]>([])
    }

    /// What a node has drawn, part by part.
    private final class Owner: Sendable {
        let name: String
        let parts = Counters()

        init(_ name: String) { self.name = name }
    }

    private struct Counters: ~Copyable, Sendable {
        private let bytes: [7 of Atomic<Int>] = [
            Atomic(0), Atomic(0), Atomic(0), Atomic(0), Atomic(0), Atomic(0), Atomic(0),
        ]

        func add(_ count: Int, to part: Part) { bytes[part.rawValue].wrappingAdd(count, ordering: .relaxed) }
        subscript(part: Part) -> Int { bytes[part.rawValue].load(ordering: .relaxed) }
    }

    /// An account of `budget` bytes, of which the program itself takes a fixed share.
    public convenience init(budget: Int) {
        self.init(budget: budget, Books(), nil)
        draw(Self.programBytes, for: .program)
    }

    private init(budget: Int, _ books: Books, _ owner: Owner?) {
        self.budget = budget
        self.books = books
        self.owner = owner
    }

    /// The same account as a node sees it: what the node draws stands under its name.
    public func scoped(to node: String) -> MemoryAccountant {
        let owner = books.owners.withLock { owners in
            if let known = owners.first(where: { $0.name == node }) { return known }
            owners.append(Owner(node))
            return owners[owners.count - 1]
        }
        return MemoryAccountant(budget: budget, books, owner)
    }

    /// Anonymous bytes of the program: 3.6 MiB for a release build of `millrace run` with nothing to do, 5.6 MiB with a
    /// client of a log and a connection to a database, the rest for free pieces that the allocator cannot use at once.
    public static let programBytes = 20 << 20

    /// Adds `bytes` (negative to give back) to a part.
    public func draw(_ bytes: Int, for part: Part) {
        books.parts.add(bytes, to: part)
        owner?.parts.add(bytes, to: part)
    }

    /// Runs `body` while `bytes` more are held by a part.
    public func drawing<Result, Failure: Error>(
        _ bytes: Int, for part: Part, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        draw(bytes, for: part)
        defer { draw(-bytes, for: part) }
        return try body()
    }

    /// Bytes a part holds now.
    public func held(by part: Part) -> Int { books.parts[part] }

    /// All parts as they stand.
    public var account: MemoryAccount { MemoryAccount(budget: budget, parts: Part.allCases.map { held(by: $0) }) }

    /// What each node holds, in the order in which they came; those that hold nothing are left out.
    public var holders: [MemoryHolder] {
        books.owners.withLock { owners in
            owners.compactMap { owner in
                let bytes = Part.allCases.reduce(0) { $0 + owner.parts[$1] }
                return bytes == 0 ? nil : MemoryHolder(node: owner.name, bytes: bytes)
            }
        }
    }
}

/// What a node holds of a topology's memory.
public struct MemoryHolder: Sendable, Hashable {
    /// The node's name.
    public var node: String
    /// Bytes that it has drawn and not given back, all parts together.
    public var bytes: Int
}

/// What a `MemoryAccountant` said at one moment.
public struct MemoryAccount: Sendable, Equatable {
    /// The budget in bytes.
    public var budget: Int
    private var parts: [Int]

    /// An account with `parts` in the order of `MemoryAccountant.Part`.
    init(budget: Int, parts: [Int]) {
        self.budget = budget
        self.parts = parts
    }

    /// Nothing held of `budget` bytes.
    public init(budget: Int) {
        self.init(budget: budget, parts: MemoryAccountant.Part.allCases.map { _ in 0 })
    }

    /// Bytes held by a part.
    public subscript(part: MemoryAccountant.Part) -> Int {
        get { parts[part.rawValue] }
        set { parts[part.rawValue] = newValue }
    }

    /// Bytes held by all parts.
    public var total: Int { parts.reduce(0, +) }

    /// Bytes one epoch's groups may take before the epoch is closed early: a third of what the fixed parts leave. Two
    /// epochs are alive, one being filled and one being written. The last third is for what is made of the one being
    /// written: while the workers' groups are merged, those of one worker exist twice; then the rows.
    ///
    /// Totals that a sink keeps grow without bound and cannot be given back; whatever they take, an epoch keeps an eighth,
    /// for closing one after every batch would not make them any smaller.
    public var epochShare: Int {
        let free = budget - self[.queues] - self[.batches] - self[.program] - self[.kept]
        return max(1 << 20, free / 8, (free - self[.totals]) / 3)
    }

    /// The parts that hold anything in MiB, as `queues 38, batches 12, …`.
    public var summary: String {
        MemoryAccountant.Part.allCases.filter { self[$0] > 0 }.map { "\($0) \(self[$0] >> 20)" }.joined(separator: ", ")
    }
}
