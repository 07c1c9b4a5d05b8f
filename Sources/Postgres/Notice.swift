/// A message the server sends beside its answers: a warning, a `RAISE NOTICE`, a shutdown announcement.
public struct Notice: Sendable, Equatable {
    /// The server's word, not translated: `WARNING`, `NOTICE`, `INFO`, `LOG`, `DEBUG`, `FATAL`. Empty when the
    /// message is libpq's own.
    public var severity: String
    /// The five-character SQLSTATE, when there is one.
    public var sqlState: String?
    /// The primary message.
    public var message: String
    /// The DETAIL line.
    public var detail: String?
    /// The HINT line.
    public var hint: String?

    /// Receives notices on the thread that uses the connection. Must return soon and must not use the connection.
    public typealias Handler = @Sendable (Notice) -> Void
}
