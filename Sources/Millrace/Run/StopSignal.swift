import Glibc
import Synchronization

/// SIGINT, SIGTERM and SIGHUP as a flag, for a command that has something to finish before it ends.
enum StopSignal {
    private static let came = Atomic(false)

    /// From here on the first signal only raises the flag; a second one ends the process.
    static func watch() {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { number in
                StopSignal.came.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
    }

    /// As a signal does: what has something to finish, in a process that ends by other ways, puts things back.
    static func raise() { came.store(true, ordering: .relaxed) }

    /// Whether a signal came.
    static var isRaised: Bool { came.load(ordering: .relaxed) }
}
