import Foundation

/// Where a listener's certificate and key are, both in PEM.
package struct TLSFiles: Sendable, Equatable {
    /// The certificate of this machine, and behind it those that vouch for it.
    package var certificate: String
    /// The key that belongs to it, without a passphrase.
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// A certificate or a key cannot be used.
package struct TLSFailure: Error, CustomStringConvertible, Sendable, Equatable {
    /// The file, what is wrong with it, and the way out.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Moments in messages.
package enum TLSMoment {
    /// `2026-01-31T12:00:00Z`
    package static func text(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }

    /// Seconds since 1970.
    static var now: Int64 { Int64(Date.now.timeIntervalSince1970) }
}

/// What a listener with TLS has to say.
package enum TLSNews: Sendable, Equatable {
    /// Another certificate is in use, which ends then (seconds since 1970).
    case renewed(end: Int64)
    /// The files hold something else that cannot be used; the certificate from before stays.
    case refused(String)
    /// The certificate ends soon, or has ended; told once a day.
    case ending(end: Int64, secondsLeft: Int64)
    /// So many handshakes have failed since this was said last, one of them for this reason; once a minute at most.
    case handshakesFailed(count: Int, reason: String)
}
