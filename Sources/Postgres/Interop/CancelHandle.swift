import CLibPQ

/// Owns one `PGcancel`: what it takes to ask the server to cancel, independent of the connection's own thread.
///
/// Sendable without a lock: libpq promises that `PQcancel` only reads it and may run on any thread.
@safe final class CancelHandle: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Nil without memory or connection.
    init?(of connection: OpaquePointer) {
        guard let pointer = unsafe PQgetCancel(connection) else { return nil }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe PQfreeCancel(pointer)
    }

    /// Blocks until the server has taken the request; without a network that is the system's connect time-out.
    func send() throws(PostgresError) {
        var text = [CChar](repeating: 0, count: 256)
        let isSent = unsafe text.withUnsafeMutableBufferPointer { buffer in
            unsafe PQcancel(pointer, buffer.baseAddress, CInt(buffer.count)) == 1
        }
        if !isSent {
            let message = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw PostgresError(.connection, "cancel request: \(message.singleLine)")
        }
    }
}
