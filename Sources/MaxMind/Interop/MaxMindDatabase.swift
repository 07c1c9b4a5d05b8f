import CMaxMindDB
import Glibc

/// A database of networks in MaxMind's format, such as GeoLite2-City.mmdb: an address leads to a record.
///
/// The file is mapped and not read: it takes address space, and memory that the system can drop at any time. It must not be
/// written to while it is in use; a newer one takes its place by a rename, and is opened anew.
///
/// `@unchecked Sendable`: nothing is changed after the file is opened, and libmaxminddb's lookups only read.
@safe public final class MaxMindDatabase: @unchecked Sendable {
    /// Where the file is.
    public let path: String
    private let handle: UnsafeMutablePointer<MMDB_s>
    private let isOpen: Bool

    /// Opens a file and looks at its description.
    /// - Throws: when there is no such file, or it is no such database.
    public init(path: String) throws(MaxMindError) {
        self.path = path
        unsafe handle = .allocate(capacity: 1)
        unsafe handle.initialize(to: MMDB_s())
        let status = unsafe MMDB_open(path, UInt32(MMDB_MODE_MMAP), handle)
        let reason = Self.reason(status)
        isOpen = status == MMDB_SUCCESS
        // What is thrown from here on runs `deinit`.
        if !isOpen { throw MaxMindError(reason.code, "\(path): \(reason.text)") }
    }

    deinit {
        if isOpen { unsafe MMDB_close(handle) }
        unsafe handle.deallocate()
    }

    /// What the database says it is, such as `GeoLite2-City`.
    public var type: String { unsafe handle.pointee.metadata.database_type.map { unsafe String(cString: $0) } ?? "" }

    /// 4 or 6: of which version the addresses are; one of version 6 knows those of version 4 too.
    public var addressVersion: Int { unsafe Int(handle.pointee.metadata.ip_version) }

    /// When it was made, in seconds since 1970.
    public var buildTime: UInt64 { unsafe handle.pointee.metadata.build_epoch }

    /// Nodes of the tree that leads from addresses to records: how large the database is.
    public var nodeCount: Int { unsafe Int(handle.pointee.metadata.node_count) }

    /// The whole file, as long as this object lives. Texts that ``withText(_:of:_:)`` lends lie in it.
    public var contents: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: handle.pointee.file_content, count: Int(handle.pointee.file_size))
    }

    /// Looks up an address, written as text: `203.0.113.7` or `2001:db8::1`.
    public func find(_ address: UnsafeRawBufferPointer) -> MaxMindAnswer {
        // The longest text of an address, and a zero behind it.
        guard (1...45).contains(address.count) else { return .notAnAddress }
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { text in
            unsafe UnsafeMutableRawBufferPointer(text).copyMemory(from: address)
            unsafe text[address.count] = 0
            guard unsafe !address.contains(0) else { return .notAnAddress }
            var v4 = sockaddr_in()
            if unsafe inet_pton(AF_INET, text.baseAddress!, &v4.sin_addr) == 1 {
                v4.sin_family = sa_family_t(AF_INET)
                return unsafe withUnsafePointer(to: &v4) { place in
                    unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe find($0) }
                }
            }
            var v6 = sockaddr_in6()
            guard unsafe inet_pton(AF_INET6, text.baseAddress!, &v6.sin6_addr) == 1 else { return .notAnAddress }
            v6.sin6_family = sa_family_t(AF_INET6)
            return unsafe withUnsafePointer(to: &v6) { place in
                unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe find($0) }
            }
        }
    }

    /// Looks up an address.
    public func find(_ address: String) -> MaxMindAnswer {
        var address = address
        return address.withUTF8 { unsafe find(UnsafeRawBufferPointer($0)) }
    }

    private func find(_ address: UnsafePointer<sockaddr>) -> MaxMindAnswer {
        var status: CInt = 0
        let result = unsafe MMDB_lookup_sockaddr(handle, address, &status)
        // What goes wrong here is a damaged file, whose addresses lead nowhere.
        guard status == MMDB_SUCCESS, unsafe result.found_entry else { return .missing }
        return unsafe .found(MaxMindEntry(offset: result.entry.offset))
    }

    /// A value of a record; nil when there is none at the path, or it is a map, an array, bytes, or beyond 64 bits.
    public func value(_ path: MaxMindPath, of entry: MaxMindEntry) -> MaxMindValue? {
        let data = unsafe data(path, entry)
        guard unsafe data.has_data else { return nil }
        switch unsafe Int32(data.type) {
        case MMDB_DATA_TYPE_UTF8_STRING: return unsafe .text(String(decoding: Self.text(data), as: UTF8.self))
        case MMDB_DATA_TYPE_DOUBLE: return unsafe .double(data.double_value)
        case MMDB_DATA_TYPE_FLOAT: return unsafe .double(Double(data.float_value))
        case MMDB_DATA_TYPE_UINT16: return unsafe .integer(Int64(data.uint16))
        case MMDB_DATA_TYPE_UINT32: return unsafe .integer(Int64(data.uint32))
        case MMDB_DATA_TYPE_INT32: return unsafe .integer(Int64(data.int32))
        case MMDB_DATA_TYPE_UINT64: return unsafe Int64(exactly: data.uint64).map { .integer($0) }
        case MMDB_DATA_TYPE_BOOLEAN: return unsafe .boolean(data.boolean)
        default: return nil
        }
    }

    /// Lends a text of a record, which lies in ``contents``; nil when there is none at the path, or it is no text.
    public func withText<Result>(
        _ path: MaxMindPath, of entry: MaxMindEntry, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result? {
        let data = unsafe data(path, entry)
        guard unsafe data.has_data && Int32(data.type) == MMDB_DATA_TYPE_UTF8_STRING else { return nil }
        return try unsafe body(Self.text(data))
    }

    private static func text(_ data: MMDB_entry_data_s) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: data.utf8_string, count: Int(data.data_size))
    }

    private func data(_ path: MaxMindPath, _ entry: MaxMindEntry) -> MMDB_entry_data_s {
        var start = unsafe MMDB_entry_s(mmdb: handle, offset: entry.offset)
        var data = unsafe MMDB_entry_data_s()
        let status = unsafe MMDB_aget_value(&start, &data, path.names)
        return status == MMDB_SUCCESS ? unsafe data : unsafe MMDB_entry_data_s()
    }

    private static func reason(_ status: CInt) -> (code: MaxMindError.Code, text: String) {
        switch status {
        case MMDB_FILE_OPEN_ERROR, MMDB_IO_ERROR:
            let reason = unsafe String(cString: strerror(errno))
            return (.file, "the file cannot be opened: \(reason); check its path and its permissions")
        case MMDB_INVALID_METADATA_ERROR, MMDB_UNKNOWN_DATABASE_FORMAT_ERROR:
            return (.format, "no MaxMind database, expected a file such as GeoLite2-City.mmdb, unpacked")
        default:
            let reason = unsafe String(cString: MMDB_strerror(status))
            return (.format, "the file is damaged (\(reason)); download it again")
        }
    }
}

/// Where a value stands in the records of a database: keys of maps, and positions in arrays, such as `country.iso_code` or
/// `subdivisions.0.iso_code`.
///
/// `@unchecked Sendable`: nothing is changed after it is made.
@safe public final class MaxMindPath: @unchecked Sendable {
    /// The keys, with points between them.
    public let description: String
    fileprivate let names: UnsafeMutablePointer<UnsafePointer<CChar>?>
    private let count: Int

    /// - Parameter path: keys with points between them.
    public init(_ path: String) {
        description = path
        let keys = path.split(separator: ".").map(String.init)
        count = keys.count
        unsafe names = .allocate(capacity: keys.count + 1)
        for (index, key) in keys.enumerated() { unsafe (names + index).initialize(to: UnsafePointer(strdup(key))) }
        unsafe (names + keys.count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { unsafe free(UnsafeMutableRawPointer(mutating: names[index])) }
        unsafe names.deallocate()
    }
}
