import Glibc

/// Reading and writing sockets that do not block.
enum SocketBytes {
    /// Bytes received; 0 at the end of the stream or after an error; nil when nothing has come yet.
    static func receive(_ socket: Int32, _ buffer: inout [UInt8]) -> Int? {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? nil : 0
    }

    /// Bytes that the system took, perhaps none; nil when the peer is gone.
    static func send(_ socket: Int32, _ bytes: [UInt8]) -> Int? {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }
}
