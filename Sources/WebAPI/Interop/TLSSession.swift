import COpenSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// TLS on one connection: bytes go through it to and from the socket. Used by one thread at a time.
///
/// Over a socket that does not block, a call that cannot go on is `blocked`, and `wish` says what the socket is to be
/// waited for. The thread must have called `shield` before.
@safe final class TLSSession {
    /// How far the handshake has got.
    enum Handshake {
        case done
        case blocked
        /// Why there is none.
        case failed(String)
    }

    private let handle: OpaquePointer
    /// What the last call that was blocked waits for.
    private(set) var wish = Sockets.Watched.Interest.reading

    /// Takes the session over.
    @unsafe init(_ handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe SSL_free(handle) }

    /// OpenSSL writes without saying that a closed connection is no reason to end the process. The calling thread hears
    /// nothing of it from now on.
    static func shield() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Goes on with the handshake. After a failure the session is of no use any more, and the other side was told.
    func shakeHands() -> Handshake {
        TLSErrors.clear()
        let code = unsafe SSL_do_handshake(handle)
        if code == 1 {
            wish = .reading
            return .done
        }
        switch outcome(code) {
        case .blocked: return .blocked
        case .bytes, .ended:
            let reason = ERR_peek_last_error() == 0 ? "the client went away" : TLSErrors.take()
            return .failed(reason)
        }
    }

    /// Reads what is there of one record into the beginning of a buffer.
    func read(into buffer: inout [UInt8]) -> Sockets.Progress {
        TLSErrors.clear()
        let count = unsafe SSL_read(handle, &buffer, Int32(clamping: buffer.count))
        return count > 0 ? .bytes(Int(count)) : outcome(count)
    }

    /// Whether a part of a record was read that no poll of the socket would tell of.
    var hasPending: Bool { unsafe SSL_pending(handle) > 0 }

    /// Writes one record, from an index on. What is blocked has to be written again.
    func write(_ bytes: [UInt8], from start: Int) -> Sockets.Progress {
        TLSErrors.clear()
        let count = unsafe bytes.withUnsafeBytes {
            unsafe SSL_write(handle, $0.baseAddress! + start, Int32(clamping: $0.count - start))
        }
        return count > 0 ? .bytes(Int(count)) : outcome(count)
    }

    /// Tells the other side that nothing more comes (close_notify).
    /// - Returns: false when it is blocked, and has to be called again.
    func endWriting() -> Bool {
        TLSErrors.clear()
        let code = unsafe SSL_shutdown(handle)
        guard code < 0, case .blocked = outcome(code) else { return true }
        return wish == .reading  // For the other side's, which nobody needs.
    }

    /// SHA-256 of the certificate that the other side has shown; nil when it has shown none.
    var peerFingerprint: [UInt8]? { unsafe TLSContext.peerFingerprint(handle) }

    private func outcome(_ code: Int32) -> Sockets.Progress {
        switch unsafe SSL_get_error(handle, code) {
        case SSL_ERROR_WANT_READ: wish = .reading
        case SSL_ERROR_WANT_WRITE: wish = .writing
        default: return .ended
        }
        return .blocked
    }
}
