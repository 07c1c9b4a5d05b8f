import Dataflow
import Declaration
import Foundation
import Synchronization

/// The dead letters of a sample: how many there are of each cause, and the first ones with their lines.
final class TrialLetters: EpochObserver {
    /// A record that could not be used.
    struct Letter {
        /// The file, and the line in it where that is known.
        var place: String
        var reason: String
        /// The record as text, cut where it is long.
        var record: String
    }

    private let max: Int
    private let found = Mutex<Found>(Found())
    private let tally: LetterTally

    /// - Parameter max: how many letters are kept.
    init(max: Int, of topology: CompiledTopology) {
        self.max = max
        tally = LetterTally(of: topology)
    }

    /// The first letters, and how many there are.
    struct Found {
        var first: [Letter] = []
        /// Records that the ledger would count as dead.
        var dead = 0
        /// Records that are too late or too early.
        var refused = 0

        var count: Int { dead + refused }
    }

    /// What there is so far.
    var letters: Found { found.withLock { $0 } }

    /// What is wrong, when all records are dead letters.
    var complaint: String { tally.complaint }

    func committed(_ epoch: ClosedEpoch) {
        tally.committed(epoch)
        found.withLock { found in
            let dead = epoch.deadLetters.count { $0.isDead }
            found.dead += dead
            found.refused += epoch.deadLetters.count - dead
            for letter in epoch.deadLetters.prefix(max - found.first.count) {
                let topic = epoch.partitionKeys[letter.partition].topic
                let file = topic.hasPrefix("file:") ? String(topic.dropFirst(5)) : topic
                let record = String(decoding: letter.payload.prefix(400), as: UTF8.self)
                found.first.append(
                    Letter(
                        place: Self.place(file, letter.offset), reason: letter.fault.reason,
                        record: letter.payload.count > 400 ? record + " …" : record))
            }
        }
    }

    /// `file:line`; where the file is packed or cannot be read a second time, `file, byte N`.
    private static func place(_ path: String, _ offset: Int64) -> String {
        guard let handle = FileHandle(forReadingAtPath: path), offset >= 0,
            // Two bytes tell a packed file, where a line begins before them too.
            let head = try? handle.read(upToCount: Swift.max(2, Int(offset))), head.count >= Int(offset),
            !head.starts(with: [0x1f, 0x8b])
        else { return "\(path), byte \(offset)" }
        return "\(path):\(head.prefix(Int(offset)).reduce(1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) })"
    }
}
