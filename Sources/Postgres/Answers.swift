import CLibPQ

/// Collects the results of one conversation until it is complete: a state machine without I/O.
///
/// Simple and extended queries end with a missing result. In a pipeline a missing result only ends one statement, and
/// the synchronization point ends the conversation.
struct Answers {
    private(set) var results: [QueryResult] = []
    private(set) var error: PostgresError?
    private(set) var isComplete = false
    /// True when the connection cannot be used further, whatever its socket says.
    private(set) var isConnectionUnusable = false
    private let isPipelined: Bool
    private var statementIndex = 0

    init(isPipelined: Bool) {
        self.isPipelined = isPipelined
    }

    mutating func take(_ result: ResultHandle) {
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            results.append(QueryResult(result))
        case PGRES_FATAL_ERROR:
            if result.isFatal { isConnectionUnusable = true }
            fail(result.error())
        case PGRES_PIPELINE_ABORTED:
            break
        case PGRES_PIPELINE_SYNC:
            isComplete = true
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            stop(PostgresError(.usage, "COPY is not part of this driver", hint: "use unnest with arrays"))
        default:
            stop(PostgresError(.protocolViolation, "unexpected answer: \(result.errorMessage.singleLine)"))
        }
    }

    /// libpq has no further result for the current statement.
    mutating func takeEndOfStatement(isConnectionUsable: Bool) {
        statementIndex += 1
        if !isPipelined || !isConnectionUsable { isComplete = true }
    }

    private mutating func fail(_ failure: PostgresError) {
        guard error == nil else { return }
        var failure = failure
        if isPipelined { failure.statementIndex = statementIndex }
        error = failure
    }

    private mutating func stop(_ failure: PostgresError) {
        fail(failure)
        isConnectionUnusable = true
        isComplete = true
    }
}
