import Glibc
import Lookups
import Zlib

/// The bytes of a file in order, unpacked when it is gzip, which is recognised by its first bytes.
@safe final class FileBytes {
    let path: String
    private let file: Int32
    /// The first bytes, which say what it is, until they are handed on.
    private var beginning: [UInt8] = []
    private var decoder: GzipDecoder?
    private var hasEnded = false

    /// - Throws: when the file cannot be opened.
    init(path: String) throws(LookupError) {
        self.path = path
        // A named pipe would be open only when somebody writes into it.
        file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        var status = stat()
        guard file >= 0, unsafe fstat(file, &status) == 0 else { throw failure("opened") }
        guard status.st_mode & S_IFMT == S_IFREG || status.st_mode & S_IFMT == S_IFDIR else {
            throw LookupError(
                .source,
                "\(path): it is no regular file, expected one: it is read more than once; write what it gives into a file"
            )
        }
        try recognise()
    }

    deinit {
        if file >= 0 { close(file) }
    }

    /// Reads up to `target.count` bytes; 0 at the end.
    /// - Throws: when the file cannot be read, or is no good as gzip.
    func read(into target: UnsafeMutableRawBufferPointer) throws(LookupError) -> Int {
        guard let decoder else { return try unsafe readFile(into: target) }
        do {
            while true {
                switch try unsafe decoder.step(into: target, isLast: hasEnded) {
                case .bytes(let count): return count
                case .ended: return 0
                case .hungry: hasEnded = try unsafe decoder.feed { input in try unsafe readFile(into: input) } == 0
                }
            }
        } catch let problem as GzipDecoder.Problem {
            throw LookupError(.source, "\(path): \(problem)\(Self.advice(problem))")
        } catch let error as LookupError {
            throw error
        } catch {
            preconditionFailure("a file has two kinds of errors")
        }
    }

    private static func advice(_ problem: GzipDecoder.Problem) -> String {
        switch problem {
        case .damaged, .cutShort: "; pack it anew, under another name, and move it into its place when it is whole"
        case .behind, .noMemory: ""
        }
    }

    private func recognise() throws(LookupError) {
        var first = [UInt8](repeating: 0, count: GzipDecoder.magic.count)
        var filled = 0
        while filled < first.count {
            let count: Int
            do {
                count = try unsafe first.withUnsafeMutableBytes { bytes in
                    try unsafe readFile(into: UnsafeMutableRawBufferPointer(rebasing: bytes[filled...]))
                }
            } catch let error as LookupError {
                throw error
            } catch {
                preconditionFailure("a file has one kind of error")
            }
            if count == 0 { break }
            filled += count
        }
        beginning = Array(first[..<filled])
        guard beginning == GzipDecoder.magic else { return }
        do throws(GzipDecoder.Problem) {
            decoder = try GzipDecoder()
        } catch {
            throw LookupError(.source, "\(path): \(error)")
        }
    }

    /// Reads the file as it is.
    private func readFile(into target: UnsafeMutableRawBufferPointer) throws(LookupError) -> Int {
        if !beginning.isEmpty {
            let count = min(target.count, beginning.count)
            unsafe target.copyBytes(from: beginning[..<count])
            beginning.removeFirst(count)
            return count
        }
        while true {
            let found = unsafe Glibc.read(file, target.baseAddress, target.count)
            if found >= 0 { return found }
            if errno != EINTR { throw failure("read") }
        }
    }

    private func failure(_ what: String) -> LookupError {
        let code = errno
        let reason = unsafe String(cString: strerror(code))
        return LookupError(
            .source,
            "\(path): the file cannot be \(what): \(reason); check its path, which is taken from the working directory, "
                + "and its permissions",
            // Nobody waits for a file that is not there; once it was read, what was read stays in use.
            isRetryable: ![EACCES, EISDIR, ENOENT, ENOTDIR].contains(code))
    }
}
