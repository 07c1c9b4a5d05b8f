import Glibc
import Sketches

/// A part of a table: the rows whose keys' hashes begin with its number. It never changes: a refresh puts another in its
/// place, and it lives until the last reader has let go of it.
///
/// Keys are sorted into buckets of about eight, by their hashes, and by their bytes within. There are no free places, so a
/// key costs its bytes and
///
///     bucketStarts  u32 per bucket   where a bucket's keys begin     0.5 bytes a key
///     tags          u16 per key      more bits of the hash           2
///     keyOffsets    u32 per key      where its bytes begin           4, unless all keys have one length
///
/// and where rows are valid for a time, `versionStarts` (4 a key), `froms` and `tos` (16 a row).
///
/// `@unchecked Sendable`: everything is written before it is published.
@safe final class Shard: @unchecked Sendable {
    let view: UnsafeMutablePointer<ShardView>
    /// Rows, which have several versions of a key where rows are valid for a time.
    let rows: Int
    /// Sum of the digests of the rows.
    let digest: UInt128
    private let block: AccountedBlock
    /// Texts of repeating columns lie there.
    private let dictionary: TextDictionary

    init(
        _ view: ShardView, rows: Int, digest: UInt128, _ block: consuming AccountedBlock, _ dictionary: TextDictionary
    ) {
        unsafe self.view = .allocate(capacity: 1)
        unsafe self.view.initialize(to: view)
        self.rows = rows
        self.digest = digest
        self.block = block
        self.dictionary = dictionary
    }

    /// The dictionary of a column's texts; nil when they lie in the shard.
    func dictionary(of column: Int) -> TextDictionary? {
        unsafe view.pointee.columns[column].kind == .codes ? dictionary : nil
    }

    deinit {
        unsafe view.deinitialize(count: 1)
        unsafe view.deallocate()
    }
}

/// The arrays of a shard, all in its block.
@unsafe struct ShardView {
    var keys = 0
    var buckets = 0
    var bucketStarts: UnsafeMutablePointer<UInt32>
    var tags: UnsafeMutablePointer<UInt16>
    /// Nil: all keys have `keyWidth` bytes.
    var keyOffsets: UnsafeMutablePointer<UInt32>?
    var keyWidth = 0
    var keyBytes: UnsafeMutableRawPointer
    /// The three are nil unless rows are valid for a time.
    var versionStarts: UnsafeMutablePointer<UInt32>?
    var froms: UnsafeMutablePointer<Int64>?
    var tos: UnsafeMutablePointer<Int64>?
    var columns: UnsafeMutablePointer<ShardColumn>

    /// The keys of a hash's bucket.
    @inline(__always)
    func bucket(_ hash: UInt64) -> (first: Int, end: Int) {
        let bucket = unsafe Int(truncatingIfNeeded: ((hash & 0xffff_ffff) &* UInt64(buckets)) >> 32)
        return unsafe (Int(bucketStarts[bucket]), Int(bucketStarts[bucket + 1]))
    }

    /// The bits of a hash that a key keeps.
    @inline(__always)
    static func tag(_ hash: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: hash >> 32) }

    /// The bytes of a key.
    @inline(__always)
    func key(_ index: Int) -> UnsafeRawBufferPointer {
        guard let offsets = unsafe keyOffsets else {
            return unsafe UnsafeRawBufferPointer(start: keyBytes + index * keyWidth, count: keyWidth)
        }
        let start = unsafe Int(offsets[index])
        return unsafe UnsafeRawBufferPointer(start: keyBytes + start, count: Int(offsets[index + 1]) - start)
    }

    /// The row of a key that holds at a moment; nil when there is none.
    @inline(__always)
    func version(of key: Int, at moment: Int64) -> Int? {
        var low = unsafe Int(versionStarts![key])
        let first = low
        var high = unsafe Int(versionStarts![key + 1])
        while low < high {
            let middle = (low + high) / 2
            if unsafe froms![middle] <= moment { low = middle + 1 } else { high = middle }
        }
        guard low > first else { return nil }
        // A row without end holds at the last moment too.
        let end = unsafe tos![low - 1]
        return moment < end || end == .max ? low - 1 : nil
    }
}

/// One column of a shard.
@unsafe struct ShardColumn {
    /// How its values lie in memory.
    enum Kind {
        /// Integers, decimals, timestamps, doubles: eight bytes.
        case words
        /// Booleans: one byte.
        case booleans
        /// Repeating texts: codes of the table's dictionary, four bytes.
        case codes
        /// Texts that hardly repeat: in the shard, one after the other, and where each begins, four bytes.
        case texts
    }

    var kind: Kind
    var values: UnsafeMutableRawPointer
    /// The bytes of `texts`.
    var bytes: UnsafeMutableRawPointer?
    /// One bit per row, 1 for null; nil when none is.
    var nulls: UnsafeMutablePointer<UInt8>?
    /// The dictionary of `codes`; lives as long as the shard.
    var dictionary: Unmanaged<TextDictionary>?

    @inline(__always)
    func isNull(_ row: Int) -> Bool {
        guard let nulls = unsafe nulls else { return false }
        return unsafe nulls[row >> 3] & (1 << UInt8(row & 7)) != 0
    }

    @inline(__always)
    func word(_ row: Int) -> Int64 { unsafe values.load(fromByteOffset: row * 8, as: Int64.self) }

    @inline(__always)
    func boolean(_ row: Int) -> UInt8 { unsafe values.load(fromByteOffset: row, as: UInt8.self) }

    @inline(__always)
    func code(_ row: Int) -> UInt32 { unsafe values.load(fromByteOffset: row * 4, as: UInt32.self) }

    @inline(__always)
    func text(_ row: Int) -> UnsafeRawBufferPointer {
        let start = unsafe code(row)
        if unsafe kind == .codes { return unsafe dictionary!._withUnsafeGuaranteedRef { unsafe $0.text(start) } }
        let end = unsafe values.load(fromByteOffset: row * 4 + 4, as: UInt32.self)
        return unsafe UnsafeRawBufferPointer(start: bytes! + Int(start), count: Int(end - start))
    }
}

/// Byte strings compared.
enum Bytes {
    @inline(__always)
    static func areEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        guard a.count == b.count else { return false }
        return unsafe a.count == 0 || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0
    }
}
