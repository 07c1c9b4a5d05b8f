import Foundation
import Platform
import Synchronization
import Testing

/// What is left of a process that died of a fault. That it is left is tested with real deaths, in `CrashTests`.
@Suite struct FaultNoteTests {
    private static func path(_ text: String? = nil) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-note-\(UUID().uuidString)")
            .path
        if let text { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }
        return path
    }

    @Test func aNoteIsTakenOnce() throws {
        let path = try Self.path("11 7 kpis@2")
        let note = FaultNote.take(from: path)
        #expect(note?.signal == SIGSEGV && note?.work == "7 kpis@2" && note?.signalName == "SIGSEGV")
        #expect(FaultNote.take(from: path) == nil && !FileManager.default.fileExists(atPath: path))
        #expect(FaultNote.take(from: try Self.path("4 "))?.work.isEmpty == true)
    }

    @Test(arguments: ["", "11", "signal kpis", " "]) func whatIsNoneIsRemoved(text: String) throws {
        let path = try Self.path(text)
        #expect(FaultNote.take(from: path) == nil && !FileManager.default.fileExists(atPath: path))
    }

    /// The folder may be open to others.
    @Test func aLinkIsNotFollowed() throws {
        let (target, link) = (try Self.path("11 7 kpis"), try Self.path())
        defer { for path in [target, link] { try? FileManager.default.removeItem(atPath: path) } }
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        #expect(FaultNote.take(from: link) == nil && FileManager.default.fileExists(atPath: target))
    }

    @Test func aThreadWorksForWhomItsStarterDoes() throws {
        let seen = Mutex<[String]>([])
        try ThreadWork.for("7 kpis") {
            let outer = try JoinableThread(name: "outer") {
                seen.withLock { $0.append(ThreadWork.current) }
                guard
                    let inner = try? JoinableThread(name: "inner", { seen.withLock { $0.append(ThreadWork.current) } })
                else { return }
                inner.join()
            }
            outer.join()
            ThreadWork.for("8 other") { seen.withLock { $0.append(ThreadWork.current) } }
            seen.withLock { $0.append(ThreadWork.current) }
        }
        seen.withLock { $0.append(ThreadWork.current) }
        #expect(seen.withLock { $0 } == ["7 kpis", "7 kpis", "8 other", "7 kpis", ""])
        let long = String(repeating: "x", count: 1_000)
        #expect(ThreadWork.for(long) { ThreadWork.current } == String(long.prefix(255)))
    }
}
