import Glibc
import Sketches

/// Rows on their way into a table, sorted into shards: in memory while they are few, beyond that in a temporary file that
/// has no name, so that nothing is left behind whatever happens.
///
/// This is how a load reads its source once, in whatever order, and still builds one shard after the other, each with its
/// exact size: a table is never there twice, and arrays never grow by copying.
@safe struct SpillFile: ~Copyable {
    private struct Extent {
        var offset: Int
        var length: Int
    }

    private let directory: String
    private let name: String
    private var file: Int32 = -1
    private var end = 0
    private var extents: [[Extent]]
    private var buffers: [[UInt8]]
    /// Rows of each shard.
    private(set) var rows: [Int]
    private let gauge: MemoryGauge
    private var drawn = 0

    init(directory: String, name: String, _ gauge: MemoryGauge) {
        self.directory = directory
        self.name = name
        self.gauge = gauge
        extents = Array(repeating: [], count: LookupLimits.shards)
        buffers = Array(repeating: [], count: LookupLimits.shards)
        rows = Array(repeating: 0, count: LookupLimits.shards)
    }

    deinit {
        if file >= 0 { close(file) }
        gauge.draw(-drawn)
    }

    /// Adds a row to a shard.
    /// - Throws: when the file cannot be written.
    mutating func append(_ row: [UInt8], to shard: Int) throws(LookupError) {
        if !buffers[shard].isEmpty, buffers[shard].count + row.count > LookupLimits.spillBufferBytes {
            try flush(shard)
        }
        let before = buffers[shard].capacity
        // What grows by doubling ends beyond its bound.
        if buffers[shard].count + row.count > before, before >= LookupLimits.spillBufferBytes / 16 {
            buffers[shard].reserveCapacity(max(LookupLimits.spillBufferBytes, row.count))
        }
        buffers[shard].append(contentsOf: row)
        let grown = buffers[shard].capacity - before
        drawn += grown
        gauge.draw(grown)
        rows[shard] += 1
    }

    /// Gives memory back when there is a file anyway: nothing is added any more.
    /// - Throws: when the file cannot be written.
    mutating func finish() throws(LookupError) {
        guard file >= 0 else { return }
        for shard in buffers.indices {
            if !buffers[shard].isEmpty { try flush(shard) }
            buffers[shard] = []
        }
        gauge.draw(-drawn)
        drawn = 0
    }

    /// Bytes of a shard's rows.
    func byteCount(of shard: Int) -> Int {
        extents[shard].reduce(buffers[shard].count) { $0 + $1.length }
    }

    /// All rows of a shard, one after the other.
    /// - Throws: when the file cannot be read.
    func read(_ shard: Int) throws(LookupError) -> AccountedBlock {
        let block = AccountedBlock(byteCount: byteCount(of: shard), gauge)
        var place = 0
        for extent in extents[shard] {
            var done = 0
            while done < extent.length {
                let count = unsafe pread(
                    file, block.base + place + done, extent.length - done, off_t(extent.offset + done))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure("read") }
                done += count
            }
            place += extent.length
        }
        unsafe buffers[shard].withUnsafeBytes { tail in
            guard let start = tail.baseAddress else { return }
            unsafe (block.base + place).copyMemory(from: start, byteCount: tail.count)
        }
        return block
    }

    private mutating func flush(_ shard: Int) throws(LookupError) {
        if file < 0 { try open() }
        var done = 0
        let count = buffers[shard].count
        while done < count {
            let written = unsafe buffers[shard].withUnsafeBytes { bytes in
                unsafe pwrite(file, bytes.baseAddress! + done, count - done, off_t(end + done))
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw failure("written") }
            done += written
        }
        extents[shard].append(Extent(offset: end, length: count))
        end += count
        buffers[shard].removeAll(keepingCapacity: true)
    }

    private mutating func open() throws(LookupError) {
        var path = Array("\(directory)/millrace-lookup-XXXXXX".utf8CString)
        file = unsafe path.withUnsafeMutableBufferPointer { unsafe mkstemp($0.baseAddress!) }
        guard file >= 0 else { throw failure("created") }
        unsafe path.withUnsafeBufferPointer { _ = unsafe unlink($0.baseAddress!) }
    }

    private func failure(_ what: String) -> LookupError {
        let reason = unsafe String(cString: strerror(errno))
        return LookupError(
            .spill,
            "\(name): a temporary file in \(directory) cannot be \(what): \(reason); "
                + "set TMPDIR to a folder with room for the dimension",
            isRetryable: true)
    }
}
