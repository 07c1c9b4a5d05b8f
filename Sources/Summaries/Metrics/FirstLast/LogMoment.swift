import Dataflow

/// When and where in the log: what decides which of two records is the first.
struct LogMoment: Comparable, BitwiseCopyable {
    /// The event time in microseconds since 1970.
    var time: Int64
    /// Decides between records of the same time.
    var place: RecordPlace

    @inline(__always)
    static func < (left: LogMoment, right: LogMoment) -> Bool {
        left.time != right.time ? left.time < right.time : left.place < right.place
    }

    /// Stands for none.
    static let none = LogMoment(time: 0, place: RecordPlace(partition: 0, offset: 0, within: 0))
}

/// A place as it is stored.
///
/// ```
/// partition   8 bytes, big endian: the partition's identity
/// offset      8 bytes, big endian
/// within      4 bytes, big endian
/// ```
extension RecordPlace {
    /// Bytes of a stored place.
    static let encodedBytes = 20

    /// Appends the place's bytes.
    func encode(into bytes: inout [UInt8]) {
        func append(_ value: some FixedWidthInteger) {
            unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
        }
        append(partition)
        append(offset)
        append(within)
    }

    /// The place of these bytes, nil when there are more or fewer than a place has.
    init?(encoded bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.encodedBytes else { return nil }
        self.init(
            partition: UInt64(bigEndian: unsafe bytes.loadUnaligned(as: UInt64.self)),
            offset: Int64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self)),
            within: UInt32(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
    }
}
