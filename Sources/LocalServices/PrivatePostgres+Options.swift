extension PrivatePostgres {
    /// How a private cluster is set up.
    public struct Options: Sendable {
        /// Where clients connect.
        public enum Listen: Sendable, Equatable {
            /// 127.0.0.1; nil picks a free port. Every account of the machine can reach it, so outside of tests
            /// choose a password or a socket.
            case loopback(port: UInt16? = nil)
            /// A Unix socket inside the cluster's folder, which only its owner can enter.
            case unixSocket
        }

        /// How clients prove who they are.
        public enum Authentication: Sendable, Equatable {
            /// Everybody who can reach the server is let in.
            case trust
            /// SCRAM with this password for the superuser `postgres`; ``PrivatePostgres/url(database:user:password:)``
            /// contains it.
            case password(String)
        }

        /// What survives.
        public enum Durability: Sendable, Equatable {
            /// No `fsync`: commits survive `kill -9` of the server, not a power failure. Fast, for tests.
            case processCrash
            /// As a production server: commits survive a power failure.
            case powerFailure
        }

        /// The cluster's folder; kept when the cluster stops, and used again when it holds a cluster. Nil makes a
        /// temporary one that is removed.
        public var directory: String?
        /// Where clients connect.
        public var listen = Listen.loopback()
        /// How clients prove who they are.
        public var authentication = Authentication.trust
        /// What survives.
        public var durability = Durability.processCrash
        /// Offer TLS with a certificate made on the spot for `localhost` and 127.0.0.1. Needs `openssl`.
        public var hasTLS = false
        /// Server settings by name, such as `shared_buffers`. They win over all others.
        public var settings: [String: String] = [:]
        /// How long starting may take.
        public var startTimeout: Duration = .seconds(60)

        /// A temporary cluster on a free loopback port, without passwords and `fsync`.
        public init() {}
    }
}
