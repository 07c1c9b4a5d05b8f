/// What is left to do of the records of a batch, as a value: stretches of records for programs to answer, none of them twice.
///
/// ```
///   first cut ──► waiting ──next──► in hand ──answered──► done
///                    ▲                 │                 │
///                    ├──cut smaller──failed────────────◄─┤ one answer too many after it
///                    │                 └─one record, tried often enough──► given up
///                    └───────────returned
/// ```
///
/// A stretch that a program failed on is cut at the record that it did not answer: that one alone, since programs that answer
/// at once die of it, then halves of what is before and behind it, since others may have read far ahead, or have left a
/// record out. So whatever is wrong with one record costs its neighbours a few tries and nothing else.
struct ExecWork {
    /// How often a record is tried alone before it is given up.
    private let attempts: Int
    /// What waits, the next one last.
    private var waiting: [Range<Int>] = []
    /// Records that are neither done nor given up.
    private(set) var left: Int
    /// How often records have failed alone.
    private var failures: [Int: Int] = [:]

    /// - Parameters:
    ///   - ends: where the line of each record ends, ascending.
    ///   - recordsMax: the most records of a stretch.
    ///   - bytesMax: the most bytes of a stretch, unless it is one record.
    init(ends: [Int], recordsMax: Int, bytesMax: Int, attempts: Int) {
        self.attempts = attempts
        left = ends.count
        var first = 0
        while first < ends.count {
            let start = first == 0 ? 0 : ends[first - 1]
            var end = first + 1
            while end < ends.count, end - first < recordsMax, ends[end] - start <= bytesMax { end += 1 }
            waiting.append(first..<end)
            first = end
        }
        waiting.reverse()
    }

    /// Whether something waits for a program.
    var isWaiting: Bool { !waiting.isEmpty }
    /// How many stretches wait for a program.
    var waitingCount: Int { waiting.count }
    /// Whether every record is done or given up.
    var isDone: Bool { left == 0 }

    /// The next stretch for a program.
    mutating func next() -> Range<Int>? { waiting.popLast() }

    /// Records have been answered.
    mutating func answered(_ count: Int) { left -= count }

    /// A stretch has been taken from its program, which is not to blame, and neither is any record.
    mutating func returned(_ stretch: Range<Int>) {
        if !stretch.isEmpty { waiting.append(stretch) }
    }

    /// What was answered was not, after all.
    mutating func unanswered(_ count: Int) { left += count }

    /// A program has failed on a stretch, of which no answer counts.
    /// - Parameter answered: how many lines it wrote before that.
    /// - Returns: the record that is given up now.
    mutating func failed(_ stretch: Range<Int>, after answered: Int = 0) -> Int? {
        guard stretch.count > 1 else {
            guard let record = stretch.first else { return nil }
            failures[record, default: 0] += 1
            guard failures[record, default: 0] >= attempts else {
                waiting.append(stretch)
                return nil
            }
            left -= 1
            return record
        }
        let suspect = stretch.lowerBound + min(answered, stretch.count - 1)
        let (before, behind) = (stretch.lowerBound..<suspect, suspect + 1..<stretch.upperBound)
        for piece in [behind.halves.1, behind.halves.0, before.halves.1, before.halves.0] where !piece.isEmpty {
            waiting.append(piece)
        }
        waiting.append(suspect..<suspect + 1)
        return nil
    }
}

extension Range<Int> {
    fileprivate var halves: (Self, Self) {
        let middle = lowerBound + count / 2
        return (lowerBound..<middle, middle..<upperBound)
    }
}
