import CLibPQ

/// Hands libpq's notices to a handler. Lives at least as long as the `PGconn` it is attached to.
final class NoticeRouter: Sendable {
    private let handler: Notice.Handler

    init(_ handler: @escaping Notice.Handler) {
        self.handler = handler
    }

    /// From now on `connection` reports here instead of writing to standard error.
    func attach(to connection: OpaquePointer) {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context = unsafe context, let result = unsafe result else { return }
                let router = unsafe Unmanaged<NoticeRouter>.fromOpaque(context).takeUnretainedValue()
                unsafe router.handler(Notice(fields: result))
            }, context)
    }
}

extension Notice {
    /// libpq frees `result` itself, so nothing of it is kept.
    fileprivate init(fields result: OpaquePointer) {
        func field(_ code: Character) -> String? {
            guard let text = unsafe PQresultErrorField(result, CInt(code.asciiValue!)) else { return nil }
            return unsafe String(cString: text)
        }
        severity = field(ResultHandle.Field.severityUntranslated) ?? ""
        sqlState = field(ResultHandle.Field.sqlState)
        message =
            unsafe field(ResultHandle.Field.message)
            ?? String(cString: PQresultErrorMessage(result)).singleLine
        detail = field(ResultHandle.Field.detail)
        hint = field(ResultHandle.Field.hint)
    }
}
