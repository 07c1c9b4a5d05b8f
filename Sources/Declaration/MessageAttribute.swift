/// A value of a message that is not in its payload; records may have it as a field.
public enum MessageAttribute: Hashable, Sendable, CustomStringConvertible {
    /// When the producer or the broker says it was written.
    case timestamp
    /// The key.
    case key
    /// The last header of this name.
    case header(String)
    /// The topic's name.
    case topic
    /// The partition's number.
    case partition
    /// The offset in its partition; of lines of a file the position of their first byte.
    case offset

    /// Reads `message.key`, `message.header.NAME` and the like; nil for anything else.
    public init?(_ text: String) {
        switch text {
        case "message.timestamp": self = .timestamp
        case "message.key": self = .key
        case "message.topic": self = .topic
        case "message.partition": self = .partition
        case "message.offset": self = .offset
        default:
            let prefix = "message.header."
            guard text.hasPrefix(prefix), text.utf8.count > prefix.utf8.count else { return nil }
            self = .header(String(text.dropFirst(prefix.count)))
        }
    }

    /// As it is written in topology files.
    public var description: String {
        switch self {
        case .timestamp: "message.timestamp"
        case .key: "message.key"
        case .header(let name): "message.header.\(name)"
        case .topic: "message.topic"
        case .partition: "message.partition"
        case .offset: "message.offset"
        }
    }

    /// Whether a source hands it over as a text beside the message, and only when it is asked to: the others are kept with
    /// every message.
    public var isText: Bool {
        switch self {
        case .key, .header, .topic, .partition: true
        case .timestamp, .offset: false
        }
    }
}

/// What the messages of a source have beside their payload.
public struct MessageOffer: Sendable {
    /// The type of the source, for messages.
    public var source: String
    /// Whether messages have an attribute, as far as the type of the source decides it.
    public var has: @Sendable (MessageAttribute) -> Bool

    /// Describes an offer.
    public init(source: String, has: @escaping @Sendable (MessageAttribute) -> Bool) {
        self.source = source
        self.has = has
    }

    /// What the messages of several sources have in common.
    init(sharedBy offers: [MessageOffer]) {
        let names = offers.reduce(into: [String]()) { if !$0.contains($1.source) { $0.append($1.source) } }
        self.init(source: names.joined(separator: " or ")) { attribute in offers.allSatisfy { $0.has(attribute) } }
    }
}
