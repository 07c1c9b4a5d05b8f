import ArgumentParser
import Catalog

/// `millrace dead-letters`: records that could not be used.
struct DeadLetters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "See the records that could not be used, by cause, one by one; replay or discard them.",
        subcommands: [Listing.self, Show.self, Replay.self, Discard.self], defaultSubcommand: Listing.self)
}

/// Which letters are meant.
struct LetterOptions: ParsableArguments {
    @Argument(help: "The topology.")
    var topology: String

    @Option(help: "Only of this cause, such as wrong_type.")
    var cause: String?

    @Option(help: "Only of this node.")
    var node: String?

    @Option(help: "Only of this field.")
    var field: String?

    @Option(help: ArgumentHelp("Only the letter of this number; may be given several times.", valueName: "number"))
    var id: [Int64] = []

    var choice: DeadLetterChoice {
        DeadLetterChoice(topology: topology, cause: cause, node: node, field: field, ids: id)
    }

    /// Whether anything narrows them down.
    var isNarrow: Bool { cause != nil || node != nil || field != nil || !id.isEmpty }
}

extension DeadLetters {
    struct Listing: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "How many there are of each cause.")

        @Argument(help: "Only of this topology.")
        var topology: String?

        @OptionGroup var catalog: CatalogOptions

        func run() async throws {
            let topology = topology
            let look = CatalogOptions.Look<[DeadLetterGroup]>(nothing: topology == nil ? [] : nil)
            let found = try await catalog.withCatalog(look: look) { catalog in
                if let topology { try catalog.checkLetters(of: topology) }
                return try catalog.deadLetters(of: topology)
            }
            if catalog.json { return JSONAnswer.print(found) }
            guard !found.isEmpty else {
                return print(topology.map { "topology \($0) has no dead letters" } ?? "there are no dead letters")
            }
            print(
                TextTable(
                    [["topology", "cause", "node", "field", "count", "last", "example", "why"]]
                        + found.map { group in
                            [
                                group.topology, group.cause ?? "-", group.node ?? "-", group.field ?? "-",
                                "\(group.count)",
                                group.last.map { Moment.text($0) } ?? "-", "\(group.exampleNumber)", group.example,
                            ]
                        }))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The newest of them, with what stands in the records.")

        @OptionGroup var letters: LetterOptions

        @Option(name: [.customShort("n"), .long], help: "How many at most.")
        var count = 10

        @OptionGroup var catalog: CatalogOptions

        func validate() throws {
            if !(1...100_000).contains(count) { throw ValidationError("--count: 1 to 100000") }
        }

        func run() async throws {
            let (choice, count) = (letters.choice, count)
            let found = try await catalog.withCatalog(look: .init()) { catalog in
                try catalog.checkLetters(of: choice.topology)
                return try catalog.deadLetters(choice, count: count)
            }
            if catalog.json { return JSONAnswer.print(found) }
            guard !found.isEmpty else { return print("there are no such dead letters of topology \(choice.topology)") }
            print(found.map(Self.text).joined(separator: "\n\n"))
        }

        private static func text(_ letter: DeadLetter) -> String {
            let line = letter.line == 0 ? "" : ", line \(letter.line)"
            var lines = [
                "\(letter.id): \(letter.topic)[\(letter.partition)] at \(letter.offset)\(line)", "  \(letter.reason)",
            ]
            let facts = [
                ("cause", letter.cause), ("node", letter.node), ("field", letter.field), ("found", letter.found),
                ("key", letter.key), ("message", letter.messageTime.map { Moment.text($0) }),
                ("written", letter.writtenAt.map { Moment.text($0) }),
            ]
            lines += facts.compactMap { name, value in value.map { "  \(name): \(visible($0))" } }
            lines.append("  \(visible(letter.payload))")
            return lines.joined(separator: "\n")
        }

        /// A text that moves no cursor and rings no bell: a record may hold anything.
        static func visible(_ text: String) -> String {
            text.unicodeScalars.map { scalar in
                scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
                    ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
            }.joined()
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete those that have been seen to.",
            discussion:
                "What they counted as in the ledger stays. Without a cause, node, field or number, --all must be given."
        )

        @OptionGroup var letters: LetterOptions

        @Flag(help: "All of the topology.")
        var all = false

        @OptionGroup var catalog: CatalogOptions

        func validate() throws {
            if !letters.isNarrow, !all {
                throw ValidationError("say which with --cause, --node, --field or --id, or give --all")
            }
        }

        private struct Answer: Encodable, Sendable {
            var topology: String
            var discarded: Int
        }

        func run() async throws {
            let choice = letters.choice
            let isNarrow = letters.isNarrow
            let count = try await catalog.withCatalog { catalog in
                try catalog.checkLetters(of: choice.topology)
                let count = try catalog.discard(choice)
                if count == 0, isNarrow { throw try Self.refusal(of: choice, &catalog) }
                return count
            }
            if catalog.json {
                JSONAnswer.print(Answer(topology: choice.topology, discarded: count))
            } else {
                print("\(choice.topology): \(count) dead letters discarded")
            }
        }

        /// Says that there are none of those that are named, and which there are.
        private static func refusal(of choice: DeadLetterChoice, _ catalog: inout Catalog) throws -> Refusal {
            let groups = try catalog.deadLetters(of: choice.topology)
            let named = [("cause", choice.cause), ("node", choice.node), ("field", choice.field)].compactMap {
                kind, name in
                name.map { "\(kind) \($0)" }
            }
            let numbers = choice.ids.isEmpty ? [] : ["number \(choice.ids.map(String.init).joined(separator: ", "))"]
            let causes = Set(groups.compactMap(\.cause)).sorted()
            let there =
                choice.cause.map { !causes.contains($0) } ?? false
                ? ", expected one of \(causes.joined(separator: ", "))"

                : "; millrace dead-letters list \(choice.topology) shows which there are"
            return Refusal(
                description: "topology \(choice.topology) has no dead letters"
                    + (groups.isEmpty ? "" : " of \((named + numbers).joined(separator: ", "))\(there)"))
        }
    }
}
