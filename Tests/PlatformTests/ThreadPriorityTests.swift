import Foundation
import Synchronization
import Testing

@testable import Platform

#if os(Linux)
    @Suite struct ThreadPriorityTests {
        /// The niceness of the calling thread.
        private static var own: Int32 { getpriority(ThreadPriority.which, 0) }

        @Test func whoGivesWayDoesSoAloneAndWithWhatItStarts() async throws {
            let found = Mutex<[String: Int32]>([:])
            let note = { @Sendable (name: String) in found.withLock { $0[name] = Self.own } }
            try await onThread(named: "nice") {
                note("before")
                ThreadPriority.giveWay()
                note("after")
                try JoinableThread(name: "nicer") {
                    ThreadPriority.giveWay(ThreadPriority.nicenessToStrangers)
                    note("nicer")
                }.join()
                try JoinableThread(name: "child") { note("child") }.join()
            }
            try await onThread(named: "other") { note("other") }
            let usual = try #require(found.withLock { $0["before"] })
            let nice = max(usual, ThreadPriority.niceness)
            #expect(
                found.withLock { $0 } == [
                    "before": usual, "after": nice, "child": nice, "other": usual,
                    "nicer": max(usual, ThreadPriority.nicenessToStrangers),
                ])
        }
    }
#endif
