// Four threads add to a number: under a Mutex, or, with the argument `race`, without. None begins before all are there: one
// after the other they would not race, and on a busy machine they would be done one after the other.
import Foundation
import Synchronization

final class Sums: Sendable {
    let ordered = Mutex(0)
    nonisolated(unsafe) var racing = 0
    let arrived = Atomic(0)
    let left = Atomic(0)
}

let threads = 4
let sums = Sums()
let isRacing = CommandLine.arguments.contains("race")
for _ in 0..<threads {
    Thread.detachNewThread {
        sums.arrived.wrappingAdd(1, ordering: .acquiringAndReleasing)
        while sums.arrived.load(ordering: .acquiring) < threads { usleep(100) }
        for _ in 0..<20_000 {
            if isRacing { sums.racing += 1 } else { sums.ordered.withLock { $0 += 1 } }
        }
        sums.left.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }
}
while sums.left.load(ordering: .acquiring) < threads { usleep(1_000) }
