import Dataflow

/// A dead letter whose record is to be read again.
struct ReplayLetter: Sendable {
    /// Its row in `millrace.dead_letters`.
    var id: Int64
    var place: ReplayPlace
    /// What it said when it was read of what it counts as and who has refused the record: when it says something else by
    /// the time it is booked, somebody else has booked it.
    var counted: String?
    var refusedBy: String?
    /// Whether the ledger counts the record as dead; false when as refused.
    var isDead: Bool
    /// What its partition's clock showed before it, in microseconds since 1970; nil when that is not known.
    var clock: Int64?
    /// The summaries that lack the record, by their bits in `ReplayScope`.
    var lacking: UInt64
    /// Why it stays as it is; nil when its record is there to be read.
    var obstacle: String?
    /// Where the records are that stand in its place now.
    var parts: [ReplayPlace] = []
    /// Whether it was of a document, or of an element that holds others, and these records are in it.
    var isDivided = false
}

/// What a record is known by when it is read again: where it stands and what it holds. A record whose bytes are others is
/// not the one that was read, whatever its topic or file is called.
struct ReplayPlace: Hashable, Sendable {
    var offset: Int64
    var line: Int32
    /// Which element of its document it is; nil for the document, and in letters of versions that did not say.
    var element: String?
    /// Of the bytes that the letter keeps.
    var length: Int
    var checksum: Int64

    init(offset: Int64, line: Int32, element: String? = nil, payload: [UInt8]) {
        self.offset = offset
        self.line = line
        self.element = element
        length = payload.count
        checksum = Checksum.of(payload)
    }

    init(_ letter: DeadLetter) {
        self.init(offset: letter.offset, line: letter.line, element: letter.element, payload: letter.payload)
    }

    /// The same where nobody says which element it is.
    var withoutElement: ReplayPlace {
        var place = self
        place.element = nil
        return place
    }

    /// Where it stands, whatever it holds.
    var spot: ReplaySpot { ReplaySpot(offset: offset, line: line, element: element) }
}

/// Where a record stands in its log.
struct ReplaySpot: Hashable, Sendable {
    var offset: Int64
    var line: Int32
    var element: String?

    /// The document, and the elements that this one may stand in.
    var around: [ReplaySpot] {
        guard let element else { return [] }
        // A key with such a mark in it makes one too many, which nothing stands in.
        let ends = element.ranges(of: "].").map { element.index(after: $0.lowerBound) }
        return ([nil] + ends.map { String(element[..<$0]) }).map {
            ReplaySpot(offset: offset, line: line, element: $0)
        }
    }
}

/// What became of letters.
package struct ReplayTally: Sendable, Equatable {
    /// Records that are in the tables now.
    package var applied: Int64 = 0
    /// Records that no node wants.
    package var filtered: Int64 = 0
    /// Records that could not be used again, by cause.
    package var failed: [String: Int64] = [:]
    /// Of those, the ones that the ledger counts as refused.
    package var refused: Int64 = 0
    /// Letters that are as they were, by what was in the way.
    package var untouched: [String: Int64] = [:]

    package init() {}

    /// Records that could not be used again.
    package var failures: Int64 { failed.values.reduce(0, +) }
    /// Letters that are as they were.
    package var untouchedCount: Int64 { untouched.values.reduce(0, +) }
    /// All letters that were looked at.
    package var letters: Int64 { applied + filtered + failures + untouchedCount }

    static func += (left: inout ReplayTally, right: ReplayTally) {
        left.applied += right.applied
        left.filtered += right.filtered
        left.refused += right.refused
        left.failed.merge(right.failed, uniquingKeysWith: +)
        left.untouched.merge(right.untouched, uniquingKeysWith: +)
    }
}

/// Which letters are meant.
package struct ReplayChoice: Sendable, Equatable {
    package var cause: String?
    package var node: String?
    package var field: String?
    /// Their numbers; empty for all.
    package var ids: [Int64]

    package init(cause: String? = nil, node: String? = nil, field: String? = nil, ids: [Int64] = []) {
        self.cause = cause
        self.node = node
        self.field = field
        self.ids = ids
    }

    /// As `millrace.replays` remembers it.
    var text: String {
        let parts = [("cause", cause), ("node", node), ("field", field)].compactMap { name, value in
            value.map { "\(name) \($0)" }
        }
        let numbers = ids.isEmpty ? [] : ["id " + ids.prefix(20).map(String.init).joined(separator: " ")]
        let all = parts + numbers
        return all.isEmpty ? "all" : all.joined(separator: ", ")
    }
}
