import Testing

@testable import Millrace

@Suite struct RenameCommandTests {
    private static func file(_ name: String) -> String {
        """
        # kpis of the game
        topology: \(name)   # kpis
        nodes:
          events: { kafka: { brokers: "${BROKERS}", topics: [kpis] } }
          records: { from: events, parse_json: { fields: { n: integer } } }
          counts: { from: records, summarize: { metrics: { all: count() } } }
          out: { from: counts, postgres: { url: "${DATABASE_URL}", table: kpis } }

        """
    }

    @Test(arguments: ["", "\"", "'"])
    func nothingButTheNameChanges(quote: String) throws {
        func file(_ name: String) -> String { Self.file(quote + name + quote) }
        #expect(try RenameCommand.renamed(file("kpis"), from: "kpis", to: "game_kpis") == file("game_kpis"))
    }

    @Test func anEarlierFileFollowsItsTopology() throws {
        #expect(try RenameCommand.earlier(Self.file("kpis"), of: "game_kpis") == Self.file("game_kpis"))
        #expect(try RenameCommand.earlier(Self.file("'kpis'"), of: "kpis") == Self.file("'kpis'"))
        // What stands beside a topology says the topology's name, and a variable says another one elsewhere.
        #expect(try RenameCommand.earlier(Self.file("kpis"), of: "kpis@4") == Self.file("kpis"))
        #expect(try RenameCommand.earlier(Self.file("${NAME}"), of: "kpis") == Self.file("${NAME}"))
        #expect(try RenameCommand.earlier(Self.file("${NAME:-x}"), of: "kpis") == Self.file("${NAME:-x}"))
    }

    private static func refusal(_ file: String, _ old: String, _ new: String) -> String? {
        do {
            _ = try RenameCommand.renamed(file, from: old, to: new)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func aNameThatIsNotThereOrIsNoneIsRefused() {
        #expect(
            Self.refusal(Self.file("kpis"), "other", "new")?.contains("does not stand in the deployed file") == true)
        #expect(
            Self.refusal(Self.file("${NAME}"), "kpis", "new")?.contains("does not stand in the deployed file") == true)
        for name in ["new name", "1: 2", "", "a\nb", "x@3"] {
            #expect(Self.refusal(Self.file("kpis"), "kpis", name)?.contains("not allowed") == true, "\(name)")
        }
    }
}
