package import Logging

/// Something that a node notices about what it is fed: nothing fails, but a person wants to know.
package struct Remark: Sendable {
    /// What a log says, a constant sentence.
    package var message: Logger.Message
    /// What varies of it.
    package var metadata: Logger.Metadata
    /// The same as one sentence for a person; nil when a later remark says it with the numbers.
    package var sentence: String?
}
