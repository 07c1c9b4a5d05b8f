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
