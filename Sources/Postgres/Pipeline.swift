/// Statements that travel together and are answered in one round trip. See ``Connection/pipeline(deadline:_:)``.
public struct Pipeline: Sendable {
    struct Statement {
        var sql: String
        var parameters: [Parameter]
    }

    private(set) var statements: [Statement] = []

    /// Adds one statement. Nothing is sent yet; the parameters are kept, not copied.
    /// - Parameters:
    ///   - sql: one statement with `$1`, `$2`, …
    ///   - parameters: their values.
    public mutating func query(_ sql: String, _ parameters: [Parameter] = []) {
        statements.append(Statement(sql: sql, parameters: parameters))
    }
}
