/// Why a service for tests and demonstrations could not be started or controlled. A retry rarely helps; the message
/// says what is missing.
public struct LocalServiceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Which service, such as `private postgres`.
    public var service: String
    /// What is wrong.
    public var message: String
    /// What to do about it.
    public var hint: String?

    /// Describes a failure of `service`.
    public init(_ service: String, _ message: String, hint: String? = nil) {
        self.service = service
        self.message = message
        self.hint = hint
    }

    /// One line.
    public var description: String {
        "\(service): \(message)" + (hint.map { "; \($0)" } ?? "")
    }
}
