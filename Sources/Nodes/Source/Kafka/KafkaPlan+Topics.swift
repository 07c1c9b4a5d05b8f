import Dataflow
package import Declaration

extension KafkaPlan {
    /// The longest name of a topic that Kafka takes.
    private static let topicBytesMax = 249

    /// What is wrong with the topics of a `kafka` node: names that no topic can have would be waited for for ever, and
    /// librdkafka takes what begins with `^` for a regular expression, under which a topic may be read twice.
    package static func topicProblems(_ node: NodeDeclaration) -> Diagnostics {
        var problems = Diagnostics()
        guard let topics = node.config["topics"], let names = topics.list else { return problems }
        func report(_ location: SourceLocation, _ message: String, _ hint: String? = nil) {
            problems.append(Diagnostic(code: "kafka-topics", at: location, message, hint: hint))
        }
        if names.isEmpty {
            report(topics.location, "topics is an empty list, expected the topics to read", "for example [game.events]")
        }
        var seen: Set<String> = []
        for value in names {
            guard let name = value.string else { continue }
            if let problem = topicProblem(name) {
                report(value.location, problem.what, problem.hint)
            } else if !seen.insert(name).inserted {
                report(value.location, "topic \(name) is in the list twice", "remove one")
            }
        }
        return problems
    }

    private static func topicProblem(_ name: String) -> (what: String, hint: String?)? {
        let rule = "expected letters, digits, '.', '_' and '-'"
        if name.contains(",") {
            let parts = name.split(separator: ",").map { $0.trimmingPrefix { $0 == " " } }
            return (
                "a topic cannot be called '\(shown(name))', \(rule)",
                "topics are a list: [\(shown(parts.joined(separator: ", ")))]"
            )
        }
        if name.utf8.count > topicBytesMax {
            return (
                "a topic's name is too long, found \(name.utf8.count) bytes, expected at most \(topicBytesMax)", nil
            )
        }
        if name == "." || name == ".." { return ("a topic cannot be called '\(name)'", nil) }
        guard name.utf8.allSatisfy(isTopicByte) else {
            let isPattern = name.contains { "^*?$+()|".contains($0) }
            return (
                "a topic cannot be called '\(shown(name))', \(rule)",
                isPattern ? "regular expressions are not supported: list the topics" : nil
            )
        }
        return nil
    }

    private static func shown(_ name: String) -> String { String(name.prefix(60)) }

    private static func isTopicByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
