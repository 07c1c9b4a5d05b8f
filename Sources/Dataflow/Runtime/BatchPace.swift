/// How large batches are in front of nodes that may take long over a record, such as programs: small at first, and larger
/// while they pass quickly. A batch is committed whole; one of 8,192 records that take a second each would let nothing be
/// committed for hours, and all of it would be done again after a crash.
struct BatchPace: Sendable {
    /// The longest that a batch is to take.
    private let most: Duration
    /// How often the full size is halved.
    private var halvings = Limits.slowBatchHalvings

    /// A pace at which commits are as frequent as the topology says.
    init(commitInterval: Duration) {
        most = min(max(commitInterval, Limits.slowBatchTimes.lowerBound), Limits.slowBatchTimes.upperBound)
    }

    /// Takes note of a batch that has passed.
    /// - Parameters:
    ///   - time: how long it took.
    ///   - isFull: whether it held much of what it could; one that did not says nothing about larger ones.
    mutating func passed(in time: Duration, isFull: Bool) {
        if time > most {
            var rest = time
            while rest > most, halvings < Limits.slowBatchHalvings {
                halvings += 1
                rest /= 2
            }
        } else if isFull, time * 4 < most, halvings > 0 {
            halvings -= 1
        }
    }

    /// Messages of the next batch, of so many at most.
    func messages(of full: Int) -> Int { max(min(full, Limits.slowBatchMessagesMin), full >> halvings) }

    /// Payload bytes of the next batch, of so many at most.
    func bytes(of full: Int) -> Int { max(min(full, Limits.slowBatchBytesMin), full >> halvings) }
}
