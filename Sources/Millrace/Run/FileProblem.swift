import Foundation

/// Why a file could not be read or written, in the system's words: Foundation's own say less.
enum FileProblem {
    static func reason(_ error: any Error) -> String {
        guard let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? POSIXError else {
            return error.localizedDescription
        }
        return unsafe String(cString: strerror(cause.code.rawValue))
    }
}
