import COpenSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What sessions are made of: OpenSSL's settings, and at a listener a certificate with its key.
///
/// TLS 1.2 and 1.3 with OpenSSL's own choice of ciphers; no renegotiation, no compression (OpenSSL's default), no cache
/// of sessions (tickets do without), HTTP/1.1 by ALPN. A session keeps what it was made of, so that connections go on
/// with the certificate they began with.
///
/// `@unchecked Sendable`: nothing is changed after it is made, and OpenSSL counts references to it atomically.
@safe final class TLSContext: @unchecked Sendable {
    private let handle: OpaquePointer
    /// When the certificate begins and ends, in seconds since 1970.
    let (begin, end): (Int64, Int64)
    /// SHA-256 of the certificate, by which it is told from another one; empty for a client.
    let fingerprint: [UInt8]

    /// For a listener.
    /// - Parameter now: seconds since 1970, by which a certificate is valid or not.
    /// - Throws: `TLSFailure`, which names the file.
    init(certificate: PEMFile, key: PEMFile, now: Int64) throws(TLSFailure) {
        let chain = try Certificates(certificate)
        (begin, end, fingerprint) = unsafe (
            Self.seconds(X509_get0_notBefore(chain.leaf.handle)), Self.seconds(X509_get0_notAfter(chain.leaf.handle)),
            Self.digest(chain.leaf.handle)
        )
        guard begin <= now else {
            throw TLSFailure(
                "\(certificate.path): the certificate begins at \(TLSMoment.text(begin)), which is still to come; look at "
                    + "the clock of this machine, which says \(TLSMoment.text(now))")
        }
        guard now < end else {
            throw TLSFailure(
                "\(certificate.path): the certificate has ended at \(TLSMoment.text(end)); renew it, or look at the clock "
                    + "of this machine, which says \(TLSMoment.text(now))")
        }
        let secret = try Key(key)
        guard unsafe X509_check_private_key(chain.leaf.handle, secret.handle) == 1 else {
            throw TLSFailure(
                "\(key.path): this key is not the one of the first certificate in \(certificate.path); give the two that "
                    + "were made together, and the certificate of this machine in front of those that vouch for it")
        }
        unsafe handle = try Self.make(TLS_server_method())
        // What fails from here on frees what there is.
        try use(chain, secret, certificate.path)
    }

    /// For whoever asks a listener. It believes every certificate: who made it has to look at the peer's.
    /// - Throws: `TLSFailure` when there is no memory.
    init() throws(TLSFailure) {
        (begin, end, fingerprint) = (0, 0, [])
        unsafe handle = try Self.make(TLS_client_method())
    }

    deinit { unsafe SSL_CTX_free(handle) }

    /// SHA-256 of the first certificate of a file.
    /// - Throws: `TLSFailure`.
    static func fingerprint(of file: PEMFile) throws(TLSFailure) -> [UInt8] {
        let chain = try Certificates(file)
        return unsafe digest(chain.leaf.handle)
    }

    /// A session over a connected socket, which stays the caller's; nil when there is no memory.
    func session(_ socket: Int32) -> TLSSession? {
        guard let made = unsafe SSL_new(handle) else { return nil }
        guard unsafe SSL_set_fd(made, socket) == 1 else {
            unsafe SSL_free(made)
            return nil
        }
        if fingerprint.isEmpty { unsafe SSL_set_connect_state(made) } else { unsafe SSL_set_accept_state(made) }
        return unsafe TLSSession(made)
    }

    private static func make(_ method: OpaquePointer?) throws(TLSFailure) -> OpaquePointer {
        TLSErrors.clear()
        guard let made = unsafe SSL_CTX_new(method) else {
            throw TLSFailure("OpenSSL does not begin: \(TLSErrors.take())")
        }
        unsafe SSL_CTX_ctrl(made, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        unsafe SSL_CTX_set_options(made, tls_no_renegotiation)
        unsafe SSL_CTX_ctrl(made, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        // Buffers of idle connections are given back. What is written again may lie elsewhere by then.
        let modes = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
        unsafe SSL_CTX_ctrl(made, SSL_CTRL_MODE, Int(modes), nil)
        return unsafe made
    }

    private func use(_ chain: Certificates, _ secret: borrowing Key, _ path: String) throws(TLSFailure) {
        // One call handles one record: who sends nothing but records without data does not keep the thread.
        unsafe SSL_CTX_ctrl(handle, SSL_CTRL_CLEAR_MODE, Int(SSL_MODE_AUTO_RETRY), nil)
        TLSErrors.clear()
        guard unsafe SSL_CTX_use_certificate(handle, chain.leaf.handle) == 1,
            unsafe SSL_CTX_use_PrivateKey(handle, secret.handle) == 1
        else { throw TLSFailure("\(path): OpenSSL does not take this certificate: \(TLSErrors.take())") }
        for (index, other) in chain.others.enumerated() {
            // 1: it is counted once more.
            guard unsafe SSL_CTX_ctrl(handle, SSL_CTRL_CHAIN_CERT, 1, UnsafeMutableRawPointer(other.handle)) == 1
            else {
                throw TLSFailure("\(path): OpenSSL does not take certificate \(index + 2): \(TLSErrors.take())")
            }
        }
        unsafe SSL_CTX_set_alpn_select_cb(
            handle,
            { _, out, outLength, offered, offeredLength, _ in
                let own = Array("\u{8}http/1.1".utf8)
                var chosen: UnsafeMutablePointer<UInt8>?
                let found = unsafe SSL_select_next_proto(
                    &chosen, outLength, offered, offeredLength, own, UInt32(own.count))
                // What fits is a piece of what was offered, which outlives this call.
                guard found == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                unsafe out?.pointee = UnsafePointer(chosen)
                return SSL_TLSEXT_ERR_OK
            }, nil)
    }

    /// When a moment of a certificate is, in seconds since 1970; of one that cannot be read, 0.
    private static func seconds(_ moment: UnsafePointer<ASN1_TIME>?) -> Int64 {
        var parts = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(moment, &parts) == 1 else { return 0 }
        return unsafe Int64(timegm(&parts))
    }

    fileprivate static func digest(_ certificate: OpaquePointer) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard unsafe X509_digest(certificate, EVP_sha256(), &bytes, &count) == 1 else { return [] }
        return Array(bytes.prefix(Int(count)))
    }

    /// SHA-256 of the certificate that the other side of a session has shown; nil when it has shown none.
    static func peerFingerprint(_ session: OpaquePointer) -> [UInt8]? {
        guard let shown = unsafe SSL_get1_peer_certificate(session) else { return nil }
        defer { unsafe X509_free(shown) }
        return unsafe digest(shown)
    }
}

/// A certificate in OpenSSL's memory.
@safe private final class Certificate {
    let handle: OpaquePointer

    /// The next one of a source; nil when there is none, and OpenSSL's list of errors says why.
    init?(_ source: PEMSource) {
        guard let found = unsafe PEM_read_bio_X509(source.handle, nil, { _, _, _, _ in -1 }, nil) else { return nil }
        unsafe handle = found
    }

    deinit { unsafe X509_free(handle) }
}

/// The certificates of a file: the machine's own, and those that vouch for it.
private struct Certificates {
    let leaf: Certificate
    let others: [Certificate]

    /// - Throws: `TLSFailure` when there is none, or one is damaged.
    init(_ file: PEMFile) throws(TLSFailure) {
        let source = try PEMSource(file)
        var found: [Certificate] = []
        TLSErrors.clear()
        while let next = Certificate(source) { found.append(next) }
        let (isAtEnd, reason) = (TLSErrors.isEndOfPEM, TLSErrors.take())
        guard isAtEnd else {
            throw TLSFailure("\(file.path): certificate \(found.count + 1) of the file cannot be read: \(reason)")
        }
        guard let first = found.first else {
            throw TLSFailure(
                "\(file.path): found no certificate, expected -----BEGIN CERTIFICATE----- (PEM)"
                    + (file.mentions("PRIVATE KEY-----") ? "; this is a key: are the two files exchanged?" : ""))
        }
        (leaf, others) = (first, Array(found.dropFirst()))
    }
}

/// The key of a file.
@safe private struct Key: ~Copyable {
    let handle: OpaquePointer

    /// - Throws: `TLSFailure` when there is none, or it wants a passphrase.
    init(_ file: PEMFile) throws(TLSFailure) {
        let source = try PEMSource(file)
        TLSErrors.clear()
        // Without an answer of ours, OpenSSL would ask for a passphrase at the terminal.
        guard let found = unsafe PEM_read_bio_PrivateKey(source.handle, nil, { _, _, _, _ in -1 }, nil) else {
            let reason = TLSErrors.take()
            if file.mentions("ENCRYPTED") {
                throw TLSFailure(
                    "\(file.path): the key wants a passphrase, which nobody can give here; expected one without: openssl "
                        + "pkey -in \(file.path) -out FILE, and chmod 600 FILE")
            }
            guard !file.mentions("PRIVATE KEY-----") else {
                throw TLSFailure("\(file.path): the key cannot be read: \(reason)")
            }
            throw TLSFailure(
                "\(file.path): found no key, expected -----BEGIN PRIVATE KEY----- (PEM)"
                    + (file.mentions("BEGIN CERTIFICATE-----")
                        ? "; this is a certificate: are the two files exchanged?" : ""))
        }
        unsafe handle = found
    }

    deinit { unsafe EVP_PKEY_free(handle) }
}

/// The bytes of a file, as OpenSSL reads them.
@safe private final class PEMSource {
    let handle: OpaquePointer

    init(_ file: PEMFile) throws(TLSFailure) {
        guard let made = unsafe BIO_new(BIO_s_mem()) else { throw TLSFailure("\(file.path): no memory to read it") }
        unsafe handle = made
        // It has a copy, since bytes of an array have no lasting place.
        let written = unsafe BIO_write(made, file.bytes, Int32(file.bytes.count))
        guard file.bytes.isEmpty || written == file.bytes.count else {
            throw TLSFailure("\(file.path): no memory to read it")
        }
    }

    deinit { unsafe BIO_free(handle) }
}

/// OpenSSL's list of errors, of which each thread has one: cleared in front of a call, taken after it.
enum TLSErrors {
    static func clear() { ERR_clear_error() }

    /// The last error in words, and none left.
    static func take() -> String {
        defer { ERR_clear_error() }
        let code = ERR_peek_last_error()
        guard code != 0 else { return "no reason is given" }
        return unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    }

    /// Whether nothing of PEM was left to read.
    static var isEndOfPEM: Bool { ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE }
}
