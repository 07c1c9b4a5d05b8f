import Dataflow
import Foundation
import Logging

@testable import Nodes

extension FileStand {
    /// A thread that writes to a pipe.
    final class Writer: @unchecked Sendable {
        private let done = DispatchSemaphore(value: 0)

        init(_ body: @escaping @Sendable () -> Void) {
            Thread.detachNewThread {
                body()
                self.done.signal()
            }
        }

        func join() { done.wait() }
    }

    /// A named pipe.
    func pipe(_ name: String) throws -> String {
        guard unsafe mkfifo(path(name), 0o600) == 0 else { throw SourceError.file(name, "cannot make a pipe") }
        return path(name)
    }

    /// Writes bytes to a pipe in pieces, from a thread of its own.
    func feed(_ path: String, _ bytes: [UInt8], cutAt cuts: [Int]) -> Writer {
        Writer {
            guard let handle = FileHandle(forWritingAtPath: path) else { return }
            var start = 0
            for end in cuts + [bytes.count] {
                try? handle.write(contentsOf: Data(bytes[start..<end]))
                start = end
            }
            try? handle.close()
        }
    }

    /// A source that reads nothing.
    func source(_ node: String, _ registry: InputRegistry) -> FileSource {
        FileSource(
            FilePlan(node: node, patterns: []), topology: "t", recordBytesMax: 1_024,
            memory: MemoryAccountant(budget: 64 << 20), registry: registry, logger: Logger(label: "files"))
    }
}
