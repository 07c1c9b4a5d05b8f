import CPrefetch
import Glibc
import Sketches

/// A part of a table: the rows whose keys' hashes begin with its number. It never changes: a refresh puts another in its
/// place, and it lives until the last reader has let go of it.
///
/// Keys are sorted into buckets of about four, by their hashes, and by their bytes within. There are no free places. What a
/// search needs of a bucket lies in one piece, so that it costs two accesses to memory that is not in the cache, or three:
///
///     heads   per bucket  first key u32 | where its block begins u32
///     blocks  per bucket  tags u8 each: more bits of the hashes | ends of the keys u16 each | keys
///
/// Ends take four bytes where a bucket's keys have 64 KiB and more, and none where all keys of the shard have one length. So
/// a key costs its bytes and 5 more, 3 where all have one length; and where rows are valid for a time, `versionStarts` (4 a
/// key), `froms` and `tos` (16 a row).
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
    /// One more than there are buckets.
    var heads: UnsafeMutablePointer<BucketHead>
    var blocks: UnsafeMutableRawPointer
    var layout: KeyLayout
    /// The three are nil unless rows are valid for a time.
    var versionStarts: UnsafeMutablePointer<UInt32>?
    var froms: UnsafeMutablePointer<Int64>?
    var tos: UnsafeMutablePointer<Int64>?
    var columns: UnsafeMutablePointer<ShardColumn>

    /// The keys of a hash's bucket, which it asks for, or for two lines of them.
    @inline(__always)
    func bucket(_ hash: UInt64) -> Bucket {
        let number = unsafe Int(truncatingIfNeeded: ((hash & 0xffff_ffff) &* UInt64(buckets)) &>> 32)
        let (head, next) = unsafe (heads[number], heads[number &+ 1])
        let base = unsafe UnsafeRawPointer(blocks) + Int(head.offset)
        unsafe millrace_prefetch(base)
        // The last byte, or for a bucket without keys the one before it.
        unsafe millrace_prefetch(blocks + Int(next.offset) - 1)
        return unsafe Bucket(base: base, first: head.first, count: next.first &- head.first)
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
    func code(_ row: Int) -> UInt32 { unsafe values.load(fromByteOffset: row &* 4, as: UInt32.self) }

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
        let count = a.count
        guard count == b.count else { return false }
        guard count > 0, let a = a.baseAddress, let b = b.baseAddress else { return true }
        // Most keys are short: words of which the last two overlap, and no call.
        if count >= 8, count <= 32 {
            let last = count &- 8
            var different =
                unsafe a.loadUnaligned(fromByteOffset: last, as: UInt64.self)
                ^ b.loadUnaligned(fromByteOffset: last, as: UInt64.self)
            var offset = 0
            while offset < last {
                unsafe different |=
                    a.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    ^ b.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                offset &+= 8
            }
            return different == 0
        }
        return unsafe memcmp(a, b, count) == 0
    }
}
