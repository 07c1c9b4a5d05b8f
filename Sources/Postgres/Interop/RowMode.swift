import CLibPQ
import Glibc

/// How libpq hands over the rows of a statement as they arrive.
///
/// Since version 17 it can do so several rows at a time, which saves the cost of one result per row. Which library the
/// program is linked with at run time is found out then, so one build uses what there is.
enum RowMode {
    /// `PGRES_TUPLES_CHUNK`, which the header of libpq 15 does not know.
    static let chunk = ExecStatusType(rawValue: 12)

    private typealias SetChunked = @convention(c) (OpaquePointer?, CInt) -> CInt

    private static let setChunked: SetChunked? = {
        guard let symbol = unsafe dlsym(nil, "PQsetChunkedRowsMode") else { return nil }
        return unsafe unsafeBitCast(symbol, to: SetChunked.self)
    }()

    /// To be called right after a statement was sent; false when that is not the case.
    static func set(on connection: OpaquePointer) -> Bool {
        if let setChunked = unsafe setChunked { return unsafe setChunked(connection, Limits.chunkRows) == 1 }
        return unsafe PQsetSingleRowMode(connection) == 1
    }
}
