// Four threads add to a number: under a Mutex, or, with the argument `race`, without.
import Foundation
import Synchronization

final class Sums: Sendable {
    let ordered = Mutex(0)
    nonisolated(unsafe) var racing = 0
}

let sums = Sums()
let isRacing = CommandLine.arguments.contains("race")
let group = DispatchGroup()
for _ in 0..<4 {
    DispatchQueue.global().async(group: group) {
        for _ in 0..<20_000 {
            if isRacing { sums.racing += 1 } else { sums.ordered.withLock { $0 += 1 } }
        }
    }
}
group.wait()
